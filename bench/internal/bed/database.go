package bed

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// secret is the key-encryption key of all databases of the bench; what they hold is
// made up.
var secret = []byte("kimi-k2 bench, key of no secrets")

// Secret is the key-encryption key as the setting SECRET_KEY.
func Secret() string { return base64.StdEncoding.EncodeToString(secret) }

// CookieKey is the same secret as the key of cookies.
func CookieKey() []byte { return secret }

// Keeper wraps and opens the owners' keys of the bench's databases.
func Keeper() (*seal.Keeper, error) { return seal.NewKeeper(secret) }

// Database is a migrated database on a server of its own, which several processes
// under test share. It runs with the product's settings.
type Database struct {
	URL   string // as the setting DATABASE_URL
	Super *pgxpool.Pool
	PID   int // of the server; its children do the work

	db *database.DB
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

// address is a Postgres URL for a unix socket in a folder.
func address(user, name, socket string) string {
	q := url.Values{"host": {socket}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User(user), Host: "localhost", Path: "/" + name, RawQuery: q.Encode()}).String()
}

// Close stops the server.
func (d *Database) Close(ctx context.Context) error {
	if d.Super != nil {
		d.Super.Close()
	}
	return d.db.Close(ctx)
}
