// Package stripe speaks to Stripe: hosted checkouts, the customer portal, webhooks and
// the lists by which payments are compared. It asks with the version of the interface
// that stripe-go is made for; webhooks come in whichever version an account's endpoint
// was made with, and are read without stripe-go's types for that reason: the few fields
// needed here have had the same names for years, while one changed field elsewhere
// would make a whole event unreadable.
package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// Name is the provider's name.
const Name = "STRIPE"

// URL is where Stripe's interface is.
const URL = "https://api.stripe.com"

// Config is what New needs.
type Config struct {
	Key     string // sk_live_… or sk_test_…, or a restricted key rk_…
	Secret  string // of the webhook endpoint, whsec_…
	BaseURL string // empty: URL
	Egress  *egress.Guard
	// AutomaticTax lets Stripe compute and collect taxes, which the account must be
	// set up for.
	AutomaticTax bool
}

// Provider is Stripe.
type Provider struct {
	c       Config
	live    bool
	client  *stripe.Client
	backend stripe.RawRequestBackend
}

var _ payment.Provider = (*Provider)(nil)

// New checks the settings and makes the provider. It refuses a webhook secret that is
// too short to be one: whoever guesses it can pay with nothing.
func New(c Config) (*Provider, error) {
	if len(c.Secret) < payment.MinSecret {
		return nil, fmt.Errorf("the webhook's secret has fewer than %d characters", payment.MinSecret)
	}
	live, ok := Mode(c.Key)
	if !ok {
		return nil, errors.New("the secret key begins with none of sk_live_, sk_test_, rk_live_, rk_test_")
	}
	config := &stripe.BackendConfig{
		HTTPClient:        payment.NewClient(c.Egress),
		MaxNetworkRetries: stripe.Int64(payment.Retries),
		EnableTelemetry:   stripe.Bool(false),
		// Its logger prints bodies, which hold people's data.
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull},
	}
	if c.BaseURL != "" {
		config.URL = stripe.String(strings.TrimRight(c.BaseURL, "/"))
	}
	backends := stripe.NewBackendsWithConfig(config)
	raw, ok := backends.API.(stripe.RawRequestBackend)
	if !ok {
		return nil, errors.New("stripe-go has no raw requests")
	}
	return &Provider{c: c, live: live, client: stripe.NewClient(c.Key, stripe.WithBackends(backends)), backend: raw}, nil
}

// Mode tells of a secret key whether it moves real money; ok is false when it is no
// secret key.
func Mode(key string) (live, ok bool) {
	for _, prefix := range []string{"sk_live_", "rk_live_"} {
		if strings.HasPrefix(key, prefix) {
			return true, true
		}
	}
	return false, strings.HasPrefix(key, "sk_test_") || strings.HasPrefix(key, "rk_test_")
}

// Name is "STRIPE".
func (p *Provider) Name() string { return Name }

// Live reports whether money really moves.
func (p *Provider) Live() bool { return p.live }

// get asks for path and reads the answer into out.
func (p *Provider) get(ctx context.Context, path string, query url.Values, out any) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	resp, err := p.backend.RawRequest(http.MethodGet, path, p.c.Key, "", &stripe.RawParams{Params: stripe.Params{Context: ctx}})
	if err != nil {
		return explain(err)
	}
	if err := json.Unmarshal(resp.RawJSON, out); err != nil {
		return fmt.Errorf("%w: its answer cannot be read", payment.ErrUnavailable)
	}
	return nil
}

// explain says what kind of failure err is. Stripe's own words are left out: they
// repeat what was sent.
func explain(err error) error {
	var e *stripe.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%w: %s", payment.ErrUnavailable, cause(err))
	}
	kind := payment.ErrRefused // a conflict is another call under the same key that is not done yet
	switch {
	case e.HTTPStatusCode == http.StatusNotFound || e.Code == stripe.ErrorCodeResourceMissing:
		kind = payment.ErrNotFound
	case e.HTTPStatusCode == http.StatusTooManyRequests || e.HTTPStatusCode == http.StatusConflict || e.HTTPStatusCode >= http.StatusInternalServerError || e.HTTPStatusCode == 0:
		kind = payment.ErrUnavailable
	}
	return fmt.Errorf("%w: status %d %s %s", kind, e.HTTPStatusCode, e.Code, e.RequestID)
}

// cause is why a request got no answer, without its address and body.
func cause(err error) string {
	var u *url.Error
	switch {
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &u) && u.Timeout() || errors.Is(err, context.DeadlineExceeded):
		return "it did not answer in time"
	case errors.As(err, &u):
		return "no connection"
	}
	return "its answer cannot be read"
}

// callTimeout bounds a call with its retries.
const callTimeout = 20 * time.Second
