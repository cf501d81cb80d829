package web

import (
	"net/http"
	"net/url"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// guestMaxAge is how long a guest cookie outlives its last use, in seconds: 30 days.
const guestMaxAge = 30 * 24 * 60 * 60

// cookies knows the guest cookie's name and flags.
type cookies struct {
	name   string
	secure bool
}

// newCookies: over https the name's prefix makes browsers insist on Secure, on the
// path / and on our very host; without https they would refuse such a cookie.
func newCookies(public *url.URL) cookies {
	if public.Scheme == "https" {
		return cookies{"__Host-guest", true}
	}
	return cookies{"guest", false}
}

func (c cookies) set(w http.ResponseWriter, value string) {
	http.SetCookie(w, &http.Cookie{
		Name: c.name, Value: value, Path: "/", MaxAge: guestMaxAge,
		Secure: c.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// identified puts the viewer into the request's context.
//
// A POST without a good cookie gets one, so that the first message has something to
// be stored under even when its answer is lost on the way. Cross-origin POSTs were
// refused before; page visits and websockets are no POSTs and leave no cookie. A
// program that brings its own authorization needs none.
func (s *server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, cookie, err := s.viewerOf(r)
		if err != nil {
			s.unidentified(w, r, err)
			return
		}
		if r.Method == http.MethodPost && r.Header.Get("Authorization") == "" {
			if v.Kind == "" {
				ticket := s.Account.NewTicket()
				s.cookie.set(w, ticket)
				v = s.Account.Visitor(ticket)
			} else if fresh, due := s.Account.Renew(cookie); due {
				s.cookie.set(w, fresh)
			}
		}
		v.Network = s.clientIP(r)
		s.noticeProxy(r)
		next.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), v)))
	})
}

// viewerOf is the viewer of the first guest cookie that is one of ours. Others may
// be there: a server on another port of this machine shares our cookies.
func (s *server) viewerOf(r *http.Request) (viewer.Viewer, string, error) {
	for _, c := range r.CookiesNamed(s.cookie.name) {
		if s.Account.Visitor(c.Value).Kind == "" {
			continue
		}
		v, err := s.Account.Viewer(r.Context(), c.Value)
		return v, c.Value, err
	}
	return viewer.Viewer{}, "", nil
}

// noticeProxy says once that a proxy on this machine is not trusted: everybody then
// seems to come from here, and limits by network do not work.
func (s *server) noticeProxy(r *http.Request) {
	if r.Header.Get("X-Forwarded-For") == "" {
		return
	}
	peer := parseHop(r.RemoteAddr)
	if !peer.IsLoopback() || contains(s.TrustedProxies, peer) {
		return
	}
	s.untrusted.Do(func() {
		s.Log.WarnContext(r.Context(), "a proxy on this machine forwards requests: name it in TRUSTED_PROXIES, or limits by network do not work")
	})
}

// unidentified answers when it cannot be found out who asks.
func (s *server) unidentified(w http.ResponseWriter, r *http.Request, err error) {
	requestID := RequestID(r.Context())
	s.Log.ErrorContext(r.Context(), "find out who asks", "request_id", requestID, "error", err)
	if faults, ok := fault.Of(err); ok && len(faults) > 0 {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, string(faults[0].Code), faults[0].Message)
		return
	}
	refuse(w, http.StatusInternalServerError, string(fault.Internal), "something failed here; if it happens again, report request "+requestID)
}
