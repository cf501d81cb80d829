// Package completion answers programs: a request holds all that the model is to read, and
// nothing of it is kept. It is what the compatible interfaces stand on; who writes in the
// app is served by package chat.
//
// The money follows the rule of docs/CHARGES.md. Credits are set aside before the engine
// is asked, more of them as the answer grows, and each request is settled exactly once,
// however it ends, for what was delivered.
//
// A request with an idempotency key leaves its answer, sealed under its owner's key, for
// 24 hours: whoever asks the same again gets the same, and pays nothing.
package completion

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Engine is what completions need of the inference service.
type Engine interface {
	Stream(ctx context.Context, r inference.Request, emit func(inference.Delta)) (inference.Result, error)
	Resolve(modelID string) (inference.Model, error)
	Info() inference.Info
}

// Gate says whether a viewer may send.
type Gate interface {
	CheckTx(tx *gorm.DB, v viewer.Viewer) error
	// QueueChecks is CheckTx for many, whose gates are empty: refuse is called with the
	// numbers of those who may not.
	QueueChecks(b *pgx.Batch, vs []viewer.Viewer, refuse func(n int, err error))
}

// Keys is what completions need of API keys.
type Keys interface {
	// CheckTx refuses a viewer whose key is no longer good.
	CheckTx(tx *gorm.DB, v viewer.Viewer) error
	// QueueChecks is CheckTx for many.
	QueueChecks(b *pgx.Batch, vs []viewer.Viewer, refuse func(n int, err error))
}

// Limits says how much a viewer may do.
type Limits interface {
	// Admit takes a place among the viewer's streams and so many tokens, or refuses with
	// RATE_LIMITED. The request was counted when it came.
	Admit(ctx context.Context, v viewer.Viewer, ask Ask) (Permit, error)
}

// Ask is what a request takes of the limits.
type Ask struct {
	Route  string // as Request's
	Tokens int64  // our own count of the prompt
}

// Permit is what a request took of the limits.
type Permit interface {
	// Done gives the place back and says how many tokens there were really. Calls after the
	// first do nothing.
	Done(tokens int64)
}

// Money is what completions need of credits.
type Money interface {
	// HoldTx sets credits aside. It refuses with INSUFFICIENT_CREDITS and KEY_LIMIT_REACHED.
	HoldTx(tx *gorm.DB, v viewer.Viewer, ask models.HoldAsk) (models.Hold, error)
	// QueueHolds is HoldTx for many, of keys without limits of their own.
	QueueHolds(b *pgx.Batch, asks []models.HoldFor, made func(n int, h models.Hold, err error))
	// More extends holds and renews their leases; refused says which it didn't, and why.
	More(ctx context.Context, more []models.HoldMore) (refused map[string]error, err error)
	// Settle charges what was used and releases the rest, once; SettleTx does so within a
	// transaction.
	Settle(ctx context.Context, s models.Settlement) (models.Charge, error)
	SettleTx(tx *gorm.DB, s models.Settlement) (models.Charge, error)
	// Void resolves a hold without charging anything.
	Void(ctx context.Context, holdID string) error
	VoidTx(tx *gorm.DB, holdID string) error
	// Tell says that the owner's balance is another.
	Tell(ownerID string)
}

// Bus carries stops to the other instances.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handle func(data []byte, reply func([]byte) error)) (stop func(), err error)
}

// Config is what a Service is made of. DB, Gate, Engine, Clock and Log are required; what
// else is nil is done without. Zero durations take the defaults.
type Config struct {
	DB     *database.DB
	Gate   Gate
	Keys   Keys
	Engine Engine
	Limits Limits
	Money  Money
	Bus    Bus
	Clock  clock.Clock
	Log    *slog.Logger
	// Price is what a model costs; nil: what the catalogue says.
	Price func(inference.Model) models.Price
	// Patience is how long an end is tried to be stored while the database can't be reached
	// (30 s).
	Patience time.Duration
	// Tick is how often holds are looked after (100 ms).
	Tick time.Duration
	// Lease is how long a request with an idempotency key stays its instance's without a
	// sign of life (30 s).
	Lease time.Duration
	// Sole says that no other instance uses the database: what a former process was
	// answering is free again at start.
	Sole bool
}

// Service answers programs on one instance.
type Service struct {
	Config
	instance string
	hub      *hub
	porch    porch
	workers  sync.WaitGroup
	quit     chan struct{} // closed to end the workers
	closing  sync.Once
	deaf     func()
}

// New makes the service; Start lets it look after its holds and hear the other instances.
func New(c Config) *Service {
	c.Patience, c.Tick, c.Lease = orDefault(c.Patience, 30*time.Second), orDefault(c.Tick, 100*time.Millisecond), orDefault(c.Lease, 30*time.Second)
	return &Service{Config: c, instance: id.New(id.Instance), hub: newHub(), quit: make(chan struct{})}
}

func orDefault(d, def time.Duration) time.Duration {
	if d <= 0 {
		return def
	}
	return d
}

// Start begins to extend holds, to renew leases and to hear of stops.
func (s *Service) Start(ctx context.Context) error {
	if s.Sole {
		if err := s.expireClaims(ctx); err != nil {
			return err
		}
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	s.workers.Go(s.lookAfter)
	return nil
}

// Drain refuses new requests and waits for those under way. Those that are not done when
// ctx ends are broken off, and pay for what was delivered.
func (s *Service) Drain(ctx context.Context) {
	idle := s.hub.close()
	select {
	case <-idle:
	case <-ctx.Done():
		for _, r := range s.hub.breakOff(func(*Run) bool { return true }, errShutdown) {
			if r.ready.Load() {
				r.Close() // nobody streams it yet, or ever
			}
		}
		<-idle
	}
}

// Close ends what still runs, and the workers. It may be called without Start.
func (s *Service) Close() {
	s.closing.Do(func() {
		if s.deaf != nil {
			s.deaf()
		}
		now, cancel := context.WithCancel(context.Background())
		cancel()
		s.Drain(now)
		close(s.quit)
	})
	s.workers.Wait()
}

// Running is how many requests this instance is answering.
func (s *Service) Running() int { return s.hub.size() }

// Ready says why no new requests are taken, nil while they are.
func (s *Service) Ready() error {
	if s.hub.closed() {
		return errShuttingDown()
	}
	return nil
}
