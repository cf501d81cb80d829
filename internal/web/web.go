// Package web interprets HTTP: it says who asks, keeps strangers' pages and forged
// hosts out, logs without content, and serves the health checks and the files of the
// frontend. What is asked over GraphQL it hands on.
//
// It routes with net/http's own mux: its patterns know methods, it answers 405 with
// the allowed ones by itself, and the matched pattern is what the access log names
// instead of the path. A router of its own would add a dependency and nothing else.
package web

import (
	"context"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Accounts is what this package needs to know about people.
type Accounts interface {
	// Viewer is who a guest cookie stands for: a guest, a visitor when nothing is
	// stored under it, the zero Viewer when it is not one of ours.
	Viewer(ctx context.Context, cookie string) (viewer.Viewer, error)
	// NewTicket makes the value of a fresh guest cookie.
	NewTicket() string
	// Visitor is the viewer of a ticket that nothing is stored under.
	Visitor(cookie string) viewer.Viewer
	// Renew returns the cookie with a later end; due is false when it needs none.
	Renew(cookie string) (fresh string, due bool)
}

// Config is what New needs.
type Config struct {
	Account Accounts
	Gates   Gates // reads and writes the gate cookie
	// Sessions, SignIns and Admission are the ways in and out; there are none as long
	// as one of them is missing.
	Sessions  Sessions
	SignIns   SignIns
	Admission Admission
	// Webhooks deals with what payment providers send; without it nothing is there.
	Webhooks Webhooks
	// Keys are what programs authenticate with; without it there are none.
	Keys Keys
	// API serves /v1/ to keys; without it nothing is there.
	API API
	// Newsletters ends news by a link; without it nothing is there.
	Newsletters Newsletters
	// Books writes the tables of what was paid and used; without it they are not there.
	Books Books
	// Requests keeps and shows the logs of API requests; without it there are none.
	Requests Requests
	// Transparency reports how the policy is kept; without it there is no report.
	Transparency Transparency
	// Exports hands out files with what is held of somebody, Imports takes some; without
	// them there are none.
	Exports Exports
	Imports Imports
	// Shares shows what was shared by link, under the Name of the installation; without it no
	// link opens.
	Shares Shares
	Name   string
	// PayHosts are the origins of payment pages that a form may lead to.
	PayHosts  []string
	GraphQL   http.Handler // serves /graphql; the context carries the viewer and the request's id
	SchemaSDL string
	// Static is the built frontend. Without an index.html in it a page says how to
	// build it.
	Static fs.FS
	// PublicURL is the address people use, scheme and host only. It decides about
	// cookies, allowed hosts and origins; what clients send never does.
	PublicURL *url.URL
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	Clock          clock.Clock
	Log            *slog.Logger
	// Ready says why the server cannot work now. Several reasons come joined by
	// errors.Join; what of them is shown is said at Unready.
	Ready        func(ctx context.Context) error
	SupportEmail string // the contact in security.txt; without one there is no such file
	// WriteTimeout is how long a client may take for an answer, and again for each whole MiB
	// of it; who takes longer is cut (default 30 s). Streams and downloads, which last, set
	// deadlines of their own.
	WriteTimeout time.Duration
}

// server is the handler's parts.
type server struct {
	Config
	clientIP func(*http.Request) netip.Addr
	hosts    hosts
	origins  *http.CrossOriginProtection
	cookie   cookies
	// untrusted makes noticeProxy speak once.
	untrusted sync.Once
}

// New makes the handler of everything the server listens for.
//
// From the outside in: request id and access log, security headers, recovery from
// panics, allowed hosts, cross-origin protection, then the route.
func New(c Config) http.Handler {
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 30 * time.Second
	}
	s := &server{
		Config:   c,
		clientIP: ClientIP(c.TrustedProxies),
		hosts:    newHosts(c.PublicURL, c.PayHosts...),
		origins:  http.NewCrossOriginProtection(),
		cookie:   newCookies(c.PublicURL),
	}
	// An origin made of a checked URL's scheme and host is always well formed.
	_ = s.origins.AddTrustedOrigin(c.PublicURL.Scheme + "://" + c.PublicURL.Host)

	var h http.Handler = s.routes()
	h = s.sameOrigin(h)
	h = s.foreign(h)
	h = s.noKeyInURL(h)
	h = s.knownHost(h)
	h = s.recovered(h)
	h = s.secured(h)
	return s.logged(h)
}

// routes are the paths. Those of the contract that do not exist are refused, so that
// a program asking for them does not get the page of the app.
func (s *server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/graphql", s.patient(s.identified(s.GraphQL)))
	mux.Handle("GET /schema.graphql", published(textAsset("text/plain; charset=utf-8", s.SchemaSDL)))
	mux.HandleFunc("GET /healthz", healthz)
	mux.Handle("GET /readyz", &readiness{check: s.Ready, clock: s.Clock, log: s.Log})
	mux.HandleFunc("GET /.well-known/security.txt", s.securityText)
	s.authRoutes(mux)
	s.webhookRoutes(mux)
	s.tableRoutes(mux)
	s.exportRoutes(mux)
	s.unsubscribeRoutes(mux)
	s.keyRoutes(mux)
	s.apiRoutes(mux)
	s.transparencyRoute(mux)
	for _, path := range []string{"/auth/", "/exports/", "/metrics", "/.well-known/"} {
		mux.HandleFunc(path, notFound)
	}
	app := newSite(s.Static, s.hosts)
	s.shareRoutes(mux, app)
	mux.Handle("/", app)
	return mux
}

// published is what pages of any site may read.
func published(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		next.ServeHTTP(w, r)
	})
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	refuse(w, http.StatusNotFound, "NOT_FOUND", "there is nothing at this address")
}

// refuse answers with one error in the shape that GraphQL clients read.
func refuse(w http.ResponseWriter, status int, code, message string) {
	refuseFor(w, status, &fault.Fault{Code: fault.Code(code), Message: message})
}

// refuseFor answers with a fault, and its reason and when to come again where it has such.
func refuseFor(w http.ResponseWriter, status int, f *fault.Fault) {
	type extensions struct {
		Code         string            `json:"code"`
		Reason       string            `json:"reason,omitempty"`
		Values       map[string]string `json:"values,omitempty"`
		RetryAfterMs int64             `json:"retryAfterMs,omitempty"`
	}
	type problem struct {
		Message    string     `json:"message"`
		Extensions extensions `json:"extensions"`
	}
	writeJSON(w, status, map[string][]problem{"errors": {{f.Message, extensions{string(f.Code), f.Reason, f.Values, f.RetryAfter.Milliseconds()}}}})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client is gone: nobody is left to tell
}
