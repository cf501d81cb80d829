package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// maxForm bounds the forms of the pages here.
const maxForm = 4 << 10

// tokenForm is what a one-time link may carry. Anything else need not be looked up.
var tokenForm = regexp.MustCompile(`\A[A-Za-z0-9_-]{20,128}\z`)

// tokenOf is the link's token: of the address for a GET, of the form for a POST.
// Empty when it can be none.
func tokenOf(w http.ResponseWriter, r *http.Request) string {
	value := r.URL.Query().Get("token")
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if r.ParseForm() != nil {
			return ""
		}
		value = r.PostForm.Get("token")
	}
	if !tokenForm.MatchString(value) {
		return ""
	}
	return value
}

// operatorLink is the attempt of an operator's link: the app comes back to it.
func operatorLink(token string) attempt {
	a := attempt{provider: "operator"}
	if token != "" {
		a.returnTo = withQuery("/auth/operator", url.Values{"token": {token}})
	}
	return a
}

// operatorPage asks for a click. A program that looks into links burns nothing.
func (s *server) operatorPage(w http.ResponseWriter, r *http.Request) {
	token := tokenOf(w, r)
	v, err := s.who(r)
	if err != nil {
		s.unidentified(w, r, err)
		return
	}
	if token == "" {
		err = fault.New(fault.NotFound, "this link is no longer good")
	} else {
		err = s.operatorMayEnter(r.Context(), v)
	}
	if err != nil {
		s.authFailed(w, r, operatorLink(token), v, err)
		return
	}
	s.askPage(w, r, "operator", token)
}

// operatorMayEnter asks for age and policy before the operator's first sign-in.
func (s *server) operatorMayEnter(ctx context.Context, v viewer.Viewer) error {
	known, err := s.Sessions.HasOperator(ctx)
	if err != nil || known {
		return err
	}
	return s.admitted(ctx, v)
}

// operatorEnter signs the operator in.
func (s *server) operatorEnter(w http.ResponseWriter, r *http.Request) {
	token := tokenOf(w, r)
	v, err := s.who(r)
	if err != nil {
		s.unidentified(w, r, err)
		return
	}
	if err = s.SignIns.Attempt(v.Network); err == nil && token == "" {
		err = fault.New(fault.NotFound, "this link is no longer good")
	}
	var entry account.Entry
	if err == nil {
		entry, err = s.Sessions.RedeemOperatorLink(r.Context(), token, v, account.ParseDevice(r.UserAgent()))
	}
	if err != nil {
		s.authFailed(w, r, operatorLink(token), v, err)
		return
	}
	s.enter(w, r, entry)
	seeOther(w, "/", nil)
}

// emailPage asks for a click, as operatorPage does.
func (s *server) emailPage(w http.ResponseWriter, r *http.Request) {
	token := tokenOf(w, r)
	if token == "" {
		s.failedPage(w, r, failedLink, "/settings/profile")
		return
	}
	s.askPage(w, r, "email", token)
}

// emailConfirm makes the new address the account's, in whatever browser the mail was
// read.
func (s *server) emailConfirm(w http.ResponseWriter, r *http.Request) {
	token := tokenOf(w, r)
	err := s.SignIns.Attempt(s.clientIP(r))
	if err == nil && token == "" {
		err = fault.New(fault.NotFound, "this link is no longer good")
	}
	if err == nil {
		err = s.Sessions.ConfirmEmail(r.Context(), token)
	}
	if err == nil {
		s.donePage(w, r, "email")
		return
	}
	f := failureOf(err)
	if f == failedHere {
		s.Log.ErrorContext(r.Context(), "confirm an address", "request_id", RequestID(r.Context()), "error", err)
	}
	s.failedPage(w, r, f, "")
}
