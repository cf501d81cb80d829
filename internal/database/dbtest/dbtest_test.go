package dbtest_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	a, b := dbtest.New(t), dbtest.New(t)
	if _, err := a.Pool().Exec(t.Context(), "CREATE TABLE mine (v text, b bytea)"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pool().Exec(t.Context(), "SELECT * FROM mine"); err == nil {
		t.Fatal("the other database has the table")
	}
	if err := b.CheckVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestDumpHoldsTextAndBytesBothWays(t *testing.T) {
	db := dbtest.New(t)
	if _, err := db.Pool().Exec(t.Context(), `CREATE TABLE mine (v text, b bytea);
		INSERT INTO mine VALUES (E'two\nlines', 'raw bytes')`); err != nil {
		t.Fatal(err)
	}
	dump := dbtest.Dump(t, db)
	for _, want := range []string{"two\nlines", `two\nlines`, "raw bytes", `\\x726177206279746573`} {
		if !strings.Contains(dump, want) {
			t.Errorf("the dump lacks %q:\n%s", want, dump)
		}
	}
	all := dbtest.Values(t, db)
	for _, want := range []string{"two\nlines", "raw bytes"} {
		if !slices.ContainsFunc(all, func(value []byte) bool { return string(value) == want }) {
			t.Errorf("the values lack %q: %q", want, all)
		}
	}
}

// What is searched for a text finds it where it is: in the table's file, and in the log of
// what was written ahead; and no longer once it was deleted and both were written anew.
func TestFilesAreAllThatIsOnTheDisk(t *testing.T) {
	url := dbtest.URL(t)
	db := dbtest.Open(t, url)
	for _, sql := range []string{"CREATE TABLE mine (v text)", "INSERT INTO mine VALUES ('a text on the disk')"} {
		if _, err := db.Pool().Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	look := func() (tables, elsewhere int) {
		dbtest.Files(t, url, func(_ string, base bool, content []byte) {
			switch {
			case !bytes.Contains(content, []byte("a text on the disk")):
			case base:
				tables++
			default:
				elsewhere++
			}
		})
		return tables, elsewhere
	}
	if tables, elsewhere := look(); tables != 1 || elsewhere == 0 {
		t.Errorf("found in %d files of the table and %d others", tables, elsewhere)
	}
	if _, err := db.Pool().Exec(t.Context(), "DELETE FROM mine"); err != nil {
		t.Fatal(err)
	}
	if tables, _ := look(); tables != 1 {
		t.Errorf("a deleted row is in %d files of the table", tables)
	}
	dbtest.Rewrite(t, url)
	dbtest.Overwrite(t, url)
	if tables, elsewhere := look(); tables+elsewhere != 0 {
		t.Errorf("still in %d files of the table and %d others", tables, elsewhere)
	}
}
