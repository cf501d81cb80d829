package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// The types of OpenAI's errors.
const (
	invalidRequest = "invalid_request_error"
	authentication = "authentication_error"
	permission     = "permission_error"
	rateLimit      = "rate_limit_error"
	quota          = "insufficient_quota"
	serverError    = "server_error"
)

// Statuses of an answer that is none.
const statusClientGone = 499 // in request logs only: nobody is left to read it

// problem is a refusal as the wire tells it.
type problem struct {
	status     int
	kind       string // OpenAI's type
	code       string // OpenAI's code, "" for null
	param      string // the parameter that it is about, "" for null
	message    string
	fault      fault.Code
	retryAfter time.Duration
	// again says whether the same request may succeed soon. The official clients would
	// otherwise repeat each 409, 429 and 5xx.
	again bool
}

func (p *problem) Error() string { return p.message }

// row is one line of the table of errors.
type row struct {
	status     int
	kind, code string
	again      bool
}

// rows is the table of errors, as docs/API.md shows it. What isn't in it is INTERNAL.
var rows = map[fault.Code]row{
	fault.Invalid:             {http.StatusBadRequest, invalidRequest, "invalid_value", false},
	fault.QueryTooCostly:      {http.StatusBadRequest, invalidRequest, "invalid_value", false},
	fault.ContextTooLong:      {http.StatusBadRequest, invalidRequest, "context_length_exceeded", false},
	fault.Unauthenticated:     {http.StatusUnauthorized, authentication, "invalid_api_key", false},
	fault.KeyRevoked:          {http.StatusUnauthorized, authentication, "invalid_api_key", false},
	fault.InsufficientCredits: {http.StatusPaymentRequired, quota, "insufficient_credits", false},
	fault.KeyLimitReached:     {http.StatusPaymentRequired, quota, "key_limit_reached", false},
	fault.ScopeMissing:        {http.StatusForbidden, permission, "missing_scope", false},
	fault.Forbidden:           {http.StatusForbidden, permission, "forbidden", false},
	fault.GuestLimitReached:   {http.StatusForbidden, permission, "guest_limit_reached", false},
	fault.AgeRequired:         {http.StatusForbidden, permission, "age_confirmation_required", false},
	fault.AgeRefused:          {http.StatusForbidden, permission, "age_refused", false},
	fault.PolicyRequired:      {http.StatusForbidden, permission, "policy_acceptance_required", false},
	fault.ConsentRequired:     {http.StatusForbidden, permission, "consent_required", false},
	fault.Reauthenticate:      {http.StatusForbidden, permission, "reauthentication_required", false},
	fault.SharingOff:          {http.StatusForbidden, permission, "sharing_off", false},
	fault.NotFound:            {http.StatusNotFound, invalidRequest, "not_found", false},
	fault.Gone:                {http.StatusGone, invalidRequest, "gone", false},
	fault.ModelUnavailable:    {http.StatusNotFound, invalidRequest, "model_not_found", false},
	fault.Conflict:            {http.StatusConflict, invalidRequest, "idempotency_conflict", false},
	fault.RateLimited:         {http.StatusTooManyRequests, rateLimit, "rate_limit_exceeded", true},
	fault.Internal:            {http.StatusInternalServerError, serverError, "internal_error", true},
	fault.UpstreamFailed:      {http.StatusBadGateway, serverError, "upstream_failed", true},
	fault.UpstreamAuth:        {http.StatusBadGateway, serverError, "upstream_unauthorized", false},
	fault.UpstreamRateLimit:   {http.StatusServiceUnavailable, serverError, "upstream_rate_limited", true},
	fault.UpstreamStalled:     {http.StatusServiceUnavailable, serverError, "upstream_stalled", true},
	fault.Interrupted:         {http.StatusServiceUnavailable, serverError, "interrupted", true},
	fault.ShuttingDown:        {http.StatusServiceUnavailable, serverError, "shutting_down", true},
	fault.StorageUnavailable:  {http.StatusServiceUnavailable, serverError, "storage_unavailable", true},
	fault.StorageFull:         {http.StatusServiceUnavailable, serverError, "storage_full", false},
	fault.PaymentUnavailable:  {http.StatusServiceUnavailable, serverError, "payment_unavailable", true},
}

// problemOf is what the wire tells of an error. Of one that is no fault it tells the
// request's id only; the caller logs it.
func (a *API) problemOf(ctx context.Context, err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	faults, _ := fault.Of(err)
	if len(faults) == 0 || faults[0].Code == fault.Internal {
		return of(fault.New(fault.Internal, "something failed here; if it happens again, report request %s", a.RequestID(ctx)))
	}
	return of(faults[0])
}

// of looks a fault up in the table.
func of(f *fault.Fault) *problem {
	r, ok := rows[f.Code]
	if !ok {
		r = rows[fault.Internal]
	}
	p := &problem{r.status, r.kind, r.code, strings.Join(f.Field, "."), f.Message, f.Code, f.RetryAfter, r.again}
	switch f.Reason {
	case inference.ReasonRefused:
		p.status, p.kind, p.code, p.again = http.StatusBadRequest, invalidRequest, "upstream_refused", false
	case inference.ReasonOperator:
		p.again = false
	}
	switch f.Code {
	case fault.ModelUnavailable:
		p.param = "model"
	case fault.ContextTooLong:
		p.param = "messages"
	case fault.Conflict: // the first request under the key may end soon, and its answer is for both
		p.again = f.RetryAfter > 0
	}
	return p
}

// answer writes the refusal with its headers in the words of a dialect.
func (p *problem) answer(w http.ResponseWriter, d dialect) {
	h := w.Header()
	h.Set("X-Should-Retry", strconv.FormatBool(p.again))
	if p.fault != "" {
		h.Set("X-Error-Code", string(p.fault))
	}
	if wait := p.retryAfter; wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
		h.Set("Retry-After-Ms", strconv.FormatInt(wait.Milliseconds(), 10))
	} else if p.again {
		h.Set("Retry-After", "1")
	}
	if p.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="API key", error="invalid_token"`)
	}
	writeJSON(w, p.status, d.problem(p))
}
