package billing_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// The operator decides once about what is in quarantine.
func TestTheOperatorDecides(t *testing.T) {
	r := newRoom(t)
	v, admin := r.account(), r.admin()
	p, wrong := r.buy(v, "1"), r.buy(v, "2")
	e, unknown, dismissed := paidFor(p), paidFor(p), paidFor(wrong)
	e.AmountMinor = 900
	unknown.ID, unknown.PurchaseID, unknown.PaymentID = "evt_unknown", "pur_"+strings.Repeat("0", 32), "pi_unknown"
	dismissed.Currency = "EUR"
	r.stripe(e, unknown, dismissed, refundOf(p, 450))
	waiting, err := r.inQuarantine(admin)
	r.must(err)
	of := map[string]string{}
	for _, q := range waiting {
		of[q.EventID] = q.ID
	}
	_, err = r.Resolve(t.Context(), v, billing.Decision{QuarantineID: of[e.ID], Credit: true})
	r.refuses(err, fault.Forbidden)
	_, err = r.Resolve(t.Context(), admin, billing.Decision{QuarantineID: "qua_x"})
	r.refuses(err, fault.NotFound)
	_, err = r.Resolve(t.Context(), admin, billing.Decision{QuarantineID: of["evt_unknown"], Credit: true})
	r.refuses(err, fault.Conflict)
	var wg sync.WaitGroup
	results := make([]error, 4)
	for i := range results {
		wg.Go(func() {
			_, results[i] = r.Resolve(context.Background(), admin, billing.Decision{QuarantineID: of[e.ID], Credit: true})
		})
	}
	wg.Wait()
	if n := len(slices.DeleteFunc(results, func(err error) bool { return fault.Is(err, fault.Conflict) })); n != 1 {
		t.Errorf("%d decided", n)
	}
	r.wants(v, p.Credits/2, 0) // half of the 900 had gone back meanwhile
	q, err := r.Resolve(t.Context(), admin, billing.Decision{QuarantineID: of[dismissed.ID]})
	if err != nil || q.Resolution != "DISMISSED" || q.ResolvedBy != admin.OwnerID || q.ResolvedAt == nil {
		t.Errorf("it is %+v, %v", q, err)
	}
	again := paidFor(p)
	again.ID, again.AmountMinor = "evt_again", 900
	r.stripe(again) // decided payments do not come back
	if n := r.count(`SELECT count(*) FROM payment_quarantine WHERE resolved_at IS NULL`); n != 1 {
		t.Errorf("%d wait", n)
	}
	_, err = r.inQuarantine(viewer.Viewer{})
	r.refuses(err, fault.Forbidden)
	r.sound()
}
