package chat

import (
	"crypto/sha256"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// restoreBatch is how many rows one statement writes.
const restoreBatch = 200

// toldRestored is how many restored conversations other tabs are told of one by one; of
// more they learn when they ask again.
const toldRestored = 20

// RestoreTx writes conversations and messages out of a file as the viewer's, sealed under
// its key. Their ids must be fresh, conversations come before their messages and messages
// after those that they answer, in this call or an earlier one of the same transaction.
// Nothing is charged, and nothing of money is restored. A reply that had not ended was
// interrupted. An owner that goes meanwhile is refused with UNAUTHENTICATED.
func (s *Service) RestoreTx(tx *gorm.DB, v viewer.Viewer, conversations []models.RestoredConversation, messages []models.RestoredMessage) error {
	if !v.IsOwner() {
		return fault.New(fault.Unauthenticated, "there is nobody to restore conversations for")
	}
	rows := make([]models.Conversation, len(conversations))
	for i, c := range conversations {
		rows[i] = models.Conversation{OwnerID: v.OwnerID, ID: c.ID, TitleSource: c.TitleSource, Pinned: c.Pinned, Archived: c.Archived,
			CreatedAt: c.CreatedAt, UpdatedAt: c.Updated, TitleSealed: v.Key.SealString(titlePlace(v.OwnerID, c.ID), c.Title)}
	}
	if len(rows) > 0 {
		if err := tx.CreateInBatches(rows, restoreBatch).Error; err != nil {
			return fmt.Errorf("restore conversations: %w", err)
		}
	}
	return restoreMessagesTx(tx, v, messages)
}

func restoreMessagesTx(tx *gorm.DB, v viewer.Viewer, messages []models.RestoredMessage) error {
	if len(messages) == 0 {
		return nil
	}
	rows := make([]models.Message, len(messages))
	var runs []models.Run
	for i, in := range messages {
		m := restored(v.OwnerID, in)
		sealMessage(v.Key, &m)
		rows[i] = m
		if m.Role == models.RoleAssistant && m.Status.Continuable() {
			runs = append(runs, pastRun(m, in.RunID))
		}
	}
	if err := tx.CreateInBatches(rows, restoreBatch).Error; err != nil {
		return fmt.Errorf("restore messages: %w", err)
	}
	if len(runs) == 0 {
		return nil
	}
	if err := tx.CreateInBatches(runs, restoreBatch).Error; err != nil {
		return fmt.Errorf("restore what replies can be gone on with: %w", err)
	}
	return nil
}

func restored(ownerID string, in models.RestoredMessage) models.Message {
	m := models.Message{OwnerID: ownerID, ID: in.ID, ConversationID: in.ConversationID, Role: in.Role, Status: in.Status, Text: in.Text, Reasoning: in.Reasoning,
		ErrorCode: in.ErrorCode, ErrorMessage: in.ErrorMessage, ModelID: in.ModelID, EngineName: in.EngineName, FinishReason: in.FinishReason,
		ReasoningMs: in.ReasoningMs, DroppedMessages: in.DroppedMessages, PromptTokens: in.PromptTokens, CachedTokens: in.CachedTokens,
		OutputTokens: in.OutputTokens, ReasoningTokens: in.Reasoned, UsageEstimated: in.UsageEstimated, CreatedAt: in.CreatedAt, FinishedAt: in.FinishedAt}
	if in.ParentID != "" {
		m.ParentID = &in.ParentID
	}
	if m.Status.Live() {
		m.Status, m.ErrorCode = models.MessageInterrupted, string(fault.Interrupted)
	}
	return m
}

// pastRun is the run of a reply that can be gone on with: Continue opens it again.
func pastRun(m models.Message, runID string) models.Run {
	hash := sha256.Sum256([]byte("restored"))
	return models.Run{OwnerID: m.OwnerID, ID: runID, ConversationID: m.ConversationID, ReplyID: m.ID, ClientID: "restored " + m.ID, RequestHash: hash[:],
		Status: models.RunStatus(m.Status), LeaseExpiresAt: m.CreatedAt, PromptRule: "all", CreatedAt: m.CreatedAt, Feature: models.FeatureChat}
}

// ShowTx says which branch of restored conversations is on show: by conversation, its last
// message.
func (s *Service) ShowTx(tx *gorm.DB, v viewer.Viewer, leaves map[string]string) error {
	for conversation, leaf := range leaves {
		err := tx.Exec(`UPDATE conversations SET leaf_id = ? WHERE owner_id = ? AND id = ?`, leaf, v.OwnerID, conversation).Error
		if err != nil {
			return fmt.Errorf("show a branch: %w", err)
		}
	}
	return nil
}

// Restored tells the viewer's tabs of conversations that were restored, once that is
// committed.
func (s *Service) Restored(v viewer.Viewer, conversationIDs []string) {
	if len(conversationIDs) > toldRestored {
		conversationIDs = conversationIDs[:toldRestored]
	}
	for _, id := range conversationIDs {
		s.announce(v.OwnerID, event{Kind: eventChanged, Conversation: id})
	}
}
