package chat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// written is what a turn's transaction leaves to be started.
type written struct {
	sent Sent
	run  models.Run
	req  inference.Request
}

// errRepeated undoes a turn whose request was answered before: it counts for nothing.
var errRepeated = errors.New("the request was answered before")

func (s *Service) turn(ctx context.Context, v viewer.Viewer, t turn) (*Sent, error) {
	if s.isDraining() {
		return nil, errShuttingDown()
	}
	permit, err := s.admitMessage(ctx, v, inference.EstimateTokens(t.text))
	if err != nil {
		return s.repeated(ctx, v, t, err)
	}
	var w written
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		w, err = s.write(tx, v, t)
		return err
	})
	if err != nil {
		permit.Done(0)
	}
	if errors.Is(err, errRepeated) {
		return s.reread(ctx, w.sent)
	}
	if err != nil {
		return nil, fmt.Errorf("send message: %w", err)
	}
	v = w.sent.Viewer
	if err := s.begin(w.run, v.Key, w.req.Model, w.req, new(models.Message), permit); err != nil {
		s.log.Info("run left to another instance", "run", w.run.ID)
	}
	s.announce(v.OwnerID, event{Kind: eventChanged, Conversation: w.run.ConversationID})
	s.announce(v.OwnerID, event{Kind: eventStarted, Conversation: w.run.ConversationID, Reply: w.run.ReplyID})
	return &w.sent, nil
}

// guessedOutput is the tokens that a reply is taken for until its end.
const guessedOutput = 1024

// repeated answers a request that limits refuse and that was let in before: whoever sends
// it again is told of its reply, and not refused for what that takes.
func (s *Service) repeated(ctx context.Context, v viewer.Viewer, t turn, refusal error) (*Sent, error) {
	if !v.IsOwner() || !fault.Is(refusal, fault.RateLimited) {
		return nil, refusal
	}
	reply, _, err := sameTurn(s.DB.Gorm(ctx), v, t)
	if err != nil || reply == "" {
		return nil, refusal
	}
	return s.reread(ctx, Sent{Viewer: v, Reply: &models.Message{ID: reply}})
}

// admitMessage counts a message whose text has so many tokens; its permit must be given back
// when all is over.
func (s *Service) admitMessage(ctx context.Context, v viewer.Viewer, tokens int) (Permit, error) {
	if s.Limits == nil {
		return unlimited{}, nil
	}
	return s.Limits.AdmitMessage(ctx, v, int64(tokens)+guessedOutput)
}

// write is the transaction of a turn. The owner's row is locked first, so turns of one
// owner happen one after the other: equal client ids meet, and limits are exact. Whom the
// turn makes a guest has sent nothing before, and nobody else can send for it yet. For a
// repeated request it ends with errRepeated, and w names the first one's reply.
func (s *Service) write(tx *gorm.DB, v viewer.Viewer, t turn) (w written, err error) {
	gate := v.Gate
	if !v.IsOwner() {
		if err := s.Gate.CheckTx(tx, v); err != nil {
			return w, err // nobody becomes a guest before the gate
		}
	}
	v, made, full := s.Owners.SenderTx(tx, v)
	if full != nil && !fault.Is(full, fault.GuestLimitReached) {
		return w, full
	}
	w.sent.Viewer = v
	w.sent.Viewer.Gate = gate.Refusal() // the rest is stored now
	v.Gate = gate
	if made {
		err = s.Gate.KeepTx(tx, v)
	} else {
		w.sent.Reply, err = s.admit(tx, v, t)
	}
	if err == nil {
		err = full
	}
	if err != nil {
		return w, err
	}
	v.Gate = w.sent.Viewer.Gate
	c, err := s.conversationFor(tx, v, t)
	if err != nil {
		return w, err
	}
	parent, err := t.place(tx, v, c)
	if err != nil {
		return w, err
	}
	return w, s.writeTurn(tx, v, t, c, parent, &w)
}

// admit lets an owner of before send: its key is good, the request is new, the gate open,
// and not too many replies are being written. For a repeated request it returns the
// reply that the first one asked for, and errRepeated.
func (s *Service) admit(tx *gorm.DB, v viewer.Viewer, t turn) (earlier *models.Message, err error) {
	if err := s.checkKey(tx, v); err != nil {
		return nil, err
	}
	reply, running, err := sameTurn(tx, v, t)
	if err != nil {
		return nil, err
	}
	if reply != "" {
		return &models.Message{ID: reply}, errRepeated
	}
	if err := s.Gate.CheckTx(tx, v); err != nil {
		return nil, err
	}
	return nil, s.refuseBusy(v, running)
}

// checkKey refuses an API key that was revoked since it was checked. The owner is locked
// by now, and by who revokes: either this turn is found and stopped, or it isn't begun.
func (s *Service) checkKey(tx *gorm.DB, v viewer.Viewer) error {
	if v.KeyID == "" || s.Keys == nil {
		return nil
	}
	return s.Keys.CheckTx(tx, v)
}

// sameTurn finds the reply that an earlier request with this client id asked for, and counts
// the owner's running replies.
func sameTurn(tx *gorm.DB, v viewer.Viewer, t turn) (replyID string, running int, err error) {
	var row struct {
		Running     int
		ReplyID     string
		RequestHash []byte
	}
	err = tx.Raw(`SELECT n.running, r.reply_id, r.request_hash FROM (SELECT count(*) AS running FROM runs WHERE owner_id = @owner AND status = 'RUNNING') n
		LEFT JOIN runs r ON r.owner_id = @owner AND r.client_id = @client`, map[string]any{"owner": v.OwnerID, "client": t.clientID}).Scan(&row).Error
	if err != nil {
		return "", 0, fmt.Errorf("look for an earlier request: %w", err)
	}
	if row.ReplyID != "" && !bytes.Equal(row.RequestHash, t.hash) {
		return "", 0, fault.On("clientId", fault.Conflict, "this clientId was used for another request: use a fresh one for every message")
	}
	return row.ReplyID, row.Running, nil
}

// checkBusy keeps one owner from having too many replies written at once.
func (s *Service) checkBusy(tx *gorm.DB, v viewer.Viewer) error {
	var n int64
	if err := tx.Model(&models.Run{}).Where("owner_id = ? AND status = 'RUNNING'", v.OwnerID).Count(&n).Error; err != nil {
		return fmt.Errorf("count running replies: %w", err)
	}
	return s.refuseBusy(v, int(n))
}

// refuseBusy is the refusal of another reply where n are being written for the viewer.
func (s *Service) refuseBusy(v viewer.Viewer, n int) error {
	most := s.RunsPerAccount
	if v.Kind == viewer.Guest {
		most = s.RunsPerGuest
	}
	if n < most {
		return nil
	}
	words := fmt.Sprintf("%d replies are being written for you already: wait for one to end, or stop it", n)
	if n == 1 {
		words = "another reply is being written for you already: wait for it to end, or stop it"
	}
	f := fault.New(fault.RateLimited, "%s", words)
	f.RetryAfter = 5 * time.Second
	return f
}

// conversationFor finds the turn's conversation and locks it, or names a new one, which
// writeTurn writes.
func (s *Service) conversationFor(tx *gorm.DB, v viewer.Viewer, t turn) (*models.Conversation, error) {
	if t.conversation != nil {
		c, err := conversationTx(tx.Clauses(clause.Locking{Strength: "NO KEY UPDATE"}), v, *t.conversation)
		if err != nil {
			return nil, onField("conversationId", err, "conversation")
		}
		if err := ownConversation(tx, v, c.ID); err != nil {
			return nil, err
		}
		return c, openConversation(v.Key, c)
	}
	now := s.clock.Now()
	c := &models.Conversation{OwnerID: v.OwnerID, ID: id.New(id.Conversation), TitleSource: models.TitleFirstWords, Title: firstWords(t.text), CreatedAt: now, UpdatedAt: now}
	c.TitleSealed = v.Key.SealString(titlePlace(c.OwnerID, c.ID), c.Title)
	return c, nil
}

// writeTurn writes the message, the reply and the run, and prepares the request.
func (s *Service) writeTurn(tx *gorm.DB, v viewer.Viewer, t turn, c *models.Conversation, parent *string, w *written) error {
	var branch []models.Message
	var older int
	var err error
	if parent != nil {
		if branch, older, err = s.path(tx, v.OwnerID, *parent, v.Key); err != nil {
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
	p, err := buildPrompt(branch, older, nil, model)
	if err != nil {
		return err
	}
	reply := models.Message{OwnerID: v.OwnerID, ID: id.New(id.Message), ConversationID: c.ID, ParentID: &m.ID, Role: models.RoleAssistant, Status: models.MessagePending,
		ModelID: model.ID, EngineName: s.Engine.Info().Name, DroppedMessages: p.dropped, CreatedAt: now}
	run := models.Run{OwnerID: v.OwnerID, ID: id.New(id.Run), ConversationID: c.ID, ReplyID: reply.ID, ClientID: t.clientID, RequestHash: t.hash, Status: models.RunRunning,
		InstanceID: s.instance, PromptMessages: len(p.req.Messages), PromptRule: p.rule, CreatedAt: now, Feature: t.feature, KeyID: v.KeyID, PhasePrompt: int64(p.tokens)}
	c.LeafID, c.UpdatedAt, c.LastMessage = &reply.ID, now, &reply
	// The wallet is locked after the conversation, as it is where a run ends.
	if run.HoldID, err = s.hold(tx, v, model, run.PhasePrompt); err != nil {
		return err
	}
	if err := s.insertTx(tx, entry{conversation: c, begins: t.conversation == nil, message: &m, said: t.text != "", reply: &reply, run: &run}); err != nil {
		return err
	}
	w.run, w.req = run, p.req
	w.sent.Conversation, w.sent.Message, w.sent.Reply = c, &m, &reply
	return nil
}

// reread answers a repeated request with what the first one wrote, as it is now.
func (s *Service) reread(ctx context.Context, sent Sent) (*Sent, error) {
	var err error
	v := sent.Viewer
	if err := ownReply(s.DB.Gorm(ctx), v, sent.Reply.ID); err != nil {
		return nil, err
	}
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
