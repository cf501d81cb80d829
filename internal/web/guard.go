package web

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// hosts says under which names the server may be asked for.
type hosts struct {
	public   string // host and port of the public URL
	secure   bool   // over https
	loopback bool   // the public URL names this machine
	pay      string // the origins of payment pages, each after a blank
}

func newHosts(public *url.URL, pay ...string) hosts {
	h := hosts{
		public:   strings.ToLower(public.Host),
		secure:   public.Scheme == "https",
		loopback: isLoopback(public.Hostname()),
	}
	for _, origin := range append([]string{"https://checkout.stripe.com"}, pay...) {
		h.pay += " " + origin
	}
	return h
}

// allows reports whether a Host header may be answered: the public URL's, or any
// name of this machine on any port when that is where the public URL leads. Another
// name means that somebody's page has pointed its own name at us (DNS rebinding) or
// that a proxy replaces the header.
func (h hosts) allows(host string) bool {
	if h.isPublic(host) {
		return true
	}
	if !h.loopback {
		return false
	}
	host = strings.ToLower(host)
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ""
	}
	return isDigits(port) && isLoopback(name)
}

// isPublic reports whether a Host header is the public URL's.
func (h hosts) isPublic(host string) bool {
	host = strings.ToLower(host)
	return host == h.public || host == h.public+h.defaultPort()
}

// defaultPort is what may stand behind a public host without a port.
func (h hosts) defaultPort() string {
	if h.secure {
		return ":443"
	}
	return ":80"
}

// isLoopback reports whether a name can only be this machine. Only the plain forms
// count, so that an allowed host can be written into a header.
func isLoopback(name string) bool {
	if name == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Zone() == "" && addr.Unmap().IsLoopback()
}

func isDigits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// knownHost refuses requests for names that are not ours. Probes ask by whatever
// address they have, and learn nothing but health.
func (s *server) knownHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		probe := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		if !probe && !s.hosts.allows(r.Host) {
			refuse(w, http.StatusMisdirectedRequest, "FORBIDDEN",
				"this server does not answer under this name: set PUBLIC_URL to the address people use, and let a proxy pass the Host header on unchanged")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses requests that another site's page makes a browser send. Reads
// and websocket upgrades pass; the websocket transport checks their origin itself.
func (s *server) sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.origins.Check(r); err != nil {
			refuse(w, http.StatusForbidden, "FORBIDDEN", "requests from other sites' pages are refused")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// strictHeaders are those of every answer. Their values are shared by all answers: who wants
// another one sets it, in the place of the shared one.
var strictHeaders = map[string][]string{
	"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"},
	"X-Content-Type-Options":       {"nosniff"},
	"X-Frame-Options":              {"DENY"},
	"Referrer-Policy":              {"same-origin"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Permissions-Policy":           {"camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"},
	"Cache-Control":                {"no-store"},
}

// secured sets the headers that every answer has. They allow an answer nothing at
// all; the site's files say what they need.
func (s *server) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		maps.Copy(h, strictHeaders)
		if s.hosts.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// pagePolicy is the content security policy of the app's pages: everything from
// ourselves, nothing inline, one Trusted Types policy. The websocket's origin is
// named for browsers in which 'self' does not cover it.
func (h hosts) pagePolicy(host string) string {
	ws := "ws://"
	if h.secure {
		ws = "wss://"
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' " + ws + host +
		"; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'" + h.pay +
		"; require-trusted-types-for 'script'; trusted-types app"
}

// filePolicy is for the other files of the app: a worker lives under the policy of
// its own file, a picture may be opened by itself.
const filePolicy = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
