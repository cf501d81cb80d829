package database

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/internal/database/cluster"
)

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
