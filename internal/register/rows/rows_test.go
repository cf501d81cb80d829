package rows_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/registertest"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/policy"
)

type room struct {
	rows.Reader
	owner    registertest.Owner
	canaries registertest.Canaries
	other    registertest.Canaries // somebody else's
}

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
	r := room{Reader: rows.Reader{DB: db, Register: reg}, owner: registertest.NewOwner(t, keeper, id.New(id.Owner))}
	r.other = registertest.Fill(t, db, reg, registertest.NewOwner(t, keeper, id.New(id.Owner)))
	r.canaries = registertest.Fill(t, db, reg, r.owner)
	return r
}

// all reads a table.
func (r room) all(t *testing.T, table string) (out []rows.Row) {
	t.Helper()
	err := r.Read(t.Context(), r.owner.ID, r.owner.Key, table, func(row rows.Row) error {
		out = append(out, row)
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", table, err)
	}
	return out
}

// P109, P112: every personal table is read: all exported columns with their values, sealed
// ones opened, none that is not exported, nothing of anybody else, and each row once.
func TestEveryPersonalTableIsRead(t *testing.T) {
	r := open(t)
	for _, table := range r.Register.Personal() {
		found := r.all(t, table.Name)
		row, ok := filled(found, r.canaries, table)
		if !ok {
			t.Errorf("%s: the row is not among %d", table.Name, len(found))
			continue
		}
		for _, c := range table.Columns {
			canary, value := r.canaries.Of(table.Name, c.Name), row.Value(c.Name)
			if !c.Exported() {
				if value != nil || canary.Unique && bytes.Contains(row.AppendJSON(nil), []byte(canary.Text)) {
					t.Errorf("%s.%s is not to be read: %s", table.Name, c.Name, row.AppendJSON(nil))
				}
				continue
			}
			if !same(value, c, canary.Text) {
				t.Errorf("%s.%s is %s, want %s", table.Name, c.Name, value, canary.Text)
			}
		}
		for _, row := range found {
			text := row.AppendJSON(nil)
			if !json.Valid(text) {
				t.Errorf("%s: no JSON: %s", table.Name, text)
			}
			for _, c := range r.other {
				if c.Unique && c.Table == table.Name && len(c.Text) > 4 && bytes.Contains(text, []byte(c.Text)) {
					t.Errorf("%s.%s: somebody else's %q", c.Table, c.Column, c.Text)
				}
			}
		}
		if n, err := r.Count(t.Context(), r.owner.ID, table.Name); err != nil || int(n) != len(found) {
			t.Errorf("%s: counted %d of %d (%v)", table.Name, n, len(found), err)
		}
		if _, ok, err := r.Oldest(t.Context(), r.owner.ID, table.Name); err != nil || ok != hasTime(table) {
			t.Errorf("%s: oldest %v (%v)", table.Name, ok, err)
		}
	}
}

func hasTime(t register.Table) bool {
	return slices.ContainsFunc([]string{"created_at", "at", "started_at", "accepted_at", "confirmed_at", "received_at", "hour", "day"}, func(name string) bool {
		_, ok := t.Column(name)
		return ok
	})
}

// filled is the row that the canaries are of.
func filled(found []rows.Row, canaries registertest.Canaries, table register.Table) (rows.Row, bool) {
	for _, row := range found {
		match := true
		for _, c := range table.Columns {
			if c.Exported() && !same(row.Value(c.Name), c, canaries.Of(table.Name, c.Name).Text) {
				match = false
			}
		}
		if match {
			return row, true
		}
	}
	if len(found) == 1 {
		return found[0], true
	}
	return rows.Row{}, false
}

// same compares a value with a canary's text.
func same(value json.RawMessage, c register.Column, text string) bool {
	if string(value) == "null" {
		return text == ""
	}
	got := rows.Value{JSON: value}.Text()
	if value[0] == '{' {
		var a, b any
		return json.Unmarshal(value, &a) == nil && json.Unmarshal([]byte(text), &b) == nil && fmt.Sprint(a) == fmt.Sprint(b)
	}
	norm := strings.NewReplacer("T", " ", "+00:00", "+00")
	return got == text || norm.Replace(got) == norm.Replace(text) || got == map[string]string{"t": "true", "f": "false"}[text]
}

// P109: pages come in the same order as the whole and leave nothing out.
func TestPagesAreTheWhole(t *testing.T) {
	r := open(t)
	ctx := t.Context()
	_, err := r.DB.Pool().Exec(ctx, `INSERT INTO usage_rows SELECT (jsonb_populate_record(u, jsonb_build_object('id', 'use_' || lpad(n::text, 32, '0'), 'ref', 'r' || n))).*
		FROM usage_rows u, generate_series(1, 500) n WHERE owner_id = $1`, r.owner.ID)
	if err != nil {
		t.Fatal(err)
	}
	whole := r.all(t, "usage_rows")
	var paged []rows.Row
	for after := ""; ; {
		page, err := r.Page(ctx, r.owner.ID, r.owner.Key, "usage_rows", after, 70)
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, page...)
		if len(page) < 70 {
			break
		}
		after = page[len(page)-1].Position
	}
	if len(whole) != 501 || !slices.EqualFunc(whole, paged, func(a, b rows.Row) bool { return a.Position == b.Position }) {
		t.Errorf("%d rows, %d by pages", len(whole), len(paged))
	}
	for _, after := range []string{"%", "W10", "bm9uc2Vuc2U"} {
		if _, err := r.Page(ctx, r.owner.ID, r.owner.Key, "usage_rows", after, 1); err == nil {
			t.Errorf("the position %q was taken", after)
		}
	}
}

// What the register doesn't call personal can't be read, nor with another's key.
func TestOnlyPersonalTablesAreRead(t *testing.T) {
	r := open(t)
	none := func(rows.Row) error { return nil }
	for _, table := range []string{"installation", "nothing", `owners"; --`} {
		if err := r.Read(t.Context(), r.owner.ID, r.owner.Key, table, none); !errors.Is(err, rows.ErrTable) {
			t.Errorf("%s: %v", table, err)
		}
	}
	wrong, err := seal.KeyOf(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Read(t.Context(), r.owner.ID, wrong, "messages", none); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("with another key: %v", err)
	}
}

// A snapshot shows one moment: what is written meanwhile is not in it, and a yield's error
// ends the reading.
func TestASnapshotIsOneMoment(t *testing.T) {
	r := open(t)
	stop := errors.New("enough")
	err := r.Snapshot(t.Context(), r.owner.ID, r.owner.Key, func(s *rows.Snapshot) error {
		if err := s.Read(t.Context(), "consents", func(rows.Row) error { return nil }); err != nil {
			return err
		}
		execute(t, r.DB, `DELETE FROM consents WHERE owner_id = $1`, r.owner.ID)
		n := 0
		err := s.ReadWhere(t.Context(), "consents", "kind", r.canaries.Of("consents", "kind").Text, func(rows.Row) error { n++; return nil })
		if n != 1 || err != nil {
			t.Errorf("%d rows (%v)", n, err)
		}
		return s.Read(t.Context(), "messages", func(rows.Row) error { return stop })
	})
	if !errors.Is(err, stop) {
		t.Error(err)
	}
	if n, err := r.Count(t.Context(), r.owner.ID, "consents"); n != 0 || err != nil {
		t.Errorf("%d rows left (%v)", n, err)
	}
}

func execute(t *testing.T, db *database.DB, sql string, args ...any) {
	t.Helper()
	if _, err := db.Pool().Exec(context.WithoutCancel(t.Context()), sql, args...); err != nil {
		t.Fatal(err)
	}
}
