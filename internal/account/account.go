// Package account knows the owners of personal rows and how a browser's cookie
// leads to one. It alone builds rows of owners, sessions and installation.
//
// Visiting stores nothing: a visitor carries a signed ticket, and its first message
// makes the owner and the session in the transaction of that message. The database
// holds the SHA-256 of the ticket's secret, never the ticket.
package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
	"gorm.io/gorm"
)

// Defaults and bounds of Config.
const (
	maxCacheTTL             = time.Second
	maxCached               = 10_000
	defaultGuestsPerNetwork = 200
	minCookieKey            = 32
)

// ErrWrongKey means that the database was sealed with another key-encryption key
// than the one given; VerifyKey's error says what to do about it.
var ErrWrongKey = errors.New("wrong SECRET_KEY")

// Config is what a Service is made of.
type Config struct {
	DB     *database.DB
	Keeper *seal.Keeper
	Clock  clock.Clock
	// GuestLimit is the number of messages a guest may send in all.
	GuestLimit int
	// GuestsPerNetwork caps the new guests of one network (an IPv4 /24, an IPv6 /48)
	// per UTC day and instance; zero means 200. This machine's own addresses and
	// unknown ones are not counted.
	GuestsPerNetwork int
	// CookieKey is a secret of the installation of at least 32 bytes, such as the
	// key-encryption key: the key that signs tickets is derived from it.
	CookieKey []byte
	// CacheTTL is how long a known viewer is remembered: at most a second, which is
	// also what zero means.
	CacheTTL time.Duration
}

// Service answers who is asking and spends what they may use.
type Service struct {
	db         *database.DB
	keeper     *seal.Keeper
	clock      clock.Clock
	guestLimit int
	keyed      bool
	tickets    tickets
	known      *cache
	networks   *networks
}

// New makes the service; VerifyKey must succeed before it is used.
func New(c Config) *Service {
	ttl := c.CacheTTL
	if ttl <= 0 || ttl > maxCacheTTL {
		ttl = maxCacheTTL
	}
	perNetwork := c.GuestsPerNetwork
	if perNetwork <= 0 {
		perNetwork = defaultGuestsPerNetwork
	}
	return &Service{
		db: c.DB, keeper: c.Keeper, clock: c.Clock, guestLimit: c.GuestLimit,
		keyed:    len(c.CookieKey) >= minCookieKey,
		tickets:  newTickets(c.CookieKey, c.Clock),
		known:    newCache(c.Clock, ttl, maxCached),
		networks: newNetworks(c.Clock, perNetwork),
	}
}

// VerifyKey makes sure that the key-encryption key is the one this database was
// sealed with. An empty database remembers the key from now on; with a wrong key it
// refuses with ErrWrongKey and changes nothing.
func (s *Service) VerifyKey(ctx context.Context) error {
	if !s.keyed {
		return fmt.Errorf("the key that signs cookies must have at least %d bytes", minCookieKey)
	}
	var rows []models.Installation
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`INSERT INTO installation (id, key_check, created_at)
			SELECT 1, ?, ? WHERE NOT EXISTS (SELECT FROM owners) ON CONFLICT (id) DO NOTHING`, s.keeper.Check(), s.clock.Now()).Error
		if err != nil {
			return fmt.Errorf("remember key check: %w", err)
		}
		if err := tx.Limit(1).Find(&rows).Error; err != nil {
			return fmt.Errorf("read key check: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("the database holds people's data but not the row of table installation that proves the SECRET_KEY: it was restored in part; restore a complete backup; nothing was changed")
	}
	if s.keeper.Verify(rows[0].KeyCheck) != nil {
		return fmt.Errorf("%w: this database was sealed with another key, and without that key nobody can read it; "+
			"set SECRET_KEY (or SECRET_KEY_FILE, or the file secret.key in DATA_DIR) back to the former value, or start with an empty database; nothing was changed", ErrWrongKey)
	}
	return nil
}

// GuestLimit is the number of messages a guest may send in all.
func (s *Service) GuestLimit() int { return s.guestLimit }
