package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// How readiness is found out.
const (
	readyTimeout = 2 * time.Second
	readyTTL     = 500 * time.Millisecond // anybody may ask; the database is asked this often at most
)

// Unready is a reason for not being ready. Readers of /readyz learn the part's name
// and, when the cause is a fault, its message; the cause itself goes to the log only,
// because it may hold addresses and names.
type Unready struct {
	Part  string // for example database
	Cause error
}

// Error is the part and the cause.
func (u *Unready) Error() string { return u.Part + ": " + u.Cause.Error() }

// Unwrap is the cause.
func (u *Unready) Unwrap() error { return u.Cause }

func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readiness answers whether the server can work, remembering the answer for a moment.
type readiness struct {
	check func(ctx context.Context) error
	clock clock.Clock
	log   *slog.Logger

	mu      sync.Mutex
	asked   time.Time
	reasons []string
}

// ServeHTTP answers 200, or 503 with the reasons.
func (d *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reasons := d.ask(r.Context())
	if len(reasons) == 0 {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
		return
	}
	w.Header().Set("Retry-After", "1")
	writeJSON(w, http.StatusServiceUnavailable, map[string]any{"status": "unavailable", "reasons": reasons})
}

func (d *readiness) ask(ctx context.Context) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now := d.clock.Now(); d.asked.IsZero() || now.Sub(d.asked) >= readyTTL {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTimeout) // the answer serves others too
		defer cancel()
		err := d.check(ctx)
		if err != nil && len(d.reasons) == 0 {
			d.log.WarnContext(ctx, "not ready", "error", err)
		}
		d.reasons, d.asked = reasonsOf("server", err), d.clock.Now()
	}
	return d.reasons
}

// reasonsOf is what may be shown of err, which is about the part.
func reasonsOf(part string, err error) []string {
	switch e := err.(type) { //nolint:errorlint // it unwraps step by step itself
	case nil:
		return nil
	case *Unready:
		return reasonsOf(e.Part, e.Cause)
	case *fault.Fault:
		return []string{part + ": " + e.Message}
	case interface{ Unwrap() []error }:
		var all []string
		for _, one := range e.Unwrap() {
			all = append(all, reasonsOf(part, one)...)
		}
		return all
	}
	if inner := errors.Unwrap(err); inner != nil {
		return reasonsOf(part, inner)
	}
	return []string{part + " is not ready"}
}

// securityText says where to report a hole (RFC 9116).
func (s *server) securityText(w http.ResponseWriter, r *http.Request) {
	if s.SupportEmail == "" {
		notFound(w, r)
		return
	}
	expires := s.Clock.Now().Truncate(24*time.Hour).AddDate(0, 6, 0).Format(time.RFC3339)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, _ = w.Write([]byte("Contact: mailto:" + s.SupportEmail + "\nExpires: " + expires +
		"\nPreferred-Languages: en, zh\nCanonical: " + s.PublicURL.Scheme + "://" + s.PublicURL.Host + "/.well-known/security.txt\n"))
}
