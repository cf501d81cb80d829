package house

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func growthOf(t *testing.T, root string, today time.Time) []string {
	t.Helper()
	released, err := releasedSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := readSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	out := append(deprecations(schema), shrinks(released, schema, today)...)
	slices.Sort(out)
	return out
}

// R-GQL: the published schema only grows. What goes is deprecated first, with the day from
// which it may be gone and what to use instead.
func TestTheSchemaOnlyGrows(t *testing.T) {
	for _, line := range growthOf(t, root, time.Now()) {
		t.Error(line)
	}
}

func TestAShrinkingSchemaIsSeen(t *testing.T) {
	dir, want := badTree(t, "schema-growth")
	if got := growthOf(t, dir, time.Date(2026, 2, 15, 0, 0, 0, 0, time.UTC)); !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
