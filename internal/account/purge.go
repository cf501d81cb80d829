package account

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// Defaults of PurgeConfig.
const (
	defaultPurgeEvery = 10 * time.Minute
	defaultPurgeBatch = 500
	purgeTimeout      = 30 * time.Second // of one batch
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
	Clock    clock.Clock
	Log      *slog.Logger
	Busy     []Busy
	Counters []Counter
	Every    time.Duration // between two sweeps: 10 minutes
	Batch    int           // owners per transaction: 500
	// Uptime is how long the process runs, by a clock that never jumps.
	Uptime func() time.Duration
	// SecondClock is asked when Clock seems to have jumped; nil: the database's.
	SecondClock func(ctx context.Context) (time.Time, error)
}

// Purger deletes guests that have been inactive for GuestTTL, with all that is theirs.
// Accounts are never touched.
type Purger struct {
	PurgeConfig
	sweeping sync.Mutex // one sweep of this process at a time
	guard    guard
	loop     sync.Mutex // held by Run
	stop     chan struct{}
	once     sync.Once
}

// NewPurger makes a purger; Run makes it work.
func NewPurger(c PurgeConfig) *Purger {
	if c.Every <= 0 {
		c.Every = defaultPurgeEvery
	}
	if c.Batch <= 0 {
		c.Batch = defaultPurgeBatch
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Uptime == nil {
		c.Uptime = clock.StartStopwatch().Elapsed
	}
	p := &Purger{PurgeConfig: c, stop: make(chan struct{})}
	if c.SecondClock == nil {
		p.SecondClock = p.databaseClock
	}
	return p
}

// Run sweeps at once and then at every interval, until ctx ends or Stop is called.
func (p *Purger) Run(ctx context.Context) {
	p.loop.Lock()
	defer p.loop.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	t := time.NewTicker(p.Every)
	defer t.Stop()
	for ctx.Err() == nil {
		if _, err := p.PurgeGuests(ctx); err != nil && ctx.Err() == nil {
			p.Log.ErrorContext(ctx, "purge guests, trying again", "err", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
		}
	}
}

// Stop ends Run and waits for it. A batch that has begun is finished first.
func (p *Purger) Stop() {
	p.once.Do(func() { close(p.stop) })
	p.loop.Lock()
	p.loop.Unlock() //nolint:staticcheck // taking it is the wait for Run
}

// PurgeGuests is one sweep: it deletes the guests whose last activity is GuestTTL ago
// or more, in batches of one transaction each, and says what it removed. Guests for
// whom a reply is being written, or who are just sending, are left to the next sweep.
//
// One instance of all sweeps at a time; the others do nothing and return an empty
// Receipt. When the clock seems to have jumped, or far more than usual would go, the
// database's clock must agree, else nothing is deleted and the error is a
// *ClockError.
func (p *Purger) PurgeGuests(ctx context.Context) (Receipt, error) {
	p.sweeping.Lock()
	defer p.sweeping.Unlock()
	release, mine, err := p.lease(ctx)
	if err != nil || !mine {
		return Receipt{}, err
	}
	defer release()
	now, err := p.admit(ctx)
	if err != nil {
		return Receipt{}, err
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

// sweep goes through the expired guests once, oldest first.
type sweep struct {
	p       *Purger
	receipt Receipt
	cutoff  time.Time
	last    expired // the last one looked at
}

// expired is a guest whose time is over.
type expired struct {
	ID           string
	LastActiveAt time.Time
}

// run purges batch after batch. Between two it rests as long as the last one took:
// others get half of the database at least.
func (s *sweep) run(ctx context.Context) error {
	for ctx.Err() == nil {
		began := s.p.Uptime()
		more, err := s.batch(ctx)
		if err != nil || !more {
			return err
		}
		t := time.NewTimer(s.p.Uptime() - began)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
	return ctx.Err()
}

// batch is one transaction. It is finished although ctx ends.
func (s *sweep) batch(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), purgeTimeout)
	defer cancel()
	var found []expired
	var receipt Receipt
	err = s.p.DB.Tx(ctx, func(tx *gorm.DB) error {
		found, receipt = nil, s.receipt.clone()
		err := tx.Raw(`SELECT id, last_active_at FROM owners
			WHERE kind = 'GUEST' AND last_active_at <= ? AND (last_active_at, id) > (?, ?)
			ORDER BY last_active_at, id LIMIT ? FOR UPDATE SKIP LOCKED`, s.cutoff, s.last.LastActiveAt, s.last.ID, s.p.Batch).Scan(&found).Error
		if err != nil {
			return fmt.Errorf("find expired guests: %w", err)
		}
		return s.deleteTx(tx, found, &receipt)
	})
	if err != nil {
		return false, err
	}
	s.receipt = receipt
	if len(found) > 0 {
		s.last = found[len(found)-1]
	}
	return len(found) == s.p.Batch, nil
}

// deleteTx deletes those of the guests who are not busy, and writes down how many rows
// of which tables that were.
func (s *sweep) deleteTx(tx *gorm.DB, found []expired, receipt *Receipt) error {
	gone, err := s.idleTx(tx, found)
	if err != nil || len(gone) == 0 {
		return err
	}
	for _, c := range append([]Counter{own{}}, s.p.Counters...) {
		counts, err := c.CountTx(tx, gone)
		if err != nil {
			return err
		}
		receipt.add(counts)
	}
	if err := tx.Where("id IN ? AND kind = ?", gone, models.OwnerGuest).Delete(&models.Owner{}).Error; err != nil {
		return fmt.Errorf("delete guests: %w", err)
	}
	return saveReceiptTx(tx, receipt)
}

func (s *sweep) idleTx(tx *gorm.DB, found []expired) ([]string, error) {
	ids := make([]string, len(found))
	for i, e := range found {
		ids[i] = e.ID
	}
	if len(ids) == 0 {
		return nil, nil
	}
	busy := map[string]bool{}
	for _, b := range s.p.Busy {
		active, err := b.BusyTx(tx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range active {
			busy[id] = true
		}
	}
	idle := ids[:0]
	for _, id := range ids {
		if !busy[id] {
			idle = append(idle, id)
		}
	}
	return idle, nil
}
