package register_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/register"
)

// keptBack are the columns with something personal in them that is neither exported nor
// shown, besides secrets, hashes and pseudonyms; the register says why.
var keptBack = []string{
	"mails.facts_sealed", "run_chunks.body_sealed", // said elsewhere, or links that are secrets
	"credit_adjustments.actor_id", "payment_quarantine.resolved_by", "openings.asked_by", "openings.approved_by", // which operator it was
	"audit_entries.session_id",                                                            // whose device it was, where an operator acted
	"legal_subjects.owner_id", "legal_subjects.request_id", "legal_subjects.words_sealed", // may be forbidden to tell
}

// P109, P112: whatever is personal is exported and shown to whom it is about, but for what
// is named here; secrets never are.
func TestSecretsAreKeptBackAndNothingElse(t *testing.T) {
	opaque := func(c register.Column) bool {
		return c.Store == register.Hashed || c.Store == register.Wrapped || c.Category == "user.unique_id.pseudonymous"
	}
	var found []string
	for _, table := range loaded(t).Personal() {
		for _, c := range table.Columns {
			name, secret := table.Name+"."+c.Name, strings.HasPrefix(c.Category, "user.authorization")
			switch {
			case secret && c.Exported():
				t.Errorf("%s is a secret, and is exported", name)
			case !c.Exported() && !secret && !opaque(c) && strings.HasPrefix(c.Category, "user."):
				found = append(found, name)
			}
		}
	}
	for _, name := range found {
		if !slices.Contains(keptBack, name) {
			t.Errorf("%s is personal, and is neither exported nor shown", name)
		}
	}
	for _, name := range keptBack {
		if !slices.Contains(found, name) {
			t.Errorf("%s is not kept back any more: take it off the list", name)
		}
	}
}

// P97: whom an authority asks about isn't shown by a count of rows what may be forbidden to
// tell; what administrators opened is shown.
func TestWhatMayBeForbiddenToTellIsNotShown(t *testing.T) {
	r := loaded(t)
	shown := func(name string) bool {
		return slices.ContainsFunc(r.Shown(), func(t register.Table) bool { return t.Name == name })
	}
	if shown("legal_subjects") || !shown("openings") || !shown("messages") || len(r.Personal()) <= len(r.Shown()) {
		t.Errorf("%d of %d tables are shown", len(r.Shown()), len(r.Personal()))
	}
}
