package account

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
)

// PurgeJob is the name under which PurgeGuests gets its turns.
const PurgeJob = "guests.purge"

// Defaults of PurgeConfig.
const (
	defaultPurgeBatch = 100
	purgeTimeout      = 30 * time.Second // of one batch
	purgeRest         = 3                // times as long as a batch took it rests
	// purgeRows is how many rows of guests one transaction deletes; who has more by itself
	// goes a part at a time.
	purgeRows = 20_000
)

// Busy says which of the owners are active although they send nothing: something is
// being done for them, and they must not be purged now.
type Busy interface {
	BusyTx(tx *gorm.DB, ownerIDs []string) ([]string, error)
}

// Counter says how many rows the owners have in a room's tables, by table.
type Counter interface {
	CountTx(tx *gorm.DB, ownerIDs []string) (map[string]int64, error)
}

// PurgeConfig is what a Purger is made of. Zero values take the defaults.
type PurgeConfig struct {
	DB       *database.DB
	Audit    *audit.Service // writes down what was purged; without it nothing is
	Clock    clock.Clock
	Log      *slog.Logger
	Busy     []Busy
	Counters []Counter
	Erasers  []Eraser // delete what a single guest has too much of for one transaction
	Batch    int      // owners per transaction at most: 100, about 10 ms
	Rows     int64    // rows of them per transaction at most: 20,000
	// Uptime is how long the process runs, by a clock that never jumps.
	Uptime func() time.Duration
	// SecondClock must agree before anything is deleted; nil: the database's.
	SecondClock func(ctx context.Context) (time.Time, error)
	// Believed is the newest time of day that was believed before this process; nil: none.
	Believed func(ctx context.Context) (time.Time, error)
}

// Purger deletes guests that have been inactive for GuestTTL, with all that is theirs.
// Accounts are never touched.
type Purger struct {
	PurgeConfig
	sweeping sync.Mutex // one sweep of this process at a time
	guard    *clock.Guard
}

// NewPurger makes a purger; it works whenever PurgeGuests is called.
func NewPurger(c PurgeConfig) *Purger {
	if c.Batch <= 0 {
		c.Batch = defaultPurgeBatch
	}
	if c.Rows <= 0 {
		c.Rows = purgeRows
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Uptime == nil {
		c.Uptime = clock.StartStopwatch().Elapsed
	}
	p := &Purger{PurgeConfig: c}
	if c.SecondClock == nil {
		p.SecondClock = p.databaseClock
	}
	p.guard = clock.NewGuard(c.Clock, c.Uptime, p.SecondClock, c.Believed)
	return p
}

// databaseClock is the time by the database's machine.
func (p *Purger) databaseClock(ctx context.Context) (now time.Time, err error) {
	if err := p.DB.Pool().QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", database.Translate(err))
	}
	return now.UTC(), nil
}

// PurgeGuests is one sweep: it deletes the guests whose last activity is GuestTTL ago
// or more, in batches of one transaction each, and says what it removed. Guests for
// whom a reply is being written, or who are just sending, are left to the next sweep; so is
// one that can't be deleted, which keeps nobody else here and is the error at the end.
//
// One instance of all sweeps at a time; the others do nothing and return an empty
// Receipt. While the clock and the database's differ, and after a jump until it has
// lasted, nothing is deleted and the error holds a *clock.Doubt.
func (p *Purger) PurgeGuests(ctx context.Context) (Receipt, error) {
	p.sweeping.Lock()
	defer p.sweeping.Unlock()
	release, mine, err := p.lease(ctx)
	if err != nil || !mine {
		return Receipt{}, err
	}
	defer release()
	now, err := p.guard.Admit(ctx)
	if err != nil {
		return Receipt{}, fmt.Errorf("purge guests: %w", err)
	}
	r, err := p.openReceipt(ctx, now)
	if err != nil {
		return Receipt{}, err
	}
	sweep := sweep{p: p, receipt: r, cutoff: now.Add(-GuestTTL)}
	if err := sweep.run(ctx); err != nil {
		return sweep.receipt, fmt.Errorf("purge guests: %w", err)
	}
	return p.closeReceipt(ctx, sweep.receipt)
}

// purgeLock is the advisory lock of whoever sweeps.
const purgeLock = 0x6b322d7075726765

// lease makes this instance the one that sweeps, for as long as a connection of its
// own lives: the end of a process, however it comes, frees it.
func (p *Purger) lease(ctx context.Context) (release func(), mine bool, err error) {
	conn, err := p.DB.Pool().Acquire(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("lock the purge: %w", database.Translate(err))
	}
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(purgeLock)).Scan(&mine); err != nil || !mine {
		conn.Release()
		if err != nil {
			err = fmt.Errorf("lock the purge: %w", database.Translate(err))
		}
		return nil, false, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), purgeTimeout)
		defer cancel()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, int64(purgeLock)); err != nil {
			_ = conn.Conn().Close(ctx) // the lock ends with its session
		}
		conn.Release()
	}, true, nil
}
