package resolvers

import (
	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// userErrors splits an error: refusals go into the payload, the rest upward. limit is
// how many messages a guest may send, for the refusal that names it.
func userErrors(err error, limit int) ([]graph.UserError, error) {
	if err == nil {
		return []graph.UserError{}, nil
	}
	list, ok := fault.Of(err)
	if !ok {
		return nil, err
	}
	out := make([]graph.UserError, len(list))
	for i, f := range list {
		code := models.ErrorCode(f.Code)
		switch f.Code {
		case fault.GuestLimitReached:
			out[i] = &graph.GuestLimitError{Code: code, Message: f.Message, Field: f.Field, Limit: limit}
		case fault.RateLimited:
			out[i] = &graph.RateLimitError{Code: code, Message: f.Message, Field: f.Field, RetryAfterMs: int(f.RetryAfter.Milliseconds())}
		case fault.InsufficientCredits:
			out[i] = &graph.InsufficientCreditsError{Code: code, Message: f.Message, Field: f.Field, Needed: models.Credits(f.Needed), Available: models.Credits(f.Available)}
		default:
			out[i] = &graph.InputError{Code: code, Message: f.Message, Field: f.Field}
		}
	}
	return out, nil
}

// orNull turns "not found" into null, for fields that may be null.
func orNull[T any](v *T, err error) (*T, error) {
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return v, err
}
