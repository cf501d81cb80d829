// Package share lets people publish a branch of a conversation by a link. What is published
// is a frozen copy: nothing that happens to the conversation later shows in it, but its
// deletion, which takes the copy along. The package alone builds rows of shares.
//
// Sharing is an explicit act of an account, under a consent of its own. The copy is sealed
// under its owner's key. Nobody is told who reads, and nothing of a reader is kept. A link
// that was revoked, whose time is over, or whose conversation or owner is gone opens nothing
// from that moment on, on every instance: each reading asks the database.
package share

import (
	"context"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// mostShares is how many links of somebody may be open at once.
	mostShares = 200
	// mostDays is the longest time of a link that has one.
	mostDays = 365
	// mostBytes bounds what a link shows.
	mostBytes = 4 << 20
)

// Conversations is what is needed of conversations.
type Conversations interface {
	// SnapshotTx is one branch of the viewer's as it is now; an empty leaf stands for the
	// branch on show.
	SnapshotTx(tx *gorm.DB, v viewer.Viewer, conversationID, leafID string) (*models.SharedConversation, error)
	RestoreTx(tx *gorm.DB, v viewer.Viewer, conversations []models.RestoredConversation, messages []models.RestoredMessage) error
	// KeptTx is how many bytes the viewer's messages take.
	KeptTx(tx *gorm.DB, v viewer.Viewer) (int64, error)
	ShowTx(tx *gorm.DB, v viewer.Viewer, leaves map[string]string) error
	Restored(v viewer.Viewer, conversationIDs []string)
}

// Owners is what is needed of accounts and guests.
type Owners interface {
	// Key opens an owner's data key, and refuses with NOT_FOUND when the owner is gone.
	Key(ctx context.Context, ownerID string) (*seal.Key, error)
	// LockTx lets what is begun for an owner take turns, and refuses with UNAUTHENTICATED
	// an owner that is gone or goes.
	LockTx(tx *gorm.DB, v viewer.Viewer) error
	// EnsureGuestTx makes a visitor a guest.
	EnsureGuestTx(tx *gorm.DB, v viewer.Viewer) (viewer.Viewer, error)
	Account(ctx context.Context, v viewer.Viewer) (*models.Account, error)
}

// Policy is what is needed of what people have confirmed, accepted and agreed to.
type Policy interface {
	// CheckTx refuses a viewer who hasn't passed what is asked of everybody once.
	CheckTx(tx *gorm.DB, v viewer.Viewer) error
	// Granted reports whether the viewer agrees to something; an answer may be half a
	// second old.
	Granted(ctx context.Context, v viewer.Viewer, kind models.ConsentKind) (bool, error)
	// HoldsTx reports whether the viewer agrees to something now, and keeps it from
	// withdrawing that before the transaction ends.
	HoldsTx(tx *gorm.DB, v viewer.Viewer, kind models.ConsentKind) (bool, error)
}

// Config is what a Service is made of.
type Config struct {
	DB            *database.DB
	Audit         *audit.Service
	Conversations Conversations
	Owners        Owners
	Policy        Policy
	Clock         clock.Clock
	// Secret is a secret of the installation of at least 32 bytes: it tells links that were
	// made here from others.
	Secret []byte
	// PerGuest and PerAccount are how many bytes of conversations a guest and an account may have
	// together with a copy; zero: 16 MB and 512 MB.
	PerGuest, PerAccount int64
	// Off forbids sharing: nothing is shared, and no link opens.
	Off bool
}

// Service makes, shows and revokes shares.
type Service struct {
	Config
	linkKey []byte
}

// New makes the service.
func New(c Config) *Service { return &Service{Config: c, linkKey: linkKey(c.Secret)} }

// On reports whether conversations can be shared here.
func (s *Service) On() bool { return !s.Off }

func errOff() *fault.Fault {
	return fault.New(fault.SharingOff, "whoever runs this installation doesn't allow conversations to be shared by link")
}

func errUnknown() *fault.Fault {
	return fault.New(fault.NotFound, "there is no such link: look whether it is complete")
}

func errGone() *fault.Fault {
	return fault.New(fault.Gone, "this link no longer opens: it was taken back, its time is over, or what it showed was deleted")
}

func place(column string, row *models.Share) seal.Place {
	return seal.Place{Table: "shares", Column: column, Row: row.ID, Owner: row.OwnerID}
}
