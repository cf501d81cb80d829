package mutants

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/MUTANTS.md")

func seeded(t *testing.T) []mutant {
	t.Helper()
	all, err := mutants()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Each mutant changes the code as it is today, and the test that has to tell is there.
func TestEachMutantFits(t *testing.T) {
	for _, m := range seeded(t) {
		if _, err := m.apply(); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if !declared(t, m) {
			t.Errorf("%s: %s has no %s", m.name, m.pkg, m.test)
		}
	}
}

// declared reports whether the mutant's test is in its package.
func declared(t *testing.T, m mutant) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, m.pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`(?m)^func ` + m.test + `\(`)
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // it was found in the tree
		if err != nil {
			t.Fatal(err)
		}
		if name.Match(text) {
			return true
		}
	}
	return false
}

const preface = `# Seeded mutants

Tests that are green prove little until they have been seen red. Each line below is one change to the program by which money would be lost or made, or a promise of the policy be broken (` + "`policy-…`" + `), and the test that goes red
for it. ` + "`make chaos`" + ` seeds them one by one and fails when a test stays green; ` + "`make test`" + ` checks that each still fits the code and that this list is whole. The changes themselves are
in ` + "`tests/mutants/testdata`" + `; this file is written by ` + "`go test ./tests/mutants -update`" + `.

| mutant | what it breaks | caught by |
|---|---|---|
`

// The list that people read is the one that runs.
func TestTheListOfMutantsIsWhole(t *testing.T) {
	var want strings.Builder
	want.WriteString(preface)
	for _, m := range seeded(t) {
		fmt.Fprintf(&want, "| %s | %s | `%s` %s |\n", m.name, m.breaks, strings.TrimPrefix(m.pkg, "./"), m.test)
	}
	path := filepath.Join(root, "docs", "MUTANTS.md")
	if *update {
		if err := os.WriteFile(path, []byte(want.String()), 0o644); err != nil { //nolint:gosec // people read it
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want.String() { //nolint:gosec // a file of ours
		t.Errorf("docs/MUTANTS.md is not the list of mutants: run go test ./tests/mutants -update (%v)", err)
	}
}

// A file that says less than a mutant must is refused.
func TestHalfMutantsAreRefused(t *testing.T) {
	const head = "breaks: all\ntest: ./x TestX\n"
	whole, err := parse("whole", head+"file: a.go\n<<<<\na\n\nb\n====\nc\n>>>>\n<<<<\nd\n====\n>>>>\nfile: b.go\n<<<<\n<<<<\n====\n====\n>>>>\n")
	if err != nil || len(whole.changes) != 3 || whole.changes[0] != (change{"a.go", "a\n\nb", "c"}) || whole.changes[1] != (change{"a.go", "d", ""}) ||
		whole.changes[2] != (change{"b.go", "<<<<", "===="}) {
		t.Errorf("it is %+v, %v", whole, err)
	}
	for _, text := range []string{"", head, head + "<<<<\na\n====\nb\n>>>>\n", head + "file: a.go\n<<<<\na\n====\nb\n", head + "file: a.go\n====\n", "test: ./x TestX\nfile: a\n<<<<\na\n====\n>>>>\n"} {
		if m, err := parse("half", text); err == nil {
			t.Errorf("%q was taken: %+v", text, m)
		}
	}
	gone := mutant{changes: []change{{"go.mod", "no such text", ""}}}
	if _, err := gone.apply(); err == nil {
		t.Error("a change that fits nowhere was made")
	}
}
