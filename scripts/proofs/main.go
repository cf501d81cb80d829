// Command proofs writes docs/PROOFS.md: which test proves which promise (P…) and stands
// against which threat (T…). A test names the numbers in the comment above it or in its
// own name; ranges such as P121-P123 count for each.
package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/register"
)

// shown is how many tests of a number the table names.
const shown = 4

func main() {
	proofs, err := collect(os.DirFS("."))
	var r *register.Register
	if err == nil {
		r, err = register.Load(os.DirFS("policy"))
	}
	if err == nil {
		err = os.WriteFile(filepath.Join("docs", "PROOFS.md"), []byte(table(proofs, r)), 0o644) //nolint:gosec // a document for everybody
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "proofs:", err)
		os.Exit(1)
	}
}

// number is P or T and a count.
type number struct {
	letter string
	n      int
}

func (n number) String() string { return n.letter + strconv.Itoa(n.n) }

var (
	goTest   = regexp.MustCompile(`(?m)((?:^//[^\n]*\n)*)^func ((?:Test|Fuzz)\w+)\(`)
	pageTest = regexp.MustCompile("(?m)((?:^[ \t]*//[^\n]*\n)*)^[ \t]*(?:test|it|journey)(?:\\.\\w+)?\\([ \t\n]*(['\"`])(.*?)(['\"`])[,)]")
	numbers  = regexp.MustCompile(`\b([PT])(\d{1,3})(?:\s*[-–]\s*[PT]?(\d{1,3}))?\b`)
)

// collect finds the tests of every number below root, in the order of their places.
func collect(root fs.FS) (map[number][]string, error) {
	out := map[number][]string{}
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist" || len(d.Name()) > 1 && d.Name()[0] == '.' || path == "data"):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		pattern, name := goTest, 2
		if !strings.HasSuffix(path, "_test.go") {
			if !strings.Contains(path, ".test.") {
				return nil
			}
			pattern, name = pageTest, 3
		}
		b, err := fs.ReadFile(root, path)
		if err != nil {
			return fmt.Errorf("read a test: %w", err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(b), -1) {
			for _, n := range named(m[1] + " " + m[name]) {
				out[n] = append(out[n], "`"+path+"` "+strings.ReplaceAll(m[name], "|", "\\|"))
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for tests: %w", err)
	}
	return out, nil
}

// named lists the numbers in a text, each once.
func named(text string) []number {
	found := map[number]bool{}
	for _, m := range numbers.FindAllStringSubmatch(text, -1) {
		from, _ := strconv.Atoi(m[2]) // digits
		to, err := strconv.Atoi(m[3])
		if err != nil || to < from || to > from+30 {
			to = from
		}
		for n := from; n <= to; n++ {
			found[number{m[1], n}] = true
		}
	}
	return sorted(maps.Keys(found))
}

func sorted(all func(yield func(number) bool)) []number {
	return slices.SortedFunc(all, func(a, b number) int { return cmp.Or(cmp.Compare(a.letter, b.letter), cmp.Compare(a.n, b.n)) })
}

const preface = "# Proofs\n\nWhich tests prove which promise (P…) and stand against which threat (T…): written by `make generate` from the tests themselves. " +
	"*All the time* are the checks that clauses of the policy cite beside the promise (`policy/register.yaml`). A promise without a test says why.\n\n| number | tests | |\n|---|---|---|\n"

// table is the document.
func table(proofs map[number][]string, r *register.Register) string {
	open := map[number]string{}
	for _, o := range r.Open {
		for _, n := range named(o.Promise) {
			open[n] = o.Why
		}
	}
	all := maps.Clone(open)
	for n := range proofs {
		all[n] = ""
	}
	var b strings.Builder
	b.WriteString(preface)
	for _, n := range sorted(maps.Keys(all)) {
		tests := proofs[n]
		words := strings.Join(tests[:min(shown, len(tests))], "<br>")
		if len(tests) == 0 {
			words = open[n]
		}
		if runs := runsOf(r, n); len(runs) > 0 {
			words += "<br>all the time: " + strings.Join(runs, ", ")
		}
		fmt.Fprintf(&b, "| %s | %d | %s |\n", n, len(tests), words)
	}
	return b.String()
}

// runsOf are the checks that clauses cite beside a promise.
func runsOf(r *register.Register, n number) (out []string) {
	for _, c := range r.Clauses {
		if !slices.Contains(c.Promises, n.String()) {
			continue
		}
		for _, run := range c.Run {
			if run = "`" + run + "`"; !slices.Contains(out, run) {
				out = append(out, run)
			}
		}
	}
	return out
}
