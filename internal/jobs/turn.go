package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"
)

// kind is the only kind of job that River knows of us.
const kind = "turn"

// turn is a job's turn.
type turn struct {
	Name string `json:"name"`
}

// Kind names it to River.
func (turn) Kind() string { return kind }

// NudgeTx gives the job a turn as soon as the transaction is committed, on whichever
// instance is first; nothing happens when it is rolled back.
//
// The row is the one that River's own client would insert. That client wants a
// transaction of pgx and ours is one of database/sql; a second driver for it would
// bring a second PostgreSQL library into the program.
func (r *Runner) NudgeTx(tx *gorm.DB, name string) error {
	err := tx.Exec(`WITH nudge AS (
			INSERT INTO river_job (args, kind, max_attempts, queue, state, priority)
			VALUES (jsonb_build_object('name', ?::text), ?, 1, ?, 'available', 1) RETURNING queue)
		SELECT pg_notify(concat(current_schema(), '.river_insert'), json_build_object('queue', queue)::text) FROM nudge`,
		name, kind, river.QueueDefault).Error
	if err != nil {
		return fmt.Errorf("nudge job %s: %w", name, err)
	}
	return nil
}

// worker runs turns.
type worker struct {
	river.WorkerDefaults[turn]
	jobs map[string]Job
	log  *slog.Logger
}

// Timeout is the job's own.
func (w *worker) Timeout(j *river.Job[turn]) time.Duration { return w.jobs[j.Args.Name].Timeout }

// Work runs the function. An error is logged here and not given to River, which would
// keep its text in the table.
func (w *worker) Work(ctx context.Context, j *river.Job[turn]) error {
	job, ok := w.jobs[j.Args.Name]
	if !ok { // of a newer version on another instance: that one runs it at its next turn
		return nil
	}
	if err := job.Run(ctx); err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "job", "name", job.Name, "err", err)
	}
	return nil
}

// quiet lets through what River warns of. It tells of its leaders and of each
// statistic at lesser levels.
type quiet struct{ slog.Handler }

// Enabled reports whether the level is a warning at least and the log wants it.
func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

// WithAttrs keeps the quiet.
func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }

// WithGroup keeps the quiet.
func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
