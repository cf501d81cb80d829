package billing_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/models"
)

// T27: amounts at the ends of 64 bits are compared without wrapping around, and no refund
// takes more than was bought.
func TestAmountsAtTheEndsOfTheNumbers(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	for n, odd := range []struct{ amount, tax int64 }{
		{math.MaxInt64, 0}, {math.MinInt64, 0}, {0, 0}, {-price, 0}, {math.MaxInt64, math.MaxInt64}, {price, -1}, {price, price + 1},
		{math.MinInt64 + price - 1, math.MaxInt64}, // whose difference would wrap to the price
	} {
		p := r.buy(v, strings.Repeat("x", n+1))
		e := paidFor(p)
		e.AmountMinor, e.TaxMinor = odd.amount, odd.tax
		r.stripe(e)
		if got := r.purchase(v, p.ID); got.Status != models.PurchaseOpen {
			t.Errorf("%+v was taken for the price", odd)
		}
	}
	if n := r.count(`SELECT count(*) FROM payment_quarantine WHERE reason = 'AMOUNT'`); n != 8 {
		t.Errorf("%d are in quarantine", n)
	}
	r.wants(v, 0, 0)
	p := r.buy(v, "refunded")
	r.stripe(paidFor(p), refundOf(p, math.MinInt64), refundOf(p, -1), disputeOf(p, "OPEN", math.MinInt64), disputeOf(p, "WON", -1))
	r.wants(v, p.Credits, 0)
	r.stripe(refundOf(p, math.MaxInt64), disputeOf(p, "LOST", math.MaxInt64))
	r.wants(v, 0, 0)
	r.sound()
}

// The largest pack that is sold is taken back exactly, cent by cent.
func TestTheLargestPackIsExact(t *testing.T) {
	packs, err := load(t, `[{"id":"all","name":"All","credits":1000000000,"price":99999999999,"currency":"USD"}]`)
	if err != nil {
		t.Fatal(err)
	}
	r := newRoom(t)
	r.Service.Packs = packs
	v := r.account()
	p, err := r.Checkout(t.Context(), v, billing.Checkout{PackID: "all", Provider: models.PaymentStripe})
	r.must(err)
	r.stripe(paidFor(p), refundOf(p, 1))
	r.wants(v, p.Credits-10_000, 0)
	r.stripe(refundOf(p, p.AmountMinor-1))
	r.wants(v, 10_000, 0)
	r.stripe(refundOf(p, p.AmountMinor))
	r.wants(v, 0, 0)
	r.sound()
}

// Signed events that can't be written down are refused for good, not asked for again.
func TestEventsThatCannotBeKeptAreRefused(t *testing.T) {
	r := newRoom(t)
	p := r.buy(r.account(), "1")
	for name, change := range map[string]func(e *payment.Event){
		"no id":             func(e *payment.Event) { e.ID = "" },
		"a long id":         func(e *payment.Event) { e.ID = strings.Repeat("x", 201) },
		"a zero in the id":  func(e *payment.Event) { e.ID = "evt\x00" },
		"a zero in a kind":  func(e *payment.Event) { e.Kind = "\x00" },
		"a zero in another": func(e *payment.Event) { e.PurchaseID = "pur\x00" },
	} {
		e := paidFor(p)
		change(&e)
		if err := r.hook(r.Service, "STRIPE", e); !errors.Is(err, payment.ErrBody) {
			t.Errorf("%s: %v", name, err)
		}
	}
	e := paidFor(p)
	e.ID, e.Kind, e.PurchaseID, e.Currency = strings.Repeat("é", 100), strings.Repeat("é", 300), strings.Repeat("x", 100_000), strings.Repeat("y", 1000)
	r.stripe(e) // odd, and kept
	if n := r.count(`SELECT count(*) FROM payment_events`); n != 1 {
		t.Errorf("there are %d events", n)
	}
}

// A provider's clock may be ahead of ours, or tell no time at all: a payment is never
// dated later than now.
func TestATimeAheadOfOursIsNow(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	now := *r.now.Load()
	for click, c := range map[string]struct{ told, want time.Time }{
		"ahead":  {now.Add(time.Hour), now},
		"far":    {time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), now},
		"none":   {time.Time{}, now},
		"behind": {now.Add(-time.Minute), now.Add(-time.Minute)},
	} {
		p := r.buy(v, click)
		e := paidFor(p)
		e.OccurredAt = c.told
		r.stripe(e)
		if got := r.purchase(v, p.ID); got.PaidAt == nil || !got.PaidAt.Equal(c.want) {
			t.Errorf("%s: paid at %v, want %v", click, got.PaidAt, c.want)
		}
	}
	r.wants(v, 4*packs[0].Credits, 0)
}

// T25: a refund that failed and is told again, by the same event, takes nothing back.
func TestAReplayedRefundOfOneThatFailed(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.stripe(paidFor(p), refundOf(p, price), refundOf(p, price))
	r.wants(v, 0, 0)
	r.shop.tells(asked(paidFor(p)), asked(refundOf(p, 0)))
	r.pass(time.Minute)
	r.reconcile()
	r.wants(v, p.Credits, 0)
	r.stripe(refundOf(p, price))
	r.wants(v, p.Credits, 0)
	r.sound()
}

// A refund failed and another of the same amount was made while the provider was asked: what
// it said before that is no present word, although the webhook told no other sum.
func TestARefundOfTheSameAmountIsNews(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.stripe(paidFor(p), refundOf(p, price))
	r.pass(time.Hour)
	again := refundOf(p, price)
	again.ID = "evt_again"
	r.stripe(again)
	r.shop.tells(asked(paidFor(p)), asked(refundOf(p, 0)))
	r.reconcile()
	r.wants(v, 0, 0)
	r.sound()
}

// P56: one refund is told by several events, each with all that was refunded so far: it
// is taken back once.
func TestARefundThatIsToldBySeveralEvents(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.stripe(paidFor(p))
	for n := range 4 {
		e := refundOf(p, 250)
		e.ID += strings.Repeat("x", n)
		r.stripe(e)
	}
	r.wants(v, p.Credits*3/4, 0)
	r.stripe(refundOf(p, 500), refundOf(p, 400)) // the later one overtook
	r.wants(v, p.Credits/2, 0)
	r.sound()
}

// What goes back in another currency than was paid waits for the operator, whichever of the two
// is told first.
func TestARefundInAnotherCurrencyIsQuarantined(t *testing.T) {
	for name, first := range map[string]bool{"before its payment": true, "after its payment": false} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			v := r.account()
			p := r.buy(v, "1")
			foreign := refundOf(p, price)
			foreign.Currency = "EUR"
			told := []payment.Event{paidFor(p), foreign}
			if first {
				slices.Reverse(told)
			}
			r.stripe(told...)
			r.stripe(told...)
			r.wants(v, p.Credits, 0)
			got, err := r.inQuarantine(r.admin())
			if err != nil || len(got) != 1 || got[0].EventID != foreign.ID || got[0].Reason != models.QuarantineCurrency || *got[0].PurchaseID != p.ID {
				t.Errorf("in quarantine are %+v, %v", got, err)
			}
			if n := r.count(`SELECT count(*) FROM payment_events WHERE event_id = $1 AND outcome = 'QUARANTINED'`, foreign.ID); n != 1 {
				t.Errorf("%d rows of the inbox say so", n)
			}
			r.sound()
		})
	}
}

// A provider that says one thing and then another: money that moved is believed, and what
// a webhook said is not unsaid by a checkout that looks open or over.
func TestAProviderThatContradictsItself(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	over := func(s payment.Status) payment.Event {
		e := paidFor(p)
		e.ID, e.Status = "evt_"+string(s), s
		return e
	}
	r.stripe(over(payment.Expired), paidFor(p), over(payment.Failed), over(payment.Expired))
	r.shop.sessions["cs_"+p.ID] = asked(over(payment.Expired))
	r.shop.tells(asked(over(payment.Failed)), asked(paidFor(p)))
	r.pass(time.Hour)
	r.reconcile()
	r.stripe(disputeOf(p, "WON", price), disputeOf(p, "LOST", price), disputeOf(p, "OPEN", price))
	r.wants(v, p.Credits, 0)
	foreign := refundOf(p, price)
	foreign.ID, foreign.Currency = "evt_foreign", "EUR"
	r.stripe(foreign)
	if got := r.purchase(v, p.ID); got.Status != models.PurchasePaid || got.RefundedMinor != 0 || got.Dispute != models.DisputeWon {
		t.Errorf("the purchase is %+v", got)
	}
	r.wants(v, p.Credits, 0)
	r.sound()
}
