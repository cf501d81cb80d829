// Package measured holds tables of documents against what a test has measured.
package measured

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var numbers = regexp.MustCompile(`\d+`)

// Compare holds the table between two lines of a file, begin and end, against one that was
// measured, without its numbers: they differ from run to run. With write the file is written
// anew from it, which flag says how to ask for.
func Compare(t testing.TB, file, begin, end, table string, write bool, flag string) {
	t.Helper()
	b, err := os.ReadFile(file) //nolint:gosec // a document of ours
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), begin)
	old, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no table", file)
	}
	if write {
		if err := os.WriteFile(file, []byte(before+begin+table+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if numbers.ReplaceAllString(old, "N") != numbers.ReplaceAllString(table, "N") {
		t.Errorf("%s says otherwise; with %s it becomes:\n%s", file, flag, table)
	}
}
