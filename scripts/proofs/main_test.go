package main

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kimi-k2/kimi-k2/internal/register"
)

func TestNumbersAreFoundInCommentsAndNames(t *testing.T) {
	got, err := collect(fstest.MapFS{
		"a/a_test.go":              {Data: []byte("package a\n\n// P3, T12: it holds.\n// More P121-P123.\nfunc TestHolds(t *testing.T) {}\n\nfunc TestOther(t *testing.T) {}\n")},
		"a/a.go":                   {Data: []byte("// P9\nfunc TestNot() {}\n")},
		"f/e2e/x.test.mjs":         {Data: []byte("test('P3: a | b', async () => {})\n  // P7\n  it(\"works\", () => {})\n")},
		"f/node_modules/y.test.ts": {Data: []byte("test('P8: no', () => {})\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"| P3 | 2 | `a/a_test.go` TestHolds<br>`f/e2e/x.test.mjs` P3: a \\| b<br>all the time: `sweeps` |", "| P5 | 0 | later<br>all the time: `sweeps` |", "| P7 | 1 | `f/e2e/x.test.mjs` works |",
		"| P121 | 1 |", "| P122 | 1 |", "| P123 | 1 |", "| T12 | 1 | `a/a_test.go` TestHolds |",
	}
	text := table(got, &register.Register{Open: []register.Open{{Promise: "P5", Why: "later"}, {Promise: "P7", Why: "never"}},
		Clauses: []register.Clause{{ID: "C-A", Run: []string{"sweeps"}, Promises: []string{"P3", "P5"}}}})
	at := 0
	for _, line := range want {
		i := strings.Index(text[at:], line)
		if i < 0 {
			t.Fatalf("no %s in order in\n%s", line, text)
		}
		at += i
	}
	if len(got) != 6 {
		t.Error(got)
	}
}
