package chat

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	sweepEvery = time.Second
	sweepBatch = 20
	// maxTakeovers bounds how often a run is tried anew before its reply is left
	// interrupted: an input that kills servers must not kill all of them.
	maxTakeovers = 5
)

// sweeping takes over runs whose lease is over until the room closes.
func (s *Service) sweeping() {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		if _, err := s.sweepOnce(); err != nil {
			s.log.Warn("look for abandoned runs, trying again", "err", err)
		}
		select {
		case <-s.ctx.Done():
			return
		case <-t.C:
		}
	}
}

// expireLeases ends the leases of a former process; only who is alone may do this.
func (s *Service) expireLeases(ctx context.Context) error {
	if err := s.DB.Gorm(ctx).Exec("UPDATE runs SET lease_expires_at = now() WHERE status = 'RUNNING'").Error; err != nil {
		return fmt.Errorf("expire leases of a former process: %w", err)
	}
	return nil
}

// sweepOnce takes over a batch of abandoned runs and says how many. Those that are at
// work here are none: whoever looks is alive, however late it is with renewing leases.
// One that could not be begun after it was taken is not at work: its lease ends again.
func (s *Service) sweepOnce() (int, error) {
	ctx, cancel := s.patiently(queryTimeout)
	defer cancel()
	if s.isDraining() {
		return 0, nil
	}
	var taken []models.Run
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		taken = nil
		return tx.Raw(`
UPDATE runs SET epoch = runs.epoch + 1, instance_id = ?, lease_expires_at = now() + ?::bigint * interval '1 millisecond'
FROM (SELECT owner_id, id FROM runs WHERE status = 'RUNNING' AND id <> ALL (string_to_array(?, ',')) AND lease_expires_at <= now() AND epoch < ?
      ORDER BY lease_expires_at LIMIT ? FOR UPDATE SKIP LOCKED) dead
WHERE runs.owner_id = dead.owner_id AND runs.id = dead.id
RETURNING runs.*`, s.instance, s.Lease.Milliseconds(), strings.Join(idsOf(s.hub.all()), ","), maxEpoch, sweepBatch).Scan(&taken).Error
	})
	if err != nil {
		return 0, fmt.Errorf("take runs over: %w", err)
	}
	for _, row := range taken {
		if err := s.takeOver(ctx, row); err != nil {
			s.log.Warn("take a run over", "run", row.ID, "err", err)
		}
	}
	return len(taken), nil
}

// takeOver goes on with a run whose owner is gone: with an engine that can continue a
// prefix it continues the same reply, else the reply ends interrupted with its text. What
// panics has failed: the run is tried again when this lease has ended.
func (s *Service) takeOver(ctx context.Context, row models.Run) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it broke down: %s\n%s", fault.OfPanic(p), debug.Stack())
		}
	}()
	key, err := s.Owners.Key(ctx, row.OwnerID)
	if err != nil {
		return fmt.Errorf("open owner's key: %w", err)
	}
	m, err := s.loadStored(ctx, key, row)
	if err != nil {
		return err
	}
	model, err := s.Engine.Resolve(m.ModelID)
	canContinue := err == nil && !row.StopRequested && row.Epoch <= maxTakeovers && (model.Continuation != "" || m.Text+m.Reasoning == "")
	if canContinue {
		p, err := s.rebuild(ctx, key, m, model)
		if err == nil {
			err = s.notePrompt(ctx, row, p)
		}
		if err == nil {
			s.log.Info("continuing an abandoned run", "run", row.ID, "epoch", row.Epoch)
			return s.begin(row, key, model, p.req, m, s.keepMessage(row))
		}
		s.log.Warn("rebuild an abandoned run", "run", row.ID, "err", err)
	}
	s.interrupt(row, key, model, m)
	return nil
}

// keepMessage holds the place that a run of an API key has among its streams.
func (s *Service) keepMessage(row models.Run) Permit {
	if s.Limits == nil || row.KeyID == "" {
		return unlimited{}
	}
	return s.Limits.KeepMessage(row.OwnerID, row.KeyID)
}

// interrupt ends a run with what is stored of it.
func (s *Service) interrupt(row models.Run, key *seal.Key, model inference.Model, m *models.Message) {
	r := newRun(row, key, model)
	r.prior = tokensOf(m)
	r.reasoning = time.Duration(m.ReasoningMs) * time.Millisecond
	r.ctx, r.cancel = context.WithCancelCause(s.ctx)
	r.log.preload(m.Text, m.Reasoning)
	s.hub.own(r)
	status := models.MessageInterrupted
	if row.StopRequested {
		status = models.MessageStopped
	}
	s.log.Info("ending an abandoned run", "run", row.ID, "status", status)
	s.workers.start(func() {
		defer s.survive(r)
		defer close(r.done)
		defer s.hub.drop(row.ReplyID, r.log)
		defer r.cancel(context.Canceled)
		s.finish(r, status, inference.Result{FinishReason: "interrupted"}, nil)
	})
}

// loadStored is the reply of a run with all that is stored of its text.
func (s *Service) loadStored(ctx context.Context, key *seal.Key, row models.Run) (*models.Message, error) {
	var m models.Message
	if err := s.DB.Gorm(ctx).Where("owner_id = ? AND id = ?", row.OwnerID, row.ReplyID).Take(&m).Error; err != nil {
		return nil, fmt.Errorf("read reply: %w", err)
	}
	if err := openMessage(key, &m); err != nil {
		return nil, fmt.Errorf("read reply: %w", err)
	}
	kept, err := s.checkpointed(ctx, key, row)
	if err != nil {
		return nil, err
	}
	m.Text += kept.text
	m.Reasoning += kept.reasoning
	return &m, nil
}

// rebuild makes the request that continues a reply from its stored text.
func (s *Service) rebuild(ctx context.Context, key *seal.Key, m *models.Message, model inference.Model) (prompt, error) {
	path, older, err := s.path(s.DB.Gorm(ctx), m.OwnerID, *m.ParentID, key)
	if err != nil {
		return prompt{}, err
	}
	return buildPrompt(path, older, m, model)
}

// notePrompt writes down what the engine of a run that was taken over is shown.
func (s *Service) notePrompt(ctx context.Context, row models.Run, p prompt) error {
	err := s.DB.Gorm(ctx).Exec(`
WITH r AS (UPDATE runs SET prompt_messages = ?, prompt_rule = ? WHERE owner_id = ? AND id = ? AND epoch = ? RETURNING owner_id, reply_id)
UPDATE messages SET dropped_messages = ? FROM r WHERE messages.owner_id = r.owner_id AND messages.id = r.reply_id`,
		len(p.req.Messages), p.rule, row.OwnerID, row.ID, row.Epoch, p.dropped).Error
	if err != nil {
		return fmt.Errorf("note what the engine is shown: %w", err)
	}
	return nil
}

// findRun is the run of a reply.
func (s *Service) findRun(ctx context.Context, ownerID, replyID string) (models.Run, error) {
	var runs []models.Run
	if err := s.DB.Gorm(ctx).Where("owner_id = ? AND reply_id = ?", ownerID, replyID).Limit(1).Find(&runs).Error; err != nil {
		return models.Run{}, fmt.Errorf("find run: %w", err)
	}
	if len(runs) == 0 {
		return models.Run{}, fault.New(fault.NotFound, "there is no such reply")
	}
	return runs[0], nil
}
