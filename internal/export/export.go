// Package export gives people a file with all that is held of them: everything that the
// register knows, for programs and for reading. It alone builds rows of exports.
//
// A file is written by whichever instance has the time, under a lease; when that instance
// dies, another one begins it anew. It lies in a folder, sealed under its owner's key, so
// nothing in it can be read once the owner is gone. Files of a past time, and files that
// belong to nobody any more, are swept.
package export

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register/rows"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// TTL is how long a file is kept, LinkTTL how long a link to it is good for.
const (
	TTL     = 7 * 24 * time.Hour
	LinkTTL = 24 * time.Hour
)

const (
	// perDay is how many exports somebody may start in a day, kept how many files of
	// somebody's lie at once.
	perDay, kept = 10, 3
	// atOnce is how many an instance writes at once.
	atOnce = 2
	// lease is how long one that is written stays with its instance without a sign of life,
	// beat how often there is one.
	lease, beat = 60 * time.Second, time.Second
	// maxTries is how often one is begun.
	maxTries = 5
)

// Owners is what is needed of accounts and guests.
type Owners interface {
	// Key opens an owner's data key, and refuses with NOT_FOUND when the owner is gone.
	Key(ctx context.Context, ownerID string) (*seal.Key, error)
	// LockTx lets what is begun for an owner take turns, and refuses with UNAUTHENTICATED
	// an owner that is gone or goes.
	LockTx(tx *gorm.DB, v viewer.Viewer) error
}

// Config is what a Service is made of.
type Config struct {
	DB    *database.DB
	Audit *audit.Service
	Rows  rows.Reader
	// Owners are accounts and guests.
	Owners Owners
	Clock  clock.Clock
	Log    *slog.Logger // ids and numbers
	// Secret is a secret of the installation of at least 32 bytes: links and manifests are
	// signed under keys derived from it.
	Secret []byte
	// Dir is the folder of the files. Instances of one database share it.
	Dir string
	// Name is the installation's and Version the program's, for who reads a file.
	Name, Version string
}

// Service starts, writes, hands out and sweeps exports.
type Service struct {
	Config
	signer  ed25519.PrivateKey
	linkKey []byte

	life    context.Context //nolint:containedctx // ends with Close, and what is written with it
	end     context.CancelFunc
	slots   chan struct{}
	working sync.WaitGroup
	mu      sync.Mutex
	closed  bool
	writing map[string]context.CancelCauseFunc // by export
	onRow   func(exportID string, done int64) error
}

// New makes the service and its folder.
func New(c Config) (*Service, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of exports: %w", err)
	}
	life, end := context.WithCancel(context.Background())
	return &Service{Config: c, signer: ed25519.NewKeyFromSeed(seal.Derive(c.Secret, manifestPurpose)), linkKey: seal.Derive(c.Secret, "export link v1"),
		life: life, end: end, slots: make(chan struct{}, atOnce), writing: map[string]context.CancelCauseFunc{}}, nil
}

// Close stops what this instance writes, and waits for it. Another instance, or the next
// start, begins it anew.
func (s *Service) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.working.Wait()
}
