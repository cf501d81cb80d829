package register

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// checkTable looks for what a table's entry lacks or contradicts.
func (r *Register) checkTable(t Table) (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("table %s: "+format, append([]any{t.Name}, args...)...))
	}
	if t.About == "" || len(t.Use) == 0 || len(t.Columns) == 0 {
		bad("about, use and columns are needed")
	}
	has := func(column string) bool { _, ok := t.Column(column); return ok }
	switch s := t.Subject; {
	case s.Column != "" && s.Via == nil && s.None == "":
		if !has(s.Column) {
			bad("subject: there is no column %s", s.Column)
		}
	case s.Column == "" && s.Via != nil && s.None == "":
		if other, ok := r.Table(s.Via.Table); !ok || !has(s.Via.Column) {
			bad("subject: %s.%s leads nowhere", s.Via.Table, s.Via.Key)
		} else if _, ok := other.Column(s.Via.Key); !ok {
			bad("subject: there is no column %s.%s", s.Via.Table, s.Via.Key)
		}
	case s.Column == "" && s.Via == nil && s.None != "":
	default:
		bad("subject is one of column, via and none")
	}
	if t.Subject.Personal() == (t.Erase == EraseNobody) {
		bad("erase: %q does not go with its subject", t.Erase)
	}
	if !slices.Contains([]Erase{EraseCascade, EraseTrigger, EraseUnlink, EraseNobody}, t.Erase) {
		bad("erase: %q is unknown", t.Erase)
	}
	errs = append(errs, t.checkRetention()...)
	for _, c := range t.Columns {
		errs = append(errs, t.checkColumn(c)...)
	}
	return errs
}

// word is what a value of only and except looks like.
var word = regexp.MustCompile(`^[A-Z_]+$`)

func (t Table) checkRetention() (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("table %s, retention: "+format, append([]any{t.Name}, args...)...))
	}
	r := t.Retention
	if !slices.Contains([]string{"", KeepOwner, KeepForever}, r.Keep) || (r.Keep == "" && r.Clock == "") {
		bad("keep: %q is neither owner nor forever, and no clock ends it", r.Keep)
	}
	if r.Keep == KeepForever && r.Why == "" {
		bad("kept forever, and no reason why")
	}
	if (r.Clock == "") != (r.By == "") {
		bad("clock and by go together")
	}
	if r.Clock == "" && (r.Or != "" || r.Idle != nil || len(r.Only)+len(r.Except) > 0) {
		bad("or, idle, only and except go with a clock")
	}
	named := []string{r.Clock, r.Or}
	if r.Idle != nil {
		if r.Idle.Clock == "" || r.Idle.Max <= 0 {
			bad("idle needs a clock and a time span")
		}
		named = append(named, r.Idle.Clock)
	}
	for _, values := range []map[string]string{r.Only, r.Except} {
		for _, column := range slices.Sorted(maps.Keys(values)) {
			named = append(named, column)
			if !word.MatchString(values[column]) {
				bad("%s: %q is no word in capitals", column, values[column])
			}
		}
	}
	for _, column := range named {
		if _, ok := t.Column(column); column != "" && !ok {
			bad("there is no column %s", column)
		}
	}
	return errs
}

func (t Table) checkColumn(c Column) (errs []error) {
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("column %s.%s: "+format, append([]any{t.Name, c.Name}, args...)...))
	}
	if !isCategory(c.Category) {
		bad("%q is no category", c.Category)
	}
	if speaks(c.Category) && c.Store != Sealed {
		bad("what people write, are called or can be reached by (%s) is stored sealed", c.Category)
	}
	if t.Erase == EraseUnlink && (speaks(c.Category) || c.Store == Sealed) {
		bad("a row that stays after a deletion holds nothing of the kind %s", c.Category)
	}
	if !slices.Contains([]Store{Plain, Sealed, Hashed, Wrapped}, c.Store) {
		bad("store: %q is unknown", c.Store)
	}
	if !slices.Contains([]string{"", "text", "json", "bytes"}, c.As) {
		bad("as: %q is unknown", c.As)
	}
	if (c.Export == "no") != (c.Why != "") || (c.Export != "" && c.Export != "no") {
		bad("export is left out, or it is no and why says why")
	}
	if (c.Store == Sealed) != (c.Row != "") {
		bad("a sealed value has a row, others have none")
	}
	for _, part := range strings.Split(c.Row, "/") {
		if _, ok := t.Column(part); c.Row != "" && !ok {
			bad("row: there is no column %s", part)
		}
	}
	if t.Subject.Personal() && c.Exported() && (c.Store == Hashed || c.Store == Wrapped) {
		bad("what can't be read back is not exported: export: no, and why")
	}
	return errs
}

// speaks says whether values of a category tell by themselves who somebody is or what
// somebody wrote.
func speaks(category string) bool {
	for _, kind := range []string{"user.content", "user.name", "user.contact"} {
		if category == kind || strings.HasPrefix(category, kind+".") {
			return true
		}
	}
	return false
}
