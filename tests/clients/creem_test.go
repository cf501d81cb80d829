package clients_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/creem"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
)

const (
	creemKey    = "creem_test_0123456789"
	creemSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// TestCreem lets Creem's own SDK look at the model that our client is tested with, and
// at what our client sends.
func TestCreem(t *testing.T) {
	m, err := paymenttest.StartCreem(paymenttest.CreemOptions{Options: paymenttest.Options{Key: creemKey, Secret: creemSecret, Tax: 21},
		Products: map[string]paymenttest.Product{"prod_1": {Name: "1,000 credits", Price: 1000, Currency: "EUR"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	m.Hold()
	p, err := creem.New(creem.Config{Key: creemKey, Secret: creemSecret, BaseURL: m.URL()})
	if err != nil {
		t.Fatal(err)
	}
	session, err := p.CreateCheckout(t.Context(), payment.Order{PurchaseID: "pur_1", ProductID: "prod_1", Email: "payer@example.com", SuccessURL: "http://localhost/"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Pay(session.ID); err != nil {
		t.Fatal(err)
	}
	if err := m.Refund(session.ID, 200); err != nil {
		t.Fatal(err)
	}
	if err := m.Dispute(session.ID); err != nil {
		t.Fatal(err)
	}
	node(t, "creem.mjs", "CREEM_URL="+m.URL(), "CREEM_KEY="+creemKey, "CREEM_SECRET="+creemSecret, "PAID="+session.ID, "OURS="+creemRequest(t),
		"WEBHOOKS="+signedBothWays(t, m.Take()))
}

// creemRequest is what our client sends to make a checkout.
func creemRequest(t *testing.T) (sent string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent = string(body)
		_, _ = io.WriteString(w, `{"id":"ch_1","checkout_url":"https://creem.example/ch_1"}`)
	}))
	defer s.Close()
	p, err := creem.New(creem.Config{Key: creemKey, Secret: creemSecret, BaseURL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	order := payment.Order{PurchaseID: "pur_1", ProductID: "prod_1", Email: "payer@example.com", SuccessURL: "https://chat.example/billing/return"}
	if _, err := p.CreateCheckout(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	return sent
}

// signedBothWays is webhooks as JSON: signed by creem-signature, then as Standard
// Webhooks asks for.
func signedBothWays(t *testing.T, all []paymenttest.Webhook) string {
	t.Helper()
	type webhook struct {
		Body    string            `json:"body"`
		Headers map[string]string `json:"headers"`
	}
	var out []webhook
	for _, sign := range []func(paymenttest.Webhook) http.Header{
		func(w paymenttest.Webhook) http.Header { return paymenttest.SignCreem(w.Body, creemSecret) },
		func(w paymenttest.Webhook) http.Header {
			return paymenttest.SignStandard(w.ID, w.Body, creemSecret, clock.System{}.Now())
		},
	} {
		for _, w := range all {
			headers := map[string]string{}
			for name, values := range sign(w) {
				headers[name] = values[0]
			}
			out = append(out, webhook{string(w.Body), headers})
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
