// Package notice writes mails to everybody: a new version of the policy, news, an
// incident. It alone builds rows of notices; the mails are the outbox's.
//
// A notice walks over the accounts in the order of their ids. Its cursor moves in the
// transaction that writes a batch of mails, so whatever dies in between, each account is
// written to once. The walk is throttled, and waits while mails pile up.
package notice

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Job is the name under which Run gets its turns.
const Job = "notices.write"

// batch is how many accounts one transaction writes to at most.
const batch = 100

// Accounts knows whom a notice can reach.
type Accounts interface {
	// AudienceTx calls each with up to n accounts that have an address and were made
	// before until, in the order of their ids behind after, opened. The last id is where
	// the next call goes on; empty: there are no more.
	AudienceTx(tx *gorm.DB, after string, until time.Time, n int, each func(viewer.Viewer, *models.Account) error) (last string, err error)
	// AudienceSize is how many there are.
	AudienceSize(ctx context.Context) (int64, error)
	// Fresh refuses who hasn't proved lately who it is.
	Fresh(v viewer.Viewer) error
}

// Policy knows what was published and agreed to.
type Policy interface {
	// Announced is the newest version that people must be told of; ok is false when there
	// is none beside the first.
	Announced() (version string, effectiveAt time.Time, ok bool)
	// AgreedTx are those of the owners who agree to something now.
	AgreedTx(tx *gorm.DB, owners []string, kind models.ConsentKind) (map[string]bool, error)
	// AgreedCount is how many accounts do.
	AgreedCount(ctx context.Context, kind models.ConsentKind) (int64, error)
}

// Outbox takes the mails.
type Outbox interface {
	// EnqueueManyTx writes mails, and says how many were new.
	EnqueueManyTx(tx *gorm.DB, to []viewer.Viewer, letters []models.Letter) (int64, error)
	// Tally counts what became of the mails of a key.
	Tally(ctx context.Context, dedupeKey string) (models.MailTally, error)
	// Preview puts a letter into words.
	Preview(language string, l models.Letter) (subject, text string, err error)
}

// Config is what a Service is made of.
type Config struct {
	DB       *database.DB
	Audit    *audit.Service // writes acts down; without it nothing is sent
	Accounts Accounts
	Policy   Policy
	Outbox   Outbox
	Clock    clock.Clock
	Log      *slog.Logger
	// PerMinute is how many mails are written in a minute; zero: as many as can be.
	PerMinute int
}

// Service writes notices.
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

// Words is what a notice says in a language, for the outbox.
func (s *Service) Words(ctx context.Context, noticeID, language string) (subject, text string, err error) {
	n, err := s.find(s.DB.Gorm(ctx), noticeID)
	if err != nil {
		return "", "", err
	}
	subject, text = n.WordsIn(language)
	return subject, text, nil
}

func (s *Service) find(tx *gorm.DB, noticeID string) (*models.Notice, error) {
	var n models.Notice
	err := tx.Take(&n, "id = ?", noticeID).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, fault.New(fault.NotFound, "there is no such notice")
	}
	if err != nil {
		return nil, fmt.Errorf("read notice: %w", database.Translate(err))
	}
	return &n, nil
}

// dedupeKey is that of a notice's mails: an owner gets one at most.
func dedupeKey(n *models.Notice) string { return "notice/" + n.ID }

// mayAct refuses everybody but administrators.
func mayAct(v viewer.Viewer) error {
	if v.Kind != viewer.Account || !v.Admin {
		return fault.New(fault.Forbidden, "only an administrator of this installation writes to everybody")
	}
	return nil
}
