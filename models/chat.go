package models

import "time"

// TitleSource is where a conversation's title comes from.
type TitleSource string

// The sources of titles. One that the owner chose is never replaced.
const (
	TitleFirstWords TitleSource = "FIRST_WORDS"
	TitleGenerated  TitleSource = "GENERATED"
	TitleOwner      TitleSource = "OWNER"
)

// Conversation is a tree of messages under a title.
type Conversation struct {
	OwnerID     string `gorm:"primaryKey" json:"-"`
	ID          string `gorm:"primaryKey"`
	TitleSealed []byte `json:"-"`
	TitleSource TitleSource
	Pinned      bool
	Archived    bool
	LeafID      *string
	CreatedAt   time.Time
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false"`

	Title       string   `gorm:"-"`
	LastMessage *Message `gorm:"-"` // the newest one; lists that were not asked for it leave it out
}

// IsNode marks a noun that has a global id.
func (Conversation) IsNode() {}

// MessageRole is who speaks.
type MessageRole string

// The roles.
const (
	RoleUser      MessageRole = "USER"
	RoleAssistant MessageRole = "ASSISTANT"
)

// MessageStatus is how far a message is.
type MessageStatus string

// The statuses of messages; those of the viewer are always complete.
const (
	MessagePending     MessageStatus = "PENDING"
	MessageStreaming   MessageStatus = "STREAMING"
	MessageComplete    MessageStatus = "COMPLETE"
	MessageStopped     MessageStatus = "STOPPED"
	MessageInterrupted MessageStatus = "INTERRUPTED"
	MessageFailed      MessageStatus = "FAILED"
)

// Live reports whether more text may come.
func (s MessageStatus) Live() bool { return s == MessagePending || s == MessageStreaming }

// Message is one message of the owner or one reply.
type Message struct {
	OwnerID         string `gorm:"primaryKey" json:"-"`
	ID              string `gorm:"primaryKey"`
	ConversationID  string
	ParentID        *string
	Role            MessageRole
	Status          MessageStatus
	TextSealed      []byte `json:"-"`
	ReasoningSealed []byte `json:"-"`
	ErrorSealed     []byte `json:"-"`
	ErrorCode       string
	RetryAfterMs    int
	ModelID         string
	EngineName      string
	FinishReason    string
	LastSeq         int
	ReasoningMs     int
	DroppedMessages int
	PromptTokens    int64
	CachedTokens    int64
	OutputTokens    int64
	ReasoningTokens int64
	UsageEstimated  bool
	CostMicro       int64
	CreatedAt       time.Time
	FinishedAt      *time.Time

	Text         string `gorm:"-"`
	Reasoning    string `gorm:"-"`
	ErrorMessage string `gorm:"-"`
}

// IsNode marks a noun that has a global id.
func (Message) IsNode() {}

// FinishLength is the engine's reason for a reply that was cut at the length limit.
const FinishLength = "length"

// Continuable reports whether a reply can be gone on with: it was stopped, interrupted,
// failed, or is complete only as far as the length limit let it.
func (m *Message) Continuable() bool {
	switch m.Status {
	case MessageStopped, MessageInterrupted, MessageFailed:
		return true
	default:
		return m.Status == MessageComplete && m.FinishReason == FinishLength
	}
}

// RunStatus is how far a run is.
type RunStatus string

// The statuses of runs.
const (
	RunRunning     RunStatus = "RUNNING"
	RunComplete    RunStatus = "COMPLETE"
	RunStopped     RunStatus = "STOPPED"
	RunInterrupted RunStatus = "INTERRUPTED"
	RunFailed      RunStatus = "FAILED"
)

// Run is the work of writing one reply. Whoever writes holds the lease under the
// epoch, its fencing token; every take-over raises the epoch.
type Run struct {
	OwnerID        string `gorm:"primaryKey"`
	ID             string `gorm:"primaryKey"`
	ConversationID string
	ReplyID        string
	ClientID       string // idempotency key of the request that began it
	RequestHash    []byte // SHA-256 of that request's body
	Status         RunStatus
	InstanceID     string
	Epoch          int
	LeaseExpiresAt time.Time
	StopRequested  bool
	PromptMessages int    // how many messages of the branch the engine was shown
	PromptRule     string // how they were chosen: all, or newest-that-fit
	CreatedAt      time.Time

	// The present phase: a run has one, and one more each time it is continued.
	HoldID         string // of the phase; empty for guests
	Feature        Feature
	Phase          int        // counts from 0
	PhaseEpoch     int        // the epoch that began it: a later one means a take-over
	PhaseText      int        // bytes of text that earlier phases made
	PhaseReasoning int        // and of reasoning
	KeyID          string     // the API key that asked for it; empty: a person did
	PhasePrompt    int64      // tokens the engine reads, by our own count
	PhaseStartedAt *time.Time // nil: at CreatedAt
}

// RunChunk is a piece of what a running reply has produced, up to Seq.
type RunChunk struct {
	OwnerID    string `gorm:"primaryKey"`
	RunID      string `gorm:"primaryKey"`
	Seq        int    `gorm:"primaryKey"`
	BodySealed []byte `json:"-"`
}
