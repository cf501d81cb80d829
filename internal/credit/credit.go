// Package credit keeps the books: what owners hold, what is set aside for replies that
// are being written, what they are charged, and one row of usage per billable act. It
// alone writes the ledger; the database computes the balances and defends the rules L1
// to L10 that README.md lists. Amounts are micro-credits: 1,000,000 are a credit.
//
// Whoever changes a wallet locks its row of ledger_balances first, several in the order
// of their account ids, and touches holds only then.
package credit

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// DefaultHoldTTL is how long a hold stays without being renewed.
const DefaultHoldTTL = 2 * time.Minute

// Refusals that are bugs of the caller, or news of somebody who is gone.
var (
	// ErrNoWallet says that an owner has no wallet: it is a guest, or gone.
	ErrNoWallet = errors.New("the owner has no wallet")
	// ErrHoldResolved says that a hold is unknown, another's, or was settled for another act.
	ErrHoldResolved = errors.New("the hold is resolved already, or none of the owner's")
)

// Keys opens an owner's data key, and refuses with NOT_FOUND when the owner is gone.
type Keys interface {
	Key(ctx context.Context, ownerID string) (*seal.Key, error)
}

// Runs knows which holds still have somebody at work who will settle them.
type Runs interface {
	Alive(ctx context.Context, holdIDs []string) (map[string]bool, error)
}

// Mailer writes a mail to an account in the transaction of what it tells, at most one of
// a kind and mark, and none to who has no address.
type Mailer interface {
	TellTx(tx *gorm.DB, v viewer.Viewer, kind models.LetterKind, mark string, facts map[string]string) error
}

// Config is what the books need. DB is required; Clock and Log default to the machine's
// time and to silence, HoldTTL to DefaultHoldTTL.
type Config struct {
	DB            *database.DB
	Audit         *audit.Service // writes acts down; without it no administrator changes anything
	Keys          Keys
	Clock         clock.Clock
	Log           *slog.Logger
	Changed       func(ownerID string) // called after a commit that changed the owner's balance
	Runs          Runs                 // may come later, with Join
	Mailer        Mailer               // may come later, with Join
	SignupCredits int64                // what a new wallet is given
	HoldTTL       time.Duration
	// Ended is a query of the owners and refs of acts that have ended and had a hold, by
	// those who know: each must have its row of usage. Empty: none are known.
	Ended string
	// Extra are further checks of the books, by those who own the other half of an
	// invariant; Verify calls them after its own.
	Extra []func(ctx context.Context) ([]Finding, error)
}

// Service keeps the books. All methods may be used from many goroutines.
type Service struct {
	Config
	joined atomic.Pointer[siblings]
	writer *writer
}

// siblings are the rooms that may come later than the books.
type siblings struct {
	runs   Runs
	mailer Mailer
}

// New makes the books' service. Close it, so that nobody's settlement is cut off.
func New(c Config) *Service {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.HoldTTL <= 0 {
		c.HoldTTL = DefaultHoldTTL
	}
	s := &Service{Config: c}
	s.joined.Store(&siblings{runs: c.Runs, mailer: c.Mailer})
	s.writer = newWriter(s.commitBatch)
	return s
}

// Join hands over the rooms that were built after the books.
func (s *Service) Join(runs Runs, mailer Mailer) {
	s.joined.Store(&siblings{runs: runs, mailer: mailer})
}

// Tell says that the owner's balance is another. Callers of methods that end in Tx call
// it after their commit.
func (s *Service) Tell(ownerID string) {
	if s.Changed != nil && ownerID != "" {
		s.Changed(ownerID)
	}
}

// Close waits until the settlements under way are stored.
func (s *Service) Close() { s.writer.close() }
