// Package retention ends what is not kept. It alone builds rows of retention_rules and
// retention_sweeps.
//
// The register says of each table how long its rows are kept and by which job they end.
// Where that is this package's, Sweep deletes them by statements made from the register;
// the other jobs tell of what they did through Watch. A sweep deletes what is over by this
// machine's clock and by the database's, in small batches, one instance at a time: each
// sweep takes an epoch, and what an earlier one still tries changes nothing. What it
// removed is written with each batch, so that a sweep that was cut off leaves true counts
// and is gone on with.
//
// Nothing goes while the clocks differ or after one has jumped (see clock.Guard), nor where
// far more than usual would go. Such a hold ends when the operator confirms it, or by
// itself: a jump that lasts is believed, and what is over is not kept for more than a day
// because it is much. Readers leave out what is over whether or not it is still there.
package retention

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
)

// Job is the name under which Sweep gets its turns, in the register too.
const Job = "retention.sweep"

const (
	// A sweep of more than usualTimes the average of the last usualMemory ones that
	// removed something is unusual, one of at most usualAlways rows never.
	usualTimes  = 3
	usualMemory = 7
	usualAlways = 1000
	// manyFor is how long more than usual is held at most.
	manyFor = 24 * time.Hour
	// slack is how long after its time a row is missed, and a sweep after the last one.
	slack = 6 * time.Hour

	defaultBatch = 500
	batchTimeout = 30 * time.Second
	rest         = 3 // times as long as a batch took it rests
)

// Config is what an Engine is made of. Zero values take the defaults.
type Config struct {
	DB       *database.DB
	Register *register.Register
	Audit    *audit.Service // writes down what an operator confirms
	Clock    clock.Clock
	Log      *slog.Logger
	Batch    int // rows per transaction: 500
	// Uptime is how long the process runs, by a clock that never jumps.
	Uptime func() time.Duration
	// SecondClock must agree before anything goes; nil: the database's.
	SecondClock func(ctx context.Context) (time.Time, error)

	afterBatch func(rule string) // of tests
}

// Engine ends what the register says.
type Engine struct {
	Config
	rules    []rule // of this package's job
	others   []rule // of other jobs
	guard    *clock.Guard
	sweeping sync.Mutex // one sweep of this process at a time

	mu         sync.Mutex
	procedures map[string]Procedure
}

// New makes an engine. It refuses a register whose rules it can't make statements of.
func New(c Config) (*Engine, error) {
	if c.Batch <= 0 {
		c.Batch = defaultBatch
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Uptime == nil {
		c.Uptime = clock.StartStopwatch().Elapsed
	}
	e := &Engine{Config: c, procedures: map[string]Procedure{}}
	if c.SecondClock == nil {
		e.SecondClock = e.databaseClock
	}
	e.guard = clock.NewGuard(c.Clock, e.Uptime, e.SecondClock, e.Believed)
	for _, t := range c.Register.Tables {
		if t.Retention.Clock == "" {
			continue
		}
		r, err := ruleOf(t)
		if err != nil {
			return nil, err
		}
		if r.job() == Job {
			e.rules = append(e.rules, r)
		} else {
			e.others = append(e.others, r)
		}
	}
	return e, nil
}

// databaseClock is the time by the database's machine.
func (e *Engine) databaseClock(ctx context.Context) (now time.Time, err error) {
	if err := e.DB.Pool().QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", database.Translate(err))
	}
	return now.UTC(), nil
}

// Believed is the newest time by which Sweep of any process has deleted, zero where none
// has: what a process that starts knows of the time of day.
func (e *Engine) Believed(ctx context.Context) (time.Time, error) {
	names := make([]string, len(e.rules))
	for i, r := range e.rules {
		names[i] = r.Name
	}
	var at *time.Time
	if err := e.DB.Pool().QueryRow(ctx, `SELECT max(swept_at) FROM retention_rules WHERE rule = ANY($1)`, names).Scan(&at); err != nil {
		return time.Time{}, fmt.Errorf("find the last sweep: %w", database.Translate(err))
	}
	if at == nil {
		return time.Time{}, nil
	}
	return at.UTC(), nil
}
