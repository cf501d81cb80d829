package web

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// failure is how a refused sign-in is told: the HTTP status, and the stable code by
// which the app finds its words.
type failure struct {
	status int
	code   string
}

// The codes of /sign-in?error=… beside those of signin.Reason.
var (
	failedUnverified = failure{http.StatusForbidden, "email_unverified"}
	failedSameEmail  = failure{http.StatusConflict, "same_email"}
	failedElsewhere  = failure{http.StatusConflict, "linked_elsewhere"}
	failedStale      = failure{http.StatusForbidden, "reauthenticate"}
	failedSignedOut  = failure{http.StatusForbidden, "signed_out"}
	failedTooYoung   = failure{http.StatusForbidden, "age_refused"}
	failedLink       = failure{http.StatusBadRequest, "link_expired"}
	failedStorage    = failure{http.StatusServiceUnavailable, "unavailable"}
	failedHere       = failure{http.StatusInternalServerError, "failed"}
)

var reasons = map[signin.Reason]int{
	signin.ReasonState: http.StatusBadRequest, signin.ReasonExpired: http.StatusBadRequest, signin.ReasonDenied: http.StatusForbidden,
	signin.ReasonUpstream: http.StatusBadGateway, signin.ReasonBusy: http.StatusTooManyRequests, signin.ReasonUnknown: http.StatusNotFound,
}

var faults = []struct {
	code fault.Code
	failure
}{
	{fault.Reauthenticate, failedStale}, {fault.Unauthenticated, failedSignedOut}, {fault.AgeRefused, failedTooYoung}, {fault.Conflict, failedElsewhere},
	{fault.StorageFull, failedStorage}, {fault.StorageUnavailable, failedStorage}, {fault.ShuttingDown, failedStorage},
	{fault.RateLimited, failure{http.StatusTooManyRequests, string(signin.ReasonBusy)}},
	{fault.UpstreamFailed, failure{http.StatusBadGateway, string(signin.ReasonUpstream)}},
	{fault.NotFound, failedLink}, {fault.Invalid, failedUnverified},
}

// failureOf is how an error is told.
func failureOf(err error) failure {
	var refused *signin.Refused
	var same *account.SameEmail
	switch {
	case errors.As(err, &refused):
		return failure{reasons[refused.Reason], string(refused.Reason)}
	case errors.As(err, &same):
		return failedSameEmail
	}
	for _, f := range faults {
		if fault.Is(err, f.code) {
			return f.failure
		}
	}
	return failedHere
}

// authFailed tells why somebody did not get in. What is still to be confirmed is
// asked by the app; for everything else a page with the right status leads to the
// app's explanation. Nothing that a provider or a request said is repeated.
func (s *server) authFailed(w http.ResponseWriter, r *http.Request, a attempt, v viewer.Viewer, err error) {
	for _, need := range []struct {
		code fault.Code
		word string
	}{{fault.AgeRequired, "age"}, {fault.PolicyRequired, "policy"}} {
		if fault.Is(err, need.code) {
			seeOther(w, "/sign-in", a.query("need", need.word))
			return
		}
	}
	f := failureOf(err)
	if f == failedHere {
		s.Log.ErrorContext(r.Context(), "sign in", "request_id", RequestID(r.Context()), "error", err)
	}
	if after := retryAfter(err); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(after))
	}
	s.failedPage(w, r, f, a.explained(v, f, err))
}

// explained is the page of the app that explains: where a link or a confirmation was
// begun, else the sign-in page.
func (a attempt) explained(v viewer.Viewer, f failure, err error) string {
	if a.purpose != "" && a.purpose != signin.PurposeSignIn && v.Kind == viewer.Account {
		return withQuery(a.returnTo, url.Values{"error": {f.code}})
	}
	q := a.query("error", f.code)
	var same *account.SameEmail
	if errors.As(err, &same) && len(same.Providers) > 0 {
		q.Set("use", strings.ToLower(string(same.Providers[0])))
	}
	return withQuery("/sign-in", q)
}

// query says what was tried, so that it can be tried again.
func (a attempt) query(name, value string) url.Values {
	q := url.Values{name: {value}}
	if a.provider != "" {
		q.Set("provider", a.provider)
	}
	if a.returnTo != "" && a.returnTo != "/" {
		q.Set("return", a.returnTo)
	}
	if a.discard {
		q.Set("guest", "discard")
	}
	return q
}

// retryAfter is in whole seconds, zero when nothing is known.
func retryAfter(err error) int {
	list, _ := fault.Of(err)
	for _, f := range list {
		if f.RetryAfter > 0 {
			return int(math.Ceil(f.RetryAfter.Seconds()))
		}
	}
	return 0
}
