package register_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/policy"
)

func loaded(t *testing.T) *register.Register {
	t.Helper()
	r, err := register.Load(policy.Files())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// column is one of the migrated schema.
type column struct{ table, name, typ string }

// columnsOf are all columns of the schema's tables; partitions are part of their table.
func columnsOf(t *testing.T, db *database.DB) (out []column) {
	t.Helper()
	rows, err := db.Pool().Query(t.Context(), `SELECT c.relname, a.attname, format_type(a.atttypid, NULL)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
		ORDER BY c.relname, a.attnum`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.table, &c.name, &c.typ); err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return out
}

const (
	enterTable  = "enter it in policy/register.yaml: whose its rows are, how long they stay, what a deletion does with them, what each column holds"
	enterColumn = "enter it in policy/register.yaml with its category. If it is about a person, and for a purpose that the policy's clause of its group does not name, the text changes too: publish a version (policy/versions.json) and, as it changes what people agreed to, mark it significant, so that everybody is told"
)

// unregistered compares a schema with a register, both ways.
func unregistered(r *register.Register, schema []column) (out []string) {
	there := map[string]bool{}
	for _, c := range schema {
		table, known := r.Table(c.table)
		if !known && !there[c.table] {
			out = append(out, fmt.Sprintf("table %s is in the database and not in the register: %s", c.table, enterTable))
		}
		if _, ok := table.Column(c.name); known && !ok {
			out = append(out, fmt.Sprintf("column %s.%s is in the database and not in the register: %s", c.table, c.name, enterColumn))
		}
		there[c.table], there[c.table+"."+c.name] = true, true
	}
	for _, table := range r.Tables {
		if !there[table.Name] {
			out = append(out, fmt.Sprintf("table %s is in the register and not in the database: take it out of policy/register.yaml", table.Name))
			continue
		}
		for _, c := range table.Columns {
			if !there[table.Name+"."+c.Name] {
				out = append(out, fmt.Sprintf("column %s.%s is in the register and not in the database: take it out of policy/register.yaml", table.Name, c.Name))
			}
		}
	}
	return out
}

// P4, P5: the register names every table and column that the migrations make, and no other;
// who adds one without saying what it holds is told what to do.
func TestTheRegisterIsTheSchema(t *testing.T) {
	r, schema := loaded(t), columnsOf(t, dbtest.New(t))
	if len(schema) < 300 {
		t.Fatalf("the schema has only %d columns", len(schema))
	}
	for _, line := range unregistered(r, schema) {
		t.Error(line)
	}
	more := append(slices.Clone(schema), column{"messages", "mood", "text"}, column{"faces", "id", "text"})
	if got := unregistered(r, more); len(got) != 2 || !strings.HasPrefix(got[0], "column messages.mood") || !strings.Contains(got[0], "mark it significant") || !strings.HasPrefix(got[1], "table faces") {
		t.Errorf("a new column and a new table give %q", got)
	}
	fewer := slices.DeleteFunc(slices.Clone(schema), func(c column) bool { return c.table == "runs" || c == column{"conversations", "title_sealed", "bytea"} })
	if got := unregistered(r, fewer); len(got) != 2 {
		t.Errorf("a column and a table that are gone give %q", got)
	}
}

// P80: what is called sealed is registered as sealed, and the reverse; what can't be read
// as it lies there is bytes.
func TestSealedColumnsAreCalledSo(t *testing.T) {
	r := loaded(t)
	for _, c := range columnsOf(t, dbtest.New(t)) {
		table, _ := r.Table(c.table)
		entry, ok := table.Column(c.name)
		if !ok {
			continue
		}
		if (entry.Store == register.Sealed) != strings.HasSuffix(c.name, "_sealed") {
			t.Errorf("%s.%s: registered as %s; sealed values, and they alone, stand in columns whose names end in _sealed", c.table, c.name, entry.Store)
		}
		if entry.Store != register.Plain && c.typ != "bytea" {
			t.Errorf("%s.%s: registered as %s, but it is %s", c.table, c.name, entry.Store, c.typ)
		}
	}
}

// notCollected are names of what the policy says is not stored.
var notCollected = regexp.MustCompile(`(^|_)(ip|ip_?addr\w*|remote_?addr\w*|user_?agent|ua|avatar|picture|photo|birth\w*|dob|age_years|geo\w*|latitude|longitude|lat|lng|city|region|country|access_token|refresh_token|id_token|card_?number|cvc|cvv|pan)(_|$)`)

// P5, P51, P103: there is no column for what the policy says is never stored, and none that
// marks rows as deleted instead of deleting them.
func TestNothingIsStoredThatIsNotCollected(t *testing.T) {
	deleted := regexp.MustCompile(`(^|_)(is_)?(deleted|trashed)(_|$)`)
	for _, c := range columnsOf(t, dbtest.New(t)) {
		if notCollected.MatchString(c.name) || c.typ == "inet" || c.typ == "cidr" || c.typ == "macaddr" || c.typ == "point" {
			t.Errorf("%s.%s (%s): the policy says that this is not collected", c.table, c.name, c.typ)
		}
		if deleted.MatchString(c.name) {
			t.Errorf("%s.%s: rows are deleted, not marked", c.table, c.name)
		}
	}
	for _, name := range []string{"ip", "client_ip", "user_agent", "avatar_url", "birth_month", "refresh_token_sealed", "geo_point", "card_number"} {
		if !notCollected.MatchString(name) {
			t.Errorf("%s is not noticed", name)
		}
	}
	for _, name := range []string{"description", "panel", "script", "email_sealed", "zip"} {
		if notCollected.MatchString(name) {
			t.Errorf("%s is taken for what is not collected", name)
		}
	}
}
