package signin

import (
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Reason says in one stable word why a sign-in ended. Pages translate by it.
type Reason string

// The reasons.
const (
	ReasonState    Reason = "state"        // not begun here, used already, or in another browser
	ReasonExpired  Reason = "expired"      // it took longer than TTL
	ReasonDenied   Reason = "denied"       // the person said no at the provider
	ReasonUpstream Reason = "upstream"     // the provider failed or said something that cannot be trusted
	ReasonBusy     Reason = "rate_limited" // too many attempts from one network
	ReasonUnknown  Reason = "unknown"      // the provider is not offered
)

// Refused is a sign-in that did not happen. It unwraps to a fault. Nothing of it was
// written by the provider.
type Refused struct {
	Reason Reason
	fault  *fault.Fault
}

// Error is the fault's.
func (r *Refused) Error() string { return r.fault.Error() }

// Unwrap is the fault.
func (r *Refused) Unwrap() error { return r.fault }

func refuse(r Reason) *Refused {
	switch r {
	case ReasonExpired:
		return &Refused{r, fault.New(fault.Invalid, "the sign-in took longer than %d minutes: begin again", int(TTL.Minutes()))}
	case ReasonDenied:
		return &Refused{r, fault.New(fault.Forbidden, "you did not agree at the provider: begin again, or choose another way to sign in")}
	case ReasonUpstream:
		return &Refused{r, fault.New(fault.UpstreamFailed, "the provider did not answer as it should: try again in a moment, or choose another way to sign in")}
	case ReasonUnknown:
		return &Refused{r, fault.New(fault.NotFound, "this provider is not offered here")}
	case ReasonState, ReasonBusy:
	}
	return &Refused{ReasonState, fault.New(fault.Invalid, "this sign-in was not begun in this browser, or it was used already: begin again")}
}

func busy(after time.Duration) *Refused {
	f := fault.New(fault.RateLimited, "too many sign-ins from this network: try again in a minute")
	f.RetryAfter = after
	return &Refused{ReasonBusy, f}
}

// failure is what a provider did wrong, in words of our own: its own texts may hold
// tokens and addresses, and goth puts them into its errors.
type failure struct{ stage, cause string }

// Error is the stage and the cause.
func (f *failure) Error() string { return "the provider's " + f.stage + ": " + f.cause }

func failed(stage, cause string) error { return &failure{stage, cause} }
