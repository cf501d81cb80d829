package journal_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/journal"
)

// T34: what was noted is found again by another process, once, and a line that a crash
// cut off takes no other one along.
func TestTheJournalKeepsEachValueOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	if all, err := journal.Open(path).All(); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
	add := func(values ...string) {
		t.Helper()
		var raw [][]byte
		for _, v := range values {
			raw = append(raw, []byte(v))
		}
		if err := journal.Open(path).Add(raw...); err != nil {
			t.Fatal(err)
		}
	}
	add("one", "two")
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("7468726"); err != nil { // half of "three"
		t.Fatal(err)
	}
	_ = file.Close()
	add("two", "three")
	all, err := journal.Open(path).All()
	var got []string
	for _, v := range all {
		got = append(got, string(v))
	}
	if err != nil || !slices.Equal(got, []string{"one", "two", "three"}) {
		t.Error(got, err)
	}
	if err := journal.Open(t.TempDir()).Add([]byte("x")); err == nil {
		t.Error("a folder was written to")
	}
}
