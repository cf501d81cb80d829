package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
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
		name, kind, r.jobs[name].queue()).Error
	if err != nil {
		return fmt.Errorf("nudge job %s: %w", name, err)
	}
	return nil
}

// worker runs turns.
type worker struct {
	river.WorkerDefaults[turn]
	jobs  map[string]Job
	log   *slog.Logger
	db    *database.DB
	lease time.Duration
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
	defer w.hold(ctx, j.ID)()
	if err := job.Run(ctx); err != nil && ctx.Err() == nil {
		w.log.WarnContext(ctx, "job", "name", job.Name, "err", err)
	}
	return nil
}

// hold tells of a turn that it is at work, until it is ended.
func (w *worker) hold(ctx context.Context, id int64) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		for t := time.NewTicker(w.lease / 4); ; {
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-t.C:
			}
			if _, err := w.db.Pool().Exec(ctx, `UPDATE river_job SET attempted_at = now() WHERE id = $1 AND state = 'running'`, id); err != nil && ctx.Err() == nil {
				w.log.WarnContext(ctx, "hold the turn of a job", "err", database.Translate(err))
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

// rescueAll ends, now and then, the turns of instances that died, so that their jobs get
// another one. Where one lives after all, its job runs twice at once, which does no harm.
func (r *Runner) rescueAll(ctx context.Context) {
	for t := time.NewTicker(r.lease / 2); ; {
		_, err := r.DB.Pool().Exec(ctx, `UPDATE river_job SET state = 'discarded', finalized_at = now()
			WHERE state = 'running' AND kind = $1 AND attempted_at < now() - $2::float8 * interval '1 second'`, kind, r.lease.Seconds())
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "end the turns of instances that died", "err", database.Translate(err))
		}
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
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
