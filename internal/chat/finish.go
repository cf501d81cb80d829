package chat

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// longRun is how long a reply takes whose end is noted as activity of its owner. For a
// shorter one the message that asked for it is enough.
const longRun = time.Minute

// finish stores the end and then announces it. While the database can't be reached it
// tries on: the text waits in the log, and who follows is told nothing false.
func (s *Service) finish(r *activeRun, status models.MessageStatus, res inference.Result, cause error) {
	r.log.freeze()
	m, use := s.result(r, status, res, cause)
	used := tokensUsed(use.Usage)
	ctx := context.WithoutCancel(r.ctx)
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		held, err := s.storeHeld(ctx, r, m, use)
		if err == nil {
			r.permit.Done(used)
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
			r.permit.Leave()
			r.log.replace()
			return
		}
	}
	if m.FinishedAt.Sub(r.row.CreatedAt) > longRun {
		if err := s.Owners.Active(ctx, m.OwnerID); err != nil {
			s.log.Warn("note a reply as its owner's activity", "run", r.row.ID, "err", err)
		}
	}
	if r.row.HoldID != "" {
		s.Money.Tell(m.OwnerID)
	}
	s.tellEnded(r, m, use)
	r.log.finish(ending{Status: m.Status, Usage: m.Usage(), Credits: m.Credits(), Error: m.Error()})
	s.announce(m.OwnerID, event{Kind: eventEnded, Conversation: r.row.ConversationID, Reply: r.row.ReplyID})
	s.title(r)
}

// tokensUsed is what counts for limits: where nothing was written, nothing.
func tokensUsed(u models.Usage) int64 {
	if u.OutputTokens == 0 {
		return 0
	}
	return u.PromptTokens + u.OutputTokens
}

// Ended is what became of a reply that an API key asked for: of its present phase, when it
// was gone on with.
type Ended struct {
	OwnerID, KeyID, RunID, ModelID string
	Status                         models.MessageStatus
	Code                           string // of the failure; empty: none
	At                             time.Time
	Usage                          models.Usage
	Credits                        int64 // micro-credits
	FirstToken, Took               time.Duration
}

// tellEnded tells of a reply that an API key asked for. A stop is no failure.
func (s *Service) tellEnded(r *activeRun, m *models.Message, use models.Settlement) {
	if s.OnEnd == nil || use.KeyID == "" {
		return
	}
	e := Ended{OwnerID: m.OwnerID, KeyID: use.KeyID, RunID: r.row.ID, ModelID: use.ModelID, Status: m.Status, Code: m.ErrorCode, At: *m.FinishedAt, Usage: use.Usage,
		Credits: m.CostMicro - r.prior.cost, FirstToken: use.FirstToken, Took: use.Took}
	if e.Code == "" && m.Status == models.MessageInterrupted {
		e.Code = string(fault.Interrupted)
	}
	s.OnEnd(e)
}

// result is the message as it is stored at its end, not sealed yet.
func (s *Service) result(r *activeRun, status models.MessageStatus, res inference.Result, cause error) (*models.Message, models.Settlement) {
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
	use := s.settlement(r, res, text, reasoning)
	use.Status = statusOfRun[status]
	r.prior.fill(m, use.Usage)
	if cause != nil {
		f := fault.New(fault.Internal, "the reply broke on our side; try again")
		if list, ok := fault.Of(cause); ok {
			f = list[0]
		} else {
			s.log.Error("run failed", "run", r.row.ID, "err", cause)
		}
		m.ErrorCode, m.ErrorMessage, m.RetryAfterMs = string(f.Code), f.Message, int(f.RetryAfter.Milliseconds())
	}
	return m, use
}

var statusOfRun = map[models.MessageStatus]models.RunStatus{
	models.MessageComplete: models.RunComplete, models.MessageStopped: models.RunStopped,
	models.MessageInterrupted: models.RunInterrupted, models.MessageFailed: models.RunFailed,
}

// storeHeld seals the end for whom the run writes and stores it; when the run has moved
// to another owner meanwhile it does so again for that one. held is as store's.
func (s *Service) storeHeld(ctx context.Context, r *activeRun, m *models.Message, use models.Settlement) (held bool, err error) {
	for {
		h := r.holder()
		m.OwnerID = h.ownerID
		sealMessage(h.key, m)
		if held, err = s.store(ctx, r, m, use); err != nil || held {
			return held, err
		}
		lost, err := s.rehold(ctx, []*activeRun{r})
		if err != nil || len(lost) > 0 || r.holder().ownerID == h.ownerID {
			return false, err
		}
	}
}

// store settles the run's money and writes its end in one transaction, if the epoch is
// still ours: held is false when it isn't, or when the conversation is gone. It waits for a
// checkpoint that is under way: the end takes all pieces away, and would not see one that
// came while it waited for the run's row.
func (s *Service) store(ctx context.Context, r *activeRun, m *models.Message, use models.Settlement) (held bool, err error) {
	r.ckpt.Lock()
	defer r.ckpt.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if s.Money == nil {
		return storeEnd(s.DB.Gorm(ctx), r, m)
	}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if held, err = storeEnd(tx, r, m); err != nil || !held {
			return err
		}
		use.OwnerID = m.OwnerID
		charge, err := s.Money.SettleTx(tx, use)
		if err != nil {
			return err
		}
		m.CostMicro = r.prior.cost + charge.Credits
		if charge.Credits == 0 {
			return nil
		}
		return tx.Exec("UPDATE messages SET cost_micro = ? WHERE owner_id = ? AND id = ?", m.CostMicro, m.OwnerID, m.ID).Error
	})
	if err != nil {
		return false, fmt.Errorf("settle and store reply: %w", err)
	}
	return held, nil
}

// storeEnd writes the end in one statement.
func storeEnd(tx *gorm.DB, r *activeRun, m *models.Message) (held bool, err error) {
	var n int
	err = tx.Raw(`
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
