// Package requestlog keeps one row for each API request and what the rows sum up to. It
// alone writes api_request_logs, api_request_hours, api_request_thirds, api_request_days and
// the two tables that lead from an account and its keys to the numbers in them.
//
// Rows are kept for TTL and never longer: every reader leaves out what is older, to the
// microsecond, and Sweep drops whole days. They hold no content, no name that a client
// chose and no address. Where an account goes, what leads from its rows to it goes in the
// same statement: nothing is left to do here.
//
// Record never waits. Rows are written together, every 200 ms or when 1,000 have come, in
// one transaction with their sums, and all at Close: an ordered end loses nothing, a killed
// process at most what was recorded within the last 250 ms while the database answered, or
// what it had in memory (65,536 rows at most) while it didn't.
package requestlog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// TTL is how long a row is kept. No setting changes it: the privacy policy names it.
const TTL = 90 * 24 * time.Hour

// Entry is one request of an API key; content, names chosen by clients and addresses have
// no place in it. Routes are of a closed vocabulary, models are ids of the catalogue.
type Entry struct {
	ID             string    // the request's; empty: a fresh one
	At             time.Time // when it ended; zero: now
	OwnerID, KeyID string
	Route, ModelID string
	Status         int    // of HTTP, or its equivalent
	Code           string // of the fault; empty: none
	PromptTokens, CachedTokens, OutputTokens, ReasoningTokens,
	Credits int64 // micro-credits
	FirstToken, Took time.Duration // FirstToken is zero when there was none
	Streamed         bool
}

// Bus carries fresh rows to who follows them on other instances.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handle func(data []byte, reply func([]byte) error)) (stop func(), err error)
}

// Config is what a Service is made of. Zero values take the defaults named.
type Config struct {
	DB    *database.DB
	Clock clock.Clock
	Log   *slog.Logger
	Bus   Bus // nil: nobody follows
	// Buffer is how many rows wait at most: 65,536.
	Buffer int
	// Every is how long a row waits at most to be written: 200 ms.
	Every time.Duration
	// Uptime is how long the process runs, by a clock that never jumps.
	Uptime func() time.Duration
	// SecondClock must agree before anything is dropped; nil: the database's.
	SecondClock func(ctx context.Context) (time.Time, error)
	// Believed is the newest time of day that was believed before this process; nil: none.
	Believed func(ctx context.Context) (time.Time, error)
}

// Service writes and reads the logs.
type Service struct {
	Config
	buffer   buffer
	subjects subjects
	known    known
	sweeping sync.Mutex
	guard    *clock.Guard
	many     *time.Duration // since when, by Uptime, more days than usual would go; nil: they don't

	stop context.CancelFunc
	done chan struct{}
}

const (
	defaultBuffer = 1 << 16
	defaultEvery  = 200 * time.Millisecond
)

// New makes the service. Record may be called at once; Start lets rows be written.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Buffer <= 0 {
		c.Buffer = defaultBuffer
	}
	if c.Every <= 0 {
		c.Every = defaultEvery
	}
	if c.Uptime == nil {
		c.Uptime = clock.StartStopwatch().Elapsed
	}
	s := &Service{Config: c}
	if c.SecondClock == nil {
		s.SecondClock = s.databaseClock
	}
	s.guard = clock.NewGuard(c.Clock, c.Uptime, s.SecondClock, c.Believed)
	s.buffer.init(c.Buffer)
	return s
}

// mayRead is whose rows the viewer may see: those of one key, or all of the account's. It
// is false for whom nothing is kept.
func mayRead(v viewer.Viewer) (keyID string, ok bool, err error) {
	switch {
	case !v.IsOwner():
		return "", false, nil
	case v.Kind == viewer.Account:
		return "", true, nil
	case v.Kind != viewer.APIKey:
		return "", false, nil
	}
	for _, scope := range v.Scopes {
		if models.Scope(scope) == models.ScopeUsageRead {
			return v.KeyID, true, nil
		}
	}
	return "", false, fault.New(fault.ScopeMissing, "this API key needs the scope usage:read")
}

// cutoff is the moment of which, and of all before it, nobody sees rows any more.
func (s *Service) cutoff() time.Time { return s.Clock.Now().Add(-TTL) }
