package stripe_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/internal/payment/stripe"
)

const (
	key    = "sk_test_abcdefghijklmnop"
	secret = "whsec_0123456789abcdef0123456789abcdef"
	payer  = "canary-payer@example.com"
)

// shop is a provider at a model of Stripe, with a clock that both look at.
type shop struct {
	*stripe.Provider
	model *paymenttest.Stripe
	now   time.Time
}

func open(t *testing.T, change func(*paymenttest.Options, *stripe.Config)) *shop {
	t.Helper()
	s := &shop{now: time.Now().UTC().Truncate(time.Second)}
	o := paymenttest.Options{Key: key, Secret: secret, Clock: clock.Func(func() time.Time { return s.now })}
	c := stripe.Config{Key: key, Secret: secret}
	if change != nil {
		change(&o, &c)
	}
	var err error
	if s.model, err = paymenttest.StartStripe(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.model.Close)
	c.BaseURL = s.model.URL()
	if s.Provider, err = stripe.New(c); err != nil {
		t.Fatal(err)
	}
	s.model.Hold()
	return s
}

func (s *shop) order(id string) payment.Order {
	return payment.Order{PurchaseID: id, PackName: "1,000 credits", AmountMinor: 999, Currency: "USD", TaxIncluded: true, Email: payer,
		SuccessURL: "http://localhost/billing/return?s={CHECKOUT_SESSION_ID}", CancelURL: "http://localhost/billing", ExpiresAt: s.now.Add(time.Hour)}
}

func (s *shop) checkout(t *testing.T, id string) payment.Session {
	t.Helper()
	got, err := s.CreateCheckout(t.Context(), s.order(id))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// told parses what the model held back since the last time, by kind.
func (s *shop) told(t *testing.T) map[string]payment.Event {
	t.Helper()
	out := map[string]payment.Event{}
	for _, w := range s.model.Take() {
		e, err := s.Parse(s.model.Sign(w), w.Body, s.now)
		if err != nil || e.ID != w.ID || e.Kind != w.Kind {
			t.Fatalf("%s: %+v, %v", w.Kind, e, err)
		}
		out[w.Kind] = e
	}
	s.model.Hold()
	return out
}

func (s *shop) asked(t *testing.T, since time.Time) (out []payment.Event) {
	t.Helper()
	if err := s.Payments(t.Context(), since, func(e payment.Event) error { out = append(out, e); return nil }); err != nil {
		t.Fatal(err)
	}
	return out
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// P54, P58: the three events of one payment tell the same facts.
func TestAPaymentIsToldByEachOfItsEvents(t *testing.T) {
	for _, tax := range []struct {
		percent             int64
		automatic, included bool
		paid, taxed         int64
	}{{0, false, true, 999, 0}, {19, true, false, 1188, 189}, {19, true, true, 999, 160}} {
		s := open(t, func(o *paymenttest.Options, c *stripe.Config) { o.Tax, c.AutomaticTax = tax.percent, tax.automatic })
		o := s.order("pur_1")
		o.TaxIncluded = tax.included
		session, err := s.CreateCheckout(t.Context(), o)
		must(t, err)
		intent, err := s.model.Pay(session.ID)
		must(t, err)
		told := s.told(t)
		for _, kind := range []string{"checkout.session.completed", "payment_intent.succeeded", "charge.succeeded"} {
			e := told[kind]
			if e.Status != payment.Paid || e.PurchaseID != "pur_1" || e.PaymentID != intent || e.AmountMinor != tax.paid || e.Currency != "USD" || e.Live || e.CustomerID == "" || e.OccurredAt.IsZero() {
				t.Errorf("%s with tax %v: %+v", kind, tax, e)
			}
			if (!tax.included || kind == "checkout.session.completed") && e.TaxMinor != tax.taxed {
				t.Errorf("%s with tax %v: %d are tax", kind, tax, e.TaxMinor)
			}
		}
		if e := told["charge.succeeded"]; e.Brand != "visa" || e.Last4 != "4242" || e.Address.City != "Berlin" || e.Address.Name == "" || e.ReceiptURL == "" {
			t.Errorf("the charge tells %+v", e)
		}
		if e := told["checkout.session.completed"]; e.SessionID != session.ID || e.Address.Country != "DE" {
			t.Errorf("the session tells %+v", e)
		}
	}
}

func TestWhatComesAfterAPayment(t *testing.T) {
	s := open(t, nil)
	session := s.checkout(t, "pur_1")
	intent, err := s.model.Pay(session.ID)
	must(t, err)
	s.told(t)
	_, err = s.model.Refund(intent, 300)
	must(t, err)
	told := s.told(t)
	if e := told["charge.refunded"]; e.Status != payment.Refunded || e.RefundedMinor != 300 || e.PurchaseID != "pur_1" || e.PaymentID != intent {
		t.Errorf("refund: %+v", e)
	}
	if e := told["refund.created"]; e.Status != payment.Nothing {
		t.Errorf("refund.created: %+v", e)
	}
	second, err := s.model.Refund(intent, 0)
	must(t, err)
	if e := s.told(t)["charge.refunded"]; e.RefundedMinor != 999 {
		t.Errorf("the rest: %+v", e)
	}
	must(t, s.model.FailRefund(second))
	for kind, e := range s.told(t) {
		if e.Status != payment.Nothing {
			t.Errorf("%s: %+v", kind, e)
		}
	}
	dispute, err := s.model.Dispute(intent, 0, false)
	must(t, err)
	for kind, e := range s.told(t) {
		if e.Status != payment.Disputed || e.Dispute != payment.DisputeOpen || e.DisputedMinor != 999 || e.PaymentID != intent {
			t.Errorf("%s: %+v", kind, e)
		}
	}
	must(t, s.model.CloseDispute(dispute, true))
	for kind, e := range s.told(t) {
		if e.Dispute != payment.DisputeWon {
			t.Errorf("%s: %+v", kind, e)
		}
	}
}

func TestAnInquiryTakesNothing(t *testing.T) {
	s := open(t, nil)
	intent, err := s.model.Pay(s.checkout(t, "pur_1").ID)
	must(t, err)
	s.told(t)
	_, err = s.model.Dispute(intent, 0, true)
	must(t, err)
	if e := s.told(t)["charge.dispute.created"]; e.Status != payment.Nothing {
		t.Errorf("%+v", e)
	}
}

func TestOtherEndsOfACheckout(t *testing.T) {
	s := open(t, nil)
	must(t, s.model.Expire(s.checkout(t, "pur_1").ID))
	if e := s.told(t)["checkout.session.expired"]; e.Status != payment.Expired || e.PurchaseID != "pur_1" {
		t.Errorf("expired: %+v", e)
	}
	for id, ok := range map[string]bool{"pur_2": true, "pur_3": false} {
		session := s.checkout(t, id)
		must(t, s.model.PayLater(session.ID))
		if e := s.told(t)["checkout.session.completed"]; e.Status != payment.Nothing {
			t.Errorf("%s is paid before the money is there: %+v", id, e)
		}
		if e, err := s.Session(t.Context(), session.ID); err != nil || e.Status != payment.Nothing || e.ID == "" {
			t.Errorf("%s asked before the money is there: %+v, %v", id, e, err)
		}
		must(t, s.model.Arrive(session.ID, ok))
		told := s.told(t)
		if e := told["checkout.session.async_payment_succeeded"]; ok && (e.Status != payment.Paid || e.PurchaseID != id) {
			t.Errorf("arrived: %+v", e)
		}
		if e := told["checkout.session.async_payment_failed"]; !ok && (e.Status != payment.Failed || e.PurchaseID != id) {
			t.Errorf("failed: %+v", e)
		}
	}
}

// P57: the same order again is the same page.
func TestAnOrderMakesOnePage(t *testing.T) {
	s := open(t, nil)
	a, b := s.checkout(t, "pur_1"), s.checkout(t, "pur_1")
	if a != b || len(s.model.Sessions()) != 1 || !a.ExpiresAt.Equal(s.now.Add(time.Hour)) || a.URL == "" {
		t.Errorf("%+v and %+v", a, b)
	}
}

func TestAForgottenCustomerIsMadeAnew(t *testing.T) {
	s := open(t, nil)
	o := s.order("pur_1")
	o.CustomerID = "cus_gone"
	if got, err := s.CreateCheckout(t.Context(), o); err != nil || got.URL == "" {
		t.Fatal(got, err)
	}
	intent, err := s.model.Pay("pur_1")
	must(t, err)
	customer := s.told(t)["charge.succeeded"].CustomerID
	o = s.order("pur_2")
	o.CustomerID = customer
	_, err = s.CreateCheckout(t.Context(), o)
	must(t, err)
	if _, err := s.model.Pay("pur_2"); err != nil || s.told(t)["charge.succeeded"].CustomerID != customer {
		t.Errorf("the known customer was not used (%v, %s)", err, intent)
	}
	link, err := s.Portal(t.Context(), customer, "http://localhost/billing")
	if err != nil || !strings.Contains(link, customer) {
		t.Errorf("portal: %q, %v", link, err)
	}
	must(t, s.DeleteCustomer(t.Context(), customer))
	must(t, s.DeleteCustomer(t.Context(), customer)) // it is gone already
	if _, err := s.Portal(t.Context(), customer, ""); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("the portal of nobody: %v", err)
	}
}

// R-PAY: whatever webhooks told, asking tells too.
func TestAskingTellsWhatWebhooksDid(t *testing.T) {
	s := open(t, nil)
	since := s.now.Add(-time.Hour)
	for range 120 { // more than a page
		s.checkout(t, "pur_open"+url.QueryEscape(time.Duration(len(s.model.Sessions())).String()))
	}
	paid, gone := s.checkout(t, "pur_paid"), s.checkout(t, "pur_gone")
	must(t, s.model.Expire(gone.ID))
	intent, err := s.model.Pay(paid.ID)
	must(t, err)
	_, err = s.model.Refund(intent, 100)
	must(t, err)
	refund, err := s.model.Refund(intent, 50)
	must(t, err)
	dispute, err := s.model.Dispute(intent, 0, false)
	must(t, err)
	webhooks := s.told(t)
	got := s.asked(t, since)
	find := func(match func(payment.Event) bool) payment.Event {
		i := slices.IndexFunc(got, match)
		if i < 0 {
			return payment.Event{}
		}
		return got[i]
	}
	if e := find(func(e payment.Event) bool { return e.Status == payment.Paid }); e.PurchaseID != "pur_paid" || e.Last4 != "4242" || e.ReceiptURL == "" || !e.Current || e.PaymentID != intent {
		t.Errorf("paid: %+v", e)
	}
	if e := find(func(e payment.Event) bool { return e.Status == payment.Expired }); e.PurchaseID != "pur_gone" {
		t.Errorf("expired: %+v", e)
	}
	if e := find(func(e payment.Event) bool { return e.Status == payment.Refunded }); e.RefundedMinor != 150 || e.PurchaseID != "pur_paid" || !e.Current {
		t.Errorf("refunded: %+v", e)
	}
	id := webhooks["charge.dispute.created"].ID
	if e := find(func(e payment.Event) bool { return e.ID == id }); e.Dispute != payment.DisputeOpen || e.PaymentID != intent {
		t.Errorf("the dispute is told under its webhook's id: %+v", e)
	}
	if len(got) != 5 { // the dispute twice: made, and the money withdrawn
		t.Errorf("told %d events: %+v", len(got), got)
	}
	// Weeks later the refund fails and the dispute is lost; the payment is old.
	s.now = s.now.Add(20 * 24 * time.Hour)
	must(t, s.model.FailRefund(refund))
	must(t, s.model.CloseDispute(dispute, false))
	got = s.asked(t, s.now.Add(-time.Hour))
	if e := find(func(e payment.Event) bool { return e.Status == payment.Refunded }); e.RefundedMinor != 100 || !e.Current {
		t.Errorf("after the refund failed: %+v", e)
	}
	if e := find(func(e payment.Event) bool { return e.Status == payment.Disputed }); e.Dispute != payment.DisputeLost || len(got) != 2 {
		t.Errorf("after the dispute: %+v of %d", e, len(got))
	}
}

// A provider that is down, slow or talks nonsense is not available, and nothing secret
// or personal is in what is said about it.
func TestAProviderInTrouble(t *testing.T) {
	for name, trouble := range map[string]func(*shop) (context.Context, context.CancelFunc){
		"down": func(s *shop) (context.Context, context.CancelFunc) {
			s.model.Down(true)
			return context.WithCancel(t.Context())
		},
		"garbage": func(s *shop) (context.Context, context.CancelFunc) {
			s.model.Garbage(true)
			return context.WithCancel(t.Context())
		},
		"gone": func(s *shop) (context.Context, context.CancelFunc) {
			s.model.Close()
			return context.WithCancel(t.Context())
		},
		"slow": func(s *shop) (context.Context, context.CancelFunc) {
			t.Cleanup(s.model.Stall())
			return context.WithTimeout(t.Context(), 100*time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			ctx, cancel := trouble(s)
			defer cancel()
			_, err := s.CreateCheckout(ctx, s.order("pur_1"))
			if !errors.Is(err, payment.ErrUnavailable) {
				t.Errorf("create: %v", err)
			}
			for _, canary := range []string{key, secret, payer, "pur_1"} {
				if err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("the error tells %q: %v", canary, err)
				}
			}
			if err := s.Payments(ctx, s.now, func(payment.Event) error { return nil }); !errors.Is(err, payment.ErrUnavailable) {
				t.Errorf("list: %v", err)
			}
		})
	}
	s := open(t, func(_ *paymenttest.Options, c *stripe.Config) { c.Key = "sk_test_other" })
	if _, err := s.CreateCheckout(t.Context(), s.order("pur_1")); !errors.Is(err, payment.ErrRefused) {
		t.Errorf("another key: %v", err)
	}
	if _, err := open(t, nil).Session(t.Context(), "cs_none"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("an unknown session: %v", err)
	}
	stop := errors.New("enough")
	s = open(t, nil)
	_, err := s.model.Pay(s.checkout(t, "pur_1").ID)
	must(t, err)
	if err := s.Payments(t.Context(), s.now, func(payment.Event) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the list goes on: %v", err)
	}
}

// stripe-go prints what it sent and got unless it is told not to.
func TestNothingIsPrinted(t *testing.T) {
	s := open(t, nil)
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	must(t, err)
	stderr := os.Stderr
	os.Stderr = file
	o := s.order("pur_1")
	o.Currency = ""
	_, err = s.CreateCheckout(t.Context(), o)
	os.Stderr = stderr
	if !errors.Is(err, payment.ErrRefused) {
		t.Errorf("an order without a currency: %v", err)
	}
	if out, err := os.ReadFile(file.Name()); err != nil || len(out) > 0 {
		t.Errorf("%s %v", out, err)
	}
	must(t, file.Close())
}

func TestThePageIsPayable(t *testing.T) {
	s := open(t, nil)
	session := s.checkout(t, "pur_1")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	press := func(act string) string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, session.URL, strings.NewReader("act="+act))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(r)
		must(t, err)
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		return resp.Header.Get("Location")
	}
	if to := press("cancel"); to != "http://localhost/billing" {
		t.Errorf("cancel leads to %q", to)
	}
	if to := press("pay"); to != "http://localhost/billing/return?s="+session.ID {
		t.Errorf("pay leads to %q", to)
	}
	if e, err := s.Session(t.Context(), session.ID); err != nil || e.Status != payment.Paid || e.PurchaseID != "pur_1" {
		t.Errorf("asked: %+v, %v", e, err)
	}
}
