// Package register reads policy/register.yaml: what each table and column of the database
// holds, for what, for how long, how it leads to a person and what becomes of it when that
// person exports or deletes everything; and by which checks each clause of the policy is
// kept. It knows no database and no room: who has both compares or generates.
//
// Categories and uses are those of fideslang (https://ethyca.github.io/fideslang).
package register

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// FileName is the register's name in the policy's files.
const FileName = "register.yaml"

// Register is all that policy/register.yaml says, in its order.
type Register struct {
	// Version is the version of the policy that the register belongs to.
	Version string
	Groups  []Group
	Clauses []Clause
	Tables  []Table
	// LogFields are the keys that lines of the log may have, Metrics the labels of metrics.
	LogFields, Metrics []Field
	Mails              []Mail
	Recipients         []Recipient
	// Files are those in DATA_DIR, Backups the copies of all of it.
	Files, Backups []Place
	Storage        []Storage // in browsers
	Open           []Open
}

// Group is a kind of data that the policy names. The page of what is held, exports and the
// documentation are divided by groups.
type Group struct {
	Name    string
	Clause  string `yaml:"clause"` // empty: operations only
	Purpose string `yaml:"purpose"`
}

// Clause is one sentence or section of the policy and what shows that it is kept.
type Clause struct {
	ID       string   // its anchor, for example C-RET-GUESTS
	Run      []string `yaml:"run"`      // names of the checks that run all the time
	Promises []string `yaml:"promises"` // behaviours, whose tests docs/PROOFS.md names
}

// Table is one table of the database.
type Table struct {
	Name      string
	Group     string    `yaml:"group"`
	About     string    `yaml:"about"` // for everybody to read
	Subject   Subject   `yaml:"subject"`
	Retention Retention `yaml:"retention"`
	Erase     Erase     `yaml:"erase"`
	Use       []string  `yaml:"use"`
	Columns   []Column  `yaml:"-"`
}

// Subject says how a row leads to the person it is about: exactly one of the three.
type Subject struct {
	Column string `yaml:"column"` // holds the owner's id
	Via    *Via   `yaml:"via"`    // another table leads to the owner
	None   string `yaml:"none"`   // nobody's, and why
}

// Via joins Column to the column Key of Table.
type Via struct {
	Column string `yaml:"column"`
	Table  string `yaml:"table"`
	Key    string `yaml:"key"`
}

// Personal says whether rows lead to somebody.
func (s Subject) Personal() bool { return s.None == "" }

// The values of Retention.Keep.
const (
	KeepOwner   = "owner"   // as long as its account or guest
	KeepForever = "forever" // Why says why
)

// Retention is how long rows are kept. With Clock, a row is gone soon after Max has passed
// since the time in that column, and By names the job that sees to it.
type Retention struct {
	Keep   string            `yaml:"keep"`
	Max    Duration          `yaml:"max"`
	Guests Duration          `yaml:"guests"` // the same of guests' rows only
	Clock  string            `yaml:"clock"`
	Or     string            `yaml:"or"`     // the column that counts where Clock's is empty
	Idle   *Idle             `yaml:"idle"`   // a second clock that ends a row as well
	Only   map[string]string `yaml:"only"`   // the rule is for rows with these values
	Except map[string]string `yaml:"except"` // and not for those with these
	By     string            `yaml:"by"`
	Clause string            `yaml:"clause"`
	Why    string            `yaml:"why"`
}

// Idle ends what was not used for Max since the time in Clock.
type Idle struct {
	Max   Duration `yaml:"max"`
	Clock string   `yaml:"clock"`
}

// Erase is what the deletion of an account or guest does with its rows.
type Erase string

// What Erase can be.
const (
	EraseCascade Erase = "cascade" // foreign keys delete them with the owner's row
	EraseTrigger Erase = "trigger" // a trigger does
	EraseUnlink  Erase = "unlink"  // they stay, and nothing leads from them to a person
	EraseNobody  Erase = "nobody"  // they were nobody's
)

// Store is how a value lies in the database.
type Store string

// What Store can be.
const (
	Plain   Store = "plain"
	Sealed  Store = "sealed"  // under the owner's key, see package seal
	Hashed  Store = "hashed"  // can't be read back
	Wrapped Store = "wrapped" // under the installation's key
)

// Column is one column.
type Column struct {
	Name     string
	Category string `yaml:"category"`
	Store    Store  `yaml:"store"`
	As       string `yaml:"as"`     // what a sealed value opens to: text (also when empty), json or bytes
	Row      string `yaml:"row"`    // of a sealed value: the columns that name its row, joined by "/"
	Export   string `yaml:"export"` // "no": not exported and not shown, Why says why
	Why      string `yaml:"why"`
}

// Exported says whether the column is part of an export and of what somebody is shown.
func (c Column) Exported() bool { return c.Export != "no" }

// Duration is a time span written like "90d", "2h" or "0s".
type Duration time.Duration

// Days are so many days.
func Days(n int) Duration { return Duration(time.Duration(n) * 24 * time.Hour) }

// UnmarshalYAML reads days besides what time.ParseDuration does. It takes the node: for its
// text the library would go through the whole file.
func (d *Duration) UnmarshalYAML(node ast.Node) error {
	text := node.GetToken().Value
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil {
			*d = Days(n)
			return nil
		}
	}
	v, err := time.ParseDuration(text)
	if err != nil {
		return fmt.Errorf("%q is no time span: write 90d, 2h or 0s", text)
	}
	*d = Duration(v)
	return nil
}

// Load reads the register and refuses one that contradicts itself.
func Load(files fs.FS) (*Register, error) {
	raw, err := fs.ReadFile(files, FileName)
	if err != nil {
		return nil, fmt.Errorf("read the register: %w", err)
	}
	r, err := parse(raw)
	if err == nil {
		r.Storage, err = readStorage(files)
	}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", FileName, err)
	}
	return r, nil
}

// Table is the table of a name.
func (r *Register) Table(name string) (Table, bool) {
	i := slices.IndexFunc(r.Tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return Table{}, false
	}
	return r.Tables[i], true
}

// Personal are the tables whose rows lead to somebody, in the register's order.
func (r *Register) Personal() []Table {
	return slices.DeleteFunc(slices.Clone(r.Tables), func(t Table) bool { return !t.Subject.Personal() })
}

// Column is the column of a name.
func (t Table) Column(name string) (Column, bool) {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return Column{}, false
	}
	return t.Columns[i], true
}

// check looks for contradictions that the file shows by itself.
func (r *Register) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, c := range r.Clauses {
		if len(c.Run)+len(c.Promises) == 0 {
			bad("clause %s: nothing shows that it is kept", c.ID)
		}
	}
	for _, g := range r.Groups {
		if !r.hasClause(g.Clause) {
			bad("group %s: there is no clause %s", g.Name, g.Clause)
		}
	}
	for _, t := range r.Tables {
		if !slices.ContainsFunc(r.Groups, func(g Group) bool { return g.Name == t.Group }) {
			bad("table %s: there is no group %q", t.Name, t.Group)
		}
		if !r.hasClause(t.Retention.Clause) {
			bad("table %s: there is no clause %s", t.Name, t.Retention.Clause)
		}
		errs = append(errs, r.checkTable(t)...)
	}
	errs = append(errs, r.checkSections()...)
	return errors.Join(errs...)
}
