package database_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// steps are n migrations; each would fail if it ran twice.
func steps(n int) fstest.MapFS {
	files := fstest.MapFS{}
	for i := range n {
		files[fmt.Sprintf("%05d_step.sql", i+1)] = &fstest.MapFile{
			Data: fmt.Appendf(nil, "-- +goose Up\nCREATE TABLE step%d (id int);\nSELECT pg_sleep(0.02);\n", i+1)}
	}
	return files
}

func open(t *testing.T, c database.Config) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close(t.Context()) })
	return db
}

func TestFourInstancesMigrateOnce(t *testing.T) {
	url := dbtest.Empty(t)
	var applied atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		db := open(t, database.WithMigrations(database.Config{URL: url, MaxConns: 2}, steps(3)))
		wg.Go(func() {
			n, err := db.Migrate(t.Context())
			if err != nil {
				t.Error(err)
			}
			applied.Add(int64(n))
			if err := db.CheckVersion(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if applied.Load() != 3 {
		t.Fatalf("%d migrations were applied", applied.Load())
	}
}

func TestANewerDatabaseIsRefused(t *testing.T) {
	url := dbtest.Empty(t)
	newer := open(t, database.WithMigrations(database.Config{URL: url}, steps(3)))
	if n, err := newer.Migrate(t.Context()); err != nil || n != 3 {
		t.Fatal(n, err)
	}
	older := open(t, database.WithMigrations(database.Config{URL: url}, steps(2)))
	_, err := older.Migrate(t.Context())
	var refused *database.ErrNewerSchema
	if !errors.As(err, &refused) || refused.Database != 3 || refused.Known != 2 {
		t.Fatal(err)
	}
	if err := older.CheckVersion(t.Context()); !errors.As(err, &refused) {
		t.Fatal(err)
	}
}

func TestMissingMigrationsAreToldAndApplied(t *testing.T) {
	url := dbtest.Empty(t)
	first := open(t, database.WithMigrations(database.Config{URL: url}, steps(1)))
	var pending *database.ErrPending
	if err := first.CheckVersion(t.Context()); !errors.As(err, &pending) || pending.Database != 0 {
		t.Fatal(err)
	}
	if _, err := first.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := open(t, database.WithMigrations(database.Config{URL: url}, steps(3)))
	if err := second.CheckVersion(t.Context()); !errors.As(err, &pending) || pending.Database != 1 || pending.Known != 3 {
		t.Fatal(err)
	}
	if n, err := second.Migrate(t.Context()); err != nil || n != 2 {
		t.Fatal(n, err)
	}
	if n, err := second.Migrate(t.Context()); err != nil || n != 0 {
		t.Fatal(n, err)
	}
}

func TestAFailedMigrationLeavesNothingAndIsTriedAgain(t *testing.T) {
	url := dbtest.Empty(t)
	broken := steps(2)
	broken["00002_step.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE half (id int);\nSELECT 1/0;\n")}
	if n, err := open(t, database.WithMigrations(database.Config{URL: url}, broken)).Migrate(t.Context()); err == nil || n != 0 {
		t.Fatal(n, err)
	}
	db := open(t, database.WithMigrations(database.Config{URL: url}, steps(2)))
	var there bool
	if err := db.Pool().QueryRow(t.Context(), "SELECT to_regclass('half') IS NOT NULL").Scan(&there); err != nil || there {
		t.Fatal("half a migration was kept", err)
	}
	if n, err := db.Migrate(t.Context()); err != nil || n != 1 {
		t.Fatal(n, err)
	}
}

func TestMigrationsOutliveTheStatementTimeout(t *testing.T) {
	slow := fstest.MapFS{"00001_slow.sql": {Data: []byte("-- +goose Up\nSELECT pg_sleep(0.2);\n")}}
	db := open(t, database.WithMigrations(database.Config{URL: dbtest.Empty(t) + "&statement_timeout=100"}, slow))
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}
