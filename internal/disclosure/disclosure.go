// Package disclosure keeps the two ways in which what is somebody's may be seen by others:
// what an authority asks for, and an administrator's access to named conversations. It
// alone builds rows of legal_requests, legal_subjects and openings.
//
// Both are written down before anything is seen, and told to whom they concern, unless the
// law forbids it. Without an opening that another administrator has approved, nothing here
// reads a conversation.
package disclosure

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// How long an opening waits for its approval, and how long it is good for then.
const (
	ApprovalTTL = 24 * time.Hour
	OpeningTTL  = time.Hour
)

// Owners is what this package needs of accounts.
type Owners interface {
	// Named is the account or guest with an id or an e-mail address, as itself; NOT_FOUND.
	Named(ctx context.Context, idOrEmail string) (viewer.Viewer, error)
	// LockTx locks the owner's row, and refuses with UNAUTHENTICATED one that is gone or is being
	// deleted.
	LockTx(tx *gorm.DB, v viewer.Viewer) error
	// Fresh refuses who hasn't proved lately who it is.
	Fresh(v viewer.Viewer) error
	// TellTx writes a mail to an account's address, when it has one.
	TellTx(tx *gorm.DB, v viewer.Viewer, kind models.LetterKind, mark string, facts map[string]string) error
	// HasAddressTx reports whether a mail would reach it.
	HasAddressTx(tx *gorm.DB, v viewer.Viewer) (bool, error)
}

// Reader reads a conversation as its owner; NOT_FOUND when it isn't the owner's.
type Reader interface {
	Owns(ctx context.Context, owner viewer.Viewer, conversationID string) error
	Read(ctx context.Context, owner viewer.Viewer, conversationID string) (Conversation, error)
}

// Conversation is what an opening shows: the branch on show, oldest first.
type Conversation struct {
	ID, Title string
	Messages  []*models.Message
	Cut       bool // it goes further back
}

// Config is what a Service is made of.
type Config struct {
	DB     *database.DB
	Audit  *audit.Service // writes acts down; without it nothing is disclosed
	Owners Owners
	Reader Reader
	Clock  clock.Clock
	Log    *slog.Logger
}

// Service keeps what is disclosed.
type Service struct {
	Config
}

// New makes the service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{Config: c}
}

// mayAct refuses everybody but administrators.
func mayAct(v viewer.Viewer) error {
	if v.Kind != viewer.Account || !v.Admin {
		return fault.New(fault.Forbidden, "only an administrator of this installation does this")
	}
	return nil
}

// mayDisclose also refuses who hasn't proved lately who it is.
func (s *Service) mayDisclose(v viewer.Viewer) error {
	if err := mayAct(v); err != nil {
		return err
	}
	return s.Owners.Fresh(v)
}

// thereTx refuses with NOT_FOUND an owner that is gone or goes. Its row is locked, before any of
// what is the owner's: its deletion takes them in the same order.
func (s *Service) thereTx(tx *gorm.DB, owner viewer.Viewer) error {
	err := s.Owners.LockTx(tx, owner)
	if fault.Is(err, fault.Unauthenticated) {
		return errGone()
	}
	return err
}

// ShutTx ends all openings of an owner whose deletion begins: nobody reads what is to be gone.
func (s *Service) ShutTx(tx *gorm.DB, ownerID string) (rows map[string]int64, told func(), err error) {
	now := s.Clock.Now()
	if err := tx.Exec(`UPDATE openings SET ended_at = ? WHERE owner_id = ? AND ended_at IS NULL`, now, ownerID).Error; err != nil {
		return nil, nil, fmt.Errorf("end the openings of an owner: %w", err)
	}
	return nil, func() {}, nil
}

func wordsPlace(owner, request string) seal.Place {
	return seal.Place{Table: "legal_subjects", Column: "words_sealed", Row: request, Owner: owner}
}

func reasonPlace(owner, opening string) seal.Place {
	return seal.Place{Table: "openings", Column: "reason_sealed", Row: opening, Owner: owner}
}

func sealWords(v viewer.Viewer, request string, w models.LegalWords) ([]byte, error) {
	text, err := json.Marshal(w)
	if err != nil {
		return nil, fmt.Errorf("write the words of a request: %w", err)
	}
	return v.Key.Seal(wordsPlace(v.OwnerID, request), text), nil
}

// newest is a page of rows by their ids, newest first, and whether there is more.
func newest[T any](ctx context.Context, db *database.DB, p page.Args) (rows []*T, more bool, err error) {
	q := db.Gorm(ctx).Order("id DESC").Limit(p.Size + 1)
	if p.After != "" {
		q = q.Where("id < ?", p.After)
	}
	if err := q.Find(&rows).Error; err != nil {
		return nil, false, err //nolint:wrapcheck // the callers say what was listed
	}
	if more = len(rows) > p.Size; more {
		rows = rows[:p.Size]
	}
	return rows, more, nil
}
