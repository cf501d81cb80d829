package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// ErrNested refuses a transaction, or a session of its own, inside a transaction: it
// would wait for the outer one's locks, or outlive its rollback.
var ErrNested = errors.New("a transaction is already open here: pass tx on")

// attempts is how often Tx runs the function at most.
const attempts = 5

type txKey struct{}

func inTx(ctx context.Context) bool { return ctx.Value(txKey{}) != nil }

// Tx runs fn in one transaction, committed when fn returns nil. When the server asks for
// another try (serialization failure, deadlock) or the connection is lost before the
// commit, the whole of fn runs again, up to five times: fn must set its results anew and
// act on nothing but tx. After a lost commit it is not run again, since the outcome is
// unknown; callers name their deeds (a client's id) so that repeating is safe. Errors are
// translated. A transaction inside a transaction is refused with ErrNested.
func (d *DB) Tx(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if inTx(ctx) {
		return ErrNested
	}
	ctx = context.WithValue(ctx, txKey{}, true)
	for try := 1; ; try++ {
		err, again := d.try(ctx, fn)
		if err == nil {
			return nil
		}
		if !again || try == attempts || ctx.Err() != nil {
			return Translate(err)
		}
		base := 4 * time.Millisecond
		if !conflict(err) {
			base = 40 * time.Millisecond
			d.renew()
		}
		base <<= try
		if !pause(ctx, base/2+rand.N(base)) { //nolint:gosec // spreads rivals, no secret
			return Translate(err)
		}
	}
}

// try runs fn once; again tells whether nothing was committed and another try may help.
func (d *DB) try(ctx context.Context, fn func(tx *gorm.DB) error) (err error, again bool) { //nolint:revive // the error is what it is about
	raw, err := d.sql.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err), lost(err)
	}
	defer func() { _ = raw.Rollback() }() // after a commit it does nothing; it also runs on a panic
	session := d.gorm.Session(&gorm.Session{NewDB: true, Context: ctx})
	session.Statement.ConnPool = bare{raw}
	if err := fn(session); err != nil {
		return err, conflict(err) || lost(err)
	}
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err), conflict(err)
	}
	return nil, false
}

// renew replaces the pool's connections, at most once a second: when one is lost the
// server was restarted, and the others would fail one after another.
func (d *DB) renew() {
	now, last := clock.System{}.Now().UnixMicro(), d.renewed.Load()
	if now-last >= time.Second.Microseconds() && d.renewed.CompareAndSwap(last, now) {
		d.pool.Reset()
	}
}

// bare is a transaction without its Commit and Begin, so that GORM can neither end it
// early nor nest another one in it: both fail with gorm.ErrInvalidTransaction.
type bare struct{ tx *sql.Tx }

// ExecContext is sql.Tx's.
func (b bare) ExecContext(ctx context.Context, q string, args ...any) (sql.Result, error) {
	return b.tx.ExecContext(ctx, q, args...)
}

// QueryContext is sql.Tx's.
func (b bare) QueryContext(ctx context.Context, q string, args ...any) (*sql.Rows, error) {
	return b.tx.QueryContext(ctx, q, args...)
}

// QueryRowContext is sql.Tx's.
func (b bare) QueryRowContext(ctx context.Context, q string, args ...any) *sql.Row {
	return b.tx.QueryRowContext(ctx, q, args...)
}

// PrepareContext is sql.Tx's.
func (b bare) PrepareContext(ctx context.Context, q string) (*sql.Stmt, error) {
	return b.tx.PrepareContext(ctx, q)
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
