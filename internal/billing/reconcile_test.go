package billing_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/models"
)

// asked is an event as the provider tells it when it is asked.
func asked(e payment.Event) payment.Event {
	e.ID, e.Current = "asked:"+e.ID, true
	return e
}

// reconcile compares with Stripe.
func (r *room) reconcile() *models.Reconciliation {
	r.t.Helper()
	rows, err := r.Reconcile(r.t.Context())
	r.must(err)
	if len(rows) != 2 || rows[0].Provider != models.PaymentStripe || rows[1].Repaired != 0 {
		r.t.Fatalf("the comparisons are %+v", rows)
	}
	return rows[0]
}

// R-PAY: a payment whose webhooks were all lost is credited by the comparison, once.
func TestAMissedPaymentIsRepairedOnce(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	open, listed := r.buy(v, "1"), r.buy(v, "2")
	r.shop.sessions["cs_"+open.ID] = asked(paidFor(open))
	r.shop.tells(asked(paidFor(open)), asked(paidFor(listed)), payment.Event{ID: "asked:foreign", Status: payment.Paid, PaymentID: "pi_foreign", Current: true})
	r.pass(time.Hour)
	got := r.reconcile()
	if got.Repaired != 2 || got.Compared != 3 || strings.Count(string(got.Differences), "put right") != 2 || got.Failure != "" {
		t.Errorf("the comparison is %+v: %s", got, got.Differences)
	}
	r.wants(v, 2*open.Credits, 0)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if got := r.reconcile(); got.Repaired != 0 || string(got.Differences) != "[]" {
				t.Errorf("the next comparison is %+v: %s", got, got.Differences)
			}
		})
	}
	wg.Wait()
	r.stripe(paidFor(open)) // the webhook comes at last
	r.wants(v, 2*open.Credits, 0)
	r.sound()
}

// What was paid within the last two minutes may have its webhook on the way: there is no
// alarm yet, and the next comparison sees to it.
func TestAFreshPaymentIsNoDifference(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.shop.tells(asked(paidFor(p)))
	for _, wait := range []time.Duration{0, 119 * time.Second} {
		r.pass(wait)
		if got := r.reconcile(); got.Repaired != 0 || string(got.Differences) != "[]" {
			t.Errorf("after %v the comparison is %+v: %s", wait, got, got.Differences)
		}
	}
	r.wants(v, 0, 0)
	r.pass(time.Second)
	if got := r.reconcile(); got.Repaired != 1 {
		t.Errorf("the comparison is %+v: %s", got, got.Differences)
	}
	r.wants(v, p.Credits, 0)
}

// A refund that is asked for counts as it stands; one that failed gives again. What was
// told since the question was put is not undone by its answer.
func TestARefundThatFailedIsGivenAgain(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.stripe(paidFor(p), refundOf(p, price))
	r.wants(v, 0, 0)
	r.shop.tells(asked(paidFor(p)), asked(refundOf(p, 0)))
	r.reconcile() // at the moment at which the refund was told
	r.wants(v, 0, 0)
	r.pass(time.Minute)
	if got := r.reconcile(); got.Repaired != 1 {
		t.Errorf("the comparison is %+v", got)
	}
	r.wants(v, p.Credits, 0)
	r.sound()
}

// A comparison that can't be finished says so, and does what it can.
func TestAComparisonThatFails(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.shop.tells(asked(paidFor(p)))
	r.shop.fail(errors.New("the provider is down"))
	r.pass(time.Hour)
	rows, err := r.Reconcile(t.Context())
	if err == nil || len(rows) != 2 || !strings.Contains(rows[0].Failure, "the provider is down") || rows[1].Failure != "" || rows[0].Repaired != 1 {
		t.Errorf("the comparisons are %+v, %v", rows, err)
	}
	admin := r.admin()
	if rows, err := r.ReconcileNow(t.Context(), admin); err != nil || rows[0].Failure == "" {
		t.Errorf("the operator sees %+v, %v", rows, err)
	}
	if rows, _, err := r.Reconciliations(t.Context(), admin, page.Args{Size: page.MaxSize}); err != nil || len(rows) != 4 || !rows[0].StartedAt.Equal(*r.now.Load()) {
		t.Errorf("the list is %+v, %v", rows, err)
	}
	_, err = r.ReconcileNow(t.Context(), v)
	r.refuses(err, fault.Forbidden)
	_, _, err = r.Reconciliations(t.Context(), v, page.Args{Size: 1})
	r.refuses(err, fault.Forbidden)
	_, err = r.instance().ReconcileNow(t.Context(), admin)
	r.refuses(err, fault.Conflict)
}

// What is paid here and unknown to the provider is an alarm, and nothing is taken back.
func TestAPaymentThatTheProviderDoesNotKnow(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.stripe(paidFor(p))
	r.pass(time.Hour)
	if got := r.reconcile(); got.Repaired != 0 || !strings.Contains(string(got.Differences), p.ID+": paid here") {
		t.Errorf("the comparison is %+v: %s", got, got.Differences)
	}
	r.wants(v, p.Credits, 0)
}

// A credit that is missing from the ledger is posted.
func TestAPostingThatIsMissingIsMade(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.exec(`UPDATE purchases SET status = 'PAID', paid_at = now(), paid_minor = $2, payment_index = sha256('x') WHERE id = $1`, p.ID, price)
	findings, err := r.Verify(t.Context())
	r.must(err)
	if len(findings[0].Faults) != 1 {
		t.Errorf("found is %+v", findings)
	}
	r.exec(`UPDATE purchases SET status = 'OPEN', paid_at = NULL, payment_index = NULL WHERE id = $1`, p.ID)
	r.stripe(paidFor(p))
	r.exec(`UPDATE purchases SET status = 'OPEN', paid_at = NULL WHERE id = $1`, p.ID)
	if findings, err = r.Verify(t.Context()); err != nil || len(findings[0].Faults) != 1 {
		t.Errorf("found is %+v, %v", findings, err)
	}
	r.shop.tells(asked(paidFor(p)))
	r.pass(time.Hour)
	r.reconcile()
	r.wants(v, p.Credits, 0)
	r.sound()
}

// Checkouts that nobody uses end; a payment that comes all the same is credited.
func TestOldCheckoutsEnd(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	open := r.buy(v, "1")
	r.shop.fail(payment.ErrUnavailable)
	r.shop.fail(nil)
	r.pass(3 * time.Hour)
	r.reconcile()
	if got := r.purchase(v, open.ID); got.Status != models.PurchaseOpen {
		t.Errorf("after 3 hours it is %s", got.Status)
	}
	r.pass(80 * time.Hour)
	r.reconcile()
	if got := r.purchase(v, open.ID); got.Status != models.PurchaseExpired {
		t.Errorf("after 83 hours it is %s", got.Status)
	}
	r.stripe(paidFor(open))
	r.wants(v, open.Credits, 0)
	r.sound()
}
