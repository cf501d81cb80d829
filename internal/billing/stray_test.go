package billing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment/creem"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/models"
)

// sellsAtCreem makes a model of Creem the room's only provider; its webhooks are held back.
func (r *room) sellsAtCreem() *paymenttest.Creem {
	r.t.Helper()
	m, err := paymenttest.StartCreem(paymenttest.CreemOptions{Options: paymenttest.Options{Key: creemKey, Secret: webhookSecret, TimeScale: 0.0001, Clock: r.clock(), Tax: 19},
		Products: map[string]paymenttest.Product{"prod_small": {Name: "Small", Price: price, Currency: "USD"}, "prod_other": {Name: "Another program's", Price: price, Currency: "USD"}}})
	r.must(err)
	r.t.Cleanup(m.Close)
	p, err := creem.New(creem.Config{Key: creemKey, Secret: webhookSecret, BaseURL: m.URL()})
	r.must(err)
	m.SetURL(r.sells(p))
	m.Hold()
	return m
}

// compared reconciles with the only provider.
func (r *room) compared() *models.Reconciliation {
	r.t.Helper()
	rows, err := r.Reconcile(r.t.Context())
	r.must(err)
	return rows[0]
}

// R-PAY: Creem lets checkouts be paid for as long as it likes. A payment of one that is over
// here, and of which no webhook told, is credited by the comparison, once; what went back of
// it before that goes back.
func TestCreemsPaymentOfACheckoutThatIsOver(t *testing.T) {
	for name, back := range map[string]int64{"paid": 0, "partly refunded": 119} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			m := r.sellsAtCreem()
			v := r.account()
			late, never := r.begin(v, models.PaymentCreem), r.begin(v, models.PaymentCreem)
			r.pass(80 * time.Hour)
			r.compared()
			if got := r.purchase(v, late.ID); got.Status != models.PurchaseExpired {
				t.Fatalf("after 80 hours it is %s", got.Status)
			}
			_, err := m.Pay(late.ID)
			r.must(err)
			if back > 0 {
				r.must(m.Refund(late.ID, back))
			}
			m.Drop()
			r.pass(time.Hour)
			if got := r.compared(); got.Repaired == 0 || !strings.Contains(string(got.Differences), late.ID+": paid") {
				t.Errorf("the comparison is %+v: %s", got, got.Differences)
			}
			r.wants(v, late.Credits-late.Credits*back/1190, 0)
			if got := r.compared(); got.Repaired != 0 || string(got.Differences) != "[]" {
				t.Errorf("the next comparison is %+v: %s", got, got.Differences)
			}
			if a, b := r.purchase(v, late.ID).Status, r.purchase(v, never.ID).Status; a != models.PurchasePaid || b != models.PurchaseExpired {
				t.Errorf("they are %s and %s", a, b)
			}
			if n := r.count(`SELECT count(*) FROM payment_quarantine`); n != 0 {
				t.Errorf("%d are in quarantine", n)
			}
			r.sound()
		})
	}
}

// R-PAY: of an account that went between checkout and payment nothing is left that leads from
// Creem's list to the purchase. Where no webhook told of the payment, it waits for the
// operator as a sale of ours that belongs to nothing; the webhook, if it comes at last, puts
// it into the suspense account.
func TestCreemsPaymentOfWhoIsGone(t *testing.T) {
	r := newRoom(t)
	m := r.sellsAtCreem()
	v := r.account()
	p := r.begin(v, models.PaymentCreem)
	r.exec(`DELETE FROM owners WHERE id = $1`, v.OwnerID)
	_, err := m.Pay(p.ID)
	r.must(err)
	if got := r.compared(); string(got.Differences) != "[]" {
		t.Errorf("at once the comparison is %+v: %s", got, got.Differences)
	}
	r.pass(time.Hour)
	if got := r.compared(); got.Repaired != 0 || !strings.Contains(string(got.Differences), "quarantine") {
		t.Errorf("the comparison is %+v: %s", got, got.Differences)
	}
	if got := r.compared(); got.Repaired != 0 || string(got.Differences) != "[]" {
		t.Errorf("the next comparison is %+v: %s", got, got.Differences)
	}
	rows, err := r.inQuarantine(r.admin())
	r.must(err)
	if len(rows) != 1 || rows[0].Reason != models.QuarantineUnknown || !strings.Contains(string(rows[0].Facts), `"prod_small"`) || !strings.Contains(string(rows[0].Facts), "1190") {
		t.Fatalf("in quarantine are %+v", rows)
	}
	late := m.Take()
	for _, w := range append(late, late...) {
		r.must(r.Webhook(t.Context(), "creem", m.Sign(w), w.Body))
	}
	if n := r.count(`SELECT coalesce(sum(amount), 0)::bigint FROM ledger_entries WHERE account_id = 'lac_suspense'`); n != p.Credits {
		t.Errorf("suspended are %d", n)
	}
	r.compared()
	r.sound()
}

// What another program sells in the same shop is nobody's business here, and neither is what
// went back as a whole.
func TestCreemsSalesOfOthers(t *testing.T) {
	r := newRoom(t)
	m := r.sellsAtCreem()
	v := r.account()
	mine := r.begin(v, models.PaymentCreem)
	r.exec(`DELETE FROM owners WHERE id = $1`, v.OwnerID)
	_, err := m.Pay(mine.ID)
	r.must(err)
	r.must(m.Refund(mine.ID, 0))
	foreign, err := m.Sell("prod_other")
	r.must(err)
	m.Drop()
	r.pass(time.Hour)
	if got := r.compared(); got.Repaired != 0 || string(got.Differences) != "[]" {
		t.Errorf("after %s the comparison is %+v: %s", foreign, got, got.Differences)
	}
	if n := r.count(`SELECT count(*) FROM payment_quarantine`); n != 0 {
		t.Errorf("%d are in quarantine", n)
	}
}
