// Package fault holds the refusals that a person can act on. Every other error is
// internal: it is logged and the caller only learns that something failed.
package fault

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// Code is the stable name of a refusal, the same on every wire (GraphQL's
// ErrorCode, REST's error.code).
type Code string

// The codes. They may grow, never change.
const (
	Unauthenticated     Code = "UNAUTHENTICATED"
	Forbidden           Code = "FORBIDDEN"
	NotFound            Code = "NOT_FOUND"
	Gone                Code = "GONE"
	Invalid             Code = "INVALID"
	Conflict            Code = "CONFLICT"
	RateLimited         Code = "RATE_LIMITED"
	GuestLimitReached   Code = "GUEST_LIMIT_REACHED"
	InsufficientCredits Code = "INSUFFICIENT_CREDITS"
	PaymentUnavailable  Code = "PAYMENT_UNAVAILABLE"
	AgeRequired         Code = "AGE_CONFIRMATION_REQUIRED"
	AgeRefused          Code = "AGE_REFUSED"
	PolicyRequired      Code = "POLICY_ACCEPTANCE_REQUIRED"
	ConsentRequired     Code = "CONSENT_REQUIRED"
	Reauthenticate      Code = "REAUTHENTICATION_REQUIRED"
	SharingOff          Code = "SHARING_OFF"
	ScopeMissing        Code = "SCOPE_MISSING"
	KeyRevoked          Code = "KEY_REVOKED"
	KeyLimitReached     Code = "KEY_LIMIT_REACHED"
	ModelUnavailable    Code = "MODEL_UNAVAILABLE"
	UpstreamFailed      Code = "UPSTREAM_FAILED"
	UpstreamRateLimit   Code = "UPSTREAM_RATE_LIMITED"
	UpstreamAuth        Code = "UPSTREAM_UNAUTHORIZED"
	UpstreamStalled     Code = "UPSTREAM_STALLED"
	ContextTooLong      Code = "CONTEXT_TOO_LONG"
	Interrupted         Code = "INTERRUPTED"
	StorageFull         Code = "STORAGE_FULL"
	StorageUnavailable  Code = "STORAGE_UNAVAILABLE"
	ShuttingDown        Code = "SHUTTING_DOWN"
	QueryTooCostly      Code = "QUERY_TOO_COSTLY"
	Internal            Code = "INTERNAL"
)

// Fault is one refusal. Message says what is wrong and what to do, in English and
// without secrets or internals; clients translate by Code. Field is the path of
// the input field it belongs to, if any. RetryAfter is zero when unknown.
type Fault struct {
	Code    Code
	Message string
	// Reason says which of several refusals of one code it is, and Values what its message
	// fills in, for who says it in another language; empty where the code says enough.
	Reason     string
	Values     map[string]string
	Field      []string
	RetryAfter time.Duration
	// Needed and Available are micro-credits, of INSUFFICIENT_CREDITS only.
	Needed, Available int64
}

// Error is the code and the message.
func (f *Fault) Error() string { return string(f.Code) + ": " + f.Message }

// New makes a fault with a formatted message.
func New(c Code, format string, args ...any) *Fault {
	return &Fault{Code: c, Message: fmt.Sprintf(format, args...)}
}

// On makes a fault that belongs to an input field.
func On(field string, c Code, format string, args ...any) *Fault {
	f := New(c, format, args...)
	f.Field = strings.Split(field, ".")
	return f
}

// Because names the reason of a fault, and what its message fills in.
func (f *Fault) Because(reason string, values map[string]string) *Fault {
	f.Reason, f.Values = reason, values
	return f
}

// List is several faults of one request; a list of none is no error.
type List []*Fault

// Error joins the messages.
func (l List) Error() string {
	s := make([]string, len(l))
	for i, f := range l {
		s[i] = f.Error()
	}
	return strings.Join(s, "; ")
}

// OrNil is the list as an error, nil when it is empty.
func (l List) OrNil() error {
	if len(l) == 0 {
		return nil
	}
	return l
}

// Of returns the faults in err's chain; ok is false when err is internal.
func Of(err error) (list List, ok bool) {
	var f *Fault
	if errors.As(err, &list) {
		return list, true
	}
	if errors.As(err, &f) {
		return List{f}, true
	}
	return nil, false
}

// Is reports whether err carries a fault with the code.
func Is(err error, c Code) bool {
	list, _ := Of(err)
	for _, f := range list {
		if f.Code == c {
			return true
		}
	}
	return false
}

// OfPanic is what a log may tell of a panic: one of the runtime's is about code, the value of
// any other may hold content.
func OfPanic(value any) string {
	if err, ok := value.(runtime.Error); ok {
		return err.Error()
	}
	return "a value of the program's own"
}
