package models

import "time"

// ExportStatus is how far an export is.
type ExportStatus string

// The statuses of exports.
const (
	ExportRunning ExportStatus = "RUNNING"
	ExportReady   ExportStatus = "READY"
	ExportFailed  ExportStatus = "FAILED"
)

// Export is a file with all that is held of its owner. Whoever writes it holds the lease
// under the epoch.
type Export struct {
	OwnerID        string `gorm:"primaryKey" json:"-"`
	ID             string `gorm:"primaryKey"`
	Status         ExportStatus
	Epoch          int
	LeaseExpiresAt time.Time
	RowsTotal      int64
	RowsDone       int64
	Bytes          int64
	CreatedAt      time.Time
	FinishedAt     *time.Time
	ExpiresAt      time.Time
}

// IsNode marks a noun that has a global id.
func (Export) IsNode() {}

// Progress is how much of it is written, from 0 to 1; 1 exactly when it is ready.
func (e *Export) Progress() float64 {
	switch {
	case e.Status == ExportReady:
		return 1
	case e.RowsTotal <= 0:
		return 0
	}
	return min(float64(e.RowsDone)/float64(e.RowsTotal), 0.99)
}

// RestoredConversation is a conversation out of a file. Its id is a fresh one.
type RestoredConversation struct {
	ID                 string
	Title              string
	TitleSource        TitleSource
	Pinned, Archived   bool
	CreatedAt, Updated time.Time
}

// RestoredMessage is a message out of a file; its ids are fresh ones. A message comes after
// the one that it answers.
type RestoredMessage struct {
	ID, ConversationID, ParentID string // ParentID is empty for the first ones
	RunID                        string // a fresh id too
	Role                         MessageRole
	Status                       MessageStatus
	Text, Reasoning              string
	ErrorCode, ErrorMessage      string
	ModelID, EngineName          string
	FinishReason                 string
	ReasoningMs, DroppedMessages int
	PromptTokens, CachedTokens   int64
	OutputTokens, Reasoned       int64 // Reasoned: tokens of reasoning
	UsageEstimated               bool
	CreatedAt                    time.Time
	FinishedAt                   *time.Time
}
