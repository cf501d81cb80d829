package web

import (
	"context"
	"net/http"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Gates is what this package needs to know about the cookie that keeps what visitors
// have confirmed, accepted and chosen.
type Gates interface {
	// Stamp is the cookie's value and how long it lasts; empty for a gate that holds
	// nothing.
	Stamp(g viewer.Gate) (value string, lasts time.Duration)
	// Read is the reverse: the zero Gate for a cookie that is none of ours or too old.
	Read(value string) viewer.Gate
}

// held is the gate in the request's cookies: the first that is one of ours, since a
// server on another port of this machine shares our cookies.
func (s *server) held(r *http.Request) viewer.Gate {
	for _, c := range r.CookiesNamed(s.cookie.name(gateCookie)) {
		if g := s.Gates.Read(c.Value); g != (viewer.Gate{}) {
			return g
		}
	}
	return viewer.Gate{}
}

// withGate is the viewer with what the gate cookie says. Of somebody of whom something
// is stored only a refusal counts: the rest stands in the database.
func (s *server) withGate(r *http.Request, v viewer.Viewer) viewer.Viewer {
	v.Gate = s.held(r)
	if v.IsOwner() {
		v.Gate = v.Gate.Refusal()
	}
	return v
}

// gateCookieClear takes the gate cookie away, if the request brought one.
func (s *server) gateCookieClear(w http.ResponseWriter, r *http.Request) {
	if len(r.CookiesNamed(s.cookie.name(gateCookie))) > 0 {
		s.cookie.clear(w, gateCookie)
	}
}

// gateWriter sets the cookies that a request has made due just before the header of
// its answer goes: what the viewer has confirmed is known only when the operation has
// run. From then on the viewer knows that no cookie can be set any more.
type gateWriter struct {
	http.ResponseWriter
	s    *server
	ctx  context.Context //nolint:containedctx // of the request, and the writer lives as long
	held viewer.Gate
	// pending says that a sign-in waits in the browser for an answer.
	pending bool
	sent    bool
}

func (g *gateWriter) cookies() {
	if g.sent {
		return
	}
	g.sent = true
	v := viewer.From(g.ctx)
	if v.Gate != g.held {
		if value, lasts := g.s.Gates.Stamp(v.Gate); value != "" {
			g.s.cookie.set(g.ResponseWriter, gateCookie, value, int(lasts/time.Second))
		} else {
			g.s.cookie.clear(g.ResponseWriter, gateCookie)
		}
	}
	if g.pending && !v.Gate.AgeRefusedUntil.IsZero() { // nothing about a child is kept anywhere
		g.s.cookie.clear(g.ResponseWriter, pendingCookie)
	}
	if v.ForgetPreferences {
		g.s.cookie.clear(g.ResponseWriter, preferencesCookie)
	}
	v.CanSetCookie, v.ForgetPreferences = false, false
	viewer.Become(g.ctx, v)
}

// WriteHeader sets the cookies first.
func (g *gateWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		g.cookies()
	}
	g.ResponseWriter.WriteHeader(status)
}

// Write sets the cookies first.
func (g *gateWriter) Write(p []byte) (int, error) {
	g.cookies()
	return g.ResponseWriter.Write(p)
}

// Flush sets the cookies first.
func (g *gateWriter) Flush() {
	g.cookies()
	_ = http.NewResponseController(g.ResponseWriter).Flush() // a dead connection shows at the next write
}

// Unwrap is for http.ResponseController.
func (g *gateWriter) Unwrap() http.ResponseWriter { return g.ResponseWriter }
