package models

import "time"

// Share is a frozen copy of one branch of a conversation. Whoever has its link may read it,
// until its owner takes it back or its time is over.
type Share struct {
	OwnerID        string `gorm:"primaryKey" json:"-"`
	ID             string `gorm:"primaryKey"`
	ConversationID string
	LinkHash       []byte `json:"-"`
	LinkSealed     []byte `json:"-"`
	TitleSealed    []byte `json:"-"`
	SnapshotSealed []byte `json:"-"`
	Messages       int
	Reasoning      bool // it shows what the model thought
	Named          bool // it shows who shared it
	CreatedAt      time.Time
	ExpiresAt      *time.Time // nil: until it is revoked

	Link  string `gorm:"-"` // opened
	Title string `gorm:"-"` // opened
}

// URL is where it is read, as a path on this installation.
func (s *Share) URL() string { return "/s/" + s.Link }

// SharedConversation is what a link shows: one branch of a conversation as it was when it was
// shared.
type SharedConversation struct {
	Title     string           `json:"title"`
	By        string           `json:"by"` // who shared it; empty when that one didn't want to be named
	Messages  []*SharedMessage `json:"messages"`
	SharedAt  time.Time        `json:"sharedAt"`
	ExpiresAt *time.Time       `json:"expiresAt"` // nil: until it is revoked
}

// SharedMessage is one of its messages. It tells neither when it was written nor what it cost.
type SharedMessage struct {
	Role        MessageRole   `json:"role"`
	Status      MessageStatus `json:"status"` // never live
	Text        string        `json:"text"`
	Reasoning   string        `json:"reasoning"`
	ReasoningMs int           `json:"reasoningMs"`
	ModelID     string        `json:"modelId"` // empty for those of people
}
