// Package chat owns conversations, messages and the runs that write replies.
//
// A run is owned by one instance, under a lease with a fencing token (the epoch). The
// owner alone talks to the engine; the text lives there as a log, is stored in pieces
// at every checkpoint and whole, with status and usage, before its end is announced.
// Followers hold a position in the log, so a socket, a tab or an instance can come and
// go: whoever returns with a position gets what follows it, exactly once.
//
// Personal text is sealed under the owner's key before it reaches the database.
// Everything a caller may do is checked here against the viewer; what isn't the
// viewer's is NOT_FOUND.
package chat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Engine is what chat needs of the inference service.
type Engine interface {
	Stream(ctx context.Context, r inference.Request, emit func(inference.Delta)) (inference.Result, error)
	Complete(ctx context.Context, r inference.Request) (string, *inference.Usage, error)
	Resolve(modelID string) (inference.Model, error)
	Info() inference.Info
}

// Owners is what chat needs of accounts.
type Owners interface {
	// SenderTx makes a visitor a guest, counts a message of whoever sends, and locks the
	// owner; made says that the guest was made here. It refuses with GUEST_LIMIT_REACHED,
	// the owner locked all the same.
	SenderTx(tx *gorm.DB, v viewer.Viewer) (as viewer.Viewer, made bool, err error)
	SpendMessageTx(tx *gorm.DB, v viewer.Viewer) error
	LockTx(tx *gorm.DB, v viewer.Viewer) error
	Key(ctx context.Context, ownerID string) (*seal.Key, error)
	Active(ctx context.Context, ownerID string) error
}

// Gate says whether a viewer may send.
type Gate interface {
	CheckTx(tx *gorm.DB, v viewer.Viewer) error
	// KeepTx stores what the gate of a guest holds that the transaction has made, once
	// CheckTx has let the visitor through.
	KeepTx(tx *gorm.DB, v viewer.Viewer) error
}

// Keys is what chat needs of API keys.
type Keys interface {
	// CheckTx refuses a viewer whose key is no longer good.
	CheckTx(tx *gorm.DB, v viewer.Viewer) error
}

// Limits is what chat needs to know of who may send how much.
type Limits interface {
	// AdmitMessage takes a message, tokens as it may use, and a place among the streams of
	// who has such places, off the sender's limits.
	AdmitMessage(ctx context.Context, v viewer.Viewer, tokens int64) (Permit, error)
	// KeepMessage holds the place of a run that an API key began on another instance.
	KeepMessage(ownerID, keyID string) Permit
}

// Permit is what a run holds of its sender's limits.
type Permit interface {
	// Done gives the place back and corrects the tokens; negative ones leave the guess.
	Done(tokens int64)
	// Leave leaves the place to the instance that goes on with the run.
	Leave()
}

// unlimited is the permit where nothing is limited.
type unlimited struct{}

func (unlimited) Done(int64) {}
func (unlimited) Leave()     {}

// Bus is what chat needs to talk to other instances.
type Bus interface {
	Publish(subject string, data []byte) error
	Subscribe(subject string, handle func(data []byte, reply func([]byte) error)) (stop func(), err error)
	// Follow is Subscribe for handlers that never wait; missing is called when messages may not have come.
	Follow(subject string, handle func(data []byte), missing func()) (stop func(), err error)
	Request(ctx context.Context, subject string, data []byte) ([]byte, error)
}

// Config is what a Service is made of. Zero durations take the defaults.
type Config struct {
	DB     *database.DB
	Owners Owners
	// Gate lets nobody send who hasn't settled age, policy and consent.
	Gate Gate
	// Keys checks API keys once more where they begin something; nil: there are none.
	Keys   Keys
	Engine Engine
	Bus    Bus
	Clock  clock.Clock
	Log    *slog.Logger

	// Lease is how long a run stays its owner's without a sign of life (6 s).
	Lease time.Duration
	// Checkpoint is the time between two stored pieces of a running reply, and so
	// bounds what the death of a server can take from it (500 ms, at most 1 s).
	Checkpoint time.Duration
	// Patience is how long a run goes on while the database can't be reached (30 s).
	Patience time.Duration
	// RunsPerGuest is how many replies a guest may have written at once (1), RunsPerAccount
	// how many an account with its page and keys together (3).
	RunsPerGuest, RunsPerAccount int
	// Limits bounds what is sent a minute; nil: nothing does.
	Limits Limits
	// Money holds, charges and releases credits; nil: nothing costs anything.
	Money Money
	// Price is what a model costs; nil: what the catalogue says.
	Price func(inference.Model) models.Price
	// OnEnd is told of each reply that an API key asked for, once, when its end is stored;
	// it must not wait. Nil: nobody is.
	OnEnd func(Ended)
	// Titles turns generated titles on; they are made only by real engines.
	Titles bool
	// Sole says that no other instance uses the database: leases of a former process
	// then end at start.
	Sole bool
}

// Service is the chat room of one instance.
type Service struct {
	Config
	instance string
	clock    clock.Clock
	log      *slog.Logger
	bus      Bus
	hub      *hub
	moves    moveNotes
	workers  tasks           // everything that runs beside requests
	running  tasks           // the runs
	renewal  sync.Mutex      // one renewal of leases at a time, and none of a run that is handed over
	ctx      context.Context //nolint:containedctx // of the room, from New to Close
	cancel   context.CancelCauseFunc
	draining chan struct{}
	deaf     []func() // end the subscriptions
	// cutClearing is where tests cut a deletion of all conversations off.
	cutClearing func() bool
}

// Reasons why a run's context ends.
var (
	errStopped  = errors.New("stopped by the viewer")
	errFenced   = errors.New("another instance has taken the run over")
	errHandover = errors.New("the server is shutting down")
)

// New makes the room; Start opens it.
func New(c Config) *Service {
	c.Lease = orDefault(c.Lease, 6*time.Second)
	c.Checkpoint = min(orDefault(c.Checkpoint, 500*time.Millisecond), time.Second)
	c.Patience = orDefault(c.Patience, 30*time.Second)
	c.RunsPerGuest, c.RunsPerAccount = cmp.Or(c.RunsPerGuest, 1), cmp.Or(c.RunsPerAccount, 3)
	s := &Service{Config: c, instance: id.New(id.Instance), clock: c.Clock, log: c.Log, bus: c.Bus, hub: newHub(), draining: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// Start begins to answer other instances, to checkpoint, to renew leases and to take
// over runs whose owners are gone.
func (s *Service) Start(ctx context.Context) error {
	for subject, hear := range map[string]func([]byte, func([]byte) error){askSubject(s.instance): s.answer, movedSubject: s.hearMoved} {
		stop, err := s.bus.Subscribe(subject, hear)
		if err != nil {
			return fmt.Errorf("listen to other instances: %w", err)
		}
		s.deaf = append(s.deaf, stop)
	}
	if s.Sole {
		if err := s.expireLeases(ctx); err != nil {
			return err
		}
	}
	s.workers.start(s.checkpointing)
	s.workers.start(s.renewing)
	s.workers.start(s.sweeping)
	return nil
}

// Drain refuses new runs and waits for the running ones. Those that are not done when
// ctx ends are checkpointed and handed over: whoever comes next takes them at once.
func (s *Service) Drain(ctx context.Context) {
	close(s.draining)
	done := make(chan struct{})
	go func() { s.running.close(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		for _, r := range s.hub.all() {
			r.cancel(errHandover)
		}
		<-done
	}
}

// Close ends everything that still runs; Drain comes before it.
func (s *Service) Close() {
	s.cancel(errHandover)
	for _, stop := range s.deaf {
		stop()
	}
	s.running.close()
	s.workers.close()
}

// queryTimeout bounds the statements of workers.
const queryTimeout = 5 * time.Second

// patiently is the context of a worker's statement. Closing the room waits for it
// instead of breaking it off: a broken-off statement costs its connection.
func (s *Service) patiently(limit time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(s.ctx), limit)
}

func (s *Service) isDraining() bool {
	select {
	case <-s.draining:
		return true
	default:
		return false
	}
}

// Running is how many runs this instance owns.
func (s *Service) Running() int { return len(s.hub.all()) }

func errShuttingDown() error {
	return fault.New(fault.ShuttingDown, "the server is restarting: nothing was changed, try again in a moment")
}

func notFound(noun string) error {
	return fault.New(fault.NotFound, "there is no such %s", noun)
}

func isNotFound(err error) bool { return fault.Is(err, fault.NotFound) }

// Ready says why no new runs are taken, nil while they are.
func (s *Service) Ready() error {
	if s.isDraining() {
		return errShuttingDown()
	}
	return nil
}
