//go:build chaos

package mutants

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience is how long a mutant's test may take, with building it.
const patience = 5 * time.Minute

// Each mutant turns its test red, and only the mutant does.
func TestChaosEachMutantIsCaught(t *testing.T) {
	sound := map[string]error{} // the tests on the tree as it is
	for _, m := range seeded(t) {
		t.Run(m.name, func(t *testing.T) {
			key := m.pkg + " " + m.test
			if _, tried := sound[key]; !tried {
				_, sound[key] = m.try(t, nil)
			}
			if err := sound[key]; err != nil {
				t.Fatalf("without the mutant its test has to be green: %v", err)
			}
			changed, err := m.apply()
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			red, err := m.try(t, changed)
			if err != nil && !red {
				t.Fatalf("the mutant proves nothing: %v", err)
			}
			if !red {
				t.Errorf("it survived: %s, and %s stays green", m.breaks, m.test)
			}
			t.Logf("caught by %s in %v", m.test, time.Since(began).Round(time.Millisecond))
		})
	}
}

// try runs the mutant's test with changed files in place of those in the tree. Red means
// that the test ran and failed; any other failure, such as code that does not compile, is
// an error alone.
func (m mutant) try(t *testing.T, changed map[string]string) (red bool, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "go", "test", "-overlay", overlay(t, changed), "-count=1", "-timeout=2m", "-run", "^"+m.test+"$", m.pkg) //nolint:gosec // the mutants are ours
	command.Dir = root
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err = command.Run()
	text := out.String()
	switch {
	case err == nil && strings.Contains(text, "no tests to run"):
		return false, fmt.Errorf("%s did not run", m.test)
	case err == nil:
		return false, nil
	}
	red = strings.Contains(text, "--- FAIL: "+m.test) || strings.Contains(text, "panic: test timed out")
	return red, errors.Join(err, errors.New(text))
}

// overlay writes the changed files beside the tree, and the list that go build takes.
func overlay(t *testing.T, changed map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for file, text := range changed {
		in, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		replace[in] = filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(replace[in], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
