package billing_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// gated is a ledger whose deposits wait at a gate: their transactions are under way.
type gated struct {
	billing.Ledger
	arrive, gate chan struct{}
}

// DepositTx is the ledger's, once the gate is open.
func (g *gated) DepositTx(tx *gorm.DB, accountID string, provider models.PaymentProvider, ref string, amount int64) (bool, error) {
	g.arrive <- struct{}{}
	<-g.gate
	return g.Ledger.DepositTx(tx, accountID, provider, ref, amount)
}

// meets delivers an event on one instance, and while its transaction is just about to
// credit a second event on another, which must wait; it returns when both are done.
func (r *room) meets(first, second payment.Event) {
	r.t.Helper()
	slow := r.instance(r.shop)
	at := &gated{Ledger: r.books, arrive: make(chan struct{}, 1), gate: make(chan struct{})}
	slow.Ledger = at
	var wg sync.WaitGroup
	deliver := func(s *billing.Service, e payment.Event) {
		if err := r.hook(s, "STRIPE", e); err != nil {
			r.t.Error(err)
		}
	}
	wg.Go(func() { deliver(slow, first) })
	<-at.arrive
	done := make(chan struct{})
	wg.Go(func() { defer close(done); deliver(r.Service, second) })
	if !r.waits(done) {
		r.t.Error("the second event did not wait for the first")
	}
	close(at.gate)
	wg.Wait()
}

// waits reports whether somebody waits for a lock of the database before done is closed.
func (r *room) waits(done <-chan struct{}) bool {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if r.count(`SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()`) > 0 {
			return true
		}
		select {
		case <-done:
			return false
		default:
		}
	}
	return false
}

// A refund that is told while its payment is being credited waits, and finds it.
func TestARefundWaitsForItsPayment(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.meets(paidFor(p), refundOf(p, 300))
	r.wants(v, p.Credits*7/10, 0)
	r.sound()
}

// P54: two payments for one purchase at the same moment: one is credited, the other waits
// for the operator.
func TestTwoPaymentsOfAPurchaseAtOnce(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	second := paidFor(p)
	second.ID, second.PaymentID = "evt_second", "pi_second"
	r.meets(paidFor(p), second)
	r.wants(v, p.Credits, 0)
	if got, err := r.inQuarantine(r.admin()); err != nil || len(got) != 1 || got[0].EventID != "evt_second" {
		t.Errorf("in quarantine are %+v, %v", got, err)
	}
	back := refundOf(p, price)
	back.PaymentID, back.ID = "pi_second", "evt_second_back"
	r.stripe(back) // of what was not credited
	r.wants(v, p.Credits, 0)
	r.sound()
}

// An account that goes while its checkout is made gets no page to pay at; what is paid all
// the same lies in suspense.
func TestAnAccountThatGoesWhileItsCheckoutIsMade(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	r.shop.arrive, r.shop.gate = make(chan struct{}, 1), make(chan struct{})
	refused := make(chan error, 1)
	go func() {
		_, err := r.Checkout(context.Background(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe})
		refused <- err
	}()
	<-r.shop.arrive
	r.exec(`DELETE FROM owners WHERE id = $1`, v.OwnerID)
	close(r.shop.gate)
	r.refuses(<-refused, fault.NotFound)
	var p models.Purchase
	r.must(r.db.Gorm(t.Context()).First(&p).Error)
	r.stripe(paidFor(&p))
	if n := r.count(`SELECT sum(amount)::bigint FROM ledger_entries WHERE account_id = 'lac_suspense'`); n != p.Credits {
		t.Errorf("in suspense are %d", n)
	}
	r.sound()
}

// An account that has gone when its checkout begins is told so.
func TestAnAccountThatIsGoneBuysNothing(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	r.exec(`DELETE FROM owners WHERE id = $1`, v.OwnerID)
	_, err := r.Checkout(t.Context(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe})
	r.refuses(err, fault.NotFound)
}

// P108, T34: a webhook that meets the deletion of its payer half-way is taken, and what was
// paid lies in suspense.
func TestAWebhookMeetsTheDeletionOfItsPayer(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p, err := r.Checkout(t.Context(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe})
	r.must(err)
	deletion, err := r.db.Pool().Begin(t.Context())
	r.must(err)
	defer func() { _ = deletion.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = deletion.Exec(t.Context(), `DELETE FROM owners WHERE id = $1`, v.OwnerID)
	r.must(err)
	taken := make(chan error, 1)
	go func() { taken <- r.hook(r.Service, "STRIPE", paidFor(p)) }()
	for waiting := int64(0); waiting == 0; {
		waiting = r.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	}
	r.must(deletion.Commit(t.Context()))
	r.must(<-taken)
	if n := r.count(`SELECT sum(amount)::bigint FROM ledger_entries WHERE account_id = 'lac_suspense'`); n != p.Credits {
		t.Errorf("in suspense are %d", n)
	}
	r.sound()
}

// Who gives up waiting for a slow provider loses nothing: the same click finds the page.
func TestASlowProviderIsWaitedForOnce(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	r.shop.arrive, r.shop.gate = make(chan struct{}, 1), make(chan struct{})
	ctx, giveUp := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := r.Checkout(ctx, v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe, ClientID: "1"})
		left <- err
	}()
	<-r.shop.arrive
	giveUp()
	if err := <-left; err == nil {
		t.Error("it did not give up")
	}
	close(r.shop.gate)
	p := r.buy(v, "1")
	if n := r.count(`SELECT count(*) FROM purchases`); n != 1 || p.Details.CheckoutURL == "" {
		t.Errorf("there are %d purchases, and the page is %q", n, p.Details.CheckoutURL)
	}
	r.stripe(paidFor(p))
	r.wants(v, p.Credits, 0)
}

// A purchase whose instance died while the provider was asked is asked for again in the
// same words by an instance with other settings: a provider refuses any others under the
// same key, and the purchase would be stuck. What was only needed for that isn't kept.
func TestAnotherInstanceAsksInTheSameWords(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	r.shop.fail(payment.ErrUnavailable)
	ask := billing.Checkout{PackID: "small", Provider: models.PaymentStripe, ClientID: "1"}
	_, err := r.Checkout(t.Context(), v, ask)
	r.refuses(err, fault.PaymentUnavailable)
	r.shop.fail(nil)
	other := r.instance(r.shop)
	other.PublicURL = "https://new.example"
	other.Packs = slices.Clone(packs)
	for i := range other.Packs {
		other.Packs[i].Name, other.Packs[i].TaxIncluded = "renamed", !other.Packs[i].TaxIncluded
	}
	other.Email = func(context.Context, viewer.Viewer) (string, error) { return "changed@example.com", nil }
	p, err := other.Checkout(t.Context(), v, ask)
	r.must(err)
	if made := r.shop.made(); len(made) != 2 || !same(made[0], made[1]) || made[0].SuccessURL == "" {
		t.Errorf("the provider was asked for %+v", made)
	}
	if p.Details.Asked != (models.Asked{}) {
		t.Errorf("still kept: %+v", p.Details.Asked)
	}
}
