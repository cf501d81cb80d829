package web

import (
	"errors"
	"net/http"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// authCallback takes what the provider says.
func (s *server) authCallback(w http.ResponseWriter, r *http.Request) {
	provider := providers[r.PathValue("provider")]
	if provider == "" || !s.SignIns.Offers(provider) {
		notFound(w, r)
		return
	}
	if refusedAsPart(w, r) {
		return
	}
	v, err := s.who(r)
	if err != nil {
		s.unidentified(w, r, err)
		return
	}
	done, err := s.SignIns.Complete(r.Context(), signin.Callback{Provider: provider, Query: r.URL.Query(), Browser: s.signInSecret(r), From: v})
	s.authEnd(w, r, v, done, err)
}

// authResume goes on with an answer of the provider's that waits in the browser for age
// and policy. It reports false when none does, and the provider has to be asked.
func (s *server) authResume(w http.ResponseWriter, r *http.Request, provider models.Provider, v viewer.Viewer) bool {
	for _, c := range r.CookiesNamed(s.cookie.name(pendingCookie)) {
		done, err := s.SignIns.Resume(r.Context(), provider, c.Value, s.signInSecret(r), v)
		var refused *signin.Refused
		if errors.As(err, &refused) && (refused.Reason == signin.ReasonState || refused.Reason == signin.ReasonExpired) {
			continue
		}
		s.authEnd(w, r, v, done, err)
		return true
	}
	return false
}

// authEnd does what a proof was wanted for, or tells why there is none.
func (s *server) authEnd(w http.ResponseWriter, r *http.Request, v viewer.Viewer, done signin.Done, err error) {
	a := attempt{provider: r.PathValue("provider"), purpose: done.Purpose, returnTo: signin.Path(done.ReturnTo), discard: done.Discard}
	if err == nil {
		err = s.authUse(w, r, v, done)
	}
	if fault.Is(err, fault.AgeRequired) || fault.Is(err, fault.PolicyRequired) {
		if failed := s.authWait(w, r, done); failed != nil {
			err = failed
		}
	}
	if err != nil {
		s.authFailed(w, r, a, v, err)
		return
	}
	seeOther(w, a.returnTo, nil)
}

// authWait keeps the provider's answer in the browser while age and policy are asked.
// One that does not fit is forgotten: the provider is asked again.
func (s *server) authWait(w http.ResponseWriter, r *http.Request, done signin.Done) error {
	value, err := s.SignIns.Pend(r.Context(), done, s.signInSecret(r))
	if err == nil && value != "" {
		s.cookie.set(w, pendingCookie, value, signInMaxAge)
	}
	return err
}

// authUse does what the proof was wanted for.
func (s *server) authUse(w http.ResponseWriter, r *http.Request, v viewer.Viewer, done signin.Done) error {
	proof := account.Proof(done.Proof)
	switch done.Purpose {
	case signin.PurposeLink:
		s.cookie.clear(w, signInCookie)
		return s.Sessions.Link(r.Context(), v, proof)
	case signin.PurposeConfirm:
		entry, err := s.Sessions.Confirm(r.Context(), v, proof)
		if err == nil {
			s.enter(w, r, entry)
		}
		return err
	case signin.PurposeSignIn:
	}
	if !proof.Verified || proof.Email == "" {
		return fault.New(fault.Invalid, "the provider has not confirmed the e-mail address")
	}
	entry, err := s.Sessions.SignIn(r.Context(), account.SignIn{Proof: proof, From: v, Discard: done.Discard, Device: account.ParseDevice(r.UserAgent())})
	if err == nil {
		s.enter(w, r, entry)
	}
	return err
}
