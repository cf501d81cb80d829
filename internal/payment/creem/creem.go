// Package creem speaks to Creem, which sells in its own name (a merchant of record):
// hosted checkouts of products of its catalogue, the customer portal, webhooks and the
// list of transactions. There is no client of Creem's for Go; this is a small one.
//
// What Creem cannot tell: it reports that a payment was disputed, never how that ended,
// and no card, only a transaction. It has no call to delete a customer.
package creem

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// Name is the provider's name.
const Name = "CREEM"

// The addresses of Creem's interface.
const (
	LiveURL = "https://api.creem.io"
	TestURL = "https://test-api.creem.io"
)

// Config is what New needs.
type Config struct {
	Key     string // creem_… or creem_test_…
	Secret  string // of the webhook
	BaseURL string // empty: LiveURL or TestURL, as the key says
	Egress  *egress.Guard
}

// Provider is Creem.
type Provider struct {
	c    Config
	live bool
	http *http.Client
	wait func(ctx context.Context, d time.Duration) error
}

var _ payment.Seller = (*Provider)(nil)

// New checks the settings and makes the provider. It refuses a webhook secret that is
// too short to be one.
func New(c Config) (*Provider, error) {
	if len(c.Secret) < payment.MinSecret {
		return nil, fmt.Errorf("the webhook's secret has fewer than %d characters", payment.MinSecret)
	}
	live, ok := Mode(c.Key)
	if !ok {
		return nil, errors.New("the API key does not begin with creem_")
	}
	if c.BaseURL == "" {
		c.BaseURL = AddressFor(live)
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	return &Provider{c: c, live: live, http: payment.NewClient(c.Egress), wait: pause}, nil
}

// AddressFor is where Creem's interface is when money really moves, or doesn't.
func AddressFor(live bool) string {
	if live {
		return LiveURL
	}
	return TestURL
}

// Mode tells of an API key whether it moves real money; ok is false when it is none.
func Mode(key string) (live, ok bool) {
	return !strings.HasPrefix(key, "creem_test_"), strings.HasPrefix(key, "creem_")
}

// Name is "CREEM".
func (p *Provider) Name() string { return Name }

// Live reports whether money really moves.
func (p *Provider) Live() bool { return p.live }

// CreateCheckout makes the hosted page where an order is paid. The price is that of the
// product at Creem; whether it is the order's is seen when the payment is told.
func (p *Provider) CreateCheckout(ctx context.Context, o payment.Order) (payment.Session, error) {
	type customer struct {
		ID    string `json:"id,omitempty"`
		Email string `json:"email,omitempty"`
	}
	ask := struct {
		RequestID  string            `json:"request_id"`
		ProductID  string            `json:"product_id"`
		Customer   *customer         `json:"customer,omitempty"`
		SuccessURL string            `json:"success_url,omitempty"`
		Metadata   map[string]string `json:"metadata"`
	}{RequestID: o.PurchaseID, ProductID: o.ProductID, SuccessURL: o.SuccessURL, Metadata: map[string]string{metaPurchase: o.PurchaseID}}
	switch {
	case o.CustomerID != "":
		ask.Customer = &customer{ID: o.CustomerID}
	case o.Email != "":
		ask.Customer = &customer{Email: o.Email}
	}
	var got struct {
		ID  string `json:"id"`
		URL string `json:"checkout_url"`
	}
	if err := p.call(ctx, http.MethodPost, "/v1/checkouts", ask, &got); err != nil {
		return payment.Session{}, fmt.Errorf("create a checkout at Creem: %w", err)
	}
	if got.ID == "" || !isURL(got.URL) {
		return payment.Session{}, fmt.Errorf("create a checkout at Creem: %w: its answer has no address to pay at", payment.ErrUnavailable)
	}
	return payment.Session{ID: got.ID, URL: got.URL}, nil
}

// Portal is a link to the page where a payer sees receipts and corrects billing data.
// Creem leads back to nowhere: returnURL has no use.
func (p *Provider) Portal(ctx context.Context, customerID, _ string) (string, error) {
	ask := map[string]string{"customer_id": customerID}
	var got struct {
		URL string `json:"customer_portal_link"`
	}
	if err := p.call(ctx, http.MethodPost, "/v1/customers/billing", ask, &got); err != nil {
		return "", fmt.Errorf("open the portal at Creem: %w", err)
	}
	if !isURL(got.URL) {
		return "", fmt.Errorf("open the portal at Creem: %w: its answer has no address", payment.ErrUnavailable)
	}
	return got.URL, nil
}

// DeleteCustomer is not possible at Creem, which is itself the seller.
func (p *Provider) DeleteCustomer(context.Context, string) error {
	return fmt.Errorf("delete a customer at Creem: %w", payment.ErrUnsupported)
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

// callTimeout bounds a call with its repetitions.
const callTimeout = 20 * time.Second

// call asks, and asks again up to twice when Creem is not available.
func (p *Provider) call(ctx context.Context, method, path string, ask, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var body []byte
	if ask != nil {
		var err error
		if body, err = json.Marshal(ask); err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
	}
	for attempt := 0; ; attempt++ {
		err := p.once(ctx, method, path, body, out)
		if !errors.Is(err, payment.ErrUnavailable) || attempt >= payment.Retries {
			return err
		}
		if p.wait(ctx, 500*time.Millisecond<<attempt) != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// once asks once. What Creem answers beside a status is left out of errors: it repeats
// what was sent.
func (p *Provider) once(ctx context.Context, method, path string, body []byte, out any) error {
	r, err := http.NewRequestWithContext(ctx, method, p.c.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		return errors.New("the provider's address is wrong")
	}
	r.Header.Set("X-Api-Key", p.c.Key)
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) && u.Timeout() {
			return fmt.Errorf("%w: it did not answer in time", payment.ErrUnavailable)
		}
		return fmt.Errorf("%w: no connection", payment.ErrUnavailable)
	}
	defer func() { _ = resp.Body.Close() }() // read or given up
	data, err := io.ReadAll(resp.Body)
	switch status := resp.StatusCode; {
	case status == http.StatusNotFound:
		return payment.ErrNotFound
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		return fmt.Errorf("%w: status %d", payment.ErrUnavailable, status)
	case status < http.StatusOK || status >= http.StatusMultipleChoices:
		return fmt.Errorf("%w: status %d", payment.ErrRefused, status)
	case err != nil || json.Unmarshal(data, out) != nil:
		return errGarbage
	}
	return nil
}

var errGarbage = fmt.Errorf("%w: its answer cannot be read", payment.ErrUnavailable)
