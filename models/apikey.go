package models

import (
	"strings"
	"time"
)

// Scope is what an API key may be good for.
type Scope string

// The scopes.
const (
	ScopeChatWrite         Scope = "CHAT_WRITE"
	ScopeConversationsRead Scope = "CONVERSATIONS_READ"
	ScopeModelsRead        Scope = "MODELS_READ"
	ScopeUsageRead         Scope = "USAGE_READ"
)

// Wire is a scope as API keys carry it: CHAT_WRITE is chat:write.
func (s Scope) Wire() string { return strings.Replace(strings.ToLower(string(s)), "_", ":", 1) }

// ScopeOf reads a scope in either spelling, chat:write or CHAT_WRITE. What it makes of
// other words is no scope.
func ScopeOf(name string) Scope { return Scope(strings.Replace(strings.ToUpper(name), ":", "_", 1)) }

// APIKey is what is stored of a key: never the key.
type APIKey struct {
	OwnerID      string `gorm:"primaryKey" json:"-"`
	ID           string `gorm:"primaryKey"`
	PublicID     string // the part by which it is found
	DigestSealed []byte `json:"-"`
	NameSealed   []byte `json:"-"`
	LastFour     string
	Granted      string `gorm:"column:scopes"` // names of scopes with blanks between them
	Capped       bool   // it has a credit limit
	CreatedAt    time.Time
	ExpiresAt    time.Time
	RevokedAt    *time.Time
	LastUsedOn   *time.Time // a day in UTC

	// Limits of its own; nil: those of every key.
	RequestsPerMinute, TokensPerMinute *int64

	Name   string    `gorm:"-"` // opened
	Budget KeyBudget `gorm:"-"`
}

// Scopes are what the key is good for, as keys carry them: chat:write.
func (k APIKey) Scopes() (out []string) {
	for name := range strings.FieldsSeq(k.Granted) {
		out = append(out, Scope(name).Wire())
	}
	return out
}

// CreditLimit is the most that the key may spend; nil: as much as the wallet holds.
func (k APIKey) CreditLimit() *Credits { return (*Credits)(k.Budget.CreditLimit) }

// Spent is what the key has spent.
func (k APIKey) Spent() Credits { return Credits(k.Budget.Spent) }

// LastUsedAt is the beginning of the day, in UTC, on which the key was last used.
func (k APIKey) LastUsedAt() *time.Time { return k.LastUsedOn }

// KeyBudget is what a key has spent and may spend, in micro-credits.
type KeyBudget struct {
	OwnerID     string `gorm:"primaryKey"`
	KeyID       string `gorm:"primaryKey"`
	CreditLimit *int64 // nil: as much as the wallet holds
	Spent       int64
}
