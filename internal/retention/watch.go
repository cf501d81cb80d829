package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// Procedure is a job of another room that ends rows in its own way.
type Procedure struct {
	Job string
	// Run is one turn; it says what it removed, by table.
	Run func(ctx context.Context) (map[string]int64, error)
	// Guarded lets a turn take place only while the engine's clocks are not in doubt; without
	// it the job guards itself.
	Guarded bool
	// Judged also holds a turn in which far more than usual would go, until the operator
	// confirms it, or for clock.Patience.
	Judged bool
	// Grain is how much longer than its time a row may stay, because it goes with others.
	Grain time.Duration
	// Untimed means that the register's clocks of its tables are no times of day.
	Untimed bool
	// Oldest is the oldest time that is left; nil: as the register's clock says.
	Oldest func(ctx context.Context) (*time.Time, error)
	// Upcoming counts what ends of a table before a time, by day; nil: as the register's clock says.
	Upcoming func(ctx context.Context, table string, since, before time.Time) ([]models.RetentionDay, error)
}

// holdOf notes the hold that a job's error tells of: a doubt of a clock, or what the job
// itself calls one, with how many would go and may. It is false where there is none.
func holdOf(err error, state *models.RetentionState, r *models.RetentionSweep) bool {
	var doubt *clock.Doubt
	var held interface {
		Hold() (kind models.RetentionHold, due, usual int64)
	}
	switch {
	case errors.As(err, &doubt):
		r.Guard = kindOf(doubt)
	case errors.As(err, &held):
		r.Guard, state.Due, state.Usual = held.Hold()
	}
	return r.Guard != ""
}

// Watch makes a job's function that tells the engine what each turn came to. All come
// before the first turn.
func (e *Engine) Watch(p Procedure) func(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.procedures[p.Job] = p
	return func(ctx context.Context) error {
		began := e.Clock.Now()
		rows, err := e.turn(ctx, p)
		for _, r := range e.others {
			if r.job() == p.Job && ctx.Err() == nil {
				err = errors.Join(err, e.told(ctx, r, p, turn{began, rows[r.Name], err}))
			}
		}
		return err
	}
}

// turn is one turn of a procedure.
func (e *Engine) turn(ctx context.Context, p Procedure) (map[string]int64, error) {
	if p.Guarded || p.Judged {
		at, err := e.guard.Admit(ctx)
		if err != nil {
			return nil, err //nolint:wrapcheck // it is a doubt, or the second clock's, which says what failed
		}
		if err := e.judge(ctx, p, at); err != nil {
			return nil, err
		}
	}
	return p.Run(ctx)
}

// judge refuses with a *ManyError a turn of a procedure that is to be judged, when far more
// than usual would go and that was neither confirmed nor held for long enough.
func (e *Engine) judge(ctx context.Context, p Procedure, at time.Time) error {
	for _, r := range e.others {
		if !p.Judged || r.job() != p.Job {
			continue
		}
		var state models.RetentionState
		if err := e.DB.Gorm(ctx).Where("rule = ?", r.Name).Limit(1).Find(&state).Error; err != nil {
			return fmt.Errorf("read where %s stands: %w", r.Name, database.Translate(err))
		}
		unusual, err := e.unusual(ctx, r, at, &state)
		if err != nil {
			return err
		}
		if !unusual || isOver(state, at, clock.Patience) {
			continue
		}
		since := at
		if state.Hold == models.HeldMany {
			since = *state.HeldSince
		}
		return &ManyError{Due: state.Due, Usual: state.Usual, Until: since.Add(clock.Patience)}
	}
	return nil
}

// procedure is the one of a job, if it is watched.
func (e *Engine) procedure(job string) (Procedure, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p, ok := e.procedures[job]
	return p, ok
}

// turn is what one turn of a procedure did to a table.
type turn struct {
	began time.Time
	rows  int64
	err   error
}

// told writes down what a turn did. One that failed counts as none, but for what it
// removed all the same.
func (e *Engine) told(ctx context.Context, r rule, p Procedure, t turn) error {
	oldest, err := e.oldestBy(ctx, r, p)
	if err != nil {
		return err
	}
	now := e.Clock.Now()
	err = e.DB.Tx(ctx, func(tx *gorm.DB) error {
		var state models.RetentionState
		if err := beginTx(tx, r.Name, &state); err != nil {
			return err
		}
		receipt := models.RetentionSweep{Rule: r.Name, Cutoff: t.began.Add(-r.max), Rows: t.rows, OldestLeft: oldest, StartedAt: t.began}
		if holdOf(t.err, &state, &receipt) {
			return holdTx(tx, &state, receipt)
		}
		done := map[string]any{"oldest": oldest}
		if t.err == nil {
			done["swept_at"], done["hold"], done["held_since"], done["due"], done["confirmed_at"] = now, "", nil, 0, nil
		}
		if t.rows > 0 {
			if state.Hold == models.HeldMany {
				receipt.Guard = models.HeldMany
			}
			receipt.FinishedAt = &now
			if err := saveTx(tx, &receipt); err != nil {
				return err
			}
			done["removed"], done["removed_at"] = t.rows, now
		}
		return tx.Model(&state).Updates(done).Error
	})
	if err != nil {
		return fmt.Errorf("write down what was swept of %s: %w", r.Name, err)
	}
	return nil
}

func (e *Engine) oldestBy(ctx context.Context, r rule, p Procedure) (*time.Time, error) {
	switch {
	case p.Oldest != nil:
		return p.Oldest(ctx)
	case p.Untimed:
		return nil, nil //nolint:nilnil // nobody knows
	}
	return e.oldest(ctx, r)
}

// look notes the oldest rows of tables that nobody tells of: those of the job runner.
func (e *Engine) look(ctx context.Context) error {
	for _, r := range e.others {
		if _, told := e.procedure(r.job()); told {
			continue
		}
		oldest, err := e.oldest(ctx, r)
		if err != nil {
			return err
		}
		_, err = e.DB.Pool().Exec(ctx, `INSERT INTO retention_rules (rule, oldest) VALUES ($1, $2) ON CONFLICT (rule) DO UPDATE SET oldest = EXCLUDED.oldest`, r.Name, oldest)
		if err != nil {
			return fmt.Errorf("look at %s: %w", r.Name, database.Translate(err))
		}
	}
	return nil
}
