package database_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/cluster"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// helper plays another process that owns the server of a data folder until its standard
// input ends.
func helper() bool {
	dir := os.Getenv("K2_DATABASE_HELPER")
	if dir == "" {
		return false
	}
	db, err := database.Open(context.Background(), database.Config{DataDir: dir, BinDirs: []string{os.Getenv("K2_DATABASE_BIN")}})
	if err != nil {
		fmt.Fprintln(os.Stdout, "failed:", err)
		return true
	}
	fmt.Fprintln(os.Stdout, "ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = db.Close(context.Background())
	return true
}

// dataDir is an empty one that the server's user can reach, in memory where there is some.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "k2data-")
	if err != nil {
		dir, err = os.MkdirTemp("/tmp", "k2data-")
	}
	if err == nil {
		err = os.Chmod(dir, 0o711)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

var packaged = cluster.Packaged("../..")

// P119: nothing has to be set up besides the program: its database is its own.
func TestWithoutAURLTheDatabaseRunsItself(t *testing.T) {
	dir := dataDir(t)
	var log bytes.Buffer
	c := database.Config{DataDir: dir, BinDirs: []string{packaged}, Log: slog.New(slog.NewTextHandler(&log, nil))}
	db := open(t, c)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !db.Embedded() || db.Version() == "" {
		t.Errorf("embedded %v, version %q", db.Embedded(), db.Version())
	}
	var super bool
	if err := db.Pool().QueryRow(t.Context(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super); err != nil || super {
		t.Errorf("the product is superuser: %v %v", super, err)
	}
	if err := db.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := open(t, c)
	if err := again.CheckVersion(t.Context()); err != nil {
		t.Fatalf("the schema was not kept: %v", err)
	}
}

func TestAnotherProcessCanJoinARunningDatabaseWhenAsked(t *testing.T) {
	dir := dataDir(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "K2_DATABASE_HELPER="+dir, "K2_DATABASE_BIN="+filepath.Clean(packaged))
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stdin.Close(); _ = cmd.Wait() }()
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatal(line)
	}
	_, err = database.Open(t.Context(), database.Config{DataDir: dir})
	var locked *cluster.LockedError
	if !errors.As(err, &locked) || locked.PID != cmd.Process.Pid {
		t.Fatalf("a second owner: %v", err)
	}
	db := open(t, database.Config{DataDir: dir, JoinRunning: true})
	if err := db.Ping(t.Context()); err != nil || db.Embedded() {
		t.Fatalf("embedded %v: %v", db.Embedded(), err)
	}
}

func TestAWrongURLIsRefusedWithoutRepeatingIt(t *testing.T) {
	for _, url := range []string{"postgres://user:hunter2@host:notaport/x", "hunter2", "postgres://u:hunter2@[::1"} {
		_, err := database.Open(t.Context(), database.Config{URL: url, ConnectTimeout: time.Millisecond})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestAnUnknownDatabaseFailsAtOnce(t *testing.T) {
	url := strings.Replace(dbtest.Admin(t), "/postgres?", "/nothere?", 1)
	began := time.Now()
	if _, err := database.Open(t.Context(), database.Config{URL: url}); err == nil || time.Since(began) > 10*time.Second {
		t.Fatal(err)
	}
}

func TestAServerThatIsNotThereIsWaitedForAWhile(t *testing.T) {
	_, err := database.Open(t.Context(), database.Config{URL: "host=" + t.TempDir(), ConnectTimeout: 50 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "did not answer within 50ms") {
		t.Fatal(err)
	}
}

func TestAServerThatLosesWritesIsRefused(t *testing.T) {
	url := dbtest.Empty(t)
	_, err := database.Open(t.Context(), database.Config{URL: url + "&kimi.test=off"})
	if err == nil || !strings.Contains(err.Error(), "fsync") {
		t.Fatal(err)
	}
}

func TestARestartOfTheServerIsFeltForMomentsOnly(t *testing.T) {
	dir := dataDir(t)
	db := open(t, database.Config{DataDir: dir, BinDirs: []string{packaged}})
	if _, err := db.Pool().Exec(t.Context(), "CREATE TABLE log (n int PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	acknowledged, unavailable := 0, 0
	began := func() (at time.Time) {
		if err := db.Gorm(t.Context()).Raw("SELECT pg_postmaster_start_time()").Scan(&at).Error; err != nil {
			t.Fatal(err)
		}
		return at
	}
	first := began()
	crash := func() {
		note, err := os.ReadFile(filepath.Join(dir, "postgres", "cluster", "postmaster.pid"))
		if err != nil {
			t.Fatal(err)
		}
		pid, _, _ := strings.Cut(string(note), "\n")
		if out, err := exec.CommandContext(t.Context(), "kill", "-QUIT", pid).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	for n := 0; acknowledged < 200; n++ {
		if n == 50 || n == 120 {
			crash()
		}
		err := db.Tx(t.Context(), func(tx *gorm.DB) error { return tx.Exec("INSERT INTO log VALUES (?)", n).Error })
		switch {
		case err == nil:
			acknowledged++
		case fault.Is(err, fault.StorageUnavailable):
			unavailable++
		default:
			t.Fatal(err)
		}
	}
	var kept int
	if err := db.Gorm(t.Context()).Raw("SELECT count(*) FROM log").Scan(&kept).Error; err != nil {
		t.Fatal(err)
	}
	if kept < acknowledged || kept > acknowledged+unavailable {
		t.Fatalf("%d acknowledged, %d unknown, %d kept", acknowledged, unavailable, kept)
	}
	if !began().After(first) {
		t.Error("the server was never restarted")
	}
}

func TestValuesNeverReachTheLog(t *testing.T) {
	var log bytes.Buffer
	db, err := database.Open(t.Context(), database.Config{URL: dbtest.URL(t), SlowStatement: time.Nanosecond,
		Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	var got string
	err = db.Gorm(t.Context()).Raw("SELECT ?::text", "canary").Scan(&got).Error
	failed := db.Gorm(t.Context()).Exec("SELECT ?::int", "canary").Error
	if closing := db.Close(t.Context()); err != nil || failed == nil || closing != nil || got != "canary" {
		t.Fatal(err, failed, closing)
	}
	if !strings.Contains(log.String(), "SELECT $1::text") || strings.Contains(log.String(), "canary") {
		t.Fatal(log.String())
	}
}

func TestOpenAndCloseLeaveNoConnection(t *testing.T) {
	url := dbtest.URL(t)
	db := open(t, database.Config{URL: url, MinConns: 5})
	if err := db.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	watch := open(t, database.Config{URL: url, MaxConns: 1, MinConns: 1, AppName: "watch"})
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for others := 1; others > 0; <-tick.C {
		if err := watch.Pool().QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'kimi-k2'`).Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
}
