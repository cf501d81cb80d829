package share

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// copied is what audit entries call a conversation that came out of a link.
const copied = "SHARE"

// Copy makes what a link shows a conversation of the viewer's own, which stays when the link
// ends. A visitor becomes a guest by it, once it has passed what is asked of everybody. It
// returns whom the viewer has become, and the conversation's id. It refuses like Look, whom the
// gate refuses, and with INVALID who would keep more than an import may bring.
func (s *Service) Copy(ctx context.Context, v viewer.Viewer, link string) (as viewer.Viewer, conversationID string, err error) {
	if v.Kind != viewer.Account && v.Kind != viewer.Guest && v.Kind != viewer.Visitor {
		return v, "", fault.New(fault.Unauthenticated, "there is nobody whose conversation this could become")
	}
	shown, err := s.Read(ctx, link)
	if err != nil {
		return v, "", err
	}
	var c models.RestoredConversation
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		if as, err = s.ownerTx(tx, v); err != nil {
			return err
		}
		var messages []models.RestoredMessage
		c, messages = fresh(shown, s.Clock.Now())
		if err := s.roomTx(tx, as, messages); err != nil {
			return err
		}
		if err := s.Conversations.RestoreTx(tx, as, []models.RestoredConversation{c}, messages); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		if err := s.Conversations.ShowTx(tx, as, map[string]string{c.ID: messages[len(messages)-1].ID}); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditDataImported, Subject: as.OwnerID, By: audit.By(as), Facts: models.AuditFacts{Outcome: copied, Count: 1}})
	})
	if err != nil {
		return v, "", fmt.Errorf("copy a shared conversation: %w", err)
	}
	s.Conversations.Restored(as, []string{c.ID})
	return as, c.ID, nil
}

// rowBytes is what a message counts beside its texts.
const rowBytes = 512

// roomTx refuses messages that would make too much of what the viewer keeps. Its owner's row is
// locked: several copies at once take turns.
func (s *Service) roomTx(tx *gorm.DB, v viewer.Viewer, messages []models.RestoredMessage) error {
	most := cmp.Or(s.PerAccount, 512<<20)
	if v.Kind == viewer.Guest {
		most = cmp.Or(s.PerGuest, 16<<20)
	}
	kept, err := s.Conversations.KeptTx(tx, v)
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	for _, m := range messages {
		kept += int64(len(m.Text)+len(m.Reasoning)) + rowBytes
	}
	if kept <= most {
		return nil
	}
	return fault.On("token", fault.Invalid, "with this copy you would keep more than %d MB of conversations here: delete some first", most>>20).
		Because("too_much_text", map[string]string{"most": strconv.FormatInt(most>>20, 10)})
}

// ownerTx is whom a copy will belong to: a visitor becomes a guest, and nobody does before
// the gate.
func (s *Service) ownerTx(tx *gorm.DB, v viewer.Viewer) (viewer.Viewer, error) {
	if v.IsOwner() {
		return v, s.Owners.LockTx(tx, v)
	}
	if err := s.Policy.CheckTx(tx, v); err != nil {
		return v, err //nolint:wrapcheck // a refusal
	}
	gate := v.Gate
	as, err := s.Owners.EnsureGuestTx(tx, v)
	if err != nil {
		return v, err //nolint:wrapcheck // says what failed
	}
	if err := s.Owners.LockTx(tx, as); err != nil {
		return v, err //nolint:wrapcheck // says what failed
	}
	as.Gate = gate
	if err := s.Policy.CheckTx(tx, as); err != nil { // what the cookie holds is stored now
		return v, err //nolint:wrapcheck // a refusal
	}
	as.Gate = gate.Refusal()
	return as, nil
}

// fresh is a snapshot as rows with ids and times of their own. A reply that wasn't complete
// was stopped, as far as its new owner is concerned.
func fresh(shown *models.SharedConversation, now time.Time) (models.RestoredConversation, []models.RestoredMessage) {
	c := models.RestoredConversation{ID: id.New(id.Conversation), Title: shown.Title, TitleSource: models.TitleOwner, CreatedAt: now, Updated: now}
	messages := make([]models.RestoredMessage, len(shown.Messages))
	parent := ""
	for i, m := range shown.Messages {
		status := models.MessageComplete
		if m.Status != models.MessageComplete {
			status = models.MessageStopped
		}
		messages[i] = models.RestoredMessage{ID: id.New(id.Message), ConversationID: c.ID, ParentID: parent, RunID: id.New(id.Run), Role: m.Role, Status: status,
			Text: m.Text, Reasoning: m.Reasoning, ReasoningMs: m.ReasoningMs, ModelID: m.ModelID, CreatedAt: now}
		if m.Role == models.RoleAssistant {
			messages[i].FinishedAt = &now
		}
		parent = messages[i].ID
	}
	return c, messages
}
