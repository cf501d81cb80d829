package register_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/register"
)

// foreignKey is one of the schema; how is what it does with its rows when those it refers
// to go: c stands for deleting them, a and r for refusing.
type foreignKey struct{ from, to, how string }

func foreignKeys(t *testing.T, db *database.DB) (out []foreignKey) {
	t.Helper()
	rows, err := db.Pool().Query(t.Context(), `SELECT f.relname, o.relname, c.confdeltype::text FROM pg_constraint c
		JOIN pg_class f ON f.oid = c.conrelid JOIN pg_class o ON o.oid = c.confrelid
		WHERE c.contype = 'f' AND f.relnamespace = 'public'::regnamespace AND NOT f.relispartition`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var k foreignKey
		if err := rows.Scan(&k.from, &k.to, &k.how); err != nil {
			t.Fatal(err)
		}
		out = append(out, k)
	}
	if rows.Err() != nil || len(out) < 20 {
		t.Fatal(len(out), rows.Err())
	}
	return out
}

// cascading are the tables whose rows go with the rows of root.
func cascading(keys []foreignKey, root string) map[string]bool {
	gone := map[string]bool{root: true}
	for found := true; found; {
		found = false
		for _, k := range keys {
			if k.how == "c" && gone[k.to] && !gone[k.from] {
				gone[k.from], found = true, true
			}
		}
	}
	return gone
}

// triggered are the tables from which triggers on owners delete.
func triggered(t *testing.T, db *database.DB) map[string]bool {
	t.Helper()
	rows, err := db.Pool().Query(t.Context(), `SELECT p.prosrc FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
		WHERE g.tgrelid = 'owners'::regclass AND NOT g.tgisinternal AND g.tgenabled <> 'D' AND (g.tgtype::int & 8) > 0`) // 8: on DELETE
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var source string
		if err := rows.Scan(&source); err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?i)delete\s+from\s+(\w+)`).FindAllStringSubmatch(source, -1) {
			out[m[1]] = true
		}
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return out
}

// erasures finds tables with which a deletion does something else than the register says.
func erasures(r *register.Register, keys []foreignKey, triggers map[string]bool) (out []string) {
	gone := cascading(keys, "owners")
	for _, table := range r.Tables {
		switch table.Erase {
		case register.EraseCascade:
			if !gone[table.Name] {
				out = append(out, table.Name+": no chain of foreign keys with ON DELETE CASCADE leads to owners, so its rows outlive their owner")
			}
		case register.EraseTrigger:
			if !triggers[table.Name] || gone[table.Name] {
				out = append(out, table.Name+": no trigger on owners deletes its rows, so they outlive their owner")
			}
		case register.EraseUnlink, register.EraseNobody:
			if gone[table.Name] || triggers[table.Name] {
				out = append(out, table.Name+": its rows are deleted with their owner, but the register says that they stay")
			}
		}
		if table.Erase == register.EraseUnlink && !endsInErased(r, table) {
			out = append(out, table.Name+": what leads from its rows to a person is not deleted with the person")
		}
	}
	for _, k := range keys {
		if !gone[k.from] && gone[k.to] {
			out = append(out, k.from+": it refers to "+k.to+", which is deleted with the owner: the deletion would fail")
		}
	}
	slices.Sort(out)
	return out
}

// endsInErased follows the way from a table's rows to a person, and says whether a step of
// it is deleted with the person.
func endsInErased(r *register.Register, table register.Table) bool {
	for range r.Tables {
		if table.Subject.Via == nil {
			return false
		}
		next, ok := r.Table(table.Subject.Via.Table)
		if !ok || next.Erase == register.EraseCascade {
			return ok
		}
		table = next
	}
	return false
}

// P101, P102, P104: a deletion does with every table what the register says: its rows go
// with the owner's, or stay while what led from them to a person goes.
func TestADeletionDoesWhatTheRegisterSays(t *testing.T) {
	r, db := loaded(t), dbtest.New(t)
	keys, triggers := foreignKeys(t, db), triggered(t, db)
	for _, line := range erasures(r, keys, triggers) {
		t.Error(line)
	}
	// A table that a deletion leaves out is seen, and so is one that would stop it.
	forgotten := slices.DeleteFunc(slices.Clone(keys), func(k foreignKey) bool { return k.from == "usage_rows" })
	if got := erasures(r, forgotten, triggers); len(got) != 1 || got[0][:11] != "usage_rows:" {
		t.Errorf("without its foreign key usage_rows gives %q", got)
	}
	if got := erasures(r, keys, nil); len(got) != 2 {
		t.Errorf("without its trigger the limits give %q", got)
	}
	if got := erasures(r, append(keys, foreignKey{"purchases", "owners", "a"}), triggers); len(got) != 1 {
		t.Errorf("a foreign key that would stop a deletion gives %q", got)
	}
}
