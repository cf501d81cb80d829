package inventory_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inventory"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/registertest"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	"github.com/kimi-k2/kimi-k2/policy"
)

type room struct {
	*inventory.Service
	reg             *register.Register
	viewer, other   viewer.Viewer
	canaries, their registertest.Canaries
}

// open is a database in which two owners have a canary in every column.
func open(t *testing.T) room {
	t.Helper()
	reg, err := register.Load(policy.Files())
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := seal.NewKeeper(bytes.Repeat([]byte{1}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	db := dbtest.New(t)
	owner := func() (viewer.Viewer, registertest.Canaries) {
		o := registertest.NewOwner(t, keeper, id.New(id.Owner))
		return viewer.Viewer{Kind: viewer.Account, OwnerID: o.ID, Key: o.Key}, registertest.Fill(t, db, reg, o)
	}
	r := room{Service: inventory.New(rows.Reader{DB: db, Register: reg}), reg: reg}
	r.viewer, r.canaries = owner()
	r.other, r.their = owner()
	return r
}

func (r room) rows(t *testing.T, v viewer.Viewer, table string) []*models.DataRow {
	t.Helper()
	found, more, err := r.Rows(t.Context(), v, table, page.Args{Size: page.MaxSize})
	if err != nil || more {
		t.Fatalf("%s: more is %v, %v", table, more, err)
	}
	return found
}

// everything is all that is shown of a viewer's rows, value by value.
func (r room) everything(t *testing.T, v viewer.Viewer) (out []string) {
	t.Helper()
	for _, g := range r.Inventory().Groups {
		for _, table := range g.Tables {
			for _, row := range r.rows(t, v, table.Name) {
				for _, value := range row.Values {
					if value.Value != nil {
						out = append(out, *value.Value)
					}
				}
			}
		}
	}
	return out
}

// P109: what stands in any column about somebody is shown to that person, opened, and to
// nobody else, unless the register says why not: a canary in each column shows up.
func TestACanaryInEachColumnIsShown(t *testing.T) {
	r := open(t)
	text := strings.Join(r.everything(t, r.viewer), "\n")
	unique := 0
	for _, c := range r.canaries {
		if !c.Unique || c.Text == "" {
			continue
		}
		unique++
		if shown := strings.Contains(text, plain(c)); shown != c.Export {
			t.Errorf("%s.%s: shown is %v, exported %v: %q", c.Table, c.Column, shown, c.Export, c.Text)
		}
	}
	if unique < 60 {
		t.Errorf("only %d columns have a canary of their own", unique)
	}
	for _, c := range r.their {
		if c.Unique && c.Text != "" && strings.Contains(text, plain(c)) {
			t.Errorf("%s.%s of somebody else is shown", c.Table, c.Column)
		}
	}
}

// plain is a canary as it is shown, without what JSON and Postgres write differently.
func plain(c registertest.Canary) string {
	if _, err := time.Parse("2006-01-02 15:04:05.999999-07", c.Text); err == nil {
		return strings.TrimSuffix(strings.Replace(c.Text, " ", "T", 1), "+00")
	}
	return strings.Trim(c.Text, "{}") // facts are JSON, with or without spaces
}

// P109: every table about people is there once with what it is for, how long it stays and
// how many rows of it are one's own.
func TestEveryTableAboutPeopleIsListed(t *testing.T) {
	r := open(t)
	var listed []string
	for _, g := range r.Inventory().Groups {
		if g.Purpose == "" || g.Clause == nil {
			t.Errorf("group %s: for %q, clause %v", g.Name, g.Purpose, g.Clause)
		}
		for _, table := range g.Tables {
			listed = append(listed, table.Name)
			n, err := r.Count(t.Context(), r.viewer, table.Name)
			if found := r.rows(t, r.viewer, table.Name); err != nil || n < 1 || n != int64(len(found)) {
				t.Errorf("%s: %d rows are counted, %d shown, %v", table.Name, n, len(found), err)
			}
			if table.About == "" || table.Retention.Words == "" || len(table.Columns) == 0 || table.Group != g.Name {
				t.Errorf("%s is %+v", table.Name, table)
			}
			if at, err := r.Oldest(t.Context(), r.viewer, table.Name); err != nil || at == nil && slices.ContainsFunc(table.Columns, func(c *models.DataColumn) bool { return c.Name == "created_at" }) {
				t.Errorf("%s: the oldest row is of %v, %v", table.Name, at, err)
			}
		}
	}
	for _, entry := range r.Inventory().Browser {
		if entry.Name == "" || entry.Kind == "" || entry.Purpose == "" || entry.Kept == "" || entry.Clause == "" {
			t.Errorf("in browsers there is %+v", entry)
		}
	}
	if n := len(r.Inventory().Browser); n != len(r.reg.Storage) || n == 0 {
		t.Errorf("%d things are kept in browsers", n)
	}
	for _, table := range r.reg.Shown() {
		if n := len(slices.DeleteFunc(slices.Clone(listed), func(name string) bool { return name != table.Name })); n != 1 {
			t.Errorf("%s is listed %d times", table.Name, n)
		}
	}
}

// Whoever has no data sees what would be held and nobody's values; programs see nothing, and
// tables that are not about people are not there.
func TestWhoSeesNothing(t *testing.T) {
	r := open(t)
	visitor := viewer.Viewer{Kind: viewer.Visitor}
	if n, err := r.Count(t.Context(), visitor, "messages"); err != nil || n != 0 {
		t.Errorf("a visitor has %d messages, %v", n, err)
	}
	if found := r.rows(t, visitor, "messages"); len(found) != 0 {
		t.Errorf("a visitor sees %v", found)
	}
	program := r.viewer
	program.Kind = viewer.APIKey
	if _, _, err := r.Rows(t.Context(), program, "messages", page.Args{Size: 1}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("a program reads what is held: %v", err)
	}
	for _, table := range []string{"installation", "river_job", "nothing", `messages"; --`} {
		if _, err := r.Count(t.Context(), r.viewer, table); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", table, err)
		}
	}
}

// Pages follow each other without a gap and without a row twice.
func TestRowsComeInPages(t *testing.T) {
	r := open(t)
	var all, paged []string
	for _, row := range r.rows(t, r.viewer, "messages") {
		all = append(all, row.Position)
	}
	for after, more := "", true; more; {
		var found []*models.DataRow
		var err error
		if found, more, err = r.Rows(t.Context(), r.viewer, "messages", page.Args{Size: 1, After: after}); err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		after = found[0].Position
		paged = append(paged, after)
	}
	if len(all) != 2 || !slices.Equal(all, paged) {
		t.Errorf("%v, in pages %v", all, paged)
	}
}
