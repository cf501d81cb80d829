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
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// ownRole and ownDatabase are what our own server holds: the product is not superuser.
const ownRole, ownDatabase = "kimi", "kimi"

// ownServer starts our own server, or joins the one of another process, and returns how
// to connect to it.
func (d *DB) ownServer(ctx context.Context, c Config) (string, error) {
	if c.DataDir == "" {
		return "", errors.New("open the database: neither a server's URL nor a data folder is set")
	}
	dir := filepath.Join(c.DataDir, "postgres")
	server, err := cluster.Start(ctx, cluster.Config{Dir: dir, BinDirs: c.BinDirs, Log: c.Log})
	var locked *cluster.LockedError
	if c.JoinRunning && errors.As(err, &locked) {
		socket, err := cluster.Running(dir)
		if err != nil {
			return "", err
		}
		return dsn(socket, ownRole, ownDatabase), nil
	}
	if err != nil {
		return "", err
	}
	if err := furnish(ctx, dsn(server.Socket(), "postgres", "postgres")); err != nil {
		return "", errors.Join(err, server.Stop())
	}
	d.server = server
	return dsn(server.Socket(), ownRole, ownDatabase), nil
}

// furnish makes our role and database where they are missing.
func furnish(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to our own server: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, thing := range []struct{ exists, make string }{
		{"SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = '" + ownRole + "')", "CREATE ROLE " + ownRole + " LOGIN"},
		{"SELECT EXISTS (SELECT FROM pg_database WHERE datname = '" + ownDatabase + "')",
			"CREATE DATABASE " + ownDatabase + " OWNER " + ownRole},
	} {
		var there bool
		if err := conn.QueryRow(ctx, thing.exists).Scan(&there); err != nil {
			return fmt.Errorf("look into our own server: %w", err)
		}
		if there {
			continue
		}
		if _, err := conn.Exec(ctx, thing.make); err != nil {
			return fmt.Errorf("set up our own server: %w", err)
		}
	}
	return nil
}

func dsn(socket, user, name string) string {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	return fmt.Sprintf("host='%s' port=5432 user=%s dbname=%s sslmode=disable", quote.Replace(socket), user, name)
}

// poolConfig never repeats the URL in an error: it holds a password.
func poolConfig(c Config) (*pgxpool.Config, error) {
	pc, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a Postgres address; it looks like " +
			"postgres://user:password@host:5432/name?sslmode=verify-full")
	}
	pc.MaxConns, pc.MinConns = int32(min(c.MaxConns, 10_000)), int32(min(c.MinConns, c.MaxConns, 10_000))
	pc.MaxConnLifetime, pc.MaxConnLifetimeJitter = time.Hour, 10*time.Minute
	pc.MaxConnIdleTime = 15 * time.Minute
	pc.HealthCheckPeriod = 15 * time.Second
	if pc.ConnConfig.ConnectTimeout == 0 || pc.ConnConfig.ConnectTimeout > 10*time.Second {
		pc.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	if c.SlowStatement > 0 {
		pc.ConnConfig.Tracer = &slowLog{log: c.Log, over: c.SlowStatement}
	}
	params := pc.ConnConfig.RuntimeParams
	for name, value := range map[string]string{
		"application_name":                    c.AppName,
		"timezone":                            "UTC",
		"statement_timeout":                   millis(c.StatementTimeout),
		"lock_timeout":                        millis(c.LockTimeout),
		"idle_in_transaction_session_timeout": millis(c.IdleInTxTimeout),
	} {
		if _, own := params[name]; !own {
			params[name] = value
		}
	}
	if plain(pc.ConnConfig) {
		c.Log.Warn("the connection to the database is not encrypted; add sslmode=verify-full to DATABASE_URL",
			"host", pc.ConnConfig.Host)
	}
	return pc, nil
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// plain reports whether traffic may cross a network without encryption.
func plain(c *pgx.ConnConfig) bool {
	if strings.HasPrefix(c.Host, "/") || filepath.IsAbs(c.Host) || c.Host == "localhost" {
		return false
	}
	if ip := net.ParseIP(c.Host); ip != nil && ip.IsLoopback() {
		return false
	}
	if c.TLSConfig == nil {
		return true
	}
	for _, f := range c.Fallbacks {
		if f.TLSConfig == nil {
			return true
		}
	}
	return false
}

// await tries until the server answers; a wrong password or name fails at once.
func (d *DB) await(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := d.pool.Ping(ctx)
		if err == nil {
			return nil
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && !strings.HasPrefix(refused.Code, "57P") && refused.Code != "53300" {
			return fmt.Errorf("connect to the database: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the database did not answer within %v: %w", patience, err)
		case <-time.After(wait + rand.N(wait)): //nolint:gosec // spreads instances, no secret
		}
	}
}

// inspect reads the version and the settings that decide whether a commit is kept.
func (d *DB) inspect(ctx context.Context) error {
	var number int
	var fsync, pages, commit, test string
	err := d.pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, split_part(current_setting('server_version'), ' ', 1),
		current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
		coalesce(current_setting('kimi.test', true), '')`).Scan(&number, &d.version, &fsync, &pages, &commit, &test)
	if err != nil {
		return fmt.Errorf("ask the database for its version: %w", err)
	}
	if number/10000 < cluster.MinMajor {
		return fmt.Errorf("the database server is PostgreSQL %s; version %d or newer is needed", d.version, cluster.MinMajor)
	}
	if test == "on" {
		return nil
	}
	var unsafe []string
	for name, value := range map[string]string{"fsync": fsync, "full_page_writes": pages, "synchronous_commit": commit} {
		if value == "off" {
			unsafe = append(unsafe, name)
		}
	}
	if len(unsafe) > 0 {
		return fmt.Errorf("the database server would lose acknowledged writes: switch on %s", strings.Join(unsafe, ", "))
	}
	return nil
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
