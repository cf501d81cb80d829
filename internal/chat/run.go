package chat

import (
	"context"
	"errors"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// activeRun is a run that this instance owns.
type activeRun struct {
	row    models.Run             // as it was when the run began here; whose it is now says holder
	whose  atomic.Pointer[holder] // see moved.go
	model  inference.Model
	req    inference.Request
	log    *replyLog
	ctx    context.Context //nolint:containedctx // of the run, which outlives every request
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the end is stored, or the run is no longer ours
	pub    publisher
	number int  // counts this instance's runs
	leaves bool // it is handed over: its lease is renewed no more; under Service.renewal

	ckpt      sync.Mutex // one checkpoint of a run at a time
	storedPos int        // bytes in the database
	stored    time.Time  // when they were stored

	thinking  time.Time // first reasoning
	reasoning time.Duration

	permit  Permit // held until the end is stored
	prior   tokens // what earlier phases used
	account meter
}

// newRun is a run without text.
func newRun(row models.Run, key *seal.Key, model inference.Model) *activeRun {
	r := &activeRun{row: row, model: model, log: newLog(row.OwnerID, row.Epoch), done: make(chan struct{}), permit: unlimited{}}
	r.account.text, r.account.thoughts = model.Counter(), model.Counter()
	r.whose.Store(&holder{ownerID: row.OwnerID, key: key})
	return r
}

// stop ends the run as the viewer asked: no later token counts.
func (r *activeRun) stop() {
	r.log.freeze()
	r.cancel(errStopped)
}

// begin starts a run whose row this instance has just written or taken over; so is what
// earlier epochs produced and the row's checkpoint holds. It keeps the permit until the run
// ends.
func (s *Service) begin(row models.Run, key *seal.Key, model inference.Model, req inference.Request, so *models.Message, permit Permit) error {
	r := newRun(row, key, model)
	r.permit = permit
	r.req, r.stored, r.reasoning = req, s.clock.Now(), time.Duration(so.ReasoningMs)*time.Millisecond
	r.prior = tokensOf(so)
	r.log.preload(so.Text, so.Reasoning)
	r.storedPos = len(so.Text) + len(so.Reasoning)
	r.account.resume(r, so)
	r.ctx, r.cancel = context.WithCancelCause(s.ctx)
	s.hub.own(r)
	if !s.running.start(func() { s.execute(r) }) {
		r.cancel(errHandover)
		permit.Leave()
		close(r.done)
		s.hub.drop(row.ReplyID, r.log)
		return errShuttingDown()
	}
	return nil
}

// execute runs the run to its end.
func (s *Service) execute(r *activeRun) {
	defer s.survive(r)
	defer close(r.done)
	defer s.hub.drop(r.row.ReplyID, r.log)
	defer r.cancel(context.Canceled)
	res, err := s.generate(r)
	switch cause := context.Cause(r.ctx); {
	case errors.Is(cause, errFenced):
		r.permit.Done(-1)
		r.log.replace()
	case errors.Is(cause, errHandover):
		s.handOver(r)
	case errors.Is(cause, errStopped):
		s.finish(r, models.MessageStopped, res, nil)
	case err != nil:
		s.finish(r, models.MessageFailed, res, err)
	default:
		s.finish(r, models.MessageComplete, res, nil)
	}
}

// survive ends a panic, so that the process goes on: the run is nobody's then, and whoever
// takes it over when its lease has ended goes on with it or ends it.
func (s *Service) survive(r *activeRun) {
	if p := recover(); p != nil {
		s.log.Error("a run broke down, its lease ends", "run", r.row.ID, "panic", fault.OfPanic(p), "stack", string(debug.Stack()))
		r.permit.Done(-1)
		r.log.replace()
	}
}

// generate streams from the engine into the log. A panic there ends this run, not
// the process.
func (s *Service) generate(r *activeRun) (res inference.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("run panicked", "run", r.row.ID, "panic", fault.OfPanic(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "the reply broke on our side; try again")
		}
	}()
	full := false
	req := r.req
	req.Principal, req.Queued = r.holder().ownerID, r.log.queue
	res, err = s.Engine.Stream(r.ctx, req, func(d inference.Delta) {
		r.account.clock(s.clock.Now)
		r.clockReasoning(s.clock.Now, d)
		if !r.log.append(kindReasoning, d.Reasoning) || !r.log.append(kindText, d.Text) {
			full = r.ctx.Err() == nil
			r.cancel(errStopped)
		}
	})
	if full {
		res.FinishReason = models.FinishLength
	}
	return res, err
}

// clockReasoning measures from the first thought to the first word of the answer.
func (r *activeRun) clockReasoning(now func() time.Time, d inference.Delta) {
	if d.Reasoning != "" && r.thinking.IsZero() {
		r.thinking = now()
	}
	if d.Text != "" && r.reasoning == 0 && !r.thinking.IsZero() {
		r.reasoning = max(now().Sub(r.thinking), time.Millisecond)
	}
}
