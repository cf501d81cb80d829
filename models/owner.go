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
	ID        int16   `gorm:"primaryKey"`
	KeyCheck  []byte  // sealed constant that proves the key-encryption key
	KekID     *string // which key-encryption key wraps what is new
	CreatedAt time.Time
}

// TableName is the table's name.
func (Installation) TableName() string { return "installation" }

// KeyEncryptionKey is the id of a key that wraps owners' keys, never the key.
type KeyEncryptionKey struct {
	ID          string `gorm:"primaryKey"`
	KeyCheck    []byte // proves the key
	RootWrapped []byte `json:"-"` // the root secret under this key
	CreatedAt   time.Time
}

// KeyHolder is an instance that runs, and which key-encryption keys it has been given.
type KeyHolder struct {
	Instance string `gorm:"primaryKey"`
	Held     string // ids, separated by spaces
	Wraps    string // which of them wraps what is new there
	SeenAt   time.Time
}

// Owner is whoever personal rows belong to: a guest now, an account later. A guest
// that signs in keeps its id or hands its rows over; ids of rows never change.
type Owner struct {
	ID           string `gorm:"primaryKey"`
	Kind         OwnerKind
	KeyWrapped   []byte  `json:"-"`
	KekID        *string `json:"-"` // which key-encryption key wraps it; nil: an earlier version wrote the row
	MessagesUsed int
	CreatedAt    time.Time
	LastActiveAt time.Time
	ErasingAt    *time.Time // when its deletion began: nothing new may become its own
}

// MessagesLeft is how many messages a guest may still send under the limit.
func (o Owner) MessagesLeft(limit int) int { return max(0, limit-o.MessagesUsed) }
