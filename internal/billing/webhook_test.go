package billing_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/models"
)

// P52, T24: only what the provider has signed has an effect.
func TestAForgedWebhookDoesNothing(t *testing.T) {
	r := newRoom(t)
	p := r.buy(r.account(), "1")
	err := r.Webhook(t.Context(), "STRIPE", http.Header{}, []byte(`{"ID":"evt","Status":"PAID","PurchaseID":"`+p.ID+`"}`))
	if !errors.Is(err, payment.ErrSignature) {
		t.Errorf("the error is %v", err)
	}
	if err := r.hook(r.instance(), "STRIPE", paidFor(p)); !errors.Is(err, payment.ErrUnknownProvider) {
		t.Errorf("without a provider the error is %v", err)
	}
	if n := r.count(`SELECT count(*) FROM payment_events`); n != 0 {
		t.Errorf("there are %d events", n)
	}
}

// P54: the same event ten times at once is one grant, on two instances.
func TestTheSameEventTenTimesAtOnce(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	other := r.instance(r.shop)
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			s := []*billing.Service{r.Service, other}[i%2]
			if err := r.hook(s, "stripe", paidFor(p)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	r.wants(v, p.Credits, 0)
	if told := r.heard(); !slices.Equal(told, []string{v.OwnerID + " " + p.ID}) {
		t.Errorf("the owner was told %v", told)
	}
	r.sound()
}

// A dispute and the payment it is about arrive at the same moment: neither misses the other.
func TestAPaymentAndItsDisputeAtOnce(t *testing.T) {
	r := newRoom(t)
	for range 10 {
		v := r.account()
		p := r.buy(v, "1")
		var wg sync.WaitGroup
		for _, e := range []payment.Event{paidFor(p), disputeOf(p, "OPEN", 250), refundOf(p, 500)} {
			wg.Go(func() { r.stripe(e) })
		}
		wg.Wait()
		r.wants(v, p.Credits/4, 0)
	}
	r.sound()
}

// P54: what fails leaves nothing, and the same event is done when it comes again.
func TestAFailureLeavesNothingAndIsRepeated(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.keyFails = errors.New("the key does not open")
	if err := r.hook(r.Service, "STRIPE", paidFor(p)); err == nil || errors.Is(err, payment.ErrSignature) {
		t.Errorf("the error is %v", err)
	}
	r.keyFails = nil
	r.exec(`ALTER TABLE ledger_entries RENAME TO gone`)
	if err := r.hook(r.Service, "STRIPE", paidFor(p)); err == nil {
		t.Error("without a ledger it went well")
	}
	r.exec(`ALTER TABLE gone RENAME TO ledger_entries`)
	if n := r.count(`SELECT count(*) FROM payment_events`); n != 0 || r.purchase(v, p.ID).Status != models.PurchaseOpen {
		t.Errorf("a failure left %d events, and the purchase %s", n, r.purchase(v, p.ID).Status)
	}
	r.stripe(paidFor(p))
	r.wants(v, p.Credits, 0)
}

// P55, T24: a payment that is not what was ordered is credited to nobody.
func TestAPaymentThatIsNotTheOrderIsQuarantined(t *testing.T) {
	for reason, change := range map[models.QuarantineReason]func(r *room, e *payment.Event){
		models.QuarantineAmount:   func(_ *room, e *payment.Event) { e.AmountMinor-- },
		models.QuarantineCurrency: func(_ *room, e *payment.Event) { e.Currency = "EUR" },
		models.QuarantineMode:     func(_ *room, e *payment.Event) { e.Live = true },
		models.QuarantineUnknown:  func(_ *room, e *payment.Event) { e.PurchaseID = "pur_" + strings.Repeat("0", 32) },
		models.QuarantineAccount: func(r *room, e *payment.Event) {
			other := r.buy(r.account(), "1")
			r.stripe(paidFor(other))
			e.CustomerID = "cus_" + other.AccountID
		},
		models.QuarantineContradiction: func(r *room, e *payment.Event) {
			other := r.buy(r.account(), "1")
			r.stripe(paidFor(other))
			e.PaymentID = "pi_" + other.ID
		},
	} {
		t.Run(string(reason), func(t *testing.T) {
			r := newRoom(t)
			v := r.account()
			p := r.buy(v, "1")
			e := paidFor(p)
			change(r, &e)
			again := e
			again.ID, again.Kind = "evt_again", "charge.succeeded" // another event of the same payment
			r.stripe(e, e, again)
			r.wants(v, 0, 0)
			got, err := r.inQuarantine(r.admin())
			if err != nil || len(got) != 1 || got[0].Reason != reason || got[0].EventID != e.ID || got[0].ResolvedAt != nil {
				t.Fatalf("in quarantine are %+v, %v", got, err)
			}
			if strings.Contains(string(got[0].Facts), "pi_") || strings.Contains(string(got[0].Facts), "cus_") {
				t.Errorf("the facts hold the payer's ids: %s", got[0].Facts)
			}
			if got := r.purchase(v, p.ID); got.Status != models.PurchaseOpen || got.PaidMinor != 0 {
				t.Errorf("the purchase is %+v", got)
			}
			r.sound()
		})
	}
}

// T24: an event of one provider for a purchase at the other is none of its.
func TestCreemsWordCountsForCreemsPurchasesOnly(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.must(r.hook(r.Service, "CREEM", paidFor(p)))
	r.wants(v, 0, 0)
	q, err := r.Checkout(t.Context(), v, billing.Checkout{PackID: "small", Provider: models.PaymentCreem})
	r.must(err)
	if got := r.creem.made(); got[0].ProductID != "prod_small" {
		t.Errorf("Creem was asked for %+v", got)
	}
	e := paidFor(q)
	e.PaymentID, e.ProductID = "ord_other", "prod_other"
	r.must(r.hook(r.Service, "CREEM", e))
	r.wants(v, 0, 0)
	e = paidFor(q)
	e.ID, e.ProductID = "evt_right", "prod_small"
	r.must(r.hook(r.Service, "CREEM", e))
	r.wants(v, q.Credits, 0)
	got, err := r.inQuarantine(r.admin())
	if err != nil || len(got) != 2 || got[0].Reason != models.QuarantineProduct || got[1].Reason != models.QuarantineUnknown {
		t.Errorf("in quarantine are %+v, %v", got, err)
	}
	d := disputeOf(q, "OPEN", 0) // Creem tells no amount: all of it
	r.must(r.hook(r.Service, "CREEM", d))
	r.wants(v, 0, 0)
}

// Paid twice: the second payment is not credited, and its refund takes nothing back.
func TestASecondPaymentOfAPurchase(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	second := paidFor(p)
	second.ID, second.PaymentID = "evt_second", "pi_second"
	back := refundOf(p, price)
	back.PaymentID = "pi_second"
	r.stripe(paidFor(p), second, back)
	r.wants(v, p.Credits, 0)
	r.sound()
}

// P56: what is taken back beyond the balance is owed, and blocks spending until it is paid.
func TestARefundBeyondTheBalanceIsOwed(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "1")
	r.stripe(paidFor(p))
	spend := func(amount int64) error {
		return r.db.Tx(t.Context(), func(tx *gorm.DB) error {
			h, err := r.books.HoldTx(tx, v, models.HoldAsk{Price: models.Price{Output: 1_000_000}, OutputTokens: amount})
			if err != nil {
				return err
			}
			_, err = r.books.SettleTx(tx, models.Settlement{OwnerID: v.OwnerID, HoldID: h.ID, Ref: h.ID, Source: models.SourceWeb, Feature: models.FeatureChat,
				ModelID: "m", Status: models.RunComplete, Usage: models.Usage{OutputTokens: amount}})
			return err
		})
	}
	r.must(spend(900_000_000))
	r.stripe(refundOf(p, 300)) // 300,000,000 of which 100,000,000 are there
	r.wants(v, 0, 200_000_000)
	r.refuses(spend(1), fault.InsufficientCredits)
	r.stripe(disputeOf(p, "OPEN", 700), disputeOf(p, "WON", 700)) // the rest goes and comes again
	r.wants(v, 0, 200_000_000)
	r.stripe(paidFor(r.buy(v, "2")))
	r.wants(v, 800_000_000, 0)
	r.must(spend(1))
	r.sound()
}

// An account that is removed between checkout and payment: the payment is on the books,
// for nobody, and so is its refund.
func TestAPaymentForAnAccountThatIsGone(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	early, late := r.buy(v, "1"), r.buy(v, "2")
	r.stripe(paidFor(early))
	r.exec(`DELETE FROM owners WHERE id = $1`, v.OwnerID)
	r.stripe(paidFor(late), refundOf(late, price), refundOf(early, 400))
	sum := func(account string) int64 {
		return r.count(`SELECT coalesce(sum(amount), 0)::bigint FROM ledger_entries WHERE account_id = $1`, account)
	}
	if got := sum(early.AccountID); got != early.Credits {
		t.Errorf("the wallet nobody has holds %d", got)
	}
	if got := sum("lac_suspense"); got != -early.Credits*4/10 {
		t.Errorf("in suspense are %d", got)
	}
	if n := r.count(`SELECT count(*) FROM payment_details`) + r.count(`SELECT count(*) FROM payment_customers`); n != 0 {
		t.Errorf("%d rows of the payer are left", n)
	}
	r.sound()
}

// A clock that goes wrong is told of before the provider's signatures are refused for it.
func TestAClockThatDiffersIsToldOf(t *testing.T) {
	r := newRoom(t)
	for off, told := range map[time.Duration]bool{0: false, -time.Minute: false, time.Minute: false, -61 * time.Second: true, 61 * time.Second: true} {
		r.logs.text.Reset()
		r.must(r.hook(r.Service, "STRIPE", payment.Event{ID: "evt" + off.String(), Kind: "ping", SignedAt: r.now.Load().Add(off)}))
		if strings.Contains(r.logs.String(), "level=ERROR msg=\"this machine's clock and a payment provider's differ") != told {
			t.Errorf("%v off: %q", off, r.logs.String())
		}
	}
	r.logs.text.Reset()
	r.must(r.hook(r.Service, "CREEM", payment.Event{ID: "evt", Kind: "ping"})) // a signature without a time
	if r.logs.String() != "" {
		t.Error(r.logs.String())
	}
}
