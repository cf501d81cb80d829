package chat

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Limits of what a message may be.
const (
	MaxTextBytes = 1 << 20
	maxClientID  = 100
)

// Send is a message to be sent. ConversationID nil starts a conversation; ParentID
// nil follows the branch on show; ModelID empty keeps the model of the last reply.
type Send struct {
	ClientID       string
	ConversationID *string
	ParentID       *string
	Text           string
	ModelID        string
}

// Edit is another version of one of the viewer's messages.
type Edit struct {
	ClientID  string
	MessageID string
	Text      string
	ModelID   string
}

// Regenerate asks for another reply. ModelID empty keeps the reply's model.
type Regenerate struct {
	ClientID string
	ReplyID  string
	ModelID  string
}

// Sent is what a send wrote, or had written before under the same client id. Viewer
// is who sent it: a visitor has become a guest.
type Sent struct {
	Viewer       viewer.Viewer
	Conversation *models.Conversation
	Message      *models.Message
	Reply        *models.Message
}

// turn is one request for a reply, whichever way it was asked for.
type turn struct {
	clientID     string
	hash         []byte
	conversation *string
	modelID      string
	text         string // of a new message; empty for another reply
	// place finds, in the transaction, what the reply follows: the parent of a new
	// message, or the message that gets another reply.
	place func(tx *gorm.DB, v viewer.Viewer, c *models.Conversation) (parent *string, err error)
	reply string // the reply that gets a sibling
}

// Send writes the viewer's message, the empty reply and the run in one transaction
// and starts the run. It is idempotent by ClientID; the same id with another body is
// a CONFLICT. It refuses blank or overlong text, foreign ids, unknown models, guests
// at their limit, and a branch whose last reply is still being written.
func (s *Service) Send(ctx context.Context, v viewer.Viewer, in Send) (*Sent, error) {
	var faults fault.List
	faults = checkClientID(faults, in.ClientID)
	faults = checkText(faults, in.Text)
	if in.ConversationID == nil && in.ParentID != nil {
		faults = append(faults, fault.On("parentId", fault.Invalid, "a parent needs its conversation: pass conversationId too"))
	}
	if err := faults.OrNil(); err != nil {
		return nil, err
	}
	t := turn{clientID: in.ClientID, conversation: in.ConversationID, modelID: in.ModelID, text: in.Text,
		hash: hashOf("send", deref(in.ConversationID), deref(in.ParentID), in.ModelID, in.Text)}
	t.place = func(tx *gorm.DB, v viewer.Viewer, c *models.Conversation) (*string, error) {
		if in.ParentID == nil {
			return c.LeafID, nil
		}
		p, err := messageIn(tx, v.OwnerID, c.ID, *in.ParentID)
		if err != nil {
			return nil, fault.On("parentId", fault.NotFound, "there is no such message in this conversation")
		}
		return &p.ID, nil
	}
	return s.turn(ctx, v, t)
}

// Edit is Send beside one of the viewer's messages: it gets the same parent.
func (s *Service) Edit(ctx context.Context, v viewer.Viewer, in Edit) (*Sent, error) {
	var faults fault.List
	faults = checkClientID(faults, in.ClientID)
	faults = checkText(faults, in.Text)
	if err := faults.OrNil(); err != nil {
		return nil, err
	}
	m, err := s.FindMessage(ctx, v, in.MessageID)
	if err != nil || m.Role != models.RoleUser {
		return nil, onField("messageId", err, "message of yours")
	}
	t := turn{clientID: in.ClientID, conversation: &m.ConversationID, modelID: in.ModelID, text: in.Text,
		hash: hashOf("edit", in.MessageID, in.ModelID, in.Text)}
	t.place = func(*gorm.DB, viewer.Viewer, *models.Conversation) (*string, error) { return m.ParentID, nil }
	return s.turn(ctx, v, t)
}

// Regenerate starts another reply beside one. Sent.Message is what both reply to.
func (s *Service) Regenerate(ctx context.Context, v viewer.Viewer, in Regenerate) (*Sent, error) {
	if err := checkClientID(nil, in.ClientID).OrNil(); err != nil {
		return nil, err
	}
	m, err := s.FindMessage(ctx, v, in.ReplyID)
	if err != nil || m.Role != models.RoleAssistant {
		return nil, onField("replyId", err, "reply")
	}
	t := turn{clientID: in.ClientID, conversation: &m.ConversationID, modelID: in.ModelID, reply: m.ID,
		hash: hashOf("regenerate", in.ReplyID, in.ModelID)}
	if t.modelID == "" {
		t.modelID = m.ModelID
	}
	t.place = func(*gorm.DB, viewer.Viewer, *models.Conversation) (*string, error) { return m.ParentID, nil }
	return s.turn(ctx, v, t)
}

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
	var w written
	err := s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		w, err = s.write(tx, v, t)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("send message: %w", err)
	}
	if !w.fresh {
		return s.reread(ctx, w.sent)
	}
	v = w.sent.Viewer
	if err := s.begin(w.run, v.Key, w.req.Model, w.req, "", "", 0); err != nil {
		s.log.Info("run left to another instance", "run", w.run.ID)
	}
	s.announce(v.OwnerID, event{Kind: eventChanged, Conversation: w.run.ConversationID})
	s.announce(v.OwnerID, event{Kind: eventStarted, Conversation: w.run.ConversationID, Reply: w.run.ReplyID})
	return &w.sent, nil
}

// write is the transaction of a turn. The owner's row is locked first, so turns of one
// owner happen one after the other: equal client ids meet, and limits are exact.
func (s *Service) write(tx *gorm.DB, v viewer.Viewer, t turn) (w written, err error) {
	if v, err = s.Owners.EnsureGuestTx(tx, v); err != nil {
		return w, err
	}
	if err := s.Owners.LockTx(tx, v); err != nil {
		return w, err
	}
	w.sent.Viewer = v
	if w.run, err = sameTurn(tx, v, t); err != nil || w.run.ID != "" {
		w.sent.Reply = &models.Message{ID: w.run.ReplyID}
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
		InstanceID: s.instance, PromptMessages: len(p.req.Messages), PromptRule: p.rule, CreatedAt: now}
	if err := s.insertRun(tx, &run); err != nil {
		return err
	}
	c.LeafID, c.UpdatedAt, c.LastMessage = &reply.ID, now, &reply
	if err := tx.Model(c).Where("owner_id = ? AND id = ?", c.OwnerID, c.ID).Updates(map[string]any{"leaf_id": reply.ID, "updated_at": now}).Error; err != nil {
		return fmt.Errorf("write conversation: %w", err)
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

// Continue goes on with a reply that was stopped, interrupted or failed: its run gets
// a new epoch and the engine the text so far. One that runs or is complete is
// returned as it is.
func (s *Service) Continue(ctx context.Context, v viewer.Viewer, replyID string) (*models.Message, error) {
	m, err := s.FindMessage(ctx, v, replyID)
	if err != nil || m.Role != models.RoleAssistant {
		return nil, onField("replyId", err, "reply")
	}
	if !m.Status.Continuable() {
		return m, nil
	}
	if s.isDraining() {
		return nil, errShuttingDown()
	}
	model, err := s.Engine.Resolve(m.ModelID)
	if err != nil {
		return nil, err
	}
	req, err := s.rebuild(ctx, v.Key, m, model)
	if err != nil {
		return nil, err
	}
	run, err := s.reopen(ctx, v, m)
	if err != nil || run.ID == "" {
		if err == nil {
			return s.FindMessage(ctx, v, replyID) // another tab was faster
		}
		return nil, fmt.Errorf("continue reply: %w", err)
	}
	if err := s.begin(run, v.Key, model, req, m.Text, m.Reasoning, m.ReasoningMs); err != nil {
		s.log.Info("run left to another instance", "run", run.ID)
	}
	s.announce(v.OwnerID, event{Kind: eventStarted, Conversation: m.ConversationID, Reply: m.ID})
	return s.FindMessage(ctx, v, replyID)
}

// reopen makes an ended run run again; an empty run means that it runs already.
func (s *Service) reopen(ctx context.Context, v viewer.Viewer, m *models.Message) (models.Run, error) {
	var run models.Run
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		run = models.Run{}
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		if err := s.checkBusy(tx, v); err != nil {
			return err
		}
		err := tx.Raw(`
UPDATE runs SET status = 'RUNNING', epoch = epoch + 1, instance_id = ?, stop_requested = false, lease_expires_at = now() + ?::bigint * interval '1 millisecond'
WHERE owner_id = ? AND reply_id = ? AND status NOT IN ('RUNNING', 'COMPLETE') RETURNING *`, s.instance, s.Lease.Milliseconds(), v.OwnerID, m.ID).Scan(&run).Error
		if err != nil || run.ID == "" {
			return err
		}
		if run.Epoch >= maxEpoch {
			return fault.New(fault.Conflict, "this reply was continued too often: regenerate it")
		}
		if err := s.Owners.SpendMessageTx(tx, v); err != nil {
			return err
		}
		return tx.Model(&models.Message{}).Where("owner_id = ? AND id = ?", v.OwnerID, m.ID).
			Updates(map[string]any{"status": models.MessagePending, "error_code": "", "error_sealed": nil, "retry_after_ms": 0, "finished_at": nil}).Error
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
	if !m.Status.Live() {
		return m, nil
	}
	if err := s.stopRun(ctx, v.OwnerID, replyID); err != nil {
		return nil, fmt.Errorf("stop reply: %w", err)
	}
	return s.FindMessage(ctx, v, replyID)
}

// stopRun asks the owner of a run to stop and waits until the end is stored. The wish
// is stored too: an owner that can't be asked finds it at its next checkpoint, and
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

func onField(field string, err error, noun string) error {
	if list, ok := fault.Of(err); ok && len(list) == 1 && list[0].Field == nil {
		f := *list[0]
		f.Field = []string{field}
		return &f
	}
	if err != nil {
		return err
	}
	return fault.On(field, fault.NotFound, "there is no such %s", noun)
}

func checkClientID(l fault.List, s string) fault.List {
	if s == "" || utf8.RuneCountInString(s) > maxClientID || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return append(l, fault.On("clientId", fault.Invalid, "clientId must have 1 to %d characters: a fresh random one for every message", maxClientID))
	}
	return l
}

func checkText(l fault.List, s string) fault.List {
	switch {
	case len(s) > MaxTextBytes:
		return append(l, fault.On("text", fault.Invalid, "the text has %d bytes; at most %d (1 MiB) can be sent: shorten or split it", len(s), MaxTextBytes))
	case !utf8.ValidString(s):
		return append(l, fault.On("text", fault.Invalid, "the text is not valid UTF-8"))
	case strings.IndexFunc(s, visible) < 0:
		return append(l, fault.On("text", fault.Invalid, "the message is empty: write something"))
	}
	return l
}

// visible says whether a rune shows: neither space nor control nor format.
func visible(r rune) bool {
	return !unicode.IsSpace(r) && !unicode.In(r, unicode.C) && r != '\u2800' && r != '\u3164'
}

func hashOf(parts ...string) []byte {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return h.Sum(nil)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// modelFor is the asked model, else that of the branch's last reply.
func modelFor(asked string, branch []models.Message) string {
	for i := len(branch) - 1; i >= 0 && asked == ""; i-- {
		asked = branch[i].ModelID
	}
	return asked
}

// askStop asks the instance that owns the run to stop; silence is no error.
func (s *Service) askStop(ctx context.Context, run models.Run) {
	q := ask{Reply: run.ReplyID, Stop: true}
	if err := s.request(ctx, run.InstanceID, q, nil); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		s.log.Debug("ask an instance to stop a run", "run", run.ID, "err", err)
	}
}

// path is the branch from the root down to a message, opened.
func (s *Service) path(tx *gorm.DB, ownerID, leafID string, key *seal.Key) ([]models.Message, error) {
	var ms []models.Message
	err := tx.Raw(`
WITH RECURSIVE up AS (
    SELECT m.*, 1 AS depth FROM messages m WHERE owner_id = @owner AND id = @leaf
    UNION ALL
    SELECT m.*, up.depth + 1 FROM messages m JOIN up ON m.owner_id = up.owner_id AND m.id = up.parent_id WHERE up.depth < @limit
)
SELECT * FROM up ORDER BY depth DESC`, map[string]any{"owner": ownerID, "leaf": leafID, "limit": maxPath}).Scan(&ms).Error
	if err != nil {
		return nil, fmt.Errorf("read branch: %w", err)
	}
	for i := range ms {
		if err := openMessage(key, &ms[i]); err != nil {
			return nil, fmt.Errorf("read branch: %w", err)
		}
	}
	return ms, nil
}

// maxPath is how many messages back a prompt looks. With one token a message and its
// overhead even a context of a million tokens is full before.
const maxPath = 4000
