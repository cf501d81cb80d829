package bed

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// secret is the key-encryption key of all databases of the bench; what they hold is
// made up.
var secret = []byte("kimi-k2 bench, key of no secrets")

// Secret is the key-encryption key as the setting SECRET_KEY.
func Secret() string { return base64.StdEncoding.EncodeToString(secret) }

// CookieKey is the same secret in bytes, and the root secret of databases that no product
// has opened.
func CookieKey() []byte { return secret }

// Keeper wraps and opens the owners' keys of the bench's databases.
func Keeper() (*seal.Keeper, error) { return seal.NewKeeper(secret) }

// Database is a migrated database on a server of its own, which several processes
// under test share. It runs with the product's settings.
type Database struct {
	URL   string // as the setting DATABASE_URL
	Super *pgxpool.Pool
	PID   int // of the server; its children do the work

	db     *database.DB
	beside func(context.Context) error // drops it; nil: it is the server's own
}

// OpenDatabase starts a database server below the bed's folder on the other cores.
func (b *Bed) OpenDatabase(ctx context.Context) (_ *Database, err error) {
	db, err := database.Open(ctx, database.Config{DataDir: filepath.Join(b.Dir, "data"), MaxConns: 2, AppName: "bench", Log: b.Log})
	if err != nil {
		return nil, fmt.Errorf("start a database: %w", err)
	}
	d := &Database{db: db}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close(context.WithoutCancel(ctx)))
		}
	}()
	if _, err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	own := db.Pool().Config().ConnConfig
	d.URL = address(own.User, own.Database, own.Host)
	if d.Super, err = pgxpool.New(ctx, address("postgres", own.Database, own.Host)); err != nil {
		return nil, fmt.Errorf("connect as the superuser: %w", err)
	}
	var pid string
	if err := d.Super.QueryRow(ctx, `SELECT pg_read_file('postmaster.pid', 0, 20)`).Scan(&pid); err != nil {
		return nil, fmt.Errorf("find the database server: %w", err)
	}
	pid, _, _ = strings.Cut(pid, "\n")
	if d.PID, err = strconv.Atoi(pid); err != nil {
		return nil, fmt.Errorf("find the database server: %w", err)
	}
	return d, nil
}

// Beside makes another migrated database on the same server. Closing it drops it.
func (d *Database) Beside(ctx context.Context, name string, log *slog.Logger) (_ *Database, err error) {
	own := d.db.Pool().Config().ConnConfig
	if _, err := d.Super.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s OWNER %s", pgx.Identifier{name}.Sanitize(), pgx.Identifier{own.User}.Sanitize())); err != nil {
		return nil, fmt.Errorf("make another database: %w", err)
	}
	b := &Database{URL: address(own.User, name, own.Host), PID: d.PID, beside: func(ctx context.Context) error {
		_, err := d.Super.Exec(ctx, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", pgx.Identifier{name}.Sanitize()))
		return err
	}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.Close(context.WithoutCancel(ctx)))
		}
	}()
	if b.db, err = database.Open(ctx, database.Config{URL: b.URL, MaxConns: 2, AppName: "bench", Log: log}); err != nil {
		return nil, fmt.Errorf("open another database: %w", err)
	}
	if _, err := b.db.Migrate(ctx); err != nil {
		return nil, err
	}
	if b.Super, err = pgxpool.New(ctx, address("postgres", name, own.Host)); err != nil {
		return nil, fmt.Errorf("connect as the superuser: %w", err)
	}
	return b, nil
}

// address is a Postgres URL for a unix socket in a folder.
func address(user, name, socket string) string {
	q := url.Values{"host": {socket}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User(user), Host: "localhost", Path: "/" + name, RawQuery: q.Encode()}).String()
}

// Close stops the server, or drops a database that stands beside another.
func (d *Database) Close(ctx context.Context) (err error) {
	if d.Super != nil {
		d.Super.Close()
	}
	if d.db != nil {
		err = d.db.Close(ctx)
	}
	if d.beside != nil {
		err = errors.Join(err, d.beside(ctx))
	}
	return err
}
