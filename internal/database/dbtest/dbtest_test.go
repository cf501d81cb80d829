package dbtest_test

import (
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
}
