package billing_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/creem"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/internal/payment/stripe"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	webhookSecret = "whsec_0123456789012345678901234567890123456789"
	stripeKey     = "sk_test_0123456789"
	creemKey      = "creem_test_0123456789"
)

// sells makes the provider the room's only one, and brings its webhooks in.
func (r *room) sells(p payment.Provider) (url string) {
	r.Service = r.instance(p)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err = errors.Join(err, r.Webhook(q.Context(), p.Name(), q.Header, body)); err != nil {
			r.t.Error(err)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	r.t.Cleanup(web.Close)
	return web.URL
}

// settled waits until every webhook was taken.
func (r *room) settled(c *paymenttest.Courier) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 15*time.Second)
	defer cancel()
	r.must(c.Settled(ctx))
}

func (r *room) begin(v viewer.Viewer, provider models.PaymentProvider) *models.Purchase {
	r.t.Helper()
	p, err := r.Checkout(r.t.Context(), v, billing.Checkout{PackID: "small", Provider: provider})
	r.must(err)
	r.pass(time.Hour) // the next checkout is another
	return p
}

// compares reconciles with the only provider and says how much was put right.
func (r *room) compares() int {
	r.t.Helper()
	rows, err := r.Reconcile(r.t.Context())
	r.must(err)
	return rows[0].Repaired
}

// T25, P54: everything Stripe tells of a payment, three times and the last first, by its
// own protocol; then the same with all webhooks lost.
func TestStripesOwnProtocol(t *testing.T) {
	r := newRoom(t)
	m, err := paymenttest.StartStripe(paymenttest.Options{Key: stripeKey, Secret: webhookSecret, TimeScale: 0.0001, Clock: r.clock(), Tax: 19})
	r.must(err)
	t.Cleanup(m.Close)
	p, err := stripe.New(stripe.Config{Key: stripeKey, Secret: webhookSecret, BaseURL: m.URL(), AutomaticTax: true})
	r.must(err)
	m.SetURL(r.sells(p))
	v := r.account()
	for _, lost := range []bool{false, true} {
		before, _, err := r.books.Balance(t.Context(), v)
		r.must(err)
		bought := r.begin(v, models.PaymentStripe)
		m.SetCopies(3)
		m.Hold()
		do := func(_ string, err error) { r.must(err) }
		do(m.Pay(bought.ID))
		do(m.Refund(bought.ID, 595)) // half of 1,190
		do(m.Dispute(bought.ID, 0, false))
		r.must(m.CloseDispute(bought.ID, true))
		repaired := 0
		if lost {
			m.Drop()
			r.pass(time.Hour)
			repaired = r.compares()
		} else {
			m.Release(true)
			r.settled(m.Courier)
			r.pass(time.Hour)
		}
		r.wants(v, before.Posted+bought.Credits/2, 0)
		if again := r.compares(); again != 0 || lost != (repaired > 0) {
			t.Errorf("put right were %d, then %d", repaired, again)
		}
		got := r.purchase(v, bought.ID)
		if got.Status != models.PurchasePaid || got.PaidMinor != 1190 || got.TaxMinor != 190 || got.Dispute != models.DisputeWon || got.Details.Last4 != "4242" {
			t.Errorf("the purchase is %+v, %+v", got, got.Details)
		}
		m.Release(false)
	}
	r.sound()
}

// A refund that Stripe takes back is given again by the comparison.
func TestStripesFailedRefund(t *testing.T) {
	r := newRoom(t)
	m, err := paymenttest.StartStripe(paymenttest.Options{Key: stripeKey, Secret: webhookSecret, TimeScale: 0.0001, Clock: r.clock()})
	r.must(err)
	t.Cleanup(m.Close)
	p, err := stripe.New(stripe.Config{Key: stripeKey, Secret: webhookSecret, BaseURL: m.URL()})
	r.must(err)
	m.SetURL(r.sells(p))
	v := r.account()
	bought := r.begin(v, models.PaymentStripe)
	_, err = m.Pay(bought.ID)
	r.must(err)
	refund, err := m.Refund(bought.ID, 0)
	r.must(err)
	r.settled(m.Courier)
	r.wants(v, 0, 0)
	r.must(m.FailRefund(refund))
	r.settled(m.Courier)
	r.pass(time.Minute)
	if n := r.compares() + r.compares(); n != 1 {
		t.Errorf("put right were %d", n)
	}
	r.wants(v, bought.Credits, 0)
	m.Down(true)
	_, err = r.Checkout(t.Context(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe})
	r.refuses(err, fault.PaymentUnavailable)
	r.sound()
}

// The same at Creem, which names orders, and sells from its own catalogue.
func TestCreemsOwnProtocol(t *testing.T) {
	r := newRoom(t)
	m, err := paymenttest.StartCreem(paymenttest.CreemOptions{Options: paymenttest.Options{Key: creemKey, Secret: webhookSecret, TimeScale: 0.0001, Clock: r.clock()},
		Products: map[string]paymenttest.Product{"prod_small": {Name: "Small", Price: price, Currency: "USD"}}})
	r.must(err)
	t.Cleanup(m.Close)
	p, err := creem.New(creem.Config{Key: creemKey, Secret: webhookSecret, BaseURL: m.URL()})
	r.must(err)
	m.SetURL(r.sells(p))
	v := r.account()
	for n, lost := range []bool{false, true} {
		bought := r.begin(v, models.PaymentCreem)
		m.SetCopies(2)
		m.Hold()
		_, err = m.Pay(bought.ID)
		r.must(err)
		r.must(m.Refund(bought.ID, 250))
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
		r.wants(v, int64(n+1)*bought.Credits*3/4, 0)
		m.Release(false)
	}
	r.sound()
}
