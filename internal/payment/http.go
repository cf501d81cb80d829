package payment

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/egress"
)

// The bounds of one request to a provider.
const (
	RequestTimeout = 8 * time.Second
	Retries        = 2
	answerLimit    = 16 << 20
)

// NewClient is the HTTP client for providers: every request is bounded in time, every
// answer in size, redirects are not followed, for a key would travel along, and no
// cookies are kept. The way must reach the provider; nil reaches loopback addresses.
func NewClient(way *egress.Guard) *http.Client {
	base := way.Transport()
	base.ForceAttemptHTTP2 = true
	base.MaxIdleConnsPerHost = 4
	base.IdleConnTimeout = 30 * time.Second
	return &http.Client{
		Transport:     bounded{base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// bounded bounds requests. The time ends with the answer's body, whether it is closed
// or read to its end: not everybody who reads one closes it, as http.Client's own
// timeout wants.
type bounded struct{ *http.Transport }

// RoundTrip is http.RoundTripper's.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(r.Context(), RequestTimeout)
	resp, err := b.Transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &boundedBody{body: resp.Body, left: answerLimit, end: cancel}
	return resp, nil
}

var errTooLarge = errors.New("the answer is too large")

type boundedBody struct {
	body io.ReadCloser
	left int
	end  context.CancelFunc
}

// Read reads no more than is left, and closes the body when there is no more to read.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		_ = b.Close() // that it is too large counts
		return 0, errTooLarge
	}
	if len(p) > b.left {
		p = p[:b.left]
	}
	n, err := b.body.Read(p)
	b.left -= n
	if err != nil {
		_ = b.Close() // read to its end, or of no use
	}
	return n, err
}

// Close gives up what was not read.
func (b *boundedBody) Close() error {
	err := b.body.Close()
	b.end()
	return err
}
