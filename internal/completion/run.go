package completion

import (
	"context"
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Run is a request that was admitted. Whoever has one calls Stream, once, or Close.
type Run struct {
	ID        string
	Model     inference.Model
	CreatedAt time.Time
	Replayed  bool   // the answer of an earlier request with the same idempotency key
	Prompt    int64  // tokens that the engine reads, by our own count
	Permit    Permit // what it took of the limits; nil where there are none

	s     *Service
	v     viewer.Viewer
	req   inference.Request
	route string
	whole bool
	hold  string // empty where nothing costs anything
	claim []byte // the hash of its idempotency key; nil for none
	kept  answer // of a claim: what was delivered, or is to be delivered again

	ctx    context.Context //nolint:containedctx // ends when we break it off, whoever streams it
	cancel context.CancelCauseFunc
	left   chan struct{} // closed when it is settled
	ready  atomic.Bool   // hold and claim are as they stay
	used   atomic.Bool
	place  atomic.Int64
	meter  meter
	cut    bool // something came that was not delivered
}

// Outcome is how a run ended and what it cost. FinishReason is "length" too where the
// credits ran out, or the client went away: what came is whole as far as it goes, and was
// charged. What was replayed costs nothing.
type Outcome struct {
	FinishReason     string
	Usage            models.Usage
	Credits          int64
	FirstToken, Took time.Duration
}

// Reasons why a run ends before its answer does.
var (
	errGone     = fault.New(fault.Interrupted, "the client went away before the answer was whole")
	errRevoked  = fault.New(fault.KeyRevoked, "this API key was revoked while the answer was being written")
	errStopped  = fault.New(fault.Interrupted, "the answer was stopped: what is needed for it was withdrawn")
	errShutdown = fault.New(fault.ShuttingDown, "the server is restarting: what came was charged, nothing else; ask again in a moment")
	errBroke    = fault.New(fault.Internal, "the answer broke on our side; try again")
)

var errUsed = errors.New("a run is streamed or closed once")

// Stream asks the engine and gives each piece of the answer to emit, in order and on one
// goroutine. emit's error, or the end of ctx, means that nobody listens any more: the
// request at the engine ends at once. The run is settled exactly once whatever happens,
// and Stream returns only then, with what was charged also where there is an error.
func (r *Run) Stream(ctx context.Context, emit func(inference.Delta) error) (Outcome, error) {
	if !r.used.CompareAndSwap(false, true) {
		return Outcome{}, errUsed
	}
	if r.Replayed {
		defer r.s.leave(r, 0)
		return r.kept.replay(emit)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.ctx, func() { cancel(context.Cause(r.ctx)) })()
	res, err := r.generate(ctx, cancel, emit)
	out, err := r.s.end(context.WithoutCancel(ctx), r, res, r.ending(ctx, err))
	r.s.leave(r, out.Usage.PromptTokens+out.Usage.OutputTokens)
	return out, err
}

// Position is the run's place among those that wait for the engine, 0 when it doesn't.
func (r *Run) Position() int { return int(r.place.Load()) }

// Close gives back what a run took that will not be streamed. Afterwards, and after
// Stream, it does nothing.
func (r *Run) Close() {
	if !r.used.CompareAndSwap(false, true) {
		return
	}
	defer r.s.leave(r, 0)
	if r.Replayed {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.s.Patience)
	defer cancel()
	if err := r.s.release(ctx, r); err != nil {
		r.s.Log.Warn("give back what a completion held; its lease ends", "completion", r.ID, "err", err)
	}
}

// spent gives the place among the streams back.
func (r *Run) spent(tokens int64) {
	if r.Permit != nil {
		r.Permit.Done(tokens)
	}
}

func (r *Run) firstSlice() int64 {
	if most := int64(r.req.MaxOutputTokens); most > 0 {
		return min(slice, most)
	}
	return slice
}

// generate asks the engine and streams. A panic there, or in emit, ends this run, not
// the process.
func (r *Run) generate(ctx context.Context, cancel context.CancelCauseFunc, emit func(inference.Delta) error) (res inference.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			r.s.Log.Error("completion panicked", "completion", r.ID, "panic", fault.OfPanic(p), "stack", string(debug.Stack()))
			err = errBroke
		}
	}()
	if ctx.Err() != nil {
		return res, context.Cause(ctx)
	}
	return r.s.Engine.Stream(ctx, r.req, func(d inference.Delta) {
		if d.IsEmpty() || r.cut {
			return
		}
		if r.cut = !r.deliver(ctx, cancel, d, emit); !r.cut {
			r.delivered(d)
		}
	})
}

// deliver gives a piece to the client, if there is one and it can pay.
func (r *Run) deliver(ctx context.Context, cancel context.CancelCauseFunc, d inference.Delta, emit func(inference.Delta) error) bool {
	if ctx.Err() != nil {
		return false
	}
	if why := r.afford(ctx, d); why != nil {
		cancel(why)
		return false
	}
	if emit(d) != nil {
		cancel(errGone)
		return false
	}
	return true
}

// delivered counts what the client has.
func (r *Run) delivered(d inference.Delta) {
	if r.meter.first.IsZero() {
		r.meter.first = r.s.Clock.Now()
	}
	r.meter.add(d)
	if r.claim != nil {
		r.kept.add(d)
	}
}

// ending is how a run ends: nil where the whole answer was delivered.
func (r *Run) ending(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	var f *fault.Fault
	switch {
	case err == nil && !r.cut:
		return nil
	case cause == nil:
		return err
	case errors.As(cause, &f):
		return f
	}
	return errGone // the client's own context
}

// statusOf is a run's end in the words of its usage row.
func statusOf(ending error) models.RunStatus {
	switch {
	case ending == nil:
		return models.RunComplete
	case errors.Is(ending, errGone), errors.Is(ending, errRevoked), errors.Is(ending, errStopped):
		return models.RunStopped
	case errors.Is(ending, errShutdown):
		return models.RunInterrupted
	}
	return models.RunFailed
}
