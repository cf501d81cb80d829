package billing_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// history is all that a provider tells of one purchase, and what has to come of it.
type history struct {
	events []payment.Event
	// What the events come to, worked out without the service.
	paid, quarantined bool
	total, gone       int64
}

// drawHistory makes up a payment: told by up to three events, partly refunded, disputed up
// to three times, and maybe paid a second time with another amount.
func drawHistory(t *rapid.T, p *models.Purchase) history {
	tax := rapid.Int64Range(0, 300).Draw(t, "tax")
	h := history{total: p.AmountMinor + tax, paid: rapid.IntRange(0, 9).Draw(t, "is paid") > 0}
	tell := func(e payment.Event) {
		e.ID = fmt.Sprintf("evt_%s_%d", p.ID, len(h.events))
		h.events = append(h.events, e)
	}
	if h.paid {
		for range rapid.IntRange(1, 3).Draw(t, "tellings") {
			e := paidFor(p)
			e.AmountMinor, e.TaxMinor = h.total, tax
			tell(e)
		}
	}
	for _, s := range rapid.SliceOfN(rapid.SampledFrom([]payment.Status{payment.Expired, payment.Failed, payment.Nothing}), 0, 2).Draw(t, "ends") {
		tell(payment.Event{Status: s, PurchaseID: p.ID})
	}
	var refunded int64
	for range rapid.IntRange(0, 3).Draw(t, "refunds") {
		refunded += rapid.Int64Range(1, h.total).Draw(t, "refund")
		tell(refundOf(p, refunded))
	}
	h.gone = refunded
	for n := range rapid.IntRange(0, 3).Draw(t, "disputes") {
		h.gone += drawDispute(t, p, n+1, h.total, tell)
	}
	if h.quarantined = rapid.IntRange(0, 4).Draw(t, "wrong") == 0; h.quarantined {
		e := paidFor(p)
		e.PaymentID, e.AmountMinor = "pi_wrong_"+p.ID, p.AmountMinor-1
		tell(e)
		back := refundOf(p, p.AmountMinor)
		back.PaymentID = e.PaymentID // the refund of what was never credited
		tell(back)
	}
	return h
}

// drawDispute makes up a dispute and says what it withholds in the end: nothing when it is
// won, and when it is lost what did not come back of it.
func drawDispute(t *rapid.T, p *models.Purchase, n int, total int64, tell func(payment.Event)) int64 {
	states := [][]string{{"OPEN"}, {"OPEN", "WON"}, {"OPEN", "LOST"}, {"LOST"}, {"WON"}, {"OPEN", "LOST", "WON"}}
	of := rapid.SampledFrom(states).Draw(t, "dispute")
	minor := rapid.Int64Range(1, total).Draw(t, "disputed")
	for _, state := range of {
		tell(disputeNo(p, n, state, minor))
	}
	switch of[len(of)-1] {
	case "WON":
		return 0
	case "LOST":
		e := disputeNo(p, n, "LOST", minor)
		e.ReturnedMinor = rapid.Int64Range(0, minor).Draw(t, "returned")
		tell(e)
		return minor - e.ReturnedMinor
	}
	return minor
}

// credits is what the purchase must have brought, to the nearest micro-credit.
func (h history) credits(p *models.Purchase) int64 {
	if !h.paid {
		return 0
	}
	gone := min(h.gone, h.total)
	return p.Credits - (p.Credits*gone+h.total/2)/h.total
}

// T25, P54: whatever order a payment's events come in, and however often each, the
// balance and the purchase end the same.
func TestChaosAnyOrderOfEventsEndsTheSame(t *testing.T) {
	r := newRoom(t)
	before := flag.Lookup("rapid.checks").Value.String()
	r.must(flag.Set("rapid.checks", sequences()))
	defer func() { r.must(flag.Set("rapid.checks", before)) }()
	rapid.Check(t, func(t *rapid.T) { r.anyOrder(t) })
	r.sound()
}

// sequences is how many histories are tried: 10,000 with CHAOS, BILLING_SEQUENCES for any
// number.
func sequences() string {
	if n := os.Getenv("BILLING_SEQUENCES"); n != "" {
		return n
	}
	if os.Getenv("CHAOS") != "" {
		return "10000"
	}
	return "120"
}

func (r *room) anyOrder(t *rapid.T) {
	v := r.account()
	p, err := r.Checkout(context.Background(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe})
	if err != nil {
		t.Fatal(err)
	}
	h := drawHistory(t, p)
	order := rapid.Permutation(h.events).Draw(t, "order")
	order = append(order, rapid.SliceOfN(rapid.SampledFrom(append(h.events, payment.Event{ID: "evt_x" + p.ID})), 0, 4).Draw(t, "again")...)
	order = rapid.Permutation(order).Draw(t, "delivered")
	for _, e := range order {
		if err := r.hook(r.Service, "STRIPE", e); err != nil {
			t.Fatal(err)
		}
	}
	r.ended(t, v, p, h)
}

// ended compares a purchase and its wallet with what a history comes to.
func (r *room) ended(t *rapid.T, v viewer.Viewer, p *models.Purchase, h history) {
	b, _, err := r.books.Balance(context.Background(), v)
	if err != nil {
		t.Fatal(err)
	}
	if want := h.credits(p); b.Posted != want || b.Owed != 0 || b.Held != 0 {
		t.Errorf("the wallet has %d and owes %d; want %d: %+v", b.Posted, b.Owed, want, h)
	}
	got, err := r.Payment(context.Background(), v, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if (got.Status == models.PurchasePaid) != h.paid || h.paid && (got.PaidMinor != h.total || got.Reversed != got.Credits-h.credits(p)) {
		t.Errorf("the purchase is %s, paid %d, reversed %d: %+v", got.Status, got.PaidMinor, got.Reversed, h)
	}
	if n := r.count(`SELECT count(*) FROM payment_quarantine WHERE purchase_id = $1`, p.ID); n > 0 != h.quarantined {
		t.Errorf("%d payments are in quarantine: %+v", n, h)
	}
	if n := r.count(`SELECT count(*) FROM ledger_transfers WHERE kind = 'PURCHASE' AND ref = $1`, p.ID); n > 1 || n == 1 != h.paid {
		t.Errorf("it was credited %d times", n)
	}
}
