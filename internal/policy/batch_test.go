package policy_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P95, P122: the gate says the same to many at once as to each alone.
func TestTheGateSaysTheSameToMany(t *testing.T) {
	r := newRoom(t)
	agreed, unasked, withdrawn, fresh := r.settledGuest(), r.settledGuest(), r.settledGuest(), r.guest()
	r.external = "api.example.org"
	if _, _, err := r.SetConsent(t.Context(), agreed, models.ConsentExternalInference, true, models.ConsentDialog); err != nil {
		t.Fatal(err)
	}
	for _, granted := range []bool{true, false} {
		if _, _, err := r.SetConsent(t.Context(), withdrawn, models.ConsentExternalInference, granted, models.ConsentDialog); err != nil {
			t.Fatal(err)
		}
	}
	people := []viewer.Viewer{agreed, unasked, fresh, withdrawn, agreed}
	for i, external := range []string{"api.example.org", "other.example.org", "", "api.example.org"} {
		if i == 3 { // as an instance that has just started
			var err error
			if r.Service, err = policy.New(r.config()); err != nil {
				t.Fatal(err)
			}
		}
		r.external = external
		got := make([]error, len(people))
		var b pgx.Batch
		r.QueueChecks(&b, people, func(n int, err error) {
			if got[n] == nil {
				got[n] = err
			}
		})
		if err := r.db.Pool().SendBatch(t.Context(), &b).Close(); err != nil {
			t.Fatal(err)
		}
		for n, v := range people {
			if want := r.check(v); code(got[n]) != code(want) {
				t.Errorf("with %q as the engine %d gets %v together and %v alone", external, n, got[n], want)
			}
		}
	}
}

// code is the code of a refusal, "" for none.
func code(err error) fault.Code {
	if list, ok := fault.Of(err); ok {
		return list[0].Code
	}
	return ""
}
