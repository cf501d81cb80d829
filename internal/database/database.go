// Package database is the door to PostgreSQL: one pool of connections that GORM and
// direct queries share, transactions that are tried again when the server asks for it,
// migrations, and errors in terms a person can act on. Without a URL it runs a server
// of its own (package cluster).
package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database/cluster"
)

// Config says which server to use and how patient to be. Zero values take the defaults
// named here; a negative timeout switches it off.
type Config struct {
	URL     string // empty: run a server of our own below DataDir
	DataDir string

	MaxConns          int           // 20
	MinConns          int           // 2
	StatementTimeout  time.Duration // 30 s
	LockTimeout       time.Duration // 10 s
	IdleInTxTimeout   time.Duration // 30 s
	ConnectTimeout    time.Duration // 30 s, for the first connection while a server starts
	SlowStatement     time.Duration // 500 ms; slower ones are logged without their values
	BinDirs           []string      // where to look for PostgreSQL binaries first
	AppName           string        // "kimi-k2", shown in pg_stat_activity
	JoinRunning       bool          // when another process runs the server of DataDir, use that one
	Log               *slog.Logger
	migrationsForTest fs.FS
}

// DB is an open database. All methods may be used from many goroutines.
type DB struct {
	pool       *pgxpool.Pool
	sql        *sql.DB
	gorm       *gorm.DB
	server     *cluster.Server
	version    string
	migrations fs.FS
	presence   *pgx.Conn // says to other instances that there is this one
	log        *slog.Logger
	renewed    atomic.Int64 // when the pool's connections were last replaced, in microseconds
	closeOnce  sync.Once
	closeErr   error
}

// Open returns a database that answered: a server of our own when URL is empty, started
// and given its database if need be. It refuses servers older than PostgreSQL 15 and
// those that would lose acknowledged writes (fsync, full_page_writes or
// synchronous_commit off), unless the server is marked kimi.test = on.
func Open(ctx context.Context, c Config) (_ *DB, err error) {
	c = c.withDefaults()
	d := &DB{migrations: c.migrationsForTest, log: c.Log}
	if c.URL == "" {
		if c.URL, err = d.ownServer(ctx, c); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close(ctx))
		}
	}()
	pc, err := poolConfig(c)
	if err != nil {
		return nil, err
	}
	if d.pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := d.await(ctx, c.ConnectTimeout); err != nil {
		return nil, err
	}
	if err := d.inspect(ctx); err != nil {
		return nil, err
	}
	d.sql = stdlib.OpenDBFromPool(d.pool)
	if d.gorm, err = openGorm(d.sql); err != nil {
		return nil, err
	}
	return d, nil
}

func (c Config) withDefaults() Config {
	orInt := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	or := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
		*v = max(*v, 0)
	}
	orInt(&c.MaxConns, 20)
	orInt(&c.MinConns, min(2, c.MaxConns))
	or(&c.StatementTimeout, 30*time.Second)
	or(&c.LockTimeout, 10*time.Second)
	or(&c.IdleInTxTimeout, 30*time.Second)
	or(&c.ConnectTimeout, 30*time.Second)
	or(&c.SlowStatement, 500*time.Millisecond)
	if c.AppName == "" {
		c.AppName = "kimi-k2"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.migrationsForTest == nil {
		c.migrationsForTest = embedded()
	}
	return c
}

// Gorm is a session for one piece of work outside a transaction, bound to ctx. Inside
// one (see Tx) it gives ErrNested with the first use.
func (d *DB) Gorm(ctx context.Context) *gorm.DB {
	session := d.gorm.WithContext(ctx)
	if inTx(ctx) {
		_ = session.AddError(ErrNested)
	}
	return session
}

// Pool is the pool below GORM, for hot paths. Errors are not translated.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Ping reports whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	return Translate(d.pool.Ping(ctx))
}

// Embedded reports whether the server is our own child process.
func (d *DB) Embedded() bool { return d.server != nil }

// Version is the server's version, such as "18.4".
func (d *DB) Version() string { return d.version }

// Close waits for connections in use until ctx ends, closes the pool and stops our own
// server, whose shutdown ends what is still in use. Later calls return the same.
func (d *DB) Close(ctx context.Context) error {
	d.closeOnce.Do(func() { d.closeErr = d.close(ctx) })
	return d.closeErr
}

func (d *DB) close(ctx context.Context) error {
	var errs []error
	if d.presence != nil {
		errs = append(errs, d.presence.Close(ctx))
	}
	if d.sql != nil {
		errs = append(errs, d.sql.Close())
	}
	if d.pool != nil {
		closed := make(chan struct{})
		go func() { d.pool.Close(); close(closed) }()
		select {
		case <-closed:
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("wait for the database's connections: %w", ctx.Err()))
		}
	}
	if d.server != nil {
		errs = append(errs, d.server.Stop())
	}
	return errors.Join(errs...)
}
