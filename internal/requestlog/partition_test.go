package requestlog_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/models"
)

// partitions is how many days of a table are there.
func (r *room) partitions(table string) int64 {
	return r.count(`SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE $1`, table+"_2%")
}

// sweeps lets days go by, a sweep each hour.
func (r *room) sweeps(hours int) {
	r.t.Helper()
	for range hours {
		r.pass(time.Hour)
		if _, err := r.Sweep(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// P71, P73: a day whose rows are all over is gone at the next sweep, within 25 hours of its
// first row's end and one of its last one's; what remains are totals by key and day.
func TestDaysThatAreOverAreDropped(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	k := key(v, models.ScopeUsageRead)
	first, last := r.entry(k), r.entry(k)
	first.At = first.At.Truncate(day)
	last.At, last.PromptTokens, last.Credits, last.Status = first.At.Add(day-time.Microsecond), 11, 7, 500
	r.write(first, last)
	r.pass(89 * day)
	r.must(r.SumDays(t.Context()))
	if n := r.count(`SELECT count(*) FROM api_request_thirds`); n != 2 {
		t.Fatalf("the day has %d thirds", n)
	}
	r.sweeps(35)
	if n := r.count(`SELECT count(*) FROM api_request_logs`); n != 2 {
		t.Fatalf("%d rows after %v", n, r.now.Load().Sub(first.At))
	}
	r.sweeps(1)
	if age := r.now.Load().Sub(last.At); age < 90*day || age > 90*day+time.Hour {
		t.Fatalf("the test looks at %v", age)
	}
	for _, table := range []string{"api_request_logs", "api_request_hours", "api_request_thirds"} {
		if n := r.count(`SELECT count(*) FROM ` + table); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
		if n := r.count(`SELECT count(*) FROM pg_class WHERE relname = $1`, table+"_20260501"); n != 0 {
			t.Errorf("the day of %s is left", table)
		}
	}
	total, groups, err := r.Analytics(t.Context(), v, requestlog.Window{From: first.At, To: first.At.Add(3 * day), By: []models.RequestDimension{models.RequestsByKey, models.RequestsByDay}})
	r.must(err)
	if len(groups) != 1 || total.Requests != 2 || total.Errors() != 1 || total.PromptTokens != 11 || total.Credits != 7 || groups[0].KeyID != k.KeyID || !groups[0].Start.Equal(first.At) {
		t.Errorf("what remains is %+v of %d groups", total.Sum, len(groups))
	}
	if _, ok := total.Latency(0.5); ok {
		t.Error("times remain")
	}
	byModel, _, err := r.Analytics(t.Context(), v, requestlog.Window{From: first.At, To: first.At.Add(3 * day), By: []models.RequestDimension{models.RequestsByModel}})
	r.must(err)
	if byModel.Requests != 0 {
		t.Errorf("by model %d requests remain", byModel.Requests)
	}
}

// Partitions are made ahead, by any number of instances at once; a row without one waits
// for it and is not lost.
func TestPartitionsAreMade(t *testing.T) {
	r := newRoom(t)
	if n := r.partitions("api_request_logs"); n != 5 {
		t.Errorf("%d days are made ahead, want yesterday to three days on", n)
	}
	r.pass(2 * day)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := r.MakePartitions(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := r.partitions("api_request_hours"); n != 7 {
		t.Errorf("%d days", n)
	}
	v := r.account()
	e := r.entry(key(v))
	e.At = e.At.Add(20 * day)
	r.write(e)
	if n := r.count(`SELECT count(*) FROM api_request_logs`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// P71: while somebody reads the day that goes, who writes waits for nothing, and the day
// goes once the reader has ended.
func TestDroppingADayBlocksNobody(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	k := key(v)
	r.write(r.entry(k))
	r.pass(91 * day)
	r.must(r.MakePartitions(t.Context()))
	reader, err := r.db.Pool().Begin(t.Context())
	r.must(err)
	defer func() { _ = reader.Rollback(context.Background()) }()
	var n int
	r.must(reader.QueryRow(t.Context(), `SELECT count(*) FROM api_request_logs`).Scan(&n))
	swept := make(chan error, 1)
	go func() {
		_, err := r.Sweep(context.Background())
		swept <- err
	}()
	until(t, func() bool {
		return r.count(`SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%DETACH%' AND wait_event IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()`) > 0
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	r.must(r.WriteForTest(ctx, []requestlog.Entry{r.entry(k)}))
	if n := len(r.list(v, requestlog.Filter{})); n != 1 {
		t.Errorf("%d rows are shown meanwhile", n)
	}
	r.must(reader.Rollback(t.Context()))
	r.must(<-swept)
	if n := r.count(`SELECT count(*) FROM pg_class WHERE relname = 'api_request_logs_20260501'`); n != 0 {
		t.Error("the day is still there")
	}
}

// A detaching that was broken off is finished by the next sweep.
func TestABrokenDropIsFinished(t *testing.T) {
	r := newRoom(t)
	r.pass(91 * day)
	reader, err := r.db.Pool().Begin(t.Context())
	r.must(err)
	var n int
	r.must(reader.QueryRow(t.Context(), `SELECT count(*) FROM api_request_logs`).Scan(&n))
	conn, err := r.db.Pool().Acquire(t.Context())
	r.must(err)
	_, _ = conn.Exec(t.Context(), `SET statement_timeout = 100`)
	_, err = conn.Exec(t.Context(), `ALTER TABLE api_request_logs DETACH PARTITION api_request_logs_20260430 CONCURRENTLY`)
	if err == nil {
		t.Fatal("it was not broken off")
	}
	_, _ = conn.Exec(t.Context(), `RESET statement_timeout`)
	conn.Release()
	r.must(reader.Rollback(t.Context()))
	if n := r.count(`SELECT count(*) FROM pg_inherits WHERE inhdetachpending`); n != 1 {
		t.Fatalf("%d are pending", n)
	}
	dropped, err := r.Sweep(t.Context())
	r.must(err)
	if n := r.count(`SELECT count(*) FROM pg_class WHERE relname LIKE 'api_request_%_20260430'`); n != 0 || dropped < 2 {
		t.Errorf("%d are left, %d dropped", n, dropped)
	}
}

// T38: a clock that jumps drops nothing before it was right for half an hour, and nothing
// at all when the database's doesn't agree.
func TestAClockThatJumpsDropsNothing(t *testing.T) {
	var second time.Time
	r := newRoom(t, func(c *requestlog.Config) {
		c.SecondClock = func(context.Context) (time.Time, error) { return second, nil }
	})
	v := r.account()
	r.write(r.entry(key(v)))
	before := r.partitions("api_request_logs")
	var refused *clock.Doubt
	sweep := func() error { _, err := r.Sweep(t.Context()); return err }
	second = *r.now.Load()
	r.must(sweep())
	r.jump(100 * day)
	if err := sweep(); !errors.As(err, &refused) || !refused.Until.IsZero() {
		t.Errorf("alone: %v", err)
	}
	second = *r.now.Load()
	if err := sweep(); !errors.As(err, &refused) || refused.Until.IsZero() {
		t.Errorf("both: %v", err)
	}
	r.pass(10 * time.Minute)
	second = *r.now.Load()
	if err := sweep(); !errors.As(err, &refused) {
		t.Errorf("ten minutes later: %v", err)
	}
	if !strings.Contains(r.log.String(), "still stored") {
		t.Error("nobody is told that days are late")
	}
	r.jump(-100 * day)
	second = *r.now.Load()
	r.must(sweep())
	r.jump(-2 * time.Hour)
	second = *r.now.Load()
	r.must(sweep())
	if got := r.count(`SELECT count(*) FROM api_request_logs`); got != 1 || r.partitions("api_request_logs") < before {
		t.Errorf("%d rows are left", got)
	}
	r.jump(100 * day)
	second = *r.now.Load()
	_ = sweep()
	r.pass(30 * time.Minute)
	second = *r.now.Load()
	r.must(sweep())
	if got := r.count(`SELECT count(*) FROM api_request_logs`); got != 0 {
		t.Error("what is over was not dropped in the end")
	}
}

// T38: a process that starts and would drop unusually many days waits whether that lasts.
func TestManyDaysAreLookedAtTwice(t *testing.T) {
	r := newRoom(t)
	r.pass(2 * day)
	r.must(r.MakePartitions(t.Context()))
	r.pass(95 * day) // six days are over, and this process has swept nothing yet
	var many *requestlog.ManyError
	for _, wait := range []time.Duration{0, clock.Patience - time.Second} {
		r.pass(wait)
		if _, err := r.Sweep(t.Context()); !errors.As(err, &many) {
			t.Fatalf("after %v: %v", wait, err)
		}
		if kind, due, most := many.Hold(); kind != models.HeldMany || due != int64(many.Days) || due <= most {
			t.Errorf("it tells of %s, %d, %d", kind, due, most)
		}
	}
	r.pass(time.Second)
	if dropped, err := r.Sweep(t.Context()); err != nil || dropped != 2*many.Days {
		t.Errorf("%d partitions of %d days were dropped, %v", dropped, many.Days, err)
	}
}

// One instance sweeps at a time.
func TestOneInstanceSweeps(t *testing.T) {
	a := newRoom(t)
	conn, err := dbtest.Open(t, a.db.Pool().Config().ConnString()).Pool().Acquire(t.Context())
	a.must(err)
	defer conn.Release()
	var mine bool
	a.must(conn.QueryRow(t.Context(), `SELECT pg_try_advisory_lock($1)`, int64(requestlog.SweepLock)).Scan(&mine))
	a.pass(91 * day)
	if dropped, err := a.Sweep(t.Context()); err != nil || dropped != 0 || !mine {
		t.Errorf("%d days were dropped beside another instance, %v", dropped, err)
	}
}

// P71: the oldest day is found of which a row is stored, shown or not.
func TestTheOldestDayIsFound(t *testing.T) {
	r := newRoom(t)
	if _, ok, err := r.OldestDay(t.Context()); ok || err != nil {
		t.Errorf("without rows: %v, %v", ok, err)
	}
	e := r.entry(key(r.account(), models.ScopeUsageRead))
	first := e.At.Truncate(day)
	r.write(e)
	r.pass(200 * day)
	if err := r.MakePartitions(t.Context()); err != nil {
		t.Fatal(err)
	}
	if at, ok, err := r.OldestDay(t.Context()); !ok || err != nil || !at.Equal(first) {
		t.Errorf("%s, %v, %v; want %s", at, ok, err, first)
	}
}
