package chat

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Continue goes on with a reply that was stopped, interrupted, failed or cut at the length
// limit: its run gets a new epoch and the engine the text so far. One that runs or is
// complete is returned as it is.
func (s *Service) Continue(ctx context.Context, v viewer.Viewer, replyID string) (*models.Message, error) {
	m, err := s.FindMessage(ctx, v, replyID)
	if err != nil || m.Role != models.RoleAssistant {
		return nil, onField("replyId", err, "reply")
	}
	if err := ownConversation(s.DB.Gorm(ctx), v, m.ConversationID); err != nil {
		return nil, err
	}
	if !m.Continuable() {
		return m, nil
	}
	if s.isDraining() {
		return nil, errShuttingDown()
	}
	model, err := s.Engine.Resolve(m.ModelID)
	if err != nil {
		return nil, err
	}
	p, err := s.rebuild(ctx, v.Key, m, model)
	if err != nil {
		return nil, err
	}
	permit, err := s.admitMessage(ctx, v, p.tokens)
	if err != nil {
		return nil, err
	}
	run, err := s.reopen(ctx, v, m, p)
	if err != nil || run.ID == "" {
		permit.Done(0)
		if err == nil {
			return s.FindMessage(ctx, v, replyID) // another tab was faster
		}
		return nil, fmt.Errorf("continue reply: %w", err)
	}
	if err := s.begin(run, v.Key, model, p.req, m, permit); err != nil {
		s.log.Info("run left to another instance", "run", run.ID)
	}
	s.announce(v.OwnerID, event{Kind: eventStarted, Conversation: m.ConversationID, Reply: m.ID})
	return s.FindMessage(ctx, v, replyID)
}

// reopen makes an ended run run again, in a new phase with a hold of its own; an empty
// run means that it runs already, or did so since the message was read.
func (s *Service) reopen(ctx context.Context, v viewer.Viewer, m *models.Message, p prompt) (models.Run, error) {
	var run models.Run
	reads := int64(p.tokens)
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		run = models.Run{}
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		if err := s.checkKey(tx, v); err != nil {
			return err
		}
		if err := s.Gate.CheckTx(tx, v); err != nil {
			return err
		}
		if err := s.checkBusy(tx, v); err != nil {
			return err
		}
		err := tx.Raw(`
UPDATE runs SET status = 'RUNNING', epoch = epoch + 1, instance_id = ?, stop_requested = false, lease_expires_at = now() + ?::bigint * interval '1 millisecond',
    hold_id = '', key_id = ?, feature = 'CONTINUE', phase = phase + 1, phase_epoch = epoch + 1, phase_text = ?, phase_reasoning = ?, phase_prompt = ?, phase_started_at = ?,
    prompt_messages = ?, prompt_rule = ?
WHERE owner_id = ? AND reply_id = ? AND status <> 'RUNNING'
    AND EXISTS (SELECT FROM messages m WHERE m.owner_id = runs.owner_id AND m.id = runs.reply_id AND m.last_seq = ? AND (runs.status <> 'COMPLETE' OR m.finish_reason = ?)) RETURNING *`, s.instance, s.Lease.Milliseconds(), v.KeyID,
			len(m.Text), len(m.Reasoning), reads, s.clock.Now(), len(p.req.Messages), p.rule, v.OwnerID, m.ID, m.LastSeq, models.FinishLength).Scan(&run).Error
		if err != nil || run.ID == "" {
			return err
		}
		if run.Epoch >= maxEpoch {
			return fault.New(fault.Conflict, "this reply was continued too often: regenerate it")
		}
		if err := s.Owners.SpendMessageTx(tx, v); err != nil {
			return err
		}
		err = tx.Model(&models.Message{}).Where("owner_id = ? AND id = ?", v.OwnerID, m.ID).
			Updates(map[string]any{"status": models.MessagePending, "finish_reason": "", "error_code": "", "error_sealed": nil, "retry_after_ms": 0, "finished_at": nil, "dropped_messages": p.dropped}).Error
		if err != nil {
			return err
		}
		if run.HoldID, err = s.hold(tx, v, p.req.Model, reads); err != nil || run.HoldID == "" {
			return err
		}
		return tx.Exec("UPDATE runs SET hold_id = ? WHERE owner_id = ? AND id = ?", run.HoldID, run.OwnerID, run.ID).Error
	})
	return run, err
}

// Stop freezes a reply at what was produced, wherever it runs, and returns it as
// stored. A reply that has ended is returned as it is.
func (s *Service) Stop(ctx context.Context, v viewer.Viewer, replyID string) (*models.Message, error) {
	m, err := s.FindMessage(ctx, v, replyID)
	if err != nil || m.Role != models.RoleAssistant {
		return nil, onField("replyId", err, "reply")
	}
	if err := ownReply(s.DB.Gorm(ctx), v, m.ID); err != nil {
		return nil, err
	}
	if !m.Status.Live() {
		return m, nil
	}
	if err := s.stopRun(ctx, v.OwnerID, replyID); err != nil {
		return nil, fmt.Errorf("stop reply: %w", err)
	}
	return s.FindMessage(ctx, v, replyID)
}

// stopRun asks the owner of a run to stop and waits until the end is stored. The wish
// is stored too: an owner that can't be asked finds it when it renews its lease, and
// whoever takes over from a dead one when the lease ends.
func (s *Service) stopRun(ctx context.Context, ownerID, replyID string) error {
	if r := s.hub.run(replyID); r != nil {
		r.stop()
		select {
		case <-r.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := s.DB.Gorm(ctx).Exec("UPDATE runs SET stop_requested = true WHERE owner_id = ? AND reply_id = ? AND status = 'RUNNING'", ownerID, replyID).Error
	if err != nil {
		return err
	}
	for {
		run, err := s.findRun(ctx, ownerID, replyID)
		if err != nil || run.Status != models.RunRunning {
			return err
		}
		s.askStop(ctx, run)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the run's instance does not answer: %w", ctx.Err())
		}
	}
}

// askStop asks the instance that owns the run to stop; silence is no error.
func (s *Service) askStop(ctx context.Context, run models.Run) {
	q := ask{Reply: run.ReplyID, Stop: true}
	if err := s.request(ctx, run.InstanceID, q, nil); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.log.Debug("ask an instance to stop a run", "run", run.ID, "err", err)
	}
}
