package chat

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// written is what a turn's transaction leaves to be started.
type written struct {
	sent  Sent
	run   models.Run
	req   inference.Request
	fresh bool
}

func (s *Service) turn(ctx context.Context, v viewer.Viewer, t turn) (*Sent, error) {
	if s.isDraining() {
		return nil, errShuttingDown()
	}
	done, err := s.admitMessage(ctx, v, inference.EstimateTokens(t.text))
	if err != nil {
		return nil, err
	}
	var w written
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		w, err = s.write(tx, v, t)
		return err
	})
	if err != nil || !w.fresh {
		done(0)
	}
	if err != nil {
		return nil, fmt.Errorf("send message: %w", err)
	}
	if !w.fresh {
		return s.reread(ctx, w.sent)
	}
	v = w.sent.Viewer
	if err := s.begin(w.run, v.Key, w.req.Model, w.req, new(models.Message), done); err != nil {
		s.log.Info("run left to another instance", "run", w.run.ID)
	}
	s.announce(v.OwnerID, event{Kind: eventChanged, Conversation: w.run.ConversationID})
	s.announce(v.OwnerID, event{Kind: eventStarted, Conversation: w.run.ConversationID, Reply: w.run.ReplyID})
	return &w.sent, nil
}

// guessedOutput is the tokens that a reply is taken for until its end.
const guessedOutput = 1024

// admitMessage counts a message whose text has so many tokens; done must be called with
// those that were used, when all is over.
func (s *Service) admitMessage(ctx context.Context, v viewer.Viewer, tokens int) (done func(tokens int64), err error) {
	if s.Limits == nil {
		return func(int64) {}, nil
	}
	return s.Limits.AdmitMessage(ctx, v, int64(tokens)+guessedOutput)
}

// write is the transaction of a turn. The owner's row is locked first, so turns of one
// owner happen one after the other: equal client ids meet, and limits are exact.
func (s *Service) write(tx *gorm.DB, v viewer.Viewer, t turn) (w written, err error) {
	gate := v.Gate
	if !v.IsOwner() {
		if err := s.Gate.CheckTx(tx, v); err != nil {
			return w, err // nobody becomes a guest before the gate
		}
	}
	if v, err = s.Owners.EnsureGuestTx(tx, v); err != nil {
		return w, err
	}
	if err := s.Owners.LockTx(tx, v); err != nil {
		return w, err
	}
	if err := s.checkKey(tx, v); err != nil {
		return w, err
	}
	w.sent.Viewer = v
	w.sent.Viewer.Gate = gate.Refusal() // the rest is stored now
	if w.run, err = sameTurn(tx, v, t); err != nil || w.run.ID != "" {
		w.sent.Reply = &models.Message{ID: w.run.ReplyID}
		return w, err
	}
	if err := s.admit(tx, v, gate); err != nil {
		return w, err
	}
	if err := s.checkBusy(tx, v); err != nil {
		return w, err
	}
	c, err := s.conversationFor(tx, v, t)
	if err != nil {
		return w, err
	}
	parent, err := t.place(tx, v, c)
	if err != nil {
		return w, err
	}
	if err := s.writeTurn(tx, v, t, c, parent, &w); err != nil {
		return w, err
	}
	if err := s.Owners.SpendMessageTx(tx, v); err != nil {
		return w, err
	}
	w.fresh = true
	return w, nil
}

// admit checks the gate of an owner, with what it had said before it was one.
func (s *Service) admit(tx *gorm.DB, v viewer.Viewer, gate viewer.Gate) error {
	v.Gate = gate
	return s.Gate.CheckTx(tx, v)
}

// checkKey refuses an API key that was revoked since it was checked. The owner is locked
// by now, and by who revokes: either this turn is found and stopped, or it isn't begun.
func (s *Service) checkKey(tx *gorm.DB, v viewer.Viewer) error {
	if v.KeyID == "" || s.Keys == nil {
		return nil
	}
	return s.Keys.CheckTx(tx, v)
}

// sameTurn finds the run that an earlier request with this client id began.
func sameTurn(tx *gorm.DB, v viewer.Viewer, t turn) (models.Run, error) {
	var runs []models.Run
	if err := tx.Where("owner_id = ? AND client_id = ?", v.OwnerID, t.clientID).Limit(1).Find(&runs).Error; err != nil {
		return models.Run{}, fmt.Errorf("look for an earlier request: %w", err)
	}
	if len(runs) == 0 {
		return models.Run{}, nil
	}
	if !bytes.Equal(runs[0].RequestHash, t.hash) {
		return models.Run{}, fault.On("clientId", fault.Conflict, "this clientId was used for another request: use a fresh one for every message")
	}
	return runs[0], nil
}

// checkBusy keeps one owner from having too many replies written at once.
func (s *Service) checkBusy(tx *gorm.DB, v viewer.Viewer) error {
	var n int64
	if err := tx.Model(&models.Run{}).Where("owner_id = ? AND status = 'RUNNING'", v.OwnerID).Count(&n).Error; err != nil {
		return fmt.Errorf("count running replies: %w", err)
	}
	if int(n) >= s.RunsPerOwner {
		f := fault.New(fault.RateLimited, "%d replies are being written for you already: wait for one to end, or stop it", n)
		f.RetryAfter = 5 * time.Second
		return f
	}
	return nil
}

// conversationFor finds the turn's conversation or makes one.
func (s *Service) conversationFor(tx *gorm.DB, v viewer.Viewer, t turn) (*models.Conversation, error) {
	if t.conversation != nil {
		c, err := conversationTx(tx, v, *t.conversation)
		if err != nil {
			return nil, onField("conversationId", err, "conversation")
		}
		return c, openConversation(v.Key, c)
	}
	now := s.clock.Now()
	c := &models.Conversation{OwnerID: v.OwnerID, ID: id.New(id.Conversation), TitleSource: models.TitleFirstWords, Title: firstWords(t.text), CreatedAt: now, UpdatedAt: now}
	c.TitleSealed = v.Key.SealString(titlePlace(c.OwnerID, c.ID), c.Title)
	if err := tx.Create(c).Error; err != nil {
		return nil, fmt.Errorf("write conversation: %w", err)
	}
	return c, nil
}

// writeTurn writes the message, the reply and the run, and prepares the request.
func (s *Service) writeTurn(tx *gorm.DB, v viewer.Viewer, t turn, c *models.Conversation, parent *string, w *written) error {
	var branch []models.Message
	var err error
	if parent != nil {
		if branch, err = s.path(tx, v.OwnerID, *parent, v.Key); err != nil {
			return err
		}
	}
	if n := len(branch); n > 0 && branch[n-1].Status.Live() {
		return fault.New(fault.Conflict, "the reply before this message is still being written: wait for it, or stop it")
	}
	now := s.clock.Now()
	if t.text != "" {
		m := models.Message{OwnerID: v.OwnerID, ID: id.New(id.Message), ConversationID: c.ID, ParentID: parent, Role: models.RoleUser, Status: models.MessageComplete, Text: t.text, CreatedAt: now}
		sealMessage(v.Key, &m)
		if err := tx.Create(&m).Error; err != nil {
			return fmt.Errorf("write message: %w", err)
		}
		branch = append(branch, m)
	}
	if len(branch) == 0 || branch[len(branch)-1].Role != models.RoleUser {
		return fault.On("parentId", fault.Invalid, "a reply can only follow a message of yours")
	}
	m := branch[len(branch)-1]
	model, err := s.Engine.Resolve(modelFor(t.modelID, branch))
	if err != nil {
		return onField("modelId", err, "model")
	}
	p, err := buildPrompt(branch, model)
	if err != nil {
		return err
	}
	reply := models.Message{OwnerID: v.OwnerID, ID: id.New(id.Message), ConversationID: c.ID, ParentID: &m.ID, Role: models.RoleAssistant, Status: models.MessagePending,
		ModelID: model.ID, EngineName: s.Engine.Info().Name, DroppedMessages: p.dropped, CreatedAt: now}
	if err := tx.Create(&reply).Error; err != nil {
		return fmt.Errorf("write reply: %w", err)
	}
	run := models.Run{OwnerID: v.OwnerID, ID: id.New(id.Run), ConversationID: c.ID, ReplyID: reply.ID, ClientID: t.clientID, RequestHash: t.hash, Status: models.RunRunning,
		InstanceID: s.instance, PromptMessages: len(p.req.Messages), PromptRule: p.rule, CreatedAt: now, Feature: t.feature, KeyID: v.KeyID, PhasePrompt: promptTokens(p.req)}
	c.LeafID, c.UpdatedAt, c.LastMessage = &reply.ID, now, &reply
	if err := tx.Model(c).Where("owner_id = ? AND id = ?", c.OwnerID, c.ID).Updates(map[string]any{"leaf_id": reply.ID, "updated_at": now}).Error; err != nil {
		return fmt.Errorf("write conversation: %w", err)
	}
	// The wallet is locked last, as it is where a run ends.
	if run.HoldID, err = s.hold(tx, v, model, run.PhasePrompt); err != nil {
		return err
	}
	if err := s.insertRun(tx, &run); err != nil {
		return err
	}
	w.run, w.req = run, p.req
	w.sent.Conversation, w.sent.Message, w.sent.Reply = c, &m, &reply
	return nil
}

// insertRun writes the run with a lease by the database's clock, so that instances
// whose clocks differ agree on it.
func (s *Service) insertRun(tx *gorm.DB, r *models.Run) error {
	err := tx.Model(&models.Run{}).Create(map[string]any{
		"owner_id": r.OwnerID, "id": r.ID, "conversation_id": r.ConversationID, "reply_id": r.ReplyID, "client_id": r.ClientID, "request_hash": r.RequestHash,
		"status": r.Status, "instance_id": r.InstanceID, "prompt_messages": r.PromptMessages, "prompt_rule": r.PromptRule, "created_at": r.CreatedAt,
		"hold_id": r.HoldID, "key_id": r.KeyID, "feature": r.Feature, "phase_prompt": r.PhasePrompt, "phase_started_at": r.CreatedAt,
		"lease_expires_at": gorm.Expr("now() + ?::bigint * interval '1 millisecond'", s.Lease.Milliseconds()),
	}).Error
	if err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	return nil
}

// reread answers a repeated request with what the first one wrote, as it is now.
func (s *Service) reread(ctx context.Context, sent Sent) (*Sent, error) {
	var err error
	v := sent.Viewer
	if sent.Reply, err = s.FindMessage(ctx, v, sent.Reply.ID); err != nil {
		return nil, err
	}
	if sent.Message, err = s.FindMessage(ctx, v, *sent.Reply.ParentID); err != nil {
		return nil, err
	}
	if sent.Conversation, err = s.FindConversation(ctx, v, sent.Reply.ConversationID); err != nil {
		return nil, err
	}
	return &sent, nil
}
