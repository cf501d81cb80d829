package stripe_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/internal/payment/stripe"
)

func provider(t testing.TB) *stripe.Provider {
	t.Helper()
	p, err := stripe.New(stripe.Config{Key: key, Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const paidBody = `{"id":"evt_1","object":"event","api_version":"2019-02-11","created":1700000000,"livemode":false,"type":"checkout.session.completed","data":{"object":` +
	`{"id":"cs_1","payment_status":"paid","status":"complete","amount_total":999,"currency":"usd","metadata":{"purchase_id":"pur_1"},"payment_intent":"pi_1","customer":"cus_1"}}}`

// T24, T25, P52: nothing that Stripe did not just sign is read.
func TestBadWebhooksAreRefused(t *testing.T) {
	p := provider(t)
	now := time.Unix(1_700_000_100, 0)
	body := []byte(paidBody)
	good := paymenttest.SignStripe(body, secret, now).Get("Stripe-Signature")
	stamp, sum, _ := strings.Cut(good, ",")
	one := func(s string) http.Header { return http.Header{"Stripe-Signature": {s}} }
	other := "whsec_ffffffffffffffffffffffffffffffff"
	for name, c := range map[string]struct {
		header http.Header
		body   string
		want   error
	}{
		"good":                         {one(good), paidBody, nil},
		"good, beside an old secret's": {one(stamp + ",v1=00ff," + sum + ",v0=zz"), paidBody, nil},
		"late by less than tolerated":  {paymenttest.SignStripe(body, secret, now.Add(-stripe.Tolerance)), paidBody, nil},
		"unsigned":                     {http.Header{}, paidBody, payment.ErrSignature},
		"empty header":                 {one(""), paidBody, payment.ErrSignature},
		"two headers":                  {http.Header{"Stripe-Signature": {good, good}}, paidBody, payment.ErrSignature},
		"forged with another secret":   {paymenttest.SignStripe(body, other, now), paidBody, payment.ErrSignature},
		"forged with an empty secret":  {paymenttest.SignStripe(body, "", now), paidBody, payment.ErrSignature},
		"another body":                 {one(good), strings.Replace(paidBody, "999", "1", 1), payment.ErrSignature},
		"truncated":                    {one(good), paidBody[:len(paidBody)-9], payment.ErrSignature},
		"replayed later":               {paymenttest.SignStripe(body, secret, now.Add(-stripe.Tolerance-time.Second)), paidBody, payment.ErrSignature},
		"future-dated":                 {paymenttest.SignStripe(body, secret, now.Add(stripe.Tolerance+time.Second)), paidBody, payment.ErrSignature},
		"of the year 2100":             {paymenttest.SignStripe(body, secret, time.Unix(4_102_444_800, 0)), paidBody, payment.ErrSignature},
		"another time":                 {one("t=1700000101," + sum), paidBody, payment.ErrSignature},
		"two times":                    {one(stamp + "," + good), paidBody, payment.ErrSignature},
		"no time":                      {one(sum), paidBody, payment.ErrSignature},
		"time with a sign":             {one("t=+1700000100," + sum), paidBody, payment.ErrSignature},
		"no signature":                 {one(stamp), paidBody, payment.ErrSignature},
		"signature of the test scheme": {one(strings.Replace(good, "v1", "v0", 1)), paidBody, payment.ErrSignature},
	} {
		e, err := p.Parse(c.header, []byte(c.body), now)
		if !errors.Is(err, c.want) || err != nil && e != (payment.Event{}) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		if err == nil && (e.PurchaseID != "pur_1" || e.Status != payment.Paid || e.AmountMinor != 999 || now.Sub(e.SignedAt) != 0 && name != "late by less than tolerated") {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// Signed bodies that make no sense are refused; those of no interest are nothing.
func TestOddBodies(t *testing.T) {
	p := provider(t)
	now := time.Unix(1_700_000_100, 0)
	event := func(kind, data string) string {
		return `{"id":"evt_1","object":"event","type":"` + kind + `","livemode":true,"data":{"object":` + data + `}}`
	}
	for body, want := range map[string]error{
		``: payment.ErrBody, `{`: payment.ErrBody, `[]`: payment.ErrBody, `{}`: payment.ErrBody, `"evt"`: payment.ErrBody, "\xff\xfe": payment.ErrBody,
		`{"id":"evt_1","object":"v2.core.event","type":"x"}`:                                           payment.ErrBody,
		event("charge.refunded", `7`):                                                                  payment.ErrBody,
		event("charge.refunded", `{"amount_refunded":"all"}`):                                          payment.ErrBody,
		event("checkout.session.completed", `{"payment_status":"paid","metadata":"x"}`):                payment.ErrBody,
		event("charge.refunded", `{"amount_refunded":99999999999999999999}`):                           payment.ErrBody,
		event("checkout.session.completed", `{"payment_status":"paid","metadata":null}`):               nil,
		event("checkout.session.completed", `{"payment_status":"paid","customer":null}`):               nil,
		event("invoice.paid", `{"id":"in_1"}`):                                                         nil,
		event("refund.updated", `{"id":"re_1","amount":5}`):                                            nil,
		event("charge.succeeded", `{"paid":true,"captured":false,"metadata":{"purchase_id":"pur_1"}}`): nil,
		event("customer.created", `null`):                                                              nil,
	} {
		e, err := p.Parse(paymenttest.SignStripe([]byte(body), secret, now), []byte(body), now)
		if !errors.Is(err, want) || e.Status != payment.Nothing {
			t.Errorf("%s: %+v, %v", body, e, err)
		}
		if err == nil && (e.ID != "evt_1" || !e.Live || e.PurchaseID != "") {
			t.Errorf("%s: %+v", body, e)
		}
	}
}

// How a dispute stands is told by its state, and by the event where the state lags.
func TestHowDisputesStand(t *testing.T) {
	p := provider(t)
	now := time.Unix(1_700_000_100, 0)
	for _, c := range []struct{ kind, status, want string }{
		{"created", "needs_response", payment.DisputeOpen}, {"created", "under_review", payment.DisputeOpen}, {"funds_withdrawn", "needs_response", payment.DisputeOpen},
		{"funds_reinstated", "under_review", payment.DisputeWon}, {"closed", "won", payment.DisputeWon}, {"closed", "lost", payment.DisputeLost},
		{"created", "warning_needs_response", ""}, {"closed", "warning_closed", ""}, {"closed", "prevented", ""},
	} {
		body := []byte(`{"id":"evt_1","object":"event","type":"charge.dispute.` + c.kind + `","data":{"object":{"amount":500,"currency":"usd","status":"` + c.status + `","payment_intent":"pi_1"}}}`)
		e, err := p.Parse(paymenttest.SignStripe(body, secret, now), body, now)
		if err != nil || e.Dispute != c.want || (e.Status == payment.Disputed) != (c.want != "") {
			t.Errorf("%s %s: %+v, %v", c.kind, c.status, e, err)
		}
	}
}

// A dispute that is lost may have been for more than the bank kept: that part came back, and
// no more than the dispute took.
func TestALostDisputeReturnsAPart(t *testing.T) {
	p := provider(t)
	now := time.Unix(1_700_000_100, 0)
	for movements, want := range map[string]int64{
		`[]`: 0, `[{"amount":-500,"currency":"usd"}]`: 0, `[{"amount":-500,"currency":"usd"},{"amount":200,"currency":"usd"}]`: 200,
		`[{"amount":200,"currency":"eur"}]`: 0, `[{"amount":9223372036854775807,"currency":"usd"},{"amount":9223372036854775807,"currency":"usd"}]`: 500,
	} {
		for _, kind := range []string{"funds_reinstated", "closed"} {
			body := []byte(`{"id":"evt_1","object":"event","type":"charge.dispute.` + kind + `","data":{"object":{"id":"du_1","amount":500,"currency":"usd","status":"lost","payment_intent":"pi_1","balance_transactions":` + movements + `}}}`)
			e, err := p.Parse(paymenttest.SignStripe(body, secret, now), body, now)
			if err != nil || e.Dispute != payment.DisputeLost || e.DisputeID != "du_1" || e.DisputedMinor != 500 || e.ReturnedMinor != want {
				t.Errorf("%s with %s: %+v, %v", kind, movements, e, err)
			}
		}
	}
}

// T24: without a secret nobody could be told from anybody.
func TestAProviderNeedsItsSecrets(t *testing.T) {
	for _, c := range []stripe.Config{{Key: key}, {Key: key, Secret: secret[:31]}, {Secret: secret}, {Key: "pk_live_x", Secret: secret}, {Key: "sk_", Secret: secret}} {
		if _, err := stripe.New(c); err == nil || strings.Contains(err.Error(), secret[:20]) {
			t.Errorf("%+v was taken: %v", c, err)
		}
	}
	for k, live := range map[string]bool{"sk_live_1": true, "rk_live_1": true, "sk_test_1": false, "rk_test_1": false} {
		if p, err := stripe.New(stripe.Config{Key: k, Secret: secret}); err != nil || p.Live() != live || p.Name() != "STRIPE" {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func FuzzWebhook(f *testing.F) {
	f.Add("t=1700000100,v1=00", paidBody, true)
	f.Add("", `{"id":"e","object":"event","type":"charge.dispute.closed","data":{"object":{"charge":{},"payment_intent":[]}}}`, true)
	p := provider(f)
	now := time.Unix(1_700_000_100, 0)
	f.Fuzz(func(t *testing.T, header, body string, signed bool) {
		h := http.Header{"Stripe-Signature": {header}}
		if signed {
			h = paymenttest.SignStripe([]byte(body), secret, now)
		}
		e, err := p.Parse(h, []byte(body), now)
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
