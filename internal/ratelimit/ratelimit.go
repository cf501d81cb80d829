// Package ratelimit decides who may do how much: requests, tokens and the cost of GraphQL
// documents a minute, and streams at once. It alone keeps rate_buckets and rate_places.
//
// A limit of N a minute lets N through at once and then one more every N-th of a minute
// (GCRA). What reaches the engine, and all that API keys do, is counted in the database:
// exactly, however many instances there are and however many ask at once. What one request
// needs is taken off all limits that concern it, or off none. Only what people's own pages
// read is counted in memory, by each instance for itself.
//
// An instance that is asked often takes some of a limit ahead, a loan, and gives that out
// without the database. A loan counts as used up until it is given back, so no more is let
// through than without. Nobody is refused for a loan to another instance either: that is called
// in first.
//
// While the database is away, what reaches the engine is refused, and the rest let through.
package ratelimit

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Route is what is asked for, as far as limits care.
type Route string

// The routes.
const (
	RouteGraphQL     Route = "graphql"     // a document, whatever it asks for
	RouteMessage     Route = "message"     // a reply in a conversation: the engine
	RouteCompletions Route = "completions" // a completion: the engine
	RouteModels      Route = "models"      // other reading
)

// reachesEngine reports whether what can't be counted is refused.
func (r Route) reachesEngine() bool { return r == RouteMessage || r == RouteCompletions }

// MaxLimit is the largest limit: beyond it the steps of a bucket, in nanoseconds, would
// be too coarse.
const MaxLimit = 1_000_000_000

// Limits are what everybody may do. 0 is no limit; none is above MaxLimit.
type Limits struct {
	RequestsPerKey, TokensPerKey, StreamsPerKey             int64 // of each API key; the first two a minute
	RequestsPerAccount, TokensPerAccount, StreamsPerAccount int64 // of an account's API keys together
	MessagesPerAccount, MessagesPerGuest                    int64 // a minute, sent from the page
	CostPerAccount, CostPerGuest                            int64 // of GraphQL documents, a minute
	BadKeysPerAddress                                       int64 // a minute: API keys that are not good
}

// Config is what a Service is made of. Zero values take the defaults.
type Config struct {
	DB     *database.DB
	Clock  clock.Clock
	Log    *slog.Logger
	Limits Limits
	// Lease is how long a stream's place is kept for an instance without a sign of life
	// (15 s).
	Lease time.Duration
	// Exact is the clock of what is counted in the database. Nil: the database's own, so
	// that instances whose clocks differ agree.
	Exact clock.Clock
	// Bus reaches the other instances. Nil: nothing is lent, and every request is counted in
	// the database.
	Bus Bus
}

// Bus carries calls for what is lent between the instances.
type Bus interface {
	Request(ctx context.Context, subject string, data []byte) ([]byte, error)
	Subscribe(subject string, handle func(data []byte, reply func([]byte) error)) (stop func(), err error)
}

// Service counts.
type Service struct {
	Config
	instance string
	memory   *memory
	tries    tries
	writer   *writer
	places   *places
	ahead    *ahead
	calls    calls
	up       clock.Stopwatch
	lends    atomic.Bool // Start was called: what is lent can be called in
	deaf     func()
	warned   notice
	unheard  notice
	stop     context.CancelFunc
	renewing sync.WaitGroup
}

// New makes the service; it counts at once. Close ends it.
func New(c Config) *Service {
	if c.Lease == 0 {
		c.Lease = 15 * time.Second
	}
	s := &Service{Config: c, instance: id.New(id.Instance), memory: newMemory(), tries: tries{by: map[string]*trying{}}, places: newPlaces(), up: clock.StartStopwatch()}
	s.ahead = newAhead(s.places)
	s.writer = newWriter(s.take, s.free)
	s.writer.recall = s.recall
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.renewing.Go(func() { s.renew(ctx) })
	return s
}

// Close counts nothing more, gives the places back and writes down what is not written
// yet, as far as the database answers.
func (s *Service) Close() {
	s.stop()
	s.renewing.Wait()
	if s.deaf != nil {
		s.deaf()
	}
	s.writer.close()
	s.leave()
}

// Ask is what one request needs.
type Ask struct {
	Route  Route
	Tokens int64 // as many as it may well use; Done corrects them
	Stream bool  // whether it takes a place among the streams
	Cost   int   // of its GraphQL document
	// Counted says that its request was taken before, by an ask of its own.
	Counted bool
}

// Admit takes one request, with all that it needs, off every limit that concerns the
// viewer and the route, in one round trip; all or nothing. It refuses with RATE_LIMITED, a
// RetryAfter and words that say which limit it was; StatusOf tells the figures. While the
// database is away it refuses what reaches the engine with STORAGE_UNAVAILABLE and lets
// the rest through. The permit is never nil on success, and Done must be called when it
// holds a place or guessed tokens.
func (s *Service) Admit(ctx context.Context, v viewer.Viewer, ask Ask) (*Permit, error) {
	takes := s.takes(v, ask)
	if len(takes) == 0 {
		return &Permit{}, nil
	}
	if takes[0].memory {
		return s.admitHere(takes)
	}
	if !ask.Route.reachesEngine() && s.writer.away() {
		return &Permit{}, nil
	}
	if got, ok := s.ahead.take(takes, s.now()); ok {
		return &Permit{s: s, takes: takes, status: statusOf(takes, got)}, nil
	}
	got, err := s.writer.do(ctx, takes)
	switch {
	case ctx.Err() != nil && err != nil:
		return nil, ctx.Err()
	case err != nil:
		return s.uncounted(ctx, ask.Route, err)
	case got.refused >= 0:
		return nil, refusal(takes, got)
	}
	return &Permit{s: s, takes: takes, status: statusOf(takes, got)}, nil
}

// Keep holds the places of a stream that another instance let in and this one goes on with.
// Nothing is asked: it was let in.
func (s *Service) Keep(v viewer.Viewer, r Route) *Permit {
	p := &Permit{s: s}
	for _, t := range s.takes(v, Ask{Route: r, Stream: true}) {
		if t.places() {
			p.takes = append(p.takes, t)
			s.places.hold(t.bucket)
			s.writer.stale(t.bucket)
		}
	}
	return p
}

// uncounted decides about what could not be counted.
func (s *Service) uncounted(ctx context.Context, r Route, cause error) (*Permit, error) {
	if r.reachesEngine() {
		return nil, database.Translate(cause)
	}
	s.warned.once(s.Clock.Now(), func(n int) {
		s.Log.WarnContext(ctx, "limits can't be counted: what doesn't reach the engine is let through", "since the last warning", n, "err", database.Translate(cause))
	})
	return &Permit{}, nil
}

// admitHere counts in memory; only single limits are.
func (s *Service) admitHere(takes []take) (*Permit, error) {
	now := s.Clock.Now().UnixNano()
	tat, ok := s.memory.take(takes[0], now)
	got := verdict{now: now, levels: []int64{tat}, refused: -1}
	if !ok {
		got.refused = 0
		return nil, refusal(takes, got)
	}
	return &Permit{takes: takes, status: statusOf(takes, got)}, nil
}

// notice is a warning that is given at most once a minute.
type notice struct {
	mu   sync.Mutex
	last time.Time
	n    int
}

func (w *notice) once(now time.Time, say func(n int)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n++
	if since := now.Sub(w.last); since >= 0 && since < time.Minute {
		return
	}
	say(w.n)
	w.last, w.n = now, 0
}
