// Package dbtest gives each test a real, migrated PostgreSQL database of its own. One
// throw-away server per test process starts with the first use and is certainly gone,
// with its files, once the process is, however it ends.
package dbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// New returns an open database with the current schema, dropped when the test ends.
func New(t testing.TB) *database.DB {
	t.Helper()
	return Open(t, URL(t))
}

// Open opens a database by its URL, as New does, and closes it when the test ends; with
// it several instances share one database.
func Open(t testing.TB, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), database.Config{
		URL: url, MaxConns: 10, MinConns: 1, AppName: "test", StatementTimeout: 20 * time.Second,
	})
	if err != nil {
		t.Fatalf("open the test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := db.Close(ctx); err != nil {
			t.Errorf("close the test database: %v", err)
		}
	})
	return db
}

// URL returns the address of a fresh database with the current schema, dropped when the
// test ends; give it to server processes as DATABASE_URL.
func URL(t testing.TB) string {
	t.Helper()
	return running(t).create(t, "TEMPLATE migrated")
}

// Empty is URL without any schema.
func Empty(t testing.TB) string {
	t.Helper()
	return running(t).create(t, "TEMPLATE template0")
}

// Admin returns the address of the server's maintenance database as superuser, for tests
// that restart or disturb what they connect to with URL's databases.
func Admin(t testing.TB) string {
	t.Helper()
	return running(t).url("postgres", "postgres")
}

// server is the throw-away server of this process.
type server struct {
	socket string
	leash  *os.File // the server lives as long as it is open: as long as this process
}

var (
	starting sync.Mutex
	current  *server
)

func running(t testing.TB) *server {
	t.Helper()
	starting.Lock()
	defer starting.Unlock()
	if current == nil {
		s, err := start(t.Context())
		if err != nil {
			t.Fatalf("start a database server for the tests: %v", err)
		}
		current = s
	}
	return current
}

func (s *server) url(user, name string) string {
	return fmt.Sprintf("postgres://%s@/%s?host=%s&sslmode=disable", user, name, url.QueryEscape(s.socket))
}

// makeTemplate makes what URL copies.
func (s *server) makeTemplate(ctx context.Context) error {
	if err := s.exec(ctx, "CREATE DATABASE migrated OWNER kimi"); err != nil {
		return err
	}
	db, err := database.Open(ctx, database.Config{URL: s.url("kimi", "migrated"), MaxConns: 2, MinConns: 1})
	if err != nil {
		return err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	return db.Close(ctx)
}

// create makes a database. Its files are copied: that takes a third of the time that writing
// each block ahead does.
func (s *server) create(t testing.TB, how string) string {
	t.Helper()
	var tag [8]byte
	_, _ = rand.Read(tag[:])
	name := "t_" + hex.EncodeToString(tag[:])
	if err := s.exec(t.Context(), "CREATE DATABASE "+name+" OWNER kimi "+how+" STRATEGY FILE_COPY"); err != nil {
		t.Fatalf("create a test database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.exec(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Logf("drop a test database: %v", err)
		}
	})
	return s.url("kimi", name)
}

func (s *server) exec(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, s.url("postgres", "postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}
