package billing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/internal/payment/stripe"
	"github.com/kimi-k2/kimi-k2/models"
)

// moved are the transfers of a purchase in their order, with what the wallet got by each, in
// cents of the small pack.
func (r *room) moved(p *models.Purchase) (out []string) {
	r.t.Helper()
	rows, err := r.db.Pool().Query(context.Background(), `SELECT t.kind, -sum(e.amount)::bigint / 1000000 FROM ledger_transfers t
		JOIN ledger_entries e ON e.transfer_id = t.id AND e.account_id IN ('lac_stripe', 'lac_creem')
		WHERE split_part(t.ref, '/', 1) = $1 GROUP BY t.id, t.kind, t.ref ORDER BY coalesce(nullif(split_part(t.ref, '/', 2), ''), '0')::int`, p.ID)
	r.must(err)
	defer rows.Close()
	for rows.Next() {
		var kind string
		var cents int64
		r.must(rows.Scan(&kind, &cents))
		out = append(out, fmt.Sprintf("%s %d", kind, cents))
	}
	r.must(rows.Err())
	return out
}

// P56: each dispute of a payment takes its own amount and gives it again, once, also after
// another was won.
func TestEachDisputeOfAPaymentCounts(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.stripe(paidFor(p))
	partly := disputeNo(p, 3, "LOST", 700)
	partly.ReturnedMinor = 300
	for _, c := range []struct {
		e      payment.Event
		left   int64
		states models.DisputeState
	}{
		{disputeNo(p, 1, "OPEN", 300), 700, models.DisputeOpen},
		{disputeNo(p, 2, "OPEN", 200), 500, models.DisputeOpen},
		{disputeNo(p, 1, "WON", 300), 800, models.DisputeOpen},
		{disputeNo(p, 2, "LOST", 200), 800, models.DisputeLost},
		{disputeNo(p, 3, "OPEN", 700), 100, models.DisputeOpen},
		{partly, 400, models.DisputeLost},
		{disputeNo(p, 2, "WON", 200), 600, models.DisputeLost},
		{disputeNo(p, 3, "WON", 700), 1000, models.DisputeWon},
	} {
		again := c.e
		again.ID += "_again"
		r.stripe(c.e, c.e, again)
		r.wants(v, p.Credits*c.left/1000, 0)
		if got := r.purchase(v, p.ID); got.Dispute != c.states {
			t.Errorf("after %s the disputes are %s", c.e.ID, got.Dispute)
		}
	}
	want := []string{"PURCHASE 1000", "DISPUTE -300", "DISPUTE -200", "REINSTATEMENT 300", "DISPUTE -700", "REINSTATEMENT 300", "REINSTATEMENT 200", "REINSTATEMENT 400"}
	if got := r.moved(p); !slices.Equal(got, want) {
		t.Errorf("moved were %q", got)
	}
	r.sound()
}

// P56: the history says by what credits went: a refund after a dispute is a refund.
func TestWhatTookCreditsIsToldAsItWas(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	told := []payment.Event{paidFor(p), disputeNo(p, 1, "OPEN", 250), refundOf(p, 500), disputeNo(p, 2, "LOST", 100)}
	r.stripe(told...)
	want := []string{"PURCHASE 1000", "DISPUTE -250", "REFUND -500", "DISPUTE -100"}
	if got := r.moved(p); !slices.Equal(got, want) {
		t.Errorf("moved were %q", got)
	}
	// Before the payment was known each waited, and posts its own.
	p = r.buy(v, "2")
	told = []payment.Event{disputeNo(p, 1, "OPEN", 250), refundOf(p, 500), disputeNo(p, 2, "LOST", 100), paidFor(p)}
	for _, e := range told {
		r.stripe(e)
		r.pass(time.Second)
	}
	if got := r.moved(p); !slices.Equal(got, want) {
		t.Errorf("of what waited moved were %q", got)
	}
	r.wants(v, 2*p.Credits*15/100, 0)
	r.sound()
}

// Refunds and disputes together never take more than the payment gave, whatever they come to.
func TestDisputesTakeNoMoreThanWasPaid(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	for _, c := range []struct {
		e    payment.Event
		left int64
	}{
		{paidFor(p), 1000},
		{refundOf(p, 600), 400},
		{disputeNo(p, 1, "OPEN", 300), 100},
		{disputeNo(p, 2, "OPEN", 300), 0},
		{disputeNo(p, 3, "OPEN", 1<<62), 0},
		{disputeNo(p, 4, "OPEN", 1<<62), 0},
		{disputeNo(p, 3, "WON", 1<<62), 0},
		{disputeNo(p, 4, "WON", 1<<62), 0},
		{disputeNo(p, 1, "WON", 300), 100},
		{refundOf(p, 900), 0},
		{disputeNo(p, 2, "WON", 300), 100},
		{disputeNo(p, 5, "LOST", 0), 0}, // no amount told: all of it
		{disputeNo(p, 5, "LOST", 50), 50},
		{refundOf(p, 1000), 0}, // a refund after a dispute was lost
	} {
		r.stripe(c.e)
		if c.e.DisputedMinor == 0 && c.e.Status == payment.Disputed {
			r.exec(`DELETE FROM payment_events WHERE event_id = $1`, c.e.ID) // the same id tells the amount next
		}
		r.wants(v, p.Credits*c.left/1000, 0)
		r.sound()
	}
}

// Ten disputes of a payment on two instances at once: none is lost, none counts twice.
func TestDisputesAtOnce(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.stripe(paidFor(p))
	other := r.instance(r.shop)
	var wg sync.WaitGroup
	for n := range 10 {
		for i, s := range []*billing.Service{r.Service, other} {
			wg.Go(func() {
				e := disputeNo(p, n, "OPEN", 50)
				e.ID += strings.Repeat("x", i)
				if err := r.hook(s, "STRIPE", e); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	r.wants(v, p.Credits/2, 0)
	if got := r.moved(p); len(got) != 11 {
		t.Errorf("moved were %q", got)
	}
	r.sound()
}

// A provider's list may tell only that a payment is disputed, as Creem's does. Whichever
// comes first, that and the dispute by its name are one, and the named amount counts.
func TestADisputeWithoutAName(t *testing.T) {
	r := newRoom(t)
	r.Service = r.instance(r.creem)
	v := r.account()
	var before int64
	for _, first := range []bool{true, false} {
		p, err := r.Checkout(t.Context(), v, billing.Checkout{PackID: "small", Provider: models.PaymentCreem})
		r.must(err)
		r.must(r.hook(r.Service, "CREEM", paidFor(p)))
		nameless := asked(disputeOf(p, "OPEN", 0))
		nameless.DisputeID = ""
		r.creem.tells(nameless)
		r.pass(time.Hour)
		if first {
			r.compares()
			r.wants(v, before, 0) // all of it, for want of an amount
		}
		r.must(r.hook(r.Service, "CREEM", disputeNo(p, 1, "OPEN", 250)))
		r.must(r.hook(r.Service, "CREEM", disputeNo(p, 2, "OPEN", 150)))
		r.compares()
		before += p.Credits * 6 / 10
		r.wants(v, before, 0)
	}
	r.sound()
}

// What was known of a dispute before disputes had names: its verdict is its own, and
// another dispute is another.
func TestADisputeOfBeforeIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		was  string
		told []payment.Event
		left int64
	}{
		"it is won":                  {"OPEN", []payment.Event{{Dispute: "WON", DisputedMinor: 300}}, 1000},
		"it is lost":                 {"OPEN", []payment.Event{{Dispute: "LOST", DisputedMinor: 300}}, 700},
		"it is told again":           {"OPEN", []payment.Event{{Dispute: "OPEN", DisputedMinor: 300}}, 700},
		"lost, it is won after all":  {"LOST", []payment.Event{{Dispute: "WON", DisputedMinor: 300}}, 1000},
		"another is opened":          {"OPEN", []payment.Event{{Dispute: "OPEN", DisputedMinor: 200}}, 500},
		"another after it was lost":  {"LOST", []payment.Event{{Dispute: "OPEN", DisputedMinor: 300}}, 400},
		"another after it was won":   {"WON", []payment.Event{{Dispute: "OPEN", DisputedMinor: 300}}, 700},
		"two, and the first is won":  {"OPEN", []payment.Event{{DisputeID: "du_2", Dispute: "OPEN", DisputedMinor: 300}, {Dispute: "WON", DisputedMinor: 300}}, 700},
		"two, and the first is lost": {"OPEN", []payment.Event{{DisputeID: "du_2", Dispute: "OPEN", DisputedMinor: 300}, {Dispute: "LOST", DisputedMinor: 300}}, 400},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			v := r.account()
			p := r.buy(v, "1")
			old := disputeOf(p, c.was, 300)
			old.ID, old.DisputeID = "evt_old", ""
			r.stripe(paidFor(p), old)
			for n, e := range c.told {
				told := disputeOf(p, e.Dispute, e.DisputedMinor)
				told.ID = fmt.Sprint("evt_new_", n)
				if e.DisputeID != "" {
					told.DisputeID = e.DisputeID
				}
				r.stripe(told)
			}
			r.wants(v, p.Credits*c.left/1000, 0)
			r.sound()
		})
	}
}

// The comparison tells no difference when it only learns which dispute it was.
func TestANameAloneIsNoDifference(t *testing.T) {
	r := newRoom(t)
	r.Service = r.instance(r.shop)
	v := r.account()
	p := r.buy(v, "1")
	old := disputeOf(p, "OPEN", 300)
	old.DisputeID = ""
	r.stripe(paidFor(p), old)
	r.shop.tells(disputeOf(p, "OPEN", 300))
	r.pass(time.Minute)
	if n := r.compares(); n != 0 {
		t.Errorf("put right were %d", n)
	}
	if n := r.count(`SELECT count(*) FROM payment_disputes WHERE dispute_index IS NOT NULL`); n != 1 {
		t.Errorf("%d disputes have a name", n)
	}
	r.shop.tells(disputeOf(p, "WON", 300))
	if n := r.compares(); n != 1 {
		t.Errorf("put right were %d", n)
	}
	r.wants(v, p.Credits, 0)
	r.sound()
}

// T24: a dispute that is known to be another payment's takes nothing, and each dispute in
// another currency waits for the operator by itself.
func TestDisputesThatContradictAreQuarantined(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p, other := r.buy(v, "1"), r.buy(v, "2")
	r.stripe(paidFor(p), disputeOf(p, "OPEN", 400))
	foreign := disputeOf(other, "OPEN", 400)
	foreign.DisputeID = disputeOf(p, "OPEN", 400).DisputeID
	euros := []payment.Event{disputeNo(other, 2, "OPEN", 400), disputeNo(other, 3, "OPEN", 500), disputeNo(other, 3, "LOST", 500)}
	r.stripe(foreign)
	for i := range euros {
		euros[i].Currency = "EUR"
		r.stripe(euros[i])
		if i == 1 {
			r.stripe(paidFor(other))
		}
	}
	r.wants(v, p.Credits*16/10, 0)
	got, err := r.inQuarantine(r.admin())
	reasons := map[models.QuarantineReason]int{}
	for _, q := range got {
		reasons[q.Reason]++
	}
	if err != nil || len(got) != 3 || reasons[models.QuarantineCurrency] != 2 || reasons[models.QuarantineContradiction] != 1 {
		t.Errorf("in quarantine are %v, %v", reasons, err)
	}
	for _, q := range got {
		if q.Reason == models.QuarantineCurrency && !strings.Contains(string(q.Facts), `"disputedMinor"`) || strings.Contains(string(q.Facts), "du_") {
			t.Errorf("the facts are %s", q.Facts)
		}
	}
	r.sound()
}

// The proof of the books tells of a purchase that does not say what its disputes do, and of
// credits that no refund or dispute asks for.
func TestVerifyComparesDisputes(t *testing.T) {
	r := newRoom(t)
	p := r.buy(r.account(), "1")
	r.stripe(paidFor(p), disputeOf(p, "OPEN", 400))
	for change, want := range map[string]string{
		`UPDATE payment_disputes SET amount_minor = 300`:                  "its disputes are OPEN, 300",
		`UPDATE payment_disputes SET state = 'LOST'`:                      "its disputes are LOST, 400",
		`DELETE FROM payment_disputes`:                                    "its disputes are NONE, 0",
		`UPDATE purchases SET refunded_minor = 1 WHERE dispute <> 'NONE'`: "its refunds and disputes ask for 401000000",
	} {
		tx, err := r.db.Pool().Begin(t.Context())
		r.must(err)
		_, err = tx.Exec(t.Context(), `CREATE TABLE kept AS SELECT * FROM payment_disputes; `+change)
		r.must(err)
		r.must(tx.Commit(t.Context()))
		findings, err := r.Verify(t.Context())
		if err != nil || !strings.Contains(strings.Join(findings[0].Faults, "\n"), want) {
			t.Errorf("%s: %v, %v", change, findings, err)
		}
		r.exec(`DELETE FROM payment_disputes; INSERT INTO payment_disputes SELECT * FROM kept; DROP TABLE kept; UPDATE purchases SET refunded_minor = 0`)
	}
	r.sound()
}

// Several disputes by Stripe's own protocol: one is won, one begins as an inquiry, and one
// is lost but for what had been refunded; then the same with all webhooks lost.
func TestStripesDisputes(t *testing.T) {
	r := newRoom(t)
	m, err := paymenttest.StartStripe(paymenttest.Options{Key: stripeKey, Secret: webhookSecret, TimeScale: 0.0001, Clock: r.clock()})
	r.must(err)
	t.Cleanup(m.Close)
	p, err := stripe.New(stripe.Config{Key: stripeKey, Secret: webhookSecret, BaseURL: m.URL()})
	r.must(err)
	m.SetURL(r.sells(p))
	v := r.account()
	for n, lost := range []bool{false, true} {
		bought := r.begin(v, models.PaymentStripe)
		m.SetCopies(2)
		m.Hold()
		do := func(id string, err error) string { r.must(err); return id }
		do(m.Pay(bought.ID))
		r.must(m.CloseDispute(do(m.Dispute(bought.ID, 700, false)), true))
		inquiry := do(m.Dispute(bought.ID, 100, true))
		do(m.Dispute(bought.ID, 50, true)) // which comes to nothing
		r.must(m.Escalate(inquiry))
		do(m.Refund(bought.ID, 200))
		r.must(m.LoseDispute(do(m.Dispute(bought.ID, 500, false)), 200))
		if lost {
			m.Drop()
		} else {
			m.Release(true)
			r.settled(m.Courier)
		}
		r.pass(time.Hour)
		if repaired := r.compares(); lost != (repaired > 0) || r.compares() != 0 {
			t.Errorf("put right were %d", repaired)
		}
		r.wants(v, int64(n+1)*bought.Credits*4/10, 0) // 200 refunded, 100 disputed, 300 lost
		if got := r.purchase(v, bought.ID); got.Dispute != models.DisputeOpen || got.DisputedMinor != 400 {
			t.Errorf("the purchase is %+v", got)
		}
		m.Release(false)
	}
	r.sound()
}
