// Package live knows the connections that outlive the request which opened them,
// websockets and event streams, so that those of a principal that may not go on can be
// ended at once.
//
// Revoke ends what it is told to. Because a revocation may come while a connection is
// being opened, or not come at all when an instance misses it, a registry with an Alive
// asks about each connection right after it was opened and then once in a while.
package live

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Config says how a registry looks after its connections. Zero values take the
// defaults named.
type Config struct {
	// Alive reports whether the context's principal may go on. On an error the
	// connection stays and is asked about again when it is due. Nil: nobody is asked.
	Alive func(ctx context.Context) (bool, error)
	Every time.Duration // between two questions about a connection; default 60 s
	Tick  time.Duration // how late a question may come; default 250 ms
	Log   *slog.Logger  // default slog.Default()
}

// atOnce bounds the questions under way, and with them what they ask of the database.
const atOnce = 8

// Registry is safe for concurrent use and may be shared by several transports. A nil
// one knows no connections. Without connections it runs no goroutine.
type Registry struct {
	cfg Config

	mu       sync.Mutex
	all      map[*Connection]struct{}
	watching bool // watch runs
	asking   bool // a round runs
}

// Connection is one that was entered.
type Connection struct {
	r *Registry
	//nolint:containedctx // whose connection it is, for as long as it stands
	ctx   context.Context
	end   func()
	asked time.Time // guarded by the registry; zero: not yet
	once  sync.Once
}

// New makes an empty registry.
func New(c Config) *Registry {
	if c.Every == 0 {
		c.Every = time.Minute
	}
	if c.Tick == 0 {
		c.Tick = 250 * time.Millisecond
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Registry{cfg: c, all: map[*Connection]struct{}{}}
}

// Add enters a connection. end is called at most once, in a goroutine of its own, when
// the principal of ctx may not go on. Call Remove when the connection is over.
func (r *Registry) Add(ctx context.Context, end func()) *Connection {
	if r == nil {
		return nil
	}
	c := &Connection{r: r, ctx: ctx, end: end}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[c] = struct{}{}
	if r.cfg.Alive != nil && !r.watching {
		r.watching = true
		go r.watch()
	}
	return c
}

// Remove forgets the connection. It may be called more than once, and on nil.
func (c *Connection) Remove() {
	if c == nil {
		return
	}
	c.r.mu.Lock()
	defer c.r.mu.Unlock()
	delete(c.r.all, c)
}

// Revoke ends the connections whose context matches and returns how many these are.
// match is called with the registry locked: it must be quick.
func (r *Registry) Revoke(match func(ctx context.Context) bool) (ended int) {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.all {
		if match(c.ctx) {
			ended++
			delete(r.all, c)
			go c.once.Do(c.end)
		}
	}
	return ended
}

// Len is the number of connections.
func (r *Registry) Len() int {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all)
}

// watch asks about connections while there are any.
func (r *Registry) watch() {
	tick := time.NewTicker(r.cfg.Tick)
	defer tick.Stop()
	for now := range tick.C {
		r.mu.Lock()
		if len(r.all) == 0 {
			r.watching = false
			r.mu.Unlock()
			return
		}
		if due := r.due(now); len(due) > 0 && !r.asking {
			r.asking = true
			go r.round(due)
		}
		r.mu.Unlock()
	}
}

// due is the connections that are to be asked about; r is locked.
func (r *Registry) due(now time.Time) (due []*Connection) {
	for c := range r.all {
		if !r.asking && now.Sub(c.asked) >= r.cfg.Every {
			due = append(due, c)
		}
	}
	return due
}

// round asks about connections, a few at a time. After a question that failed the rest
// waits for the next round.
func (r *Registry) round(due []*Connection) {
	var next atomic.Int64
	var failed atomic.Bool
	var workers sync.WaitGroup
	for range min(atOnce, len(due)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(due) && !failed.Load(); i = next.Add(1) - 1 {
				if err := r.ask(due[i]); err != nil && !failed.Swap(true) {
					r.cfg.Log.Warn("the sessions of open connections could not be checked: they stay for now", "err", err)
				}
			}
		})
	}
	workers.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asking = false
}

// ask ends the connection when its principal may not go on.
func (r *Registry) ask(c *Connection) error {
	r.mu.Lock()
	_, stands := r.all[c]
	c.asked = time.Now() //nolint:forbidigo // the ticker's time
	r.mu.Unlock()
	if !stands {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	alive, err := r.cfg.Alive(ctx)
	switch {
	case err != nil && c.ctx.Err() != nil: // over meanwhile
		return nil
	case err != nil:
		return err
	case !alive:
		c.Remove()
		c.once.Do(c.end)
	}
	return nil
}
