package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// restoreBatch is how many rows one statement writes: larger ones are no faster, and long to log.
const restoreBatch = 50

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
		if m.Role == models.RoleAssistant && m.Continuable() {
			runs = append(runs, pastRun(m, in.RunID))
		}
	}
	if err := insertMessagesTx(tx, rows); err != nil {
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

// messageRow is a message as Postgres reads it out of JSON.
type messageRow struct {
	OwnerID         string     `json:"owner_id"`
	ID              string     `json:"id"`
	ConversationID  string     `json:"conversation_id"`
	ParentID        *string    `json:"parent_id"`
	Role            string     `json:"role"`
	Status          string     `json:"status"`
	TextSealed      *string    `json:"text_sealed"`
	ReasoningSealed *string    `json:"reasoning_sealed"`
	ErrorSealed     *string    `json:"error_sealed"`
	ErrorCode       string     `json:"error_code"`
	ModelID         string     `json:"model_id"`
	EngineName      string     `json:"engine_name"`
	FinishReason    string     `json:"finish_reason"`
	ReasoningMs     int        `json:"reasoning_ms"`
	DroppedMessages int        `json:"dropped_messages"`
	PromptTokens    int64      `json:"prompt_tokens"`
	CachedTokens    int64      `json:"cached_tokens"`
	OutputTokens    int64      `json:"output_tokens"`
	ReasoningTokens int64      `json:"reasoning_tokens"`
	UsageEstimated  bool       `json:"usage_estimated"`
	CreatedAt       time.Time  `json:"created_at"`
	FinishedAt      *time.Time `json:"finished_at"`
}

const messageRowColumns = `owner_id, id, conversation_id, parent_id, role, status, text_sealed, reasoning_sealed, error_sealed, error_code, model_id, engine_name,
    finish_reason, reasoning_ms, dropped_messages, prompt_tokens, cached_tokens, output_tokens, reasoning_tokens, usage_estimated, created_at, finished_at`

// insertMessagesTx writes many messages with one short statement: a parameter for each of
// their values makes it long, and twice as slow.
func insertMessagesTx(tx *gorm.DB, messages []models.Message) error {
	rows := make([]messageRow, len(messages))
	for i := range messages {
		m := &messages[i]
		rows[i] = messageRow{OwnerID: m.OwnerID, ID: m.ID, ConversationID: m.ConversationID, ParentID: m.ParentID, Role: string(m.Role), Status: string(m.Status),
			TextSealed: hexOf(m.TextSealed), ReasoningSealed: hexOf(m.ReasoningSealed), ErrorSealed: hexOf(m.ErrorSealed), ErrorCode: m.ErrorCode, ModelID: m.ModelID,
			EngineName: m.EngineName, FinishReason: m.FinishReason, ReasoningMs: m.ReasoningMs, DroppedMessages: m.DroppedMessages, PromptTokens: m.PromptTokens,
			CachedTokens: m.CachedTokens, OutputTokens: m.OutputTokens, ReasoningTokens: m.ReasoningTokens, UsageEstimated: m.UsageEstimated, CreatedAt: m.CreatedAt, FinishedAt: m.FinishedAt}
	}
	text, err := json.Marshal(rows)
	if err != nil {
		return fmt.Errorf("write messages as JSON: %w", err)
	}
	return tx.Exec(`INSERT INTO messages (`+messageRowColumns+`) SELECT `+messageRowColumns+` FROM json_populate_recordset(NULL::messages, ?::json)`, string(text)).Error
}

// hexOf is sealed bytes as Postgres writes them; nil for none.
func hexOf(sealed []byte) *string {
	if sealed == nil {
		return nil
	}
	text := `\x` + hex.EncodeToString(sealed)
	return &text
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

// rowBytes is what a message counts beside its texts where an owner's are weighed.
const rowBytes = 512

// KeptTx is how many bytes the viewer's messages take.
func (s *Service) KeptTx(tx *gorm.DB, v viewer.Viewer) (n int64, err error) {
	err = tx.Raw(`SELECT coalesce(sum(`+sizeOfMessage+`), 0)::bigint + count(*) * ? FROM messages m WHERE owner_id = ?`, rowBytes, v.OwnerID).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("weigh messages: %w", err)
	}
	return n, nil
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
