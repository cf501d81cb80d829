package models

import "time"

// EraseWord is what is typed to confirm a deletion where no e-mail address stands for
// who deletes.
const EraseWord = "DELETE"

// ErasureState says how far the deletion of an owner is.
type ErasureState string

// The states of a deletion; there is no way back.
const (
	Erasing ErasureState = "ERASING"
	Erased  ErasureState = "ERASED"
)

// Elsewhere says what came of asking others, such as payment providers, to forget an
// owner.
type Elsewhere string

// What came of it.
const (
	ElsewherePending Elsewhere = "PENDING"
	ElsewhereAsked   Elsewhere = "ASKED" // or nobody had to be asked
	ElsewhereFailed  Elsewhere = "FAILED"
)

// Erasure is the deletion of an owner. It stays, and tells nothing of whom.
type Erasure struct {
	ID          string `gorm:"primaryKey"`
	Tombstone   []byte `json:"-"`
	Kind        OwnerKind
	Reason      RemovalReason
	State       ErasureState
	Elsewhere   Elsewhere
	Rows        []byte
	AttemptedAt time.Time
	StartedAt   time.Time
	FinishedAt  *time.Time
}

// Clearing is the last deletion of all of an owner's conversations.
type Clearing struct {
	OwnerID       string `gorm:"primaryKey"`
	ID            string
	Cutoff        time.Time
	Conversations int64
	Messages      int64
	AttemptedAt   time.Time
	StartedAt     time.Time
	FinishedAt    *time.Time
}
