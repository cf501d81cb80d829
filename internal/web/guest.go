package web

import (
	"net/http"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// guestMaxAge is how long a guest cookie outlives its last use, in seconds: 30 days.
const guestMaxAge = 30 * 24 * 60 * 60

// identified puts the viewer into the request's context.
//
// A POST without a good cookie gets one, so that the first message has something to
// be stored under even when its answer is lost on the way. Cross-origin POSTs were
// refused before; page visits and websockets are no POSTs and leave no cookie. A
// program that brings an API key is who the key says, whatever cookies it sends.
func (s *server) identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.bringsKey(r) {
			s.keyed(w, r, next)
			return
		}
		v, cookie, err := s.viewerOf(r)
		if err != nil {
			s.unidentified(w, r, err)
			return
		}
		v = s.withGate(r, v)
		v.Network = s.clientIP(r)
		if v.CanSetCookie = r.Method == http.MethodPost && r.Header.Get("Authorization") == ""; v.CanSetCookie {
			if v.Kind == "" {
				ticket := s.Account.NewTicket()
				s.cookie.set(w, guestCookie, ticket, guestMaxAge)
				visitor := s.Account.Visitor(ticket)
				v.Kind, v.Ticket = visitor.Kind, visitor.Ticket
			} else if fresh, due := s.Account.Renew(cookie); due {
				s.cookie.set(w, guestCookie, fresh, guestMaxAge)
			}
		}
		s.noticeProxy(r)
		ctx := viewer.With(r.Context(), v)
		if v.CanSetCookie {
			w = &gateWriter{ResponseWriter: w, s: s, ctx: ctx, held: s.held(r), pending: len(r.CookiesNamed(s.cookie.name(pendingCookie))) > 0}
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// viewerOf is the account of the session's cookie, else the viewer of the first guest
// cookie that is one of ours. Others may be there: a server on another port of this
// machine shares our cookies.
func (s *server) viewerOf(r *http.Request) (viewer.Viewer, string, error) {
	if v, err := s.sessionViewer(r); err != nil || v.Kind != "" {
		return v, "", err
	}
	for _, c := range r.CookiesNamed(s.cookie.name(guestCookie)) {
		if s.Account.Visitor(c.Value).Kind == "" {
			continue
		}
		v, err := s.Account.Viewer(r.Context(), c.Value)
		return v, c.Value, err
	}
	return viewer.Viewer{}, "", nil
}

// noticeProxy says once that a proxy on this machine, or in a network of one's own such as
// that of containers, is not trusted: everybody then seems to come from there, and limits by
// network do not work.
func (s *server) noticeProxy(r *http.Request) {
	if r.Header.Get("X-Forwarded-For") == "" {
		return
	}
	peer := parseHop(r.RemoteAddr)
	if !peer.IsLoopback() && !peer.IsPrivate() || contains(s.TrustedProxies, peer) {
		return
	}
	s.untrusted.Do(func() {
		where := "in a private network"
		if peer.IsLoopback() {
			where = "on this machine"
		}
		s.Log.WarnContext(r.Context(), "a proxy "+where+" forwards requests: if it is yours, name it in TRUSTED_PROXIES, or everybody seems to come from one address and limits by network do not work")
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
