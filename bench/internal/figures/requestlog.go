package figures

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
	"github.com/kimi-k2/kimi-k2/bench/internal/procstat"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// The log's load: one account with a few keys, each with its models and routes, over 90
// days; and one day before them that goes.
const (
	loggedRows  = 10_000_000
	droppedRows = 1_000_000
	loggedRate  = 10_000 // rows per second
	loggedFor   = 20 * time.Second
	analyses    = 200
)

// logBench is the product's request log on the bench's database, with a clock of its own.
type logBench struct {
	*requestlog.Service
	account viewer.Viewer
	keys    []string
	now     atomic.Pointer[time.Time]
	up      atomic.Int64
}

// requestLog measures writing, dropping and summing up request logs.
func (r *Run) requestLog(ctx context.Context) ([]report.Figure, error) {
	d, err := r.database(ctx)
	if err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, database.Config{URL: d.URL, MaxConns: 8, AppName: "bench", Log: r.Log})
	if err != nil {
		return nil, fmt.Errorf("connect for the request logs: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // nothing more is expected of it
	b, err := newLogBench(ctx, d, db)
	if err != nil {
		return nil, err
	}
	defer b.Close(context.WithoutCancel(ctx))
	total, day := pick(r, loggedRows, loggedRows/100), pick(r, droppedRows, droppedRows/100)
	var seconds float64
	if seconds, err = b.seed(ctx, total, day); err != nil {
		return nil, err
	}
	r.Tell("  %d rows in %.0f s", total+day, seconds)
	figures := []report.Figure{report.New("log insertion", fmt.Sprintf("rows written with their sums, as fast as they go, %d in all", total+day), "rows/s",
		[]float64{float64(total+day) / seconds}, nil, report.Goal{Plain: true, Least: true, Limit: loggedRate})}
	if _, err := d.Super.Exec(ctx, `ANALYZE api_request_logs, api_request_hours`); err != nil {
		return nil, fmt.Errorf("analyze: %w", err)
	}
	if got, err := b.paced(ctx, d, pick(r, loggedFor, loggedFor/10)); err != nil {
		return figures, err
	} else if figures = append(figures, got...); err != nil {
		return figures, err
	}
	got, err := b.sumUp(ctx, d)
	if err != nil {
		return figures, err
	}
	figures = append(figures, got...)
	if got, err = b.drop(ctx, db, day); err != nil {
		return figures, err
	}
	figures = append(figures, got...)
	got, err = b.analyse(ctx, total, pick(r, analyses, 10))
	return append(figures, got...), err
}

func newLogBench(ctx context.Context, d *bed.Database, db *database.DB) (*logBench, error) {
	b := &logBench{account: viewer.Viewer{Kind: viewer.Account, OwnerID: id.New(id.Owner), Key: new(seal.Key)}}
	now := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	b.now.Store(&now)
	if _, err := d.Super.Exec(ctx, `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', '\x00', now(), now())`, b.account.OwnerID); err != nil {
		return nil, fmt.Errorf("make an account: %w", err)
	}
	for range 5 {
		b.keys = append(b.keys, id.New(id.APIKey))
	}
	tell := func() time.Time { return *b.now.Load() }
	b.Service = requestlog.New(requestlog.Config{DB: db, Clock: clock.Func(tell), Uptime: func() time.Duration { return time.Duration(b.up.Load()) },
		SecondClock: func(context.Context) (time.Time, error) { return tell(), nil }})
	return b, b.Start(ctx)
}

// entry is a request at a time. Each key has two models and two routes of its own, besides
// one route that all have: 25 groups in all.
func (b *logBench) entry(at time.Time) requestlog.Entry {
	k := rand.IntN(len(b.keys)) //nolint:gosec // a load
	e := requestlog.Entry{ID: id.New(id.Request), At: at, OwnerID: b.account.OwnerID, KeyID: b.keys[k], Route: "query viewer", Status: 200, Took: time.Duration(rand.ExpFloat64() * 3e6)}
	if rand.IntN(5) == 0 { //nolint:gosec // a load
		return e
	}
	e.Route = []string{"POST /v1/chat/completions", "POST /v1/messages"}[rand.IntN(2)] //nolint:gosec // a load
	e.ModelID = fmt.Sprint("model-", (k+rand.IntN(2))%3)                               //nolint:gosec // a load
	e.PromptTokens, e.OutputTokens, e.Credits, e.Streamed = 800, 300, 1700, true
	e.FirstToken = time.Duration(2e8 * (0.5 + rand.ExpFloat64()))
	e.Took = e.FirstToken + time.Duration(8e9*rand.ExpFloat64())
	if rand.IntN(50) == 0 { //nolint:gosec // a load
		e.Status, e.Code = 429, "RATE_LIMITED"
	}
	return e
}

// record hands a row over as soon as there is room, and makes partitions as days go by.
func (b *logBench) record(ctx context.Context, e requestlog.Entry) error {
	for b.Stats().Waiting > 30_000 {
		if err := wait(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	b.Record(e)
	return nil
}

// seed writes a day that will go, and then total rows over the 89 days behind it.
func (b *logBench) seed(ctx context.Context, total, day int) (seconds float64, err error) {
	const length = 24 * time.Hour
	today := *b.now.Load()
	watch := clock.StartStopwatch()
	first := today.Truncate(length).Add(-90 * length)
	b.now.Store(&first)
	if err := b.MakePartitions(ctx); err != nil {
		return 0, err
	}
	step := length / time.Duration(day)
	for i := range day {
		if err := b.record(ctx, b.entry(first.Add(time.Duration(i)*step))); err != nil {
			return 0, err
		}
	}
	begin := first.Add(length)
	step = today.Sub(begin) / time.Duration(total)
	for i := range total {
		at := begin.Add(time.Duration(i) * step)
		if at.Sub(*b.now.Load()) >= length {
			b.now.Store(&at)
			if err := b.MakePartitions(ctx); err != nil {
				return 0, err
			}
		}
		if err := b.record(ctx, b.entry(at)); err != nil {
			return 0, err
		}
	}
	for b.Stats().Waiting > 0 {
		if err := wait(ctx, time.Millisecond); err != nil {
			return 0, err
		}
	}
	b.now.Store(&today)
	if lost := b.Stats().Lost; lost > 0 {
		return 0, fmt.Errorf("%d rows were lost", lost)
	}
	return watch.Elapsed().Seconds(), nil
}

// paced writes at the rate that is the goal, and says what processor time that takes: of
// this process, which makes the rows too, and of the database's.
func (b *logBench) paced(ctx context.Context, d *bed.Database, length time.Duration) ([]report.Figure, error) {
	before, cpu, watch := b.Stats(), procstat.Of([]int{os.Getpid()}, false).CPU, clock.StartStopwatch()
	server := procstat.Of([]int{d.PID}, true).CPU
	for watch.Elapsed() < length {
		for range loggedRate / 100 {
			b.Record(b.entry(*b.now.Load()))
		}
		if err := wait(ctx, max(10*time.Millisecond*time.Duration((b.Stats().Written+b.Stats().Waiting-before.Written)/(loggedRate/100))-watch.Elapsed(), 0)); err != nil {
			return nil, err
		}
	}
	for b.Stats().Waiting > 0 {
		if err := wait(ctx, time.Millisecond); err != nil {
			return nil, err
		}
	}
	took := watch.Elapsed()
	after := b.Stats()
	if after.Lost > before.Lost {
		return nil, fmt.Errorf("%d rows were lost", after.Lost-before.Lost)
	}
	written := float64(after.Written - before.Written)
	mine := float64(procstat.Of([]int{os.Getpid()}, false).CPU-cpu) / float64(took)
	theirs := float64(procstat.Of([]int{d.PID}, true).CPU-server) / float64(took)
	return []report.Figure{
		report.New("log sustained", "rows/s written while 10,000/s come", "rows/s", []float64{written / took.Seconds()}, nil, report.Goal{Plain: true, Least: true, Limit: 0.97 * loggedRate}),
		report.New("log processor", "cores that this takes, making the rows included", "cores", []float64{mine}, nil, report.Goal{Plain: true, Limit: 0.5}),
		report.New("log database", "cores that this takes of the database", "cores", []float64{theirs}, nil, report.Goal{}),
	}, nil
}

// sumUp makes the sums of all days that are over, as the program does when it is started on
// logs that have none yet; otherwise it is a day each day.
func (b *logBench) sumUp(ctx context.Context, d *bed.Database) ([]report.Figure, error) {
	mine, theirs := procstat.Of([]int{os.Getpid()}, false).CPU, procstat.Of([]int{d.PID}, true).CPU
	if err := b.SumDays(ctx); err != nil {
		return nil, err
	}
	mine, theirs = procstat.Of([]int{os.Getpid()}, false).CPU-mine, procstat.Of([]int{d.PID}, true).CPU-theirs
	return []report.Figure{report.New("log days summed up", "processor time of all days that are over, once, the database's included", "ms", []float64{ms(mine + theirs)}, nil, report.Goal{})}, nil
}

// drop lets the oldest day go while rows are written, each in a transaction of its own.
func (b *logBench) drop(ctx context.Context, db *database.DB, day int) ([]report.Figure, error) {
	later := b.now.Load().Add(13 * time.Hour) // the oldest day is over
	b.now.Store(&later)
	b.up.Add(int64(13 * time.Hour))
	if err := b.MakePartitions(ctx); err != nil {
		return nil, err
	}
	writer := requestlog.New(requestlog.Config{DB: db, Clock: b.Clock, Every: time.Millisecond})
	if err := writer.Start(ctx); err != nil {
		return nil, err
	}
	defer writer.Close(context.WithoutCancel(ctx))
	inner, stop := context.WithCancel(ctx)
	var writers sync.WaitGroup
	var waits hist.H
	ready := make(chan struct{})
	writers.Go(func() {
		for n := 0; inner.Err() == nil; n++ {
			watch, before := clock.StartStopwatch(), writer.Stats().Written
			writer.Record(b.entry(*b.now.Load()))
			for writer.Stats().Written == before && inner.Err() == nil {
				_ = wait(inner, 200*time.Microsecond)
			}
			if inner.Err() == nil {
				waits.Add(watch.Elapsed())
			}
			if n == 100 {
				close(ready)
			}
		}
	})
	<-ready
	watch := clock.StartStopwatch()
	dropped, err := b.Sweep(ctx)
	took := watch.Elapsed()
	stop()
	writers.Wait()
	if err != nil {
		return nil, err
	}
	if dropped < 2 {
		return nil, fmt.Errorf("%d partitions were dropped", dropped)
	}
	return []report.Figure{
		report.New("log drop", fmt.Sprintf("a day of %d rows dropped, with its sums, while others write", day), "ms", []float64{ms(took)}, nil, report.Goal{Plain: true, Limit: 1000}),
		report.New("log drop writes", "the longest write meanwhile, from Record until it is stored", "ms", []float64{ms(waits.Max())}, nil, report.Goal{Plain: true, Limit: 1000}),
	}, nil
}

// analyse asks for what the page of analytics asks for in one request: 90 days by day, key,
// model and route, in the browser's zone.
func (b *logBench) analyse(ctx context.Context, total, n int) ([]report.Figure, error) {
	zones := []string{"Europe/Berlin", "UTC", "Asia/Kathmandu", "Asia/Shanghai"}
	var all hist.H
	for i := range n {
		zone, err := time.LoadLocation(zones[i%len(zones)])
		if err != nil {
			return nil, fmt.Errorf("know a zone: %w", err)
		}
		year, month, day := b.now.Load().In(zone).Date()
		w := requestlog.Window{From: time.Date(year, month, day-89, 0, 0, 0, 0, zone), To: time.Date(year, month, day+1, 0, 0, 0, 0, zone), Zone: zone.String()}
		var page []*requestlog.Window
		for _, by := range []models.RequestDimension{models.RequestsByDay, models.RequestsByKey, models.RequestsByModel, models.RequestsByRoute} {
			one := w
			one.By = []models.RequestDimension{by}
			page = append(page, &one)
		}
		watch := clock.StartStopwatch()
		sums, errs := b.Analyses(ctx, b.account, page)
		all.Add(watch.Elapsed())
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		for _, sum := range sums {
			if sum.Total.Requests < int64(total)*9/10 {
				return nil, fmt.Errorf("the sum is of %d of %d rows", sum.Total.Requests, total)
			}
		}
	}
	return []report.Figure{
		report.New("log analytics page p99", fmt.Sprintf("90 days of %d rows summed up by day, by key, by model and by route at once, as the page asks, in several time zones", total), "ms", []float64{ms(all.Quantile(0.99))}, nil, report.Goal{Plain: true, Limit: 300}),
		report.New("log analytics page p50", "the same, median", "ms", []float64{ms(all.Quantile(0.5))}, nil, report.Goal{}),
	}, nil
}
