package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/config"
)

// T24: a provider is set up in full, with a secret that nobody guesses, or the start is
// refused with one clear line.
func TestPayments(t *testing.T) {
	const secret = "whsec_0123456789abcdef0123456789abcdef"
	packs := filepath.Join(t.TempDir(), "packs.json")
	if err := os.WriteFile(packs, []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env, want string // want is "" when the settings are good
	}{
		{"", ""},
		{"STRIPE_SECRET_KEY=sk_test_1 STRIPE_WEBHOOK_SECRET=" + secret, ""},
		{"STRIPE_SECRET_KEY=rk_live_1 STRIPE_WEBHOOK_SECRET=" + secret + " STRIPE_API_URL=http://127.0.0.1:1/", ""},
		{"CREEM_API_KEY=creem_test_1 CREEM_WEBHOOK_SECRET=" + secret + " CREEM_API_URL=https://creem.example", ""},
		{"PACKS_FILE=" + packs, ""},
		{"STRIPE_SECRET_KEY=sk_test_1", "STRIPE_WEBHOOK_SECRET: is needed when STRIPE_SECRET_KEY is set"},
		{"STRIPE_WEBHOOK_SECRET=" + secret, "STRIPE_SECRET_KEY: is needed when STRIPE_WEBHOOK_SECRET is set"},
		{"STRIPE_SECRET_KEY=pk_test_1 STRIPE_WEBHOOK_SECRET=" + secret, "STRIPE_SECRET_KEY: must begin with sk_live_ or"},
		{"STRIPE_SECRET_KEY=sk_test_1 STRIPE_WEBHOOK_SECRET=" + secret[:31], "STRIPE_WEBHOOK_SECRET: must have 32 characters or more"},
		{"STRIPE_SECRET_KEY=sk_test_ü STRIPE_WEBHOOK_SECRET=" + secret, "STRIPE_SECRET_KEY: holds a character"},
		{"STRIPE_SECRET_KEY=sk_test_1 STRIPE_WEBHOOK_SECRET=" + secret + "ü", "STRIPE_WEBHOOK_SECRET: holds a blank"},
		{"CREEM_API_KEY=creem_1", "CREEM_WEBHOOK_SECRET: is needed when CREEM_API_KEY is set"},
		{"CREEM_WEBHOOK_SECRET=" + secret, "CREEM_API_KEY: is needed when CREEM_WEBHOOK_SECRET is set"},
		{"CREEM_API_KEY=creem_1 CREEM_WEBHOOK_SECRET=short", "CREEM_WEBHOOK_SECRET: must have 32 characters or more"},
		{"CREEM_API_KEY=sk_test_1 CREEM_WEBHOOK_SECRET=" + secret, "CREEM_API_KEY: must begin with creem_"},
		{"STRIPE_API_URL=http://stripe.example", "STRIPE_API_URL: is http:// on stripe.example"},
		{"STRIPE_API_URL=stripe.example", "STRIPE_API_URL: must begin with http"},
		{"CREEM_API_URL=https://a:b@creem.example", "CREEM_API_URL: must hold no key"},
		{"PACKS_FILE=" + packs + ".none", "PACKS_FILE: there is no file"},
	} {
		_, _, err := config.Load(strings.Fields(c.env))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.env, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v, want one line %q", c.env, err, c.want)
		case err != nil && (strings.Contains(err.Error(), secret[:20]) || strings.Contains(err.Error(), "_test_1")):
			t.Errorf("%s: the fault tells the secret: %v", c.env, err)
		}
	}
}
