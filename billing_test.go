package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	stripeKey    = "sk_test_canary0123456789"
	stripeSecret = "whsec_canary0123456789abcdef0123456789ab"
	creemKey     = "creem_test_canary0123456789"
	creemSecret  = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LTAx"
)

// tills are models of both providers, and the settings that lead a server to them.
func tills(t *testing.T) (*paymenttest.Stripe, *paymenttest.Creem, []string) {
	t.Helper()
	return tillsOf(t, clock.System{})
}

// tillsOf are tills with a clock of their own.
func tillsOf(t *testing.T, now clock.Clock) (*paymenttest.Stripe, *paymenttest.Creem, []string) {
	t.Helper()
	s, err := paymenttest.StartStripe(paymenttest.Options{Key: stripeKey, Secret: stripeSecret, TimeScale: 0.001, Clock: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c, err := paymenttest.StartCreem(paymenttest.CreemOptions{Options: paymenttest.Options{Key: creemKey, Secret: creemSecret, TimeScale: 0.001, Clock: now},
		Products: map[string]paymenttest.Product{"prod_1": {Name: "Small", Price: 500, Currency: "USD"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	packs := filepath.Join(t.TempDir(), "packs.json")
	catalogue := `[{"id":"small","name":"Small","credits":500,"price":500,"currency":"USD","taxIncluded":true,"creemProductId":"prod_1"}]`
	if err := os.WriteFile(packs, []byte(catalogue), 0o600); err != nil {
		t.Fatal(err)
	}
	return s, c, []string{"STRIPE_SECRET_KEY=" + stripeKey, "STRIPE_WEBHOOK_SECRET=" + stripeSecret, "STRIPE_API_URL=" + s.URL(),
		"CREEM_API_KEY=" + creemKey, "CREEM_WEBHOOK_SECRET=" + creemSecret, "CREEM_API_URL=" + c.URL(), "PACKS_FILE=" + packs}
}

// buy begins to buy the small pack and returns the purchase and where to pay.
func (b *browser) buy(provider string) (purchaseID, page string) {
	b.p.t.Helper()
	answer := b.ask(`mutation($p: PaymentProvider!) { creditCheckoutCreate(input: {packId: "small", provider: $p}) { checkout { id url } userErrors { code message } } }`,
		map[string]any{"p": provider})
	var out struct {
		Checkout struct{ ID, URL string }
	}
	text, err := json.Marshal(at(answer, "data", "creditCheckoutCreate"))
	if err != nil || json.Unmarshal(text, &out) != nil || out.Checkout.URL == "" {
		b.p.t.Fatalf("buy: %v %v", answer, err)
	}
	return out.Checkout.ID, out.Checkout.URL
}

// press presses Pay on a provider's page, and says where that leads.
func press(t *testing.T, page string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page, strings.NewReader(url.Values{"act": {"pay"}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection can end
	resp.Body.Close()
	return resp.Header.Get("Location")
}

func (p *product) purchase(id string) (out models.Purchase) {
	p.t.Helper()
	if err := p.server.db.Gorm(p.t.Context()).First(&out, "id = ?", id).Error; err != nil {
		p.t.Fatal(err)
	}
	return out
}

func (p *product) posted() (sum int64) {
	p.t.Helper()
	if err := p.server.db.Gorm(p.t.Context()).Raw("SELECT coalesce(sum(posted), 0) FROM ledger_balances").Scan(&sum).Error; err != nil {
		p.t.Fatal(err)
	}
	return sum
}

// P52 to P54: the page pays, the webhook credits, the return alone does not; a webhook
// that never comes is made good by the comparison; and nothing of it is logged.
func TestBuyingCredits(t *testing.T) {
	s, c, settings := tills(t)
	p := start(t, settings...)
	b := p.signIn("payer")
	given := p.posted()
	for name, till := range map[string]struct {
		*paymenttest.Courier
		path string
	}{"STRIPE": {s.Courier, "stripe"}, "CREEM": {c.Courier, "creem"}} {
		till.SetURL(p.url + "/webhooks/" + till.path)
		till.SetCopies(3)
		till.Hold()
		before := p.posted()
		id, page := b.buy(name)
		if to := press(t, page); !strings.HasPrefix(to, p.url+"/") {
			t.Errorf("%s leads back to %q", name, to)
		}
		if got := p.purchase(id); got.Status != models.PurchaseOpen || p.posted() != before {
			t.Errorf("%s: credited before the webhook: %+v", name, got)
		}
		till.Release(true)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if err := till.Settled(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		if got := p.purchase(id); got.Status != models.PurchasePaid || got.PaidMinor != 500 || p.posted() != before+500_000_000 {
			t.Errorf("%s: after its webhooks %+v, %d", name, got, p.posted()-before)
		}
		for _, d := range till.Deliveries() {
			if d.Status != http.StatusOK {
				t.Errorf("%s: %s was answered %d", name, d.Kind, d.Status)
			}
		}
	}
	if log := p.logs.String(); strings.Contains(log, "canary") || strings.Contains(log, "payer@") || regexp.MustCompile(`\b4242\b`).MatchString(log) || strings.Contains(log, "Ada Example") {
		t.Errorf("the log tells what it must not:\n%s", log)
	}
	if p.posted() != given+1_000_000_000 {
		t.Errorf("%d were credited", p.posted()-given)
	}
	report, err := p.server.credit.Verify(t.Context())
	if err != nil || !report.OK {
		t.Errorf("the books: %+v, %v", report, err)
	}
}

// R-PAY: webhooks that are lost for good are made good.
func TestLostWebhooksAreMadeGood(t *testing.T) {
	s, c, settings := tillsOf(t, clock.Func(func() time.Time { return time.Now().Add(-10 * time.Minute) })) // fresh payments are left alone
	p := start(t, settings...)
	b := p.signIn("payer")
	var ids []string
	for name, till := range map[string]*paymenttest.Courier{"STRIPE": s.Courier, "CREEM": c.Courier} {
		till.Hold()
		id, page := b.buy(name)
		press(t, page)
		till.Drop()
		ids = append(ids, id)
		// Made as long ago as paid.
		if err := p.server.db.Gorm(t.Context()).Exec("UPDATE purchases SET created_at = created_at - interval '10 minutes', updated_at = updated_at - interval '10 minutes' WHERE id = ?", id).Error; err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.server.billing.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if got := p.purchase(id); got.Status != models.PurchasePaid {
			t.Errorf("%+v", got)
		}
	}
}

// A provider that can't be reached greys out its button and nothing else.
func TestAPaymentProviderThatIsDown(t *testing.T) {
	s, _, settings := tills(t)
	p := start(t, settings...)
	b := p.signIn("payer")
	s.Down(true)
	began := time.Now()
	answer := b.ask(`mutation { creditCheckoutCreate(input: {packId: "small", provider: STRIPE}) { checkout { id } userErrors { code } } }`, nil)
	want(t, at(answer, "data", "creditCheckoutCreate", "userErrors"), `[{"code":"PAYMENT_UNAVAILABLE"}]`)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("that took %v", took)
	}
	b.buy("CREEM")
}
