package chat

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// What a turn writes is one statement; what its parts refer to in each other is looked up
// at its end. The lease is by the database's clock, so that instances whose clocks differ
// agree on it.
const (
	turnSQL = `
WITH c AS (
    %s
), m AS (
    INSERT INTO messages (owner_id, id, conversation_id, parent_id, role, status, text_sealed, model_id, engine_name, dropped_messages, created_at)
    VALUES %s (@owner, @reply, @conversation, @message, 'ASSISTANT', 'PENDING', NULL, @model, @engine, @dropped, @now)
)
INSERT INTO runs (owner_id, id, conversation_id, reply_id, client_id, request_hash, status, instance_id, prompt_messages, prompt_rule, created_at,
    hold_id, key_id, feature, phase_prompt, phase_started_at, lease_expires_at)
VALUES (@owner, @run, @conversation, @reply, @client, @hash, 'RUNNING', @instance, @promptMessages, @promptRule, @now,
    @hold, @key, @feature, @prompt, @now, now() + CAST(@lease AS bigint) * interval '1 millisecond')`
	conversationBegins = `INSERT INTO conversations (owner_id, id, title_sealed, title_source, leaf_id, created_at, updated_at)
    VALUES (@owner, @conversation, @title, @titleSource, @reply, @begun, @now)`
	conversationGrows = `UPDATE conversations SET leaf_id = @reply, updated_at = @now WHERE owner_id = @owner AND id = @conversation`
	messageSaid       = `(@owner, @message, @conversation, @parent, 'USER', 'COMPLETE', @text, '', '', 0, @now),`
)

// entry is what a turn writes.
type entry struct {
	conversation *models.Conversation
	begins       bool            // the conversation is new
	message      *models.Message // of the viewer
	said         bool            // the message is new
	reply        *models.Message
	run          *models.Run
}

// insertTx writes the turn.
func (s *Service) insertTx(tx *gorm.DB, e entry) error {
	conversation, message := conversationGrows, ""
	if e.begins {
		conversation = conversationBegins
	}
	if e.said {
		message = messageSaid
	}
	c, m, reply, r := e.conversation, e.message, e.reply, e.run
	err := tx.Exec(fmt.Sprintf(turnSQL, conversation, message), map[string]any{
		"owner": r.OwnerID, "conversation": c.ID, "title": c.TitleSealed, "titleSource": c.TitleSource, "begun": c.CreatedAt, "now": r.CreatedAt,
		"message": m.ID, "parent": m.ParentID, "text": m.TextSealed, "reply": reply.ID, "model": reply.ModelID, "engine": reply.EngineName, "dropped": reply.DroppedMessages,
		"run": r.ID, "client": r.ClientID, "hash": r.RequestHash, "instance": r.InstanceID, "promptMessages": r.PromptMessages, "promptRule": r.PromptRule,
		"hold": r.HoldID, "key": r.KeyID, "feature": r.Feature, "prompt": r.PhasePrompt, "lease": s.Lease.Milliseconds(),
	}).Error
	if err != nil {
		return fmt.Errorf("write the turn: %w", err)
	}
	return nil
}
