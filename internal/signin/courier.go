package signin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/egress"
)

// maxBody bounds what is read of a provider's answer.
const maxBody = 1 << 20

// newTransport leads to providers over connections of its own.
func newTransport(way *egress.Guard) *http.Transport {
	t := way.Transport()
	t.TLSHandshakeTimeout = defaultTimeout // as long as the whole call: a slow provider is one all the same
	t.MaxIdleConnsPerHost = 2
	t.IdleConnTimeout = 30 * time.Second
	t.ForceAttemptHTTP2 = true
	t.MaxResponseHeaderBytes = 32 << 10
	return t
}

// courier carries the requests of one sign-in. It gives goth's requests the context
// and the time limit that goth gives them none of, adds the verifier to the request
// for tokens, reads no more than maxBody of an answer, and remembers how the last
// request went, because goth's errors repeat what providers wrote.
type courier struct {
	ctx      context.Context //nolint:containedctx // goth's requests come without one
	next     http.RoundTripper
	timeout  time.Duration
	verifier string

	mu   sync.Mutex
	last string
}

// client follows no redirects: providers' interfaces have none, and a redirect would
// carry a secret to another host.
func (c *courier) client() *http.Client {
	return &http.Client{Transport: c, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// RoundTrip is http.RoundTripper's.
func (c *courier) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.timeout)
	r, err := c.prepare(ctx, r)
	if err != nil {
		cancel()
		return nil, err
	}
	res, err := c.next.RoundTrip(r)
	c.note(res, err)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("ask a provider: %w", err)
	}
	res.Body = &boundedBody{Reader: io.LimitReader(res.Body, maxBody), body: res.Body, courier: c, cancel: cancel}
	return res, nil
}

// prepare is a copy of the request under ctx, with the verifier if it asks for tokens.
func (c *courier) prepare(ctx context.Context, r *http.Request) (*http.Request, error) {
	out := r.Clone(ctx)
	out.Header.Set("User-Agent", "kimi-k2") // GitHub refuses requests without one
	if r.Method != http.MethodPost || r.Body == nil {
		return out, nil
	}
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close() // it was in memory
	if err != nil {
		return nil, fmt.Errorf("read the request for tokens: %w", err)
	}
	if form, err := url.ParseQuery(string(body)); err == nil && form.Get("grant_type") == "authorization_code" {
		form.Set("code_verifier", c.verifier)
		body = []byte(form.Encode())
	}
	out.Body, out.ContentLength, out.GetBody = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	return out, nil
}

func (c *courier) note(res *http.Response, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case errors.Is(err, context.Canceled):
		c.last = "the browser left"
	case isTimeout(err):
		c.last = "no answer in time"
	case err != nil:
		c.last = "it cannot be reached"
	case res.StatusCode != http.StatusOK:
		c.last = "status " + strconv.Itoa(res.StatusCode)
	default:
		c.last = ""
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// cause says how the last request went wrong.
func (c *courier) cause() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == "" {
		return "an answer that cannot be used"
	}
	return c.last
}

// boundedBody ends after maxBody and frees the request's timer when closed.
type boundedBody struct {
	io.Reader
	body    io.Closer
	courier *courier
	cancel  context.CancelFunc
}

// Read notes an answer that stops half way.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.courier.note(nil, err)
	}
	return n, err
}

// Close is io.Closer's.
func (b *boundedBody) Close() error {
	defer b.cancel()
	return b.body.Close()
}
