package database

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var files embed.FS

func embedded() fs.FS {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is part of the binary
	}
	return sub
}

// ErrNewerSchema says that a newer version of the product has migrated the database.
// This one must not touch it.
type ErrNewerSchema struct {
	Database int64 // what the database is at
	Known    int64 // the newest this binary knows
}

// Error says both versions and what to do.
func (e *ErrNewerSchema) Error() string {
	return fmt.Sprintf("the database is at schema version %d and this kimi-k2 knows versions up to %d: "+
		"start the newer kimi-k2, or restore a backup from before the upgrade", e.Database, e.Known)
}

// ErrPending says that migrations are still to be applied.
type ErrPending struct{ Database, Known int64 }

// Error says both versions.
func (e *ErrPending) Error() string {
	return fmt.Sprintf("the database is at schema version %d and version %d is needed: run kimi-k2 migrate", e.Database, e.Known)
}

// Migrate applies the migrations that are missing and returns how many. Of several
// instances that call it at once one applies and the others wait. A database newer than
// the binary is refused with ErrNewerSchema.
func (d *DB) Migrate(ctx context.Context) (applied int, err error) {
	known, err := d.newest()
	if err != nil || known == 0 {
		return 0, err
	}
	if err := d.CheckVersion(ctx); err == nil || errors.As(err, new(*ErrNewerSchema)) {
		return 0, err
	}
	db := d.unhurried()
	defer func() { err = errors.Join(err, db.Close()) }()
	provider, err := goose.NewProvider(goose.DialectPostgres, db, d.migrations,
		goose.WithSessionLocker(migrationLock{d.log}), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return 0, fmt.Errorf("read the migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return 0, fmt.Errorf("migrate the database: %w", err)
	}
	return len(results), d.CheckVersion(ctx)
}

// unhurried opens connections without the pool's statement and lock timeouts, which a
// migration of a large table would exceed.
func (d *DB) unhurried() *sql.DB {
	cc := d.pool.Config().ConnConfig.Copy()
	cc.Tracer = nil
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		cc.RuntimeParams[name] = "0"
	}
	return stdlib.OpenDB(*cc)
}

// CheckVersion is nil when the schema is exactly what this binary knows, else
// ErrNewerSchema or ErrPending. It costs one small query.
func (d *DB) CheckVersion(ctx context.Context) error {
	known, err := d.newest()
	if err != nil {
		return err
	}
	at, err := d.SchemaVersion(ctx)
	switch {
	case err != nil:
		return err
	case at > known:
		return &ErrNewerSchema{Database: at, Known: known}
	case at < known:
		return &ErrPending{Database: at, Known: known}
	}
	return nil
}

// SchemaVersion is the number of the newest migration that was applied, 0 for a database that
// was never migrated.
func (d *DB) SchemaVersion(ctx context.Context) (at int64, err error) {
	err = d.pool.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied").Scan(&at)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42P01" { // no such table
		return 0, nil
	}
	if err != nil {
		return 0, Translate(fmt.Errorf("read the schema version: %w", err))
	}
	return at, nil
}

// newest is the highest version among the migrations.
func (d *DB) newest() (int64, error) {
	names, err := fs.Glob(d.migrations, "*.sql")
	if err != nil {
		return 0, fmt.Errorf("list the migrations: %w", err)
	}
	var top int64
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", strings.TrimSpace(name), err)
		}
		top = max(top, v)
	}
	return top, nil
}

// migrationLock is a session lock that is asked for again and again rather than waited
// for: a waiting statement would hold up CREATE INDEX CONCURRENTLY of the one that has it.
type migrationLock struct{ log *slog.Logger }

const migrationLockID = 0x6b696d69 // "kimi"

// waitTold is how often a wait for another instance's migration is told of.
const waitTold = 10 * time.Second

// SessionLock takes the lock on conn, however long another instance migrates, and tells of
// the wait: a lock that nobody works under, as a pooler may keep one, shows by its process.
func (l migrationLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for told := time.Now(); ; { //nolint:forbidigo // measures a wait
		var got bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", migrationLockID).Scan(&got); err != nil {
			return fmt.Errorf("lock the database for migration: %w", err)
		}
		if got {
			return nil
		}
		if now := time.Now(); now.Sub(told) >= waitTold { //nolint:forbidigo // measures a wait
			told = now
			var holder sql.NullInt64
			_ = conn.QueryRowContext(ctx, "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = $1 AND granted LIMIT 1", migrationLockID).Scan(&holder)
			l.log.Warn("another instance migrates the database; waiting for it", "process", holder.Int64)
		}
		if !pause(ctx, 50*time.Millisecond) {
			return fmt.Errorf("wait for another instance's migration: %w", ctx.Err())
		}
	}
}

// SessionUnlock gives the lock back.
func (migrationLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", migrationLockID); err != nil {
		return fmt.Errorf("unlock the database after migration: %w", err)
	}
	return nil
}
