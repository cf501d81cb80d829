package register_test

import (
	"slices"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/policy"
)

// P97: whom an authority asks about isn't shown by a count of rows what may be forbidden to
// tell; what administrators opened is shown.
func TestWhatMayBeForbiddenToTellIsNotShown(t *testing.T) {
	r, err := register.Load(policy.Files())
	if err != nil {
		t.Fatal(err)
	}
	shown := func(name string) bool {
		return slices.ContainsFunc(r.Shown(), func(t register.Table) bool { return t.Name == name })
	}
	if shown("legal_subjects") || !shown("openings") || !shown("messages") || len(r.Personal()) <= len(r.Shown()) {
		t.Errorf("%d of %d tables are shown", len(r.Shown()), len(r.Personal()))
	}
}
