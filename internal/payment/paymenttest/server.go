package paymenttest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// Options are those of both models.
type Options struct {
	Key        string // the API key that is accepted; empty: any
	Secret     string // signs webhooks
	WebhookURL string
	// TimeScale shortens the time between attempts to bring a webhook: 0.001 makes
	// milliseconds of seconds. 0 is 1.
	TimeScale float64
	Clock     clock.Clock // nil: the machine's
	Live      bool
	Tax       int64 // per cent, added to prices or contained in them
	Listen    string
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	return o
}

// trouble is what is wrong with a model at the moment.
type trouble struct {
	down    atomic.Bool // 503 to everything
	garbage atomic.Bool // 200 with nonsense
	mu      sync.Mutex
	stall   chan struct{} // requests wait for its end
}

// Down lets the provider refuse everything, or end that.
func (t *trouble) Down(on bool) { t.down.Store(on) }

// Garbage lets the provider answer nonsense, or end that.
func (t *trouble) Garbage(on bool) { t.garbage.Store(on) }

// Stall keeps every answer back until the returned function is called.
func (t *trouble) Stall() (end func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	stall := make(chan struct{})
	t.stall = stall
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.stall = nil
		close(stall)
	})
}

func (t *trouble) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		stall := t.stall
		t.mu.Unlock()
		if stall != nil {
			select {
			case <-stall:
			case <-r.Context().Done():
				return
			}
		}
		switch {
		case t.down.Load():
			w.WriteHeader(http.StatusServiceUnavailable)
		case t.garbage.Load():
			_, _ = w.Write([]byte("<html>gateway</html>"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// host is a listening server.
type host struct {
	url  string
	http *http.Server
	done chan struct{}
}

func listen(addr string, h http.Handler) (*host, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &host{url: "http://" + l.Addr().String(), http: &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // ends with close
	}()
	return s, nil
}

func (h *host) close() {
	_ = h.http.Close()
	<-h.done
}

type object = map[string]any

func newID(prefix string) string { return prefix + "_" + rand.Text()[:20] }

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone
}

// mustJSON writes what this package made itself.
func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // cannot be: maps of plain values
	}
	return b
}

// taxed is what is paid for a price, and the tax in it.
func taxed(price, percent int64, included bool) (paid, tax int64) {
	if included {
		return price, price - price*100/(100+percent)
	}
	tax = price * percent / 100
	return price + tax, tax
}
