// Package mutants breaks the program on purpose, in the ways that money is lost by and
// promises of the policy are broken by, and shows that the fast tests tell. A mutant is a
// file in testdata: what it breaks, the test that has to go red, and the text that is put
// in place of another. The tree itself is never written: the compiler gets the changed
// files beside it.
//
// `make test` only checks that each mutant still fits the code and that docs/MUTANTS.md
// lists them all; `make chaos` runs them. One alone:
//
//	go test -tags chaos -run 'TestChaosEachMutantIsCaught/NAME$' ./tests/mutants
package mutants

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const root = "../.."

// mutant is one way to break the program.
type mutant struct {
	name    string
	breaks  string // in one line, what is wrong with it
	pkg     string // of the test that tells
	test    string // its name
	changes []change
}

// change replaces text, whole lines or a part of one, that is in a file exactly once.
type change struct{ file, old, new string }

// The lines that a mutant's file is made of: head lines, then changes.
const (
	headBreaks = "breaks: "
	headTest   = "test: "
	headFile   = "file: "
	markOld    = "<<<<"
	markNew    = "===="
	markEnd    = ">>>>"
)

// mutants reads all of them.
func mutants() ([]mutant, error) {
	paths, err := filepath.Glob("testdata/*.mutant")
	if err != nil || len(paths) == 0 {
		return nil, errors.Join(errors.New("there are no mutants"), err)
	}
	all := make([]mutant, len(paths))
	for i, path := range paths {
		text, err := os.ReadFile(path) //nolint:gosec // it was found in testdata
		if err != nil {
			return nil, err
		}
		if all[i], err = parse(strings.TrimSuffix(filepath.Base(path), ".mutant"), string(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return all, nil
}

// parse reads one mutant.
func parse(name, text string) (mutant, error) {
	m := mutant{name: name}
	var file string
	var c *change
	into := (*string)(nil) // what further lines belong to
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		switch {
		case line == markOld && c == nil && file != "":
			c = &change{file: file}
			into = &c.old
		case line == markNew && c != nil && into == &c.old:
			into = &c.new
		case line == markEnd && c != nil && into == &c.new:
			c.old, c.new = strings.TrimSuffix(c.old, "\n"), strings.TrimSuffix(c.new, "\n")
			m.changes, c, into = append(m.changes, *c), nil, nil
		case into != nil:
			*into += line + "\n"
		case strings.HasPrefix(line, headBreaks):
			m.breaks = strings.TrimPrefix(line, headBreaks)
		case strings.HasPrefix(line, headTest):
			m.pkg, m.test, _ = strings.Cut(strings.TrimPrefix(line, headTest), " ")
		case strings.HasPrefix(line, headFile):
			file = strings.TrimPrefix(line, headFile)
		default:
			return m, fmt.Errorf("line %d is not understood: %q", n+1, line)
		}
	}
	if m.breaks == "" || m.pkg == "" || m.test == "" || len(m.changes) == 0 || c != nil {
		return m, errors.New("it needs breaks, test, file and whole changes")
	}
	return m, nil
}

// apply makes the changed files, by their place in the tree. Every old text has to be
// there exactly once: a mutant that fits no more proves nothing.
func (m mutant) apply() (map[string]string, error) {
	changed := map[string]string{}
	for _, c := range m.changes {
		text, ok := changed[c.file]
		if !ok {
			read, err := os.ReadFile(filepath.Join(root, c.file)) //nolint:gosec // the mutants are ours
			if err != nil {
				return nil, err
			}
			text = string(read)
		}
		if n := strings.Count(text, c.old); n != 1 || c.old == c.new {
			return nil, fmt.Errorf("%s holds the text to change %d times; it must be there once, and change:\n%s", c.file, n, c.old)
		}
		changed[c.file] = strings.Replace(text, c.old, c.new, 1)
	}
	return changed, nil
}
