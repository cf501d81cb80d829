// Package fairqueue gives out turns at the inference engine. So many streams as are set
// are there at once; who comes beyond waits in a line for each principal, and the lines
// are served in turn, one request of each: whoever sends a hundred requests makes others
// wait for one of them, not for a hundred.
//
// An engine that says that it is busy (429 before the first token) is asked again after
// the time it names, as long as a first token may take; meanwhile nobody else is let in,
// and fewer streams than before, until it is well again: half as many after each such
// answer, and one more for every full round of answers that began.
package fairqueue

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// Engine is what answers.
type Engine interface {
	Stream(ctx context.Context, r inference.Request, emit func(inference.Delta)) (inference.Result, error)
	Complete(ctx context.Context, r inference.Request) (string, *inference.Usage, error)
	Resolve(modelID string) (inference.Model, error)
	Info() inference.Info
}

// Config is what a Queue is made of. Zero values take the defaults.
type Config struct {
	Engine Engine
	Log    *slog.Logger
	// Streams is how many are at the engine at once; 0: no bound.
	Streams int
	// Waiting is how many may wait in all (10,000), WaitingPerPrincipal how many of one
	// principal (200).
	Waiting, WaitingPerPrincipal int
	// Patience is how long a request that the engine was too busy for is tried again,
	// from when its turn came (30 s).
	Patience time.Duration
	// Pause is how long a busy engine is left alone that does not say how long (1 s), and
	// MaxPause the most that is obeyed (10 s).
	Pause, MaxPause time.Duration
	// Tell is the time between two notes of who waits about its place (200 ms).
	Tell time.Duration
}

// Queue is the engine with a line before it. It is safe for concurrent use.
type Queue struct {
	Engine
	cfg  Config
	mu   sync.Mutex
	line line
	busy congestion

	wake   *time.Timer // ends a pause
	told   time.Time
	teller *time.Timer // tells the places that have changed since
}

// New puts a line before an engine.
func New(c Config) *Queue {
	if c.Waiting == 0 {
		c.Waiting = 10_000
	}
	if c.WaitingPerPrincipal == 0 {
		c.WaitingPerPrincipal = 200
	}
	or := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	or(&c.Patience, 30*time.Second)
	or(&c.Pause, time.Second)
	or(&c.MaxPause, 10*time.Second)
	or(&c.Tell, 200*time.Millisecond)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	q := &Queue{Engine: c.Engine, cfg: c, line: newLine()}
	q.busy.most = c.Streams
	return q
}

// busyWait is what who finds the line full is told to wait.
const busyWait = 5 * time.Second

// Stream is the engine's, when its turn has come. While it waits, r.Queued is told its
// place. It refuses with RATE_LIMITED where the line is full. When ctx ends while it
// waits it leaves at once, with ctx's cause.
func (q *Queue) Stream(ctx context.Context, r inference.Request, emit func(inference.Delta)) (inference.Result, error) {
	var result inference.Result
	err := q.serve(ctx, r, func(begun func()) error {
		var err error
		result, err = q.Engine.Stream(ctx, r, func(d inference.Delta) {
			begun()
			emit(d)
		})
		return err
	})
	return result, err
}

// Complete is the engine's, when its turn has come, as for Stream.
func (q *Queue) Complete(ctx context.Context, r inference.Request) (text string, u *inference.Usage, err error) {
	err = q.serve(ctx, r, func(func()) error {
		text, u, err = q.Engine.Complete(ctx, r)
		return err
	})
	return text, u, err
}

// serve waits for a turn and takes it, again while the engine is too busy to begin.
func (q *Queue) serve(ctx context.Context, r inference.Request, ask func(begun func()) error) error {
	w := &waiter{principal: r.Principal, turn: make(chan struct{}, 1), moved: make(chan struct{}, 1), tell: r.Queued}
	if err := q.enter(w); err != nil {
		return err
	}
	if r.Ready != nil {
		engine := ask
		ask = func(begun func()) error {
			if err := r.Ready(ctx); err != nil {
				return err
			}
			return engine(begun)
		}
	}
	for {
		if err := q.await(ctx, w); err != nil {
			return err
		}
		if w.deadline.IsZero() {
			w.deadline = time.Now().Add(q.cfg.Patience) //nolint:forbidigo // a timer's time, not the clock's
		}
		w.say(0)
		if again, err := q.turn(ctx, w, ask); !again {
			return err
		}
	}
}

// turn is one try at the engine. Whatever becomes of it, its place is free afterwards; or w
// is in the line again.
func (q *Queue) turn(ctx context.Context, w *waiter, ask func(begun func()) error) (again bool, err error) {
	begun := false
	begin := func() {
		if !begun {
			begun = true
			q.began()
		}
	}
	defer func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		after, busy := inference.IsBusy(err)
		if busy && !begun && ctx.Err() == nil {
			w.last = err
			again = q.again(w, after)
		}
		q.busy.active--
		q.advance()
	}()
	if err = ask(begin); err == nil {
		begin()
	}
	return false, err
}

// enter takes a place in the line, or a turn at once.
func (q *Queue) enter(w *waiter) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	all, own := q.line.size(w.principal)
	if all >= q.cfg.Waiting || own >= q.cfg.WaitingPerPrincipal {
		f := fault.New(fault.RateLimited, "The inference engine is busy, and %d requests wait for it already. Try again in a moment.", all)
		if own >= q.cfg.WaitingPerPrincipal {
			f = fault.New(fault.RateLimited, "The inference engine is busy, and %d requests of yours wait for it already: let one of them end first.", own)
		}
		f.RetryAfter = busyWait
		return f
	}
	q.line.push(w)
	q.advance()
	return nil
}

// await waits for the turn of w. Its deadline, if it has one already, ends it with what the
// engine said last.
func (q *Queue) await(ctx context.Context, w *waiter) error {
	var late <-chan time.Time
	if !w.deadline.IsZero() {
		t := time.NewTimer(time.Until(w.deadline)) //nolint:forbidigo // a timer's time, not the clock's
		defer t.Stop()
		late = t.C
	}
	for {
		select {
		case <-w.turn:
			return nil
		case <-w.moved:
			q.mu.Lock()
			place := w.place
			q.mu.Unlock()
			w.say(place)
		case <-late:
			q.forget(w)
			return w.last
		case <-ctx.Done():
			q.forget(w)
			return context.Cause(ctx)
		}
	}
}

// forget takes w out of the line, or gives back the turn that it has just got.
func (q *Queue) forget(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.line.remove(w) {
		q.busy.active--
	}
	q.advance()
}

// began notes that the engine answers.
func (q *Queue) began() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy.well()
	q.advance()
}

// again puts w at the head of the line after the engine was too busy for it; false when it
// would wait too long. mu is held.
func (q *Queue) again(w *waiter, after time.Duration) bool {
	now := time.Now() //nolint:forbidigo // a timer's time, not the clock's
	if after <= 0 {
		after = q.cfg.Pause
	}
	after = min(after, q.cfg.MaxPause)
	after += rand.N(after/4 + 1) //nolint:gosec // spreads those who wait, no secret
	if q.busy.congested(now, after) {
		q.cfg.Log.Warn("the inference engine is busy: fewer streams are let in", "streams", q.busy.allowed, "pause", after)
	}
	if q.busy.until.After(w.deadline) {
		return false
	}
	q.line.pushFirst(w)
	return true
}

// advance gives turns to who may have one, and has the others told their places. mu is
// held.
func (q *Queue) advance() {
	now := time.Now() //nolint:forbidigo // a timer's time, not the clock's
	if pause := q.busy.until.Sub(now); pause > 0 {
		if q.line.all > 0 && q.wake == nil {
			q.wake = time.AfterFunc(pause, func() {
				q.mu.Lock()
				defer q.mu.Unlock()
				q.wake = nil
				q.advance()
			})
		}
	} else {
		for q.line.all > 0 && q.busy.room() {
			q.busy.active++
			q.line.pop().turn <- struct{}{}
		}
	}
	if q.line.all == 0 || q.teller != nil {
		return
	}
	if wait := q.cfg.Tell - now.Sub(q.told); wait > 0 {
		q.teller = time.AfterFunc(wait, func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			q.teller = nil
			q.tellPlaces()
		})
		return
	}
	q.tellPlaces()
}

// tellPlaces tells those who wait where they are now. mu is held.
func (q *Queue) tellPlaces() {
	q.told = time.Now() //nolint:forbidigo // a timer's time, not the clock's
	q.line.places(func(w *waiter, place int) {
		if w.tell == nil || w.place == place {
			return
		}
		w.place = place
		select {
		case w.moved <- struct{}{}:
		default:
		}
	})
}

// Waiting is how many wait, and Active how many are at the engine.
func (q *Queue) Waiting() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.line.all
}

// Active is how many are at the engine.
func (q *Queue) Active() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.busy.active
}
