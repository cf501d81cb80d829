package restore

import "github.com/kimi-k2/kimi-k2/internal/fault"

// Refusals are the words of all reasons.
func Refusals() map[string]string { return refusals }

// Refuse is a refusal for a reason.
func Refuse(reason string, values ...any) *fault.Fault { return refuse(reason, values...) }
