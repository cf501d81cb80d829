package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// till stands for what deals with webhooks.
type till struct {
	err   error
	calls int
	got   string
	gone  error // of the context while the webhook was dealt with
}

func (t *till) Webhook(ctx context.Context, provider string, header http.Header, body []byte) error {
	t.calls++
	t.got, t.gone = provider+" "+header.Get("Stripe-Signature")+" "+string(body), ctx.Err()
	return t.err
}

func postWebhook(h http.Handler, ctx context.Context, path string, body io.Reader, change func(*http.Request)) *http.Response { //nolint:revive // the handler is what is asked
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://chat.example"+path, body)
	r.Header.Set("Stripe-Signature", "canary-signature")
	r.Header.Set("Cookie", "guest=canary-cookie")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// R-PAY, P52: what a webhook is answered, and that nothing of it is logged.
func TestWebhooks(t *testing.T) {
	const canary = "canary-body"
	large := strings.Repeat("x", 256<<10+1)
	for name, c := range map[string]struct {
		path   string
		body   io.Reader
		err    error
		change func(*http.Request)
		want   int
		calls  int
	}{
		"taken":             {body: strings.NewReader(canary), want: 200, calls: 1},
		"as large as may":   {body: strings.NewReader(large[1:]), want: 200, calls: 1},
		"no signature":      {body: strings.NewReader(canary), err: fmt.Errorf("verify: %w", payment.ErrSignature), want: 400, calls: 1},
		"no sense":          {body: strings.NewReader(canary), err: payment.ErrBody, want: 400, calls: 1},
		"not set up":        {path: "/webhooks/creem", body: strings.NewReader(canary), err: payment.ErrUnknownProvider, want: 404, calls: 1},
		"failed":            {body: strings.NewReader(canary), err: errors.New("the database is away"), want: 500, calls: 1},
		"no such provider":  {path: "/webhooks/paypal", body: strings.NewReader(canary), want: 404},
		"no provider":       {path: "/webhooks/", body: strings.NewReader(canary), want: 404},
		"read":              {body: strings.NewReader(""), change: func(r *http.Request) { r.Method = http.MethodGet }, want: 404},
		"too large":         {body: strings.NewReader(large), want: 413},
		"too large, unsaid": {body: strings.NewReader(large), change: func(r *http.Request) { r.ContentLength = -1 }, want: 413},
		"truncated":         {body: strings.NewReader(canary), change: func(r *http.Request) { r.ContentLength = 100 }, want: 400},
		"a page's":          {body: strings.NewReader(canary), change: func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, want: 403},
	} {
		mail := &till{err: c.err}
		f := newFixture(t, "https://chat.example", func(o *web.Config) { o.Webhooks = mail })
		if c.path == "" {
			c.path = "/webhooks/stripe"
		}
		res := postWebhook(f, t.Context(), c.path, c.body, c.change)
		answer, _ := io.ReadAll(res.Body)
		if res.StatusCode != c.want || mail.calls != c.calls {
			t.Errorf("%s: %d, %d calls", name, res.StatusCode, mail.calls)
		}
		if res.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: a cookie is set", name)
		}
		if log := f.log.String(); strings.Contains(log+string(answer), "canary") {
			t.Errorf("%s: the log or the answer tells what came: %s", name, log)
		}
	}
}

func TestAWebhookKeepsItsRawBody(t *testing.T) {
	mail := &till{}
	f := newFixture(t, "https://chat.example", func(o *web.Config) { o.Webhooks = mail })
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the provider hung up
	postWebhook(f, ctx, "/webhooks/stripe", strings.NewReader("{\"a\" : 1}\n\xff"), nil)
	if want := "STRIPE canary-signature {\"a\" : 1}\n\xff"; mail.got != want {
		t.Errorf("%q came, want %q", mail.got, want)
	}
	if mail.calls != 1 || mail.gone != nil {
		t.Errorf("%d calls; the payment was given up with the connection: %v", mail.calls, mail.gone)
	}
}

func TestWithoutPaymentsThereAreNoWebhooks(t *testing.T) {
	f := newFixture(t, "https://chat.example", nil)
	if res := postWebhook(f, t.Context(), "/webhooks/stripe", strings.NewReader("{}"), nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("answered %d", res.StatusCode)
	}
}

func TestPagesMayLeadToWhereOnePays(t *testing.T) {
	for _, c := range []struct {
		hosts []string
		want  string
	}{{nil, "form-action 'self' https://checkout.stripe.com;"}, {[]string{"https://checkout.creem.io"}, "form-action 'self' https://checkout.stripe.com https://checkout.creem.io;"}} {
		f := newFixture(t, "https://chat.example", func(o *web.Config) { o.PayHosts = c.hosts })
		if csp := f.ask(t, http.MethodGet, "/", "Host", "chat.example").Header.Get("Content-Security-Policy"); !strings.Contains(csp, c.want) {
			t.Errorf("with %v the policy is %s", c.hosts, csp)
		}
	}
}
