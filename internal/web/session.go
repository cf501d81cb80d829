package web

import (
	"context"
	"net/http"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Sessions is what this package needs to know about accounts and their sessions.
type Sessions interface {
	// SessionViewer is the account that a session's cookie stands for, the zero Viewer
	// when it stands for none any more.
	SessionViewer(ctx context.Context, cookie string) (viewer.Viewer, error)
	// SignIn makes a session for whoever gave the proof.
	SignIn(ctx context.Context, in account.SignIn) (account.Entry, error)
	// Fresh refuses when the viewer's last proof of who it is is too old.
	Fresh(v viewer.Viewer) error
	// Link adds a way into the viewer's account.
	Link(ctx context.Context, v viewer.Viewer, p account.Proof) error
	// Confirm renews the viewer's proof of who it is and gives its session a new cookie.
	Confirm(ctx context.Context, v viewer.Viewer, p account.Proof) (account.Entry, error)
	// SignOut ends the viewer's session.
	SignOut(ctx context.Context, v viewer.Viewer) error
	// RedeemOperatorLink signs the operator in.
	RedeemOperatorLink(ctx context.Context, token string, from viewer.Viewer, d account.Device) (account.Entry, error)
	// HasOperator reports whether the operator has signed in before.
	HasOperator(ctx context.Context) (bool, error)
	// ConfirmEmail makes a new address the account's.
	ConfirmEmail(ctx context.Context, token string) error
}

// sessionMaxAge is how long a session's cookie lasts in seconds; the session itself
// may end earlier.
const sessionMaxAge = int(account.SessionTTL / time.Second)

// sessionViewer is the account of the first session cookie that stands for one. The
// cookie of a session that has ended is not taken away: the page hears of it from the
// viewer.
func (s *server) sessionViewer(r *http.Request) (viewer.Viewer, error) {
	if s.Sessions == nil {
		return viewer.Viewer{}, nil
	}
	for _, c := range r.CookiesNamed(s.cookie.name(sessionCookie)) {
		if v, err := s.Sessions.SessionViewer(r.Context(), c.Value); err != nil || v.Kind != "" {
			return v, err
		}
	}
	return viewer.Viewer{}, nil
}

// who is whoever asks, with its gate and its network, where no cookie is made.
func (s *server) who(r *http.Request) (viewer.Viewer, error) {
	v, _, err := s.viewerOf(r)
	if err != nil {
		return viewer.Viewer{}, err
	}
	v = s.withGate(r, v)
	v.Network = s.clientIP(r)
	s.noticeProxy(r)
	return v, nil
}

// enter gives the browser its session. What it had as a guest or was about to do is
// over: the guest has become the account or is gone, and its gate stands in the
// database.
func (s *server) enter(w http.ResponseWriter, r *http.Request, e account.Entry) {
	s.cookie.set(w, sessionCookie, e.Cookie, sessionMaxAge)
	for _, name := range []string{guestCookie, signInCookie, pendingCookie} {
		if len(r.CookiesNamed(s.cookie.name(name))) > 0 {
			s.cookie.clear(w, name)
		}
	}
	s.gateCookieClear(w, r)
}

// signOut ends the session and makes the browser forget what it kept of the account.
// It can be repeated. A guest has nothing to sign out of, and keeps its cookie.
func (s *server) signOut(w http.ResponseWriter, r *http.Request) {
	v, err := s.sessionViewer(r)
	if err == nil && v.Kind != "" {
		err = s.Sessions.SignOut(r.Context(), v)
	}
	if err != nil {
		s.unidentified(w, r, err)
		return
	}
	if len(r.CookiesNamed(s.cookie.name(sessionCookie))) > 0 {
		for _, name := range []string{sessionCookie, guestCookie, signInCookie, pendingCookie, gateCookie, preferencesCookie} {
			s.cookie.clear(w, name)
		}
		w.Header().Set("Clear-Site-Data", `"cache", "cookies", "storage"`)
	}
	if r.Header.Get("Sec-Fetch-Mode") == "navigate" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
