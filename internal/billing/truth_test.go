package billing_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// R-PAY, P54: whatever was done to a payment at the provider, whichever of its webhooks
// were lost, came late, twice or in another order, and whenever the comparison ran in
// between: once it has run undisturbed, books and provider agree, and it finds no more.
func TestChaosTheBooksFollowTheProvider(t *testing.T) {
	r := newRoom(t)
	before := flag.Lookup("rapid.checks").Value.String()
	r.must(flag.Set("rapid.checks", sequences()))
	defer func() { r.must(flag.Set("rapid.checks", before)) }()
	rapid.Check(t, func(t *rapid.T) {
		v := r.account()
		p, err := r.Checkout(context.Background(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe})
		if err != nil {
			t.Fatal(err)
		}
		w := &world{room: r, t: t, p: p, v: v}
		for range rapid.IntRange(1, 14).Draw(t, "steps") {
			w.step()
		}
		w.agree()
		w.deliver(len(w.outbox)) // the postman empties his bag, long after
		w.agree()
		r.pass(5 * 24 * time.Hour) // out of the sight of the next one's comparisons
	})
	r.sound()
}

// world is one purchase, what its provider knows, and the webhooks on their way.
type world struct {
	*room
	t *rapid.T
	p *models.Purchase
	v viewer.Viewer

	// The provider's truth.
	paid, over bool
	total, tax int64
	refunds    []int64 // those that did not fail
	everBack   bool
	disputes   []*contest
	second     bool // paid once more, which must not be credited once more

	outbox []payment.Event
	events int
}

// contest is one dispute and what was said of it, in order.
type contest struct {
	minor, returned int64
	said            []payment.Event
}

func (c *contest) state() string { return c.said[len(c.said)-1].Dispute }

// step is one thing that happens somewhere.
func (w *world) step() {
	switch rapid.SampledFrom([]string{"provider", "provider", "deliver", "deliver", "lose", "again", "compare"}).Draw(w.t, "step") {
	case "provider":
		w.acts()
	case "deliver":
		w.deliver(1)
	case "lose":
		if len(w.outbox) > 0 {
			i := rapid.IntRange(0, len(w.outbox)-1).Draw(w.t, "lost")
			w.outbox = slices.Delete(w.outbox, i, i+1)
		}
	case "again":
		if len(w.outbox) > 0 {
			w.outbox = append(w.outbox, rapid.SampledFrom(w.outbox).Draw(w.t, "again"))
		}
	case "compare":
		w.compare()
	}
}

// acts lets the payer, the seller or a bank do something.
func (w *world) acts() {
	if !w.paid {
		w.before()
		return
	}
	left := w.total - w.refunded()
	switch act := rapid.SampledFrom([]string{"refund", "fail", "dispute", "close", "pay again"}).Draw(w.t, "act"); {
	case act == "refund" && left > 0:
		w.refunds = append(w.refunds, rapid.Int64Range(1, left).Draw(w.t, "refund"))
		w.everBack = true
		w.tell(refundOf(w.p, w.refunded()))
	case act == "fail" && len(w.refunds) > 0:
		i := rapid.IntRange(0, len(w.refunds)-1).Draw(w.t, "failed")
		w.refunds = slices.Delete(w.refunds, i, i+1) // what Stripe sends then does not tell the sum
		w.tell(payment.Event{})
	case act == "dispute" && len(w.disputes) < 3:
		c := &contest{minor: rapid.Int64Range(1, w.total).Draw(w.t, "disputed")}
		w.disputes = append(w.disputes, c)
		w.contests(len(w.disputes), payment.DisputeOpen)
	case act == "close" && len(w.disputes) > 0:
		w.closes(1 + rapid.IntRange(0, len(w.disputes)-1).Draw(w.t, "closed"))
	case act == "pay again" && !w.second:
		w.second = true
		w.tell(w.secondPayment())
	}
}

// before is what happens to a checkout that is not paid.
func (w *world) before() {
	if !w.over && rapid.IntRange(0, 4).Draw(w.t, "expires") == 0 {
		w.over = true
		w.tell(payment.Event{Status: payment.Expired, PurchaseID: w.p.ID})
		return
	}
	w.paid, w.tax = true, rapid.Int64Range(0, 300).Draw(w.t, "tax")
	w.total = w.p.AmountMinor + w.tax
	for range rapid.IntRange(1, 3).Draw(w.t, "tellings") {
		w.tell(w.payment())
	}
}

func (w *world) refunded() (sum int64) {
	for _, r := range w.refunds {
		sum += r
	}
	return sum
}

func (w *world) payment() payment.Event {
	e := paidFor(w.p)
	e.AmountMinor, e.TaxMinor = w.total, w.tax
	return e
}

func (w *world) secondPayment() payment.Event {
	e := w.payment()
	e.PaymentID = "pi_second_" + w.p.ID
	return e
}

// closes ends a dispute that is open; one that is lost may be won after all.
func (w *world) closes(n int) {
	c := w.disputes[n-1]
	switch c.state() {
	case payment.DisputeOpen:
		state := rapid.SampledFrom([]string{payment.DisputeWon, payment.DisputeLost}).Draw(w.t, "verdict")
		if state == payment.DisputeLost {
			c.returned = max(0, rapid.Int64Range(-c.minor, c.minor).Draw(w.t, "returned"))
		}
		w.contests(n, state)
	case payment.DisputeLost:
		w.contests(n, payment.DisputeWon)
	}
}

// contests says something of a dispute, by an event that the provider's list has too.
func (w *world) contests(n int, state string) {
	c := w.disputes[n-1]
	e := disputeNo(w.p, n, state, c.minor)
	e.ReturnedMinor = c.returned
	c.said = append(c.said, w.tell(e))
}

// disputed is what open and lost disputes withhold.
func (w *world) disputed() (sum int64) {
	for _, c := range w.disputes {
		if c.state() != payment.DisputeWon {
			sum += c.minor - c.returned
		}
	}
	return sum
}

// tell gives the postman a webhook.
func (w *world) tell(e payment.Event) payment.Event {
	w.events++
	e.ID = fmt.Sprintf("evt_%s_%d", w.p.ID, w.events)
	w.outbox = append(w.outbox, e)
	return e
}

// deliver brings n webhooks, any of those on their way.
func (w *world) deliver(n int) {
	for range min(n, len(w.outbox)) {
		i := rapid.IntRange(0, len(w.outbox)-1).Draw(w.t, "delivered")
		if err := w.hook(w.Service, "STRIPE", w.outbox[i]); err != nil {
			w.t.Fatal(err)
		}
		w.outbox = slices.Delete(w.outbox, i, i+1)
	}
}

// compare asks the provider, who tells how things stand, in any order.
func (w *world) compare() (repaired int) {
	var known []payment.Event
	session := payment.Event{ID: w.p.ID, PurchaseID: w.p.ID}
	switch {
	case w.paid:
		session = w.payment()
		known = append(known, asked(session))
	case w.over:
		session.Status = payment.Expired
	}
	w.shop.stands("cs_"+w.p.ID, asked(session))
	if w.everBack {
		known = append(known, asked(refundOf(w.p, w.refunded())))
	}
	for _, c := range w.disputes { // Stripe tells of disputes in its webhooks' own words
		known = append(known, c.said...)
	}
	if w.second {
		known = append(known, asked(w.secondPayment()))
	}
	if len(known) > 1 {
		known = rapid.Permutation(known).Draw(w.t, "list")
	}
	w.shop.tells(known...)
	w.pass(3 * time.Minute)
	rows, err := w.Reconcile(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return rows[0].Repaired
}

// agree compares until nothing is left to repair, which takes two rounds at most, and then
// holds the books against the truth. A refund that failed before its payment was known
// here takes the second: only what was asked after the last news of it may lessen it.
func (w *world) agree() {
	for range 2 {
		w.compare()
	}
	if again := w.compare(); again != 0 {
		w.t.Errorf("a third comparison still repaired %d", again)
	}
	h := history{paid: w.paid, quarantined: w.second, total: w.total, gone: w.refunded() + w.disputed()}
	if w.second && w.credited() == w.secondPayment().PaymentID {
		h.gone = 0 // what went back was of the payment that waits for the operator
	}
	w.ended(w.t, w.v, w.p, h)
	if w.t.Failed() {
		w.t.Logf("the truth is %+v", *w)
	}
}

// credited is which payment was: the one that was told first.
func (w *world) credited() string {
	p, err := w.Payment(context.Background(), w.v, w.p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return p.Details.PaymentID
}
