package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 15 * time.Second

// run starts a runner that stops when the test ends.
func run(t *testing.T, db *database.DB, log *slog.Logger, js ...jobs.Job) *jobs.Runner {
	t.Helper()
	return runWith(t, jobs.Config{DB: db, Log: log}, js...)
}

func runWith(t *testing.T, c jobs.Config, js ...jobs.Job) *jobs.Runner {
	t.Helper()
	r := jobs.New(jobs.AtOnce(c))
	if err := r.Add(js...); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
}

// ticks is a job that tells of each turn.
func ticks(name string, every time.Duration) (jobs.Job, <-chan struct{}) {
	c := make(chan struct{}, 1000)
	return jobs.Job{Name: name, Every: every, Run: func(context.Context) error { c <- struct{}{}; return nil }}, c
}

func TestANudgeComesWithItsTransaction(t *testing.T) {
	url := dbtest.URL(t)
	db := dbtest.Open(t, url)
	job, turns := ticks("nudged", 0)
	r := run(t, db, nil, job)
	undone := errors.New("undone")
	err := db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := r.NudgeTx(tx, "nudged"); err != nil {
			return err
		}
		return undone
	})
	if !errors.Is(err, undone) {
		t.Fatal(err)
	}
	var rows int
	if err := db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM river_job").Scan(&rows); err != nil || rows != 0 {
		t.Fatalf("%d jobs after a rollback, %v", rows, err)
	}
	began := time.Now()
	// From an instance that runs nothing itself: the announcement crosses the database.
	other := jobs.New(jobs.Config{DB: dbtest.Open(t, url)})
	if err := dbtest.Open(t, url).Tx(t.Context(), func(tx *gorm.DB) error { return other.NudgeTx(tx, "nudged") }); err != nil {
		t.Fatal(err)
	}
	await(t, "the nudged turn", turns)
	if took := time.Since(began); took > 5*time.Second { // without the announcement it would be 10 s
		t.Errorf("the turn came after %v", took)
	}
}

func TestOneOfThreeInstancesHasTheTurn(t *testing.T) {
	url := dbtest.URL(t)
	var running, most, turns atomic.Int64
	third := make(chan struct{})
	var once sync.Once
	job := jobs.Job{Name: "sweep", Every: time.Second, Run: func(context.Context) error {
		most.Store(max(most.Load(), running.Add(1)))
		if turns.Add(1) == 3 {
			once.Do(func() { close(third) })
		}
		running.Add(-1)
		return nil
	}}
	began := time.Now()
	for range 3 {
		run(t, dbtest.Open(t, url), nil, job)
	}
	await(t, "three turns", third)
	if took := time.Since(began); most.Load() != 1 || took < 1500*time.Millisecond {
		t.Errorf("%d turns at once, three turns in %v", most.Load(), took)
	}
}

func TestStopWaitsForTheTurn(t *testing.T) {
	db := dbtest.New(t)
	began, release := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	r := run(t, db, nil, jobs.Job{Name: "slow", Run: func(context.Context) error { close(began); <-release; ended.Store(true); return nil }})
	if err := db.Tx(t.Context(), func(tx *gorm.DB) error { return r.NudgeTx(tx, "slow") }); err != nil {
		t.Fatal(err)
	}
	await(t, "the turn", began)
	stopped := make(chan error)
	go func() { stopped <- r.Stop(context.WithoutCancel(t.Context())) }()
	select {
	case <-stopped:
		t.Fatal("stopped beside a running turn")
	case release <- struct{}{}:
	}
	if err := <-stopped; err != nil || !ended.Load() {
		t.Fatal(err, ended.Load())
	}
}

func TestAnImpatientStopEndsTheTurnsContext(t *testing.T) {
	db := dbtest.New(t)
	began, ended := make(chan struct{}), make(chan struct{})
	r := run(t, db, nil, jobs.Job{Name: "slow", Run: func(ctx context.Context) error { close(began); <-ctx.Done(); close(ended); return ctx.Err() }})
	if err := db.Tx(t.Context(), func(tx *gorm.DB) error { return r.NudgeTx(tx, "slow") }); err != nil {
		t.Fatal(err)
	}
	await(t, "the turn", began)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, "the end of the turn", ended)
}

// T30: what fails is logged with its name once, and nothing of it is kept in the table.
func TestAFailureIsLoggedAndNotKept(t *testing.T) {
	db := dbtest.New(t)
	var log syncBuffer
	job := jobs.Job{Name: "fails", Run: func(context.Context) error { return errors.New("canary of the failure") }}
	after, done := ticks("after", 0)
	r := run(t, db, slog.New(slog.NewTextHandler(&log, nil)), job, after)
	for _, name := range []string{"fails", "unknown", "after"} {
		if err := db.Tx(t.Context(), func(tx *gorm.DB) error { return r.NudgeTx(tx, name) }); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the turns", done)
	if err := r.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "canary of the failure"); n != 1 || !strings.Contains(log.String(), "name=fails") {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	if dump := dbtest.Dump(t, db); strings.Contains(dump, "canary of the failure") {
		t.Error("the failure is kept")
	}
	var left int
	if err := db.Pool().QueryRow(t.Context(), "SELECT count(*) FROM river_job WHERE state <> 'completed'").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d jobs are not done, %v", left, err)
	}
}

// P46, T28: what an instance was killed at gets its next turn within two minutes, whatever
// its own timeout and those of others.
func TestTheTurnOfTheDeadIsTakenOver(t *testing.T) {
	db := dbtest.New(t)
	job, turns := ticks("sweep", time.Second)
	job.Timeout = 30 * time.Minute
	first := run(t, db, nil, job)
	await(t, "a turn", turns)
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(t, db, `DELETE FROM river_job WHERE id < (SELECT max(id) FROM river_job)`)
	exec(t, db, `UPDATE river_job SET state = 'running', finalized_at = NULL, attempted_at = now() - interval '61 seconds'`)
	for len(turns) > 0 {
		<-turns
	}
	run(t, db, nil, job)
	await(t, "a turn on another instance", turns)
}

// A turn that lasts tells that it lives.
func TestALongTurnIsNobodysToTakeOver(t *testing.T) {
	db := dbtest.New(t)
	began, release := make(chan struct{}), make(chan struct{})
	var turns atomic.Int64
	job := jobs.Job{Name: "long", Every: time.Second, Run: func(context.Context) error {
		if turns.Add(1) == 1 {
			close(began)
		}
		<-release
		return nil
	}}
	beat, beats := ticks("beat", time.Second)
	runWith(t, jobs.Leased(jobs.Config{DB: db}, 4*time.Second), job, beat)
	defer close(release)
	await(t, "the turn", began)
	for range 7 {
		await(t, "another one's turn", beats)
	}
	if n := turns.Load(); n != 1 {
		t.Errorf("%d turns", n)
	}
}

// However many slow jobs are at work, the others have their turns.
func TestSlowJobsKeepNobodyWaiting(t *testing.T) {
	db := dbtest.New(t)
	release, began := make(chan struct{}), make(chan struct{}, 10)
	beat, beats := ticks("beat", 0)
	all := []jobs.Job{beat}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		all = append(all, jobs.Job{Name: name, Every: time.Minute, Slow: true, Run: func(context.Context) error { began <- struct{}{}; <-release; return nil }})
	}
	r := run(t, db, nil, all...)
	defer close(release)
	for range 3 {
		await(t, "slow turns", began)
	}
	if err := db.Tx(t.Context(), func(tx *gorm.DB) error { return r.NudgeTx(tx, "beat") }); err != nil {
		t.Fatal(err)
	}
	await(t, "a turn beside slow ones", beats)
}

func exec(t *testing.T, db *database.DB, query string) {
	t.Helper()
	if _, err := db.Pool().Exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

func TestWrongJobsAreRefused(t *testing.T) {
	ok := func(context.Context) error { return nil }
	r := jobs.New(jobs.Config{DB: dbtest.New(t)})
	for name, j := range map[string]jobs.Job{"no name": {Run: ok}, "no function": {Name: "a"}, "too often": {Name: "a", Every: time.Millisecond, Run: ok}} {
		if r.Add(j) == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if r.Add(jobs.Job{Name: "a", Run: ok}) != nil || r.Add(jobs.Job{Name: "a", Run: ok}) == nil {
		t.Error("two of one name")
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(r.Start(t.Context()), jobs.ErrStarted) || !errors.Is(r.Add(jobs.Job{Name: "b", Run: ok}), jobs.ErrStarted) {
		t.Error("taken after the start")
	}
	if err := r.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }
