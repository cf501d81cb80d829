package models

import "time"

// OwnerKind is the sort of an owner.
type OwnerKind string

// The kinds of owners.
const (
	OwnerGuest   OwnerKind = "GUEST"
	OwnerAccount OwnerKind = "ACCOUNT"
)

// Installation is the one row that belongs to the database as a whole.
type Installation struct {
	ID        int16  `gorm:"primaryKey"`
	KeyCheck  []byte // sealed constant that proves the key-encryption key
	CreatedAt time.Time
}

// TableName is the table's name.
func (Installation) TableName() string { return "installation" }

// Owner is whoever personal rows belong to: a guest now, an account later. A guest
// that signs in keeps its id or hands its rows over; ids of rows never change.
type Owner struct {
	ID           string `gorm:"primaryKey"`
	Kind         OwnerKind
	KeyWrapped   []byte `json:"-"`
	MessagesUsed int
	CreatedAt    time.Time
	LastActiveAt time.Time
	ErasingAt    *time.Time // when its deletion began: nothing new may become its own
}

// MessagesLeft is how many messages a guest may still send under the limit.
func (o Owner) MessagesLeft(limit int) int { return max(0, limit-o.MessagesUsed) }
