package jobs_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// shape lists what River's tables are made of, whatever the order of their columns.
const shape = `
SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') FROM information_schema.columns WHERE table_name LIKE 'river%' AND table_schema = current_schema()
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE tablename LIKE 'river%' AND indexname NOT LIKE '%pkey%'
UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid::regclass::text LIKE 'river%' AND contype <> 'n'
UNION ALL SELECT 'table ' || relname || ' ' || relpersistence::text FROM pg_class WHERE relname LIKE 'river%' AND relkind IN ('r', 'S')
UNION ALL SELECT 'state ' || enumlabel FROM pg_enum
UNION ALL SELECT 'function ' || proname || ' ' || prosrc FROM pg_proc WHERE proname LIKE 'river%'
UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname LIKE 'river%'`

func shapeOf(t *testing.T, db *database.DB) []string {
	t.Helper()
	rows, err := db.Pool().Query(t.Context(), shape)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, strings.Join(strings.Fields(line), " "))
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	slices.Sort(out)
	return out
}

// Our migration makes what the library's own migrations make, so that a newer version
// of the library that wants more is noticed here.
func TestTheTablesAreThoseOfTheLibrary(t *testing.T) {
	ours := dbtest.New(t)
	theirs := dbtest.Open(t, dbtest.Empty(t))
	migrator, err := rivermigrate.New(riverpgxv5.New(theirs.Pool()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	got, want := shapeOf(t, ours), shapeOf(t, theirs)
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("missing: %s", line)
		}
	}
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("too much: %s", line)
		}
	}
	if len(want) < 50 {
		t.Errorf("the library made %d things only", len(want))
	}
	migrator, err = rivermigrate.New(riverpgxv5.New(ours.Pool()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := migrator.Validate(t.Context(), nil); err != nil || !r.OK {
		t.Errorf("the library's own check: %+v, %v", r, err)
	}
}
