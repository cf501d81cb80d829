package paymenttest_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/creem"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/internal/payment/stripe"
)

const (
	stripeKey = "sk_test_0123456789"
	creemKey  = "creem_test_0123456789"
	secret    = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// inbox takes webhooks after refusing the first few attempts of each.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	refuse int
	tries  map[string]int
	order  []string
}

func newInbox(t *testing.T, p payment.Provider, refuse int) *inbox {
	t.Helper()
	b := &inbox{refuse: refuse, tries: map[string]int{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		e, err := p.Parse(r.Header, body, time.Now())
		if err != nil {
			t.Error(err)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.tries[e.ID]++; b.tries[e.ID] <= b.refuse {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		b.order = append(b.order, e.Kind)
	}))
	t.Cleanup(b.Close)
	return b
}

// taken is the kinds of the webhooks that were taken, in their order.
func (b *inbox) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.order)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// patience bounds what should take milliseconds.
func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func openStripe(t *testing.T, refuse int) (*paymenttest.Stripe, *stripe.Provider, *inbox) {
	t.Helper()
	m, err := paymenttest.StartStripe(paymenttest.Options{Key: stripeKey, Secret: secret, TimeScale: 0.0001})
	must(t, err)
	t.Cleanup(m.Close)
	p, err := stripe.New(stripe.Config{Key: stripeKey, Secret: secret, BaseURL: m.URL()})
	must(t, err)
	b := newInbox(t, p, refuse)
	m.SetURL(b.URL)
	return m, p, b
}

func order(id string) payment.Order {
	return payment.Order{PurchaseID: id, PackName: "credits", ProductID: "prod_1", AmountMinor: 500, Currency: "USD", SuccessURL: "http://localhost/ok", ExpiresAt: time.Now().Add(time.Hour)}
}

func TestStripeSendsUntilItIsTaken(t *testing.T) {
	m, p, b := openStripe(t, 3)
	_, err := p.CreateCheckout(t.Context(), order("pur_1"))
	must(t, err)
	_, err = m.Pay("pur_1")
	must(t, err)
	must(t, m.Settled(patience(t)))
	if got := b.taken(); len(got) != 3 || len(m.Deliveries()) != 12 {
		t.Errorf("%v after %d attempts", got, len(m.Deliveries()))
	}
}

func TestWebhooksTwiceAndInAnotherOrder(t *testing.T) {
	m, p, b := openStripe(t, 0)
	_, err := p.CreateCheckout(t.Context(), order("pur_1"))
	must(t, err)
	m.SetCopies(2)
	m.Hold()
	_, err = m.Pay("pur_1")
	must(t, err)
	_, err = m.Refund("pur_1", 0)
	must(t, err)
	m.Release(true)
	must(t, m.Settled(patience(t)))
	want := []string{"refund.created", "refund.created", "charge.refunded", "charge.refunded", "checkout.session.completed", "checkout.session.completed",
		"charge.succeeded", "charge.succeeded", "payment_intent.succeeded", "payment_intent.succeeded"}
	if got := b.taken(); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	m.Hold()
	_, err = m.Dispute("pur_1", 0, false)
	must(t, err)
	m.Drop()
	must(t, m.Settled(patience(t)))
	if got := b.taken(); len(got) != len(want) {
		t.Errorf("dropped webhooks came: %v", got)
	}
}

// Creem tries five times and never again.
func TestCreemGivesUp(t *testing.T) {
	m, err := paymenttest.StartCreem(paymenttest.CreemOptions{Options: paymenttest.Options{Key: creemKey, Secret: secret, TimeScale: 0.00001},
		Products: map[string]paymenttest.Product{"prod_1": {Name: "credits", Price: 500, Currency: "USD"}}})
	must(t, err)
	t.Cleanup(m.Close)
	p, err := creem.New(creem.Config{Key: creemKey, Secret: secret, BaseURL: m.URL()})
	must(t, err)
	b := newInbox(t, p, 100)
	m.SetURL(b.URL)
	session, err := p.CreateCheckout(t.Context(), order("pur_1"))
	must(t, err)
	_, err = m.Pay(session.ID)
	must(t, err)
	must(t, m.Wait(patience(t), func(d []paymenttest.Delivery) bool { return len(d) >= 5 }))
	must(t, m.Settled(patience(t)))
	if d := m.Deliveries(); len(d) != 5 || d[4].Attempt != 5 || d[4].Status != 500 {
		t.Errorf("%d attempts", len(d))
	}
}

// What programs that are not written in Go use.
func TestControl(t *testing.T) {
	m, p, b := openStripe(t, 0)
	session, err := p.CreateCheckout(t.Context(), order("pur_1"))
	must(t, err)
	call := func(act, body string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.URL()+"/control/"+act, strings.NewReader(body))
		must(t, err)
		resp, err := (&http.Client{}).Do(r)
		must(t, err)
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct {
		act, body string
		want      int
	}{
		{"pay", `{"id":"` + session.ID + `"}`, 200}, {"pay", `{"id":"` + session.ID + `"}`, 409}, {"refund", `{"id":"pur_1","amount":100}`, 200}, {"refund", `{"id":"pur_1","amount":401}`, 409},
		{"dispute", `{"id":"pur_1"}`, 200}, {"closedispute", `{"id":"pur_1","won":true}`, 200}, {"pay", `{`, 400}, {"steal", `{}`, 404}, {"hold", ``, 200}, {"release", ``, 200},
		{"down", `{"on":true}`, 200},
	} {
		if got := call(c.act, c.body); got != c.want {
			t.Errorf("%s %s: %d, want %d", c.act, c.body, got, c.want)
		}
	}
	must(t, m.Settled(patience(t)))
	if got := b.taken(); len(got) != 3+2+2+2 {
		t.Errorf("%v", got)
	}
}
