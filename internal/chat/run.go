package chat

import (
	"context"
	"errors"
	"fmt"
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
	number int // counts this instance's runs

	ckpt      sync.Mutex // one checkpoint of a run at a time
	storedPos int        // bytes in the database
	stored    time.Time  // when they were stored

	thinking  time.Time // first reasoning
	reasoning time.Duration
}

// newRun is a run without text.
func newRun(row models.Run, key *seal.Key, model inference.Model) *activeRun {
	r := &activeRun{row: row, model: model, log: newLog(row.OwnerID, row.Epoch), done: make(chan struct{})}
	r.whose.Store(&holder{ownerID: row.OwnerID, key: key})
	return r
}

// stop ends the run as the viewer asked: no later token counts.
func (r *activeRun) stop() {
	r.log.freeze()
	r.cancel(errStopped)
}

// begin starts a run whose row this instance has just written or taken over; text and
// reasoning are what earlier epochs produced and the row's checkpoint holds.
func (s *Service) begin(row models.Run, key *seal.Key, model inference.Model, req inference.Request, text, reasoning string, reasoningMs int) error {
	r := newRun(row, key, model)
	r.req, r.stored, r.reasoning = req, s.clock.Now(), time.Duration(reasoningMs)*time.Millisecond
	r.log.preload(text, reasoning)
	r.storedPos = len(text) + len(reasoning)
	r.ctx, r.cancel = context.WithCancelCause(s.ctx)
	s.hub.own(r)
	if !s.running.start(func() { s.execute(r) }) {
		r.cancel(errHandover)
		close(r.done)
		s.hub.drop(row.ReplyID, r.log)
		return errShuttingDown()
	}
	return nil
}

// execute runs the run to its end.
func (s *Service) execute(r *activeRun) {
	defer close(r.done)
	defer s.hub.drop(r.row.ReplyID, r.log)
	defer r.cancel(context.Canceled)
	res, err := s.generate(r)
	switch cause := context.Cause(r.ctx); {
	case errors.Is(cause, errFenced):
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

// generate streams from the engine into the log. A panic there ends this run, not
// the process.
func (s *Service) generate(r *activeRun) (res inference.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Error("run panicked", "run", r.row.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "the reply broke on our side; try again")
		}
	}()
	full := false
	res, err = s.Engine.Stream(r.ctx, r.req, func(d inference.Delta) {
		r.clockReasoning(s.clock.Now, d)
		if !r.log.append(kindReasoning, d.Reasoning) || !r.log.append(kindText, d.Text) {
			full = r.ctx.Err() == nil
			r.cancel(errStopped)
		}
	})
	if full {
		res.FinishReason = "length"
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

// longRun is how long a reply takes whose end is noted as activity of its owner. For a
// shorter one the message that asked for it is enough.
const longRun = time.Minute

// finish stores the end and then announces it. While the database can't be reached it
// tries on: the text waits in the log, and who follows is told nothing false.
func (s *Service) finish(r *activeRun, status models.MessageStatus, res inference.Result, cause error) {
	r.log.freeze()
	m := s.result(r, status, res, cause)
	ctx := context.WithoutCancel(r.ctx)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		held, err := s.storeHeld(ctx, r, m)
		if err == nil {
			if !held {
				r.log.replace() // fenced: whoever took over tells the end
				return
			}
			break
		}
		s.log.Warn("store the end of a reply, trying again", "run", r.row.ID, "err", err)
		select {
		case <-time.After(wait):
		case <-s.ctx.Done(): // shutting down without a database: the lease runs out and the checkpoint counts
			r.log.replace()
			return
		}
	}
	if m.FinishedAt.Sub(r.row.CreatedAt) > longRun {
		if err := s.Owners.Active(ctx, m.OwnerID); err != nil {
			s.log.Warn("note a reply as its owner's activity", "run", r.row.ID, "err", err)
		}
	}
	r.log.finish(ending{Status: m.Status, Usage: m.Usage(), Credits: m.Credits(), Error: m.Error()})
	s.announce(m.OwnerID, event{Kind: eventEnded, Conversation: r.row.ConversationID, Reply: r.row.ReplyID})
	s.title(r)
}

// result is the message as it is stored at its end, not sealed yet.
func (s *Service) result(r *activeRun, status models.MessageStatus, res inference.Result, cause error) *models.Message {
	seq, text, reasoning, _ := r.log.content()
	if !r.log.plain() {
		// Stored messages hold reasoning before text. Where the stream mixed them,
		// positions in it are void: a new epoch makes returning clients take a snapshot.
		seq = seqOf(min(r.row.Epoch+1, maxEpoch), posOf(seq))
	}
	now := s.clock.Now()
	m := &models.Message{ID: r.row.ReplyID, Role: models.RoleAssistant, Status: status, Text: text, Reasoning: reasoning,
		LastSeq: seq, FinishReason: res.FinishReason, ReasoningMs: int(r.reasoning.Milliseconds()), FinishedAt: &now}
	if m.ReasoningMs == 0 && !r.thinking.IsZero() {
		m.ReasoningMs = int(max(now.Sub(r.thinking), time.Millisecond).Milliseconds())
	}
	u := usageOf(r, res, text, reasoning)
	m.PromptTokens, m.CachedTokens, m.OutputTokens, m.ReasoningTokens, m.UsageEstimated = u.PromptTokens, u.CachedTokens, u.OutputTokens, u.ReasoningTokens, u.Estimated
	if cause != nil {
		f := fault.New(fault.Internal, "the reply broke on our side; try again")
		if list, ok := fault.Of(cause); ok {
			f = list[0]
		} else {
			s.log.Error("run failed", "run", r.row.ID, "err", cause)
		}
		m.ErrorCode, m.ErrorMessage, m.RetryAfterMs = string(f.Code), f.Message, int(f.RetryAfter.Milliseconds())
	}
	return m
}

// usageOf takes the engine's numbers, or our own count where it sent none or absurd
// ones (negative, or more than ten times our count).
func usageOf(r *activeRun, res inference.Result, text, reasoning string) inference.Usage {
	own := inference.Usage{OutputTokens: int64(inference.EstimateTokens(text) + inference.EstimateTokens(reasoning)),
		ReasoningTokens: int64(inference.EstimateTokens(reasoning)), Estimated: true}
	for _, m := range r.req.Messages {
		own.PromptTokens += int64(inference.EstimateTokens(m.Text)) + messageOverhead
	}
	u := res.Usage
	if u == nil || u.PromptTokens < 0 || u.CachedTokens < 0 || u.OutputTokens < 0 || u.ReasoningTokens < 0 ||
		u.OutputTokens > 10*max(own.OutputTokens, 100) || u.PromptTokens > 10*max(own.PromptTokens, 100) {
		return own
	}
	return *u
}

var statusOfRun = map[models.MessageStatus]models.RunStatus{
	models.MessageComplete: models.RunComplete, models.MessageStopped: models.RunStopped,
	models.MessageInterrupted: models.RunInterrupted, models.MessageFailed: models.RunFailed,
}

// storeHeld seals the end for whom the run writes and stores it; when the run has moved
// to another owner meanwhile it does so again for that one. held is as store's.
func (s *Service) storeHeld(ctx context.Context, r *activeRun, m *models.Message) (held bool, err error) {
	for {
		h := r.holder()
		m.OwnerID = h.ownerID
		sealMessage(h.key, m)
		if held, err = s.store(ctx, r, m); err != nil || held {
			return held, err
		}
		lost, err := s.rehold(ctx, []*activeRun{r})
		if err != nil || len(lost) > 0 || r.holder().ownerID == h.ownerID {
			return false, err
		}
	}
}

// store writes the end in one statement, if the epoch is still ours: held is false
// when it isn't, or when the conversation is gone.
func (s *Service) store(ctx context.Context, r *activeRun, m *models.Message) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var n int
	err = s.DB.Gorm(ctx).Raw(`
WITH r AS (
    UPDATE runs SET status = @runStatus, epoch = @epochAfter
    WHERE owner_id = @owner AND id = @run AND epoch = @epoch AND status = 'RUNNING'
    RETURNING owner_id, id, conversation_id, reply_id
), m AS (
    UPDATE messages SET status = @status, text_sealed = @text, reasoning_sealed = @reasoning, error_sealed = @error, error_code = @errorCode,
        retry_after_ms = @retryAfter, finish_reason = @finishReason, last_seq = @seq, reasoning_ms = @reasoningMs, prompt_tokens = @prompt,
        cached_tokens = @cached, output_tokens = @output, reasoning_tokens = @reasoningTokens, usage_estimated = @estimated, finished_at = @now
    FROM r WHERE messages.owner_id = r.owner_id AND messages.id = r.reply_id
), d AS (
    DELETE FROM run_chunks USING r WHERE run_chunks.owner_id = r.owner_id AND run_chunks.run_id = r.id
), c AS (
    UPDATE conversations SET updated_at = greatest(updated_at, @now) FROM r
    WHERE conversations.owner_id = r.owner_id AND conversations.id = r.conversation_id
)
SELECT count(*) FROM r`, map[string]any{
		"owner": m.OwnerID, "run": r.row.ID, "epoch": r.row.Epoch, "epochAfter": epochOf(m.LastSeq), "runStatus": statusOfRun[m.Status], "status": m.Status,
		"text": m.TextSealed, "reasoning": m.ReasoningSealed, "error": m.ErrorSealed, "errorCode": m.ErrorCode, "retryAfter": m.RetryAfterMs,
		"finishReason": m.FinishReason, "seq": m.LastSeq, "reasoningMs": m.ReasoningMs, "prompt": m.PromptTokens, "cached": m.CachedTokens,
		"output": m.OutputTokens, "reasoningTokens": m.ReasoningTokens, "estimated": m.UsageEstimated, "now": m.FinishedAt,
	}).Scan(&n).Error
	if err != nil {
		return false, fmt.Errorf("store reply: %w", err)
	}
	return n == 1, nil
}
