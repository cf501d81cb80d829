package models

import "time"

// CompletionStatus says whether an answer to a program is there.
type CompletionStatus string

// The statuses.
const (
	CompletionRunning CompletionStatus = "RUNNING"
	CompletionEnded   CompletionStatus = "ENDED"
)

// Completion is the answer to a request that may be asked again, for a day.
type Completion struct {
	OwnerID        string `gorm:"primaryKey"`
	KeyHash        []byte `gorm:"primaryKey"` // of the API key and the client's idempotency key
	ID             string
	Fingerprint    []byte // of the whole request
	Status         CompletionStatus
	HoldID         string
	ModelID        string
	AnswerSealed   []byte `json:"-"`
	CreatedAt      time.Time
	LeaseExpiresAt time.Time // of a running one: its instance lives
	ExpiresAt      time.Time
}

// IsOver reports whether the row counts no longer: its day is over, or it belonged to an
// instance that died.
func (c Completion) IsOver(now time.Time) bool {
	return !now.Before(c.ExpiresAt) || c.Status == CompletionRunning && !now.Before(c.LeaseExpiresAt)
}
