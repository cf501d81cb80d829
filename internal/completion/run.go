package completion

import (
	"context"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Begin admits a request: what it asks for, the viewer's right to ask, the limits, and
// credits for the prompt and the first of the answer. The engine has heard nothing yet.
// Every refusal is a fault.
func (s *Service) Begin(_ context.Context, _ viewer.Viewer, _ Request) (*Run, error) {
	return nil, fault.New(fault.ModelUnavailable, "no model answers programs yet")
}

// Stream asks the engine and gives each piece of the answer to emit, in order and on one
// goroutine. emit's error, or the end of ctx, means that nobody listens any more: the
// request at the engine ends at once. The run is settled exactly once whatever happens,
// and Stream returns only then, with what was charged also where there is an error.
func (r *Run) Stream(_ context.Context, _ func(inference.Delta) error) (Outcome, error) {
	return Outcome{}, fault.New(fault.ModelUnavailable, "no model answers programs yet")
}
