package dbtest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Files yields everything that the server of the tests has written to its disk, file after
// file, after a checkpoint: the tables and indexes of all databases, the log of what was
// written ahead, and the server's own log. base is true for files of the database with the
// URL. Tests look through it for what must not be on a disk.
func Files(t testing.TB, databaseURL string, yield func(name string, base bool, content []byte)) {
	t.Helper()
	s := running(t)
	oid := ""
	s.as(t, databaseURL, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
			return err
		}
		return conn.QueryRow(ctx, "SELECT oid::text FROM pg_database WHERE datname = current_database()").Scan(&oid)
	})
	own := filepath.Join(s.socket, "data", "base", oid) + string(filepath.Separator)
	err := filepath.WalkDir(s.socket, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return ignoreGone(err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return ignoreGone(err)
		}
		yield(strings.TrimPrefix(path, s.socket), strings.HasPrefix(path, own), content)
		return nil
	})
	if err != nil {
		t.Fatalf("read the server's files: %v", err)
	}
}

// ignoreGone leaves out what went while it was looked at.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Rewrite takes new samples of every table for the planner, and then writes every table of
// the database anew, without what was deleted. Of an empty table no samples are taken: the
// old ones stay.
func Rewrite(t testing.TB, databaseURL string) {
	t.Helper()
	running(t).as(t, databaseURL, func(ctx context.Context, conn *pgx.Conn) error {
		for _, statement := range []string{"ANALYZE", "VACUUM FULL"} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// Overwrite has the log of what was written ahead go round: none of its files holds anything
// from before.
func Overwrite(t testing.TB, databaseURL string) {
	t.Helper()
	s := running(t)
	entries, err := os.ReadDir(filepath.Join(s.socket, "data", "pg_wal"))
	if err != nil {
		t.Fatal(err)
	}
	s.as(t, databaseURL, func(ctx context.Context, conn *pgx.Conn) error {
		for range 2 * len(entries) { // a file is a megabyte; those to come are used up before they are used again
			for _, statement := range []string{"SELECT pg_logical_emit_message(false, 'filler', repeat('0', 1000000))", "SELECT pg_switch_wal()", "CHECKPOINT"} {
				if _, err := conn.Exec(ctx, statement); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// as connects to the database as superuser.
func (s *server) as(t testing.TB, databaseURL string, do func(ctx context.Context, conn *pgx.Conn) error) {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	config.User = "postgres"
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := do(t.Context(), conn); err != nil {
		t.Fatalf("as superuser: %v", err)
	}
}
