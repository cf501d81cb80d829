package creem_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/creem"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
)

const (
	key    = "creem_test_abcdefghijklmnop"
	secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	payer  = "canary-payer@example.com"
)

// shop is a provider at a model of Creem, with a clock that both look at.
type shop struct {
	*creem.Provider
	model *paymenttest.Creem
	now   time.Time
}

func open(t *testing.T, change func(*paymenttest.CreemOptions, *creem.Config)) *shop {
	t.Helper()
	s := &shop{now: time.Unix(1_700_000_000, 0).UTC()}
	o := paymenttest.CreemOptions{Options: paymenttest.Options{Key: key, Secret: secret, Clock: clock.Func(func() time.Time { return s.now })},
		Products: map[string]paymenttest.Product{"prod_1": {Name: "1,000 credits", Price: 1000, Currency: "EUR"}}}
	c := creem.Config{Key: key, Secret: secret}
	if change != nil {
		change(&o, &c)
	}
	var err error
	if s.model, err = paymenttest.StartCreem(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.model.Close)
	c.BaseURL = s.model.URL()
	if s.Provider, err = creem.New(c); err != nil {
		t.Fatal(err)
	}
	s.model.Hold()
	return s
}

func (s *shop) checkout(t *testing.T, purchase string) payment.Session {
	t.Helper()
	got, err := s.CreateCheckout(t.Context(), payment.Order{PurchaseID: purchase, ProductID: "prod_1", Email: payer, SuccessURL: "http://localhost/billing/return"})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// told parses the one webhook that the model held back.
func (s *shop) told(t *testing.T) payment.Event {
	t.Helper()
	held := s.model.Take()
	s.model.Hold()
	if len(held) != 1 {
		t.Fatalf("%d webhooks", len(held))
	}
	e, err := s.Parse(s.model.Sign(held[0]), held[0].Body, s.now)
	if err != nil || e.ID != held[0].ID || e.Kind != held[0].Kind || !e.OccurredAt.Equal(s.now) {
		t.Fatalf("%+v, %v", e, err)
	}
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatWebhooksTell(t *testing.T) {
	for _, standard := range []bool{false, true} {
		s := open(t, func(o *paymenttest.CreemOptions, _ *creem.Config) { o.Standard, o.Tax = standard, 21 })
		session := s.checkout(t, "pur_1")
		order, err := s.model.Pay(session.ID)
		must(t, err)
		want := payment.Event{Status: payment.Paid, PurchaseID: "pur_1", SessionID: session.ID, PaymentID: order, ProductID: "prod_1", AmountMinor: 1210, TaxMinor: 210,
			Currency: "EUR", Address: payment.Address{Name: "Ada Example", Country: "DE"}}
		e := s.told(t)
		if e.CustomerID == "" {
			t.Error("no customer")
		}
		want.ID, want.Kind, want.OccurredAt, want.SignedAt, want.CustomerID = e.ID, e.Kind, e.OccurredAt, e.SignedAt, e.CustomerID
		if e != want {
			t.Errorf("paid: %+v\nwant %+v", e, want)
		}
		must(t, s.model.Refund(session.ID, 200))
		if e := s.told(t); e.Status != payment.Refunded || e.RefundedMinor != 200 || e.PaymentID != order || e.PurchaseID != "pur_1" || e.Currency != "EUR" {
			t.Errorf("refunded: %+v", e)
		}
		must(t, s.model.Refund(session.ID, 300))
		if e := s.told(t); e.RefundedMinor != 500 {
			t.Errorf("refunded again: %+v", e)
		}
		must(t, s.model.Dispute(session.ID))
		if e := s.told(t); e.Status != payment.Disputed || e.Dispute != payment.DisputeOpen || e.DisputedMinor != 1210 || e.RefundedMinor != 0 || e.PaymentID != order {
			t.Errorf("disputed: %+v", e)
		}
	}
}

func TestAsking(t *testing.T) {
	s := open(t, nil)
	since := s.now.Add(-time.Minute)
	session := s.checkout(t, "pur_1")
	if session.URL == "" || !session.ExpiresAt.IsZero() {
		t.Errorf("%+v", session)
	}
	if e, err := s.Session(t.Context(), session.ID); err != nil || e.Status != payment.Nothing {
		t.Errorf("open: %+v, %v", e, err)
	}
	order, err := s.model.Pay(session.ID)
	must(t, err)
	paid := s.told(t)
	e, err := s.Session(t.Context(), session.ID)
	if err != nil || e.Status != payment.Paid || e.PurchaseID != "pur_1" || e.PaymentID != order || e.AmountMinor != paid.AmountMinor || !e.Current {
		t.Errorf("paid: %+v, %v", e, err)
	}
	gone := s.checkout(t, "pur_2")
	must(t, s.model.Expire(gone.ID))
	if e, err := s.Session(t.Context(), gone.ID); err != nil || e.Status != payment.Expired {
		t.Errorf("expired: %+v, %v", e, err)
	}
	if _, err := s.Session(t.Context(), "ch_none"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
	for range 110 { // more than a page of newer ones
		s.now = s.now.Add(time.Second)
		_, err := s.model.Pay(s.checkout(t, "pur_more").ID)
		must(t, err)
	}
	disputed := s.model.Sessions()[50]
	must(t, s.model.Refund(session.ID, 100))
	must(t, s.model.Dispute(disputed))
	var got []payment.Event
	must(t, s.Payments(t.Context(), since, func(e payment.Event) error { got = append(got, e); return nil }))
	if len(got) != 111 {
		t.Fatalf("%d of 111 transactions", len(got))
	}
	i := slices.IndexFunc(got, func(e payment.Event) bool { return e.PaymentID == order })
	if i < 0 || got[i].Status != payment.Refunded || got[i].RefundedMinor != 100 || !got[i].Current {
		t.Errorf("the refund: %d of %+v", i, got[max(i, 0)])
	}
	if i := slices.IndexFunc(got, func(e payment.Event) bool { return e.Status == payment.Disputed }); i < 0 || got[i].DisputeID != "" || got[i].DisputedMinor != 0 {
		t.Errorf("the dispute: %d", i)
	}
	// What was paid before is not told again; that money went back is.
	got = nil
	must(t, s.Payments(t.Context(), s.now.Add(time.Hour), func(e payment.Event) error { got = append(got, e); return nil }))
	if slices.ContainsFunc(got, func(e payment.Event) bool { return e.Status == payment.Paid }) || len(got) == 0 {
		t.Errorf("%+v", got)
	}
	for product, want := range map[string]int{"prod_1": 3, "prod_2": 0} { // the last payment, the refund and the dispute
		n := 0
		must(t, s.Sales(t.Context(), product, s.now, func(e payment.Event) error {
			if n++; e.ProductID != product {
				t.Errorf("of %s came %+v", product, e)
			}
			return nil
		}))
		if n != want {
			t.Errorf("%d sales of %s, want %d", n, product, want)
		}
	}
	link, err := s.Portal(t.Context(), paid.CustomerID, "")
	if err != nil || !strings.Contains(link, paid.CustomerID) {
		t.Errorf("portal: %q, %v", link, err)
	}
	if err := s.DeleteCustomer(t.Context(), paid.CustomerID); !errors.Is(err, payment.ErrUnsupported) {
		t.Error(err)
	}
}

const paidBody = `{"id":"evt_1","eventType":"checkout.completed","created_at":1700000000000,"object":{"id":"ch_1","object":"checkout","status":"completed","mode":"prod","request_id":"pur_1",` +
	`"metadata":{"purchase_id":"pur_1"},"order":{"id":"ord_1","customer":"cust_1","product":"prod_1","amount":1000,"currency":"EUR","status":"paid"},"product":"prod_1","customer":"cust_1"}}`

// T24, T25, P52: nothing that Creem did not sign is read, and where a signature has a
// time, nothing of another time.
func TestBadWebhooksAreRefused(t *testing.T) {
	p := open(t, nil).Provider
	now := time.Unix(1_700_000_100, 0)
	body := []byte(paidBody)
	plain := func(s string) http.Header { return http.Header{"Creem-Signature": {s}} }
	good := paymenttest.SignCreem(body, secret).Get("Creem-Signature")
	standard := func(id string, at time.Time) http.Header { return paymenttest.SignStandard(id, body, secret, at) }
	change := func(h http.Header, name, value string) http.Header { h.Set(name, value); return h }
	both := standard("evt_1", now)
	both.Set("Creem-Signature", "00")
	badBoth := change(standard("evt_1", now), "Webhook-Signature", "v1,AAAA")
	badBoth.Set("Creem-Signature", good)
	for name, c := range map[string]struct {
		header http.Header
		body   string
		want   error
	}{
		"good":                          {plain(good), paidBody, nil},
		"good in capitals":              {plain(strings.ToUpper(good)), paidBody, nil},
		"good with its scheme":          {plain("sha256=" + good), paidBody, nil},
		"standard":                      {standard("evt_1", now), paidBody, nil},
		"standard beside another's":     {change(standard("evt_1", now), "Webhook-Signature", "v1,AAAA v2,x "+standard("evt_1", now).Get("Webhook-Signature")), paidBody, nil},
		"standard counts":               {both, paidBody, nil},
		"a bad standard is not excused": {badBoth, paidBody, payment.ErrSignature},
		"unsigned":                      {http.Header{}, paidBody, payment.ErrSignature},
		"empty":                         {plain(""), paidBody, payment.ErrSignature},
		"no hex":                        {plain("zz"), paidBody, payment.ErrSignature},
		"half":                          {plain(good[:32]), paidBody, payment.ErrSignature},
		"two headers":                   {http.Header{"Creem-Signature": {good, good}}, paidBody, payment.ErrSignature},
		"forged":                        {paymenttest.SignCreem(body, "ffffffffffffffffffffffffffffffff"), paidBody, payment.ErrSignature},
		"forged with an empty secret":   {paymenttest.SignCreem(body, ""), paidBody, payment.ErrSignature},
		"another body":                  {plain(good), strings.Replace(paidBody, "1000", "1", 1), payment.ErrSignature},
		"truncated":                     {plain(good), paidBody[:50], payment.ErrSignature},
		"standard, another body":        {standard("evt_1", now), paidBody + " ", payment.ErrSignature},
		"standard, replayed later":      {standard("evt_1", now.Add(-creem.Tolerance-time.Second)), paidBody, payment.ErrSignature},
		"standard, future-dated":        {standard("evt_1", now.Add(creem.Tolerance+time.Second)), paidBody, payment.ErrSignature},
		"standard, another id":          {change(standard("evt_1", now), "Webhook-Id", "evt_2"), paidBody, payment.ErrSignature},
		"standard, no id":               {change(standard("", now), "Webhook-Id", ""), paidBody, payment.ErrSignature},
		"standard, another time":        {change(standard("evt_1", now), "Webhook-Timestamp", "1700000101"), paidBody, payment.ErrSignature},
		"standard, no time":             {change(standard("evt_1", now), "Webhook-Timestamp", ""), paidBody, payment.ErrSignature},
		"standard, no key":              {paymenttest.SignStandard("evt_1", body, "", now), paidBody, payment.ErrSignature},
	} {
		e, err := p.Parse(c.header, []byte(c.body), now)
		if !errors.Is(err, c.want) || err != nil && e != (payment.Event{}) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		if err == nil && (e.PurchaseID != "pur_1" || e.Status != payment.Paid || e.AmountMinor != 1000 || !e.Live || e.SignedAt.IsZero() != (c.header.Get("Webhook-Signature") == "")) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestOddBodies(t *testing.T) {
	p := open(t, nil).Provider
	event := func(kind, object string) string {
		return `{"id":"evt_1","eventType":"` + kind + `","object":` + object + `}`
	}
	for body, want := range map[string]error{
		``: payment.ErrBody, `{`: payment.ErrBody, `[]`: payment.ErrBody, `{}`: payment.ErrBody, "\xff": payment.ErrBody, `{"id":"evt_1"}`: payment.ErrBody,
		event("refund.created", `7`):                                                                         payment.ErrBody,
		event("refund.created", `{"status":"succeeded","order":[]}`):                                         payment.ErrBody,
		event("dispute.created", `{"amount":"much"}`):                                                        payment.ErrBody,
		event("dispute.created", `{"amount":1e30}`):                                                          payment.ErrBody,
		event("refund.created", `{"status":"pending"}`):                                                      nil,
		event("subscription.paid", `{"id":"sub_1"}`):                                                         nil,
		event("checkout.completed", `{"metadata":{"purchase_id":7}}`):                                        nil,
		event("checkout.completed", `{"order":null,"customer":null}`):                                        nil,
		event("checkout.completed", `{"status":"completed","order":{"status":"paid"},"request_id":"pur_1"}`): nil, // another program's
		event("license.created", `null`):                                                                     nil,
	} {
		e, err := p.Parse(paymenttest.SignCreem([]byte(body), secret), []byte(body), time.Unix(0, 0))
		if !errors.Is(err, want) || e.Status != payment.Nothing {
			t.Errorf("%s: %+v, %v", body, e, err)
		}
	}
	// The newer form.
	newer := strings.NewReplacer(`"eventType"`, `"type"`, `"object":{"id":"ch_1"`, `"data":{"id":"ch_1"`, `1700000000000`, `"2023-11-14T22:13:20Z"`).Replace(paidBody)
	e, err := p.Parse(paymenttest.SignCreem([]byte(newer), secret), []byte(newer), time.Unix(0, 0))
	if err != nil || e.Status != payment.Paid || e.PaymentID != "ord_1" || e.OccurredAt.Unix() != 1_700_000_000 {
		t.Errorf("the newer form: %+v, %v", e, err)
	}
	unnamed := strings.Replace(paidBody, `"id":"evt_1",`, "", 1)
	now := time.Unix(1_700_000_000, 0)
	if e, err := p.Parse(paymenttest.SignStandard("evt_9", []byte(unnamed), secret, now), []byte(unnamed), now); err != nil || e.ID != "evt_9" {
		t.Errorf("named by its header: %+v, %v", e, err)
	}
}

// T24.
func TestAProviderNeedsItsSecrets(t *testing.T) {
	for _, c := range []creem.Config{{Key: key}, {Key: key, Secret: secret[:31]}, {Secret: secret}, {Key: "sk_test_1", Secret: secret}} {
		if _, err := creem.New(c); err == nil || strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("%+v was taken: %v", c, err)
		}
	}
	for k, live := range map[string]bool{"creem_1": true, "creem_test_1": false} {
		if p, err := creem.New(creem.Config{Key: k, Secret: secret}); err != nil || p.Live() != live || p.Name() != "CREEM" {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestAProviderInTrouble(t *testing.T) {
	order := payment.Order{PurchaseID: "pur_1", ProductID: "prod_1", Email: payer}
	for name, trouble := range map[string]func(*shop) context.Context{
		"down":    func(s *shop) context.Context { s.model.Down(true); return t.Context() },
		"garbage": func(s *shop) context.Context { s.model.Garbage(true); return t.Context() },
		"gone":    func(s *shop) context.Context { s.model.Close(); return t.Context() },
		"slow": func(s *shop) context.Context {
			t.Cleanup(s.model.Stall())
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			t.Cleanup(cancel)
			return ctx
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			ctx := trouble(s)
			_, err := s.CreateCheckout(ctx, order)
			if !errors.Is(err, payment.ErrUnavailable) {
				t.Errorf("create: %v", err)
			}
			for _, canary := range []string{key, secret, payer, "pur_1"} {
				if err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("the error tells %q: %v", canary, err)
				}
			}
		})
	}
	s := open(t, func(_ *paymenttest.CreemOptions, c *creem.Config) { c.Key = "creem_test_other" })
	if _, err := s.CreateCheckout(t.Context(), order); !errors.Is(err, payment.ErrRefused) {
		t.Errorf("another key: %v", err)
	}
	order.ProductID = "prod_none"
	if _, err := open(t, nil).CreateCheckout(t.Context(), order); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("no such product: %v", err)
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add("00", paidBody, true)
	f.Add("", `{"id":"e","type":"dispute.created","data":{"order":"ord_1","checkout":"ch_1","transaction":{}}}`, true)
	p, err := creem.New(creem.Config{Key: key, Secret: secret})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, body string, signed bool) {
		h := http.Header{"Creem-Signature": {header}}
		if signed {
			h = paymenttest.SignCreem([]byte(body), secret)
		}
		e, err := p.Parse(h, []byte(body), time.Unix(0, 0))
		switch {
		case err != nil && !errors.Is(err, payment.ErrSignature) && !errors.Is(err, payment.ErrBody):
			t.Errorf("an error of no kind: %v", err)
		case !signed && err == nil:
			t.Errorf("a signature was guessed: %q", header)
		case err == nil && (e.ID == "" || e.Kind == ""):
			t.Errorf("an event without a name: %+v", e)
		}
	})
}
