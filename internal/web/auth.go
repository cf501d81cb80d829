package web

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// SignIns is what this package needs of the providers.
type SignIns interface {
	Offers(p models.Provider) bool
	Begin(ctx context.Context, b signin.Begin) (signin.Begun, error)
	Complete(ctx context.Context, c signin.Callback) (signin.Done, error)
	// Pend lets a sign-in wait in the browser for age and policy; empty: it can't.
	Pend(ctx context.Context, done signin.Done, browser string) (cookie string, err error)
	// Resume goes on with what waits in the browser, once.
	Resume(ctx context.Context, p models.Provider, cookie, browser string, from viewer.Viewer) (signin.Done, error)
	// Attempt counts a try of the network to get in by a link.
	Attempt(network netip.Addr) error
}

// Admission says what stands between a viewer and an account.
type Admission interface {
	Gate(ctx context.Context, v viewer.Viewer) (policy.State, error)
}

// signInMaxAge is how long the browser's secret of a sign-in lasts, in seconds.
const signInMaxAge = int(signin.TTL / time.Second)

// authRoutes are the ways in and out. Without the parts they need there are none.
func (s *server) authRoutes(mux *http.ServeMux) {
	if s.Sessions == nil || s.SignIns == nil || s.Admission == nil {
		return
	}
	mux.HandleFunc("GET /auth/{provider}", s.authBegin)
	mux.HandleFunc("GET /auth/{provider}/callback", s.authCallback)
	mux.HandleFunc("GET /auth/operator", s.operatorPage)
	mux.Handle("POST /auth/operator", s.patient(http.HandlerFunc(s.operatorEnter)))
	mux.HandleFunc("GET /auth/email", s.emailPage)
	mux.Handle("POST /auth/email", s.patient(http.HandlerFunc(s.emailConfirm)))
	mux.HandleFunc("POST /auth/sign-out", s.signOut)
}

// providers are the providers by their place in the address.
var providers = map[string]models.Provider{"google": models.ProviderGoogle, "github": models.ProviderGitHub, "oidc": models.ProviderOIDC}

var purposes = map[string]signin.Purpose{"": signin.PurposeSignIn, "link": signin.PurposeLink, "confirm": signin.PurposeConfirm}

// attempt is one try to get in, for telling where it went wrong.
type attempt struct {
	provider string // as in the address; "operator" for the operator's link
	purpose  signin.Purpose
	returnTo string
	discard  bool
}

// authBegin sends the browser to a provider. What a page of another site makes a
// browser do begins nothing; people who follow a link from there choose for themselves.
func (s *server) authBegin(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	purpose, known := purposes[q.Get("purpose")]
	provider := providers[r.PathValue("provider")]
	if provider == "" || !s.SignIns.Offers(provider) || !known {
		notFound(w, r)
		return
	}
	a := attempt{provider: r.PathValue("provider"), purpose: purpose, returnTo: signin.Path(q.Get("return")), discard: q.Get("guest") == "discard"}
	if refusedAsPart(w, r) {
		return
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		seeOther(w, "/sign-in", url.Values{"return": {a.returnTo}})
		return
	}
	if !s.hosts.isPublic(r.Host) { // the provider leads back to the public address, where this name's cookies are not
		seeOther(w, s.PublicURL.Scheme+"://"+s.PublicURL.Host+"/sign-in", url.Values{"return": {a.returnTo}})
		return
	}
	v, err := s.who(r)
	if err != nil {
		s.unidentified(w, r, err)
		return
	}
	if err := s.mayBegin(r.Context(), v, purpose); err != nil {
		s.authFailed(w, r, a, v, err)
		return
	}
	if q.Get("resume") != "" && purpose == signin.PurposeSignIn && s.authResume(w, r, provider, v) {
		return
	}
	begun, err := s.SignIns.Begin(r.Context(), signin.Begin{Provider: provider, Purpose: purpose, From: v, ReturnTo: a.returnTo, Discard: a.discard, Browser: s.signInSecret(r)})
	if err != nil {
		s.authFailed(w, r, a, v, err)
		return
	}
	s.cookie.set(w, signInCookie, begun.Browser, signInMaxAge)
	seeOther(w, begun.URL, nil)
}

// refusedAsPart refuses what a page loads as a part of itself, a picture or a frame: people
// go to these addresses.
func refusedAsPart(w http.ResponseWriter, r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	if dest == "" || dest == "document" {
		return false
	}
	refuse(w, http.StatusBadRequest, string(fault.Invalid), "this address is for people to go to, not for pages to load")
	return true
}

// mayBegin refuses what would be refused when the browser comes back.
func (s *server) mayBegin(ctx context.Context, v viewer.Viewer, p signin.Purpose) error {
	switch p {
	case signin.PurposeLink:
		return s.Sessions.Fresh(v)
	case signin.PurposeConfirm:
		return nil
	case signin.PurposeSignIn:
	}
	// Age and policy are asked once the provider has said that there is no account yet.
	if err := s.admitted(ctx, v); fault.Is(err, fault.AgeRefused) {
		return err
	}
	return nil
}

// admitted refuses who has not passed what stands before an account: the question for
// the age, and the policy.
func (s *server) admitted(ctx context.Context, v viewer.Viewer) error {
	if v.Kind == viewer.Account {
		return nil
	}
	state, err := s.Admission.Gate(ctx, v)
	switch {
	case err != nil:
		return err
	case state.AgeRefused:
		return fault.New(fault.AgeRefused, "you are too young for this service")
	case !state.AgeConfirmed:
		return fault.New(fault.AgeRequired, "confirm your age first")
	case !state.PolicyAccepted:
		return fault.New(fault.PolicyRequired, "accept the privacy policy first")
	}
	return nil
}

// signInSecret is the browser's secret of the sign-in under way, empty without one.
func (s *server) signInSecret(r *http.Request) string {
	if c, err := r.Cookie(s.cookie.name(signInCookie)); err == nil {
		return c.Value
	}
	return ""
}

// seeOther sends the browser on with a GET. The address is ours or a provider's.
func seeOther(w http.ResponseWriter, address string, q url.Values) {
	w.Header().Set("Location", withQuery(address, q))
	w.WriteHeader(http.StatusSeeOther)
}

func withQuery(address string, q url.Values) string {
	if len(q) == 0 {
		return address
	}
	if strings.Contains(address, "?") {
		return address + "&" + q.Encode()
	}
	return address + "?" + q.Encode()
}
