package stripe_test

import (
	"bufio"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/stripe"
)

// stripeMock starts Stripe's own mock, which knows the whole interface by its OpenAPI
// description and refuses requests that do not fit it.
func stripeMock(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	must(t, err)
	program := filepath.Join(root, ".cache", "bin", "stripe-mock")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "github.com/stripe/stripe-mock")
	build.Dir = filepath.Join(root, "tools", "stripemock")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build stripe-mock: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), program, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Wait() }) // ended by the context, which ends before
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, addr, ok := strings.Cut(lines.Text(), "Listening for HTTP at address: "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }() // so that the mock can go on
			return "http://" + addr
		}
	}
	t.Fatal("stripe-mock does not listen")
	return ""
}

// Each request of ours fits Stripe's description of its interface.
func TestEachRequestFitsStripesDescription(t *testing.T) {
	mock := stripeMock(t)
	p, err := stripe.New(stripe.Config{Key: "sk_test_123", Secret: secret, BaseURL: mock})
	must(t, err)
	taxing, err := stripe.New(stripe.Config{Key: "sk_test_123", Secret: secret, BaseURL: mock, AutomaticTax: true})
	must(t, err)
	order := payment.Order{PurchaseID: "pur_1", PackName: "1,000 credits", AmountMinor: 999, Currency: "USD", Email: payer,
		SuccessURL: "https://chat.example/billing/return", CancelURL: "https://chat.example/billing", ExpiresAt: time.Now().Add(time.Hour)}
	known := order
	known.CustomerID, known.TaxIncluded = "cus_1", true
	ask := map[string]func() error{
		"checkout of somebody new":  func() error { _, err := p.CreateCheckout(t.Context(), order); return err },
		"checkout of somebody":      func() error { _, err := p.CreateCheckout(t.Context(), known); return err },
		"taxed checkout":            func() error { _, err := taxing.CreateCheckout(t.Context(), order); return err },
		"taxed checkout, tax in it": func() error { _, err := taxing.CreateCheckout(t.Context(), known); return err },
		"session":                   func() error { _, err := p.Session(t.Context(), "cs_1"); return err },
		"portal":                    func() error { _, err := p.Portal(t.Context(), "cus_1", "https://chat.example/billing"); return err },
		"delete a customer":         func() error { return p.DeleteCustomer(t.Context(), "cus_1") },
		"payments": func() error {
			return p.Payments(t.Context(), time.Unix(1_700_000_000, 0), func(payment.Event) error { return nil })
		},
	}
	for name, f := range ask {
		if err := f(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, mock+"/v1/checkout/sessions", strings.NewReader("mode=nonsense"))
	must(t, err)
	r.Header = http.Header{"Authorization": {"Bearer sk_test_123"}, "Content-Type": {"application/x-www-form-urlencoded"}}
	resp, err := (&http.Client{}).Do(r)
	must(t, err)
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("the mock takes anything: %d", resp.StatusCode)
	}
}
