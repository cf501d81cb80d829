package retention

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// ManyError means that a rule deletes nothing because far more than usual would go.
type ManyError struct {
	Due   int64 // would go
	Usual int64 // may go without asking
	Until time.Time
}

// Error says what to do.
func (e *ManyError) Error() string {
	return fmt.Sprintf("nothing was deleted: %d rows would go, where %d are usual at most; they go when the operator confirms it, or at %s",
		e.Due, e.Usual, e.Until.Format(time.RFC3339))
}

// admit is the time by which this sweep may delete. While the clock is in doubt all rules
// are held, and the error is a *clock.Doubt.
func (e *Engine) admit(ctx context.Context) (time.Time, error) {
	at, err := e.guard.Admit(ctx)
	var doubt *clock.Doubt
	if !errors.As(err, &doubt) {
		return at, err //nolint:wrapcheck // it is the second clock's, which says what failed
	}
	kind, confirmed := kindOf(doubt), false
	for _, r := range e.rules {
		state, held := e.holdClock(ctx, r, kind, doubt.Now)
		if held != nil {
			return at, errors.Join(err, held)
		}
		confirmed = confirmed || state.ConfirmedAt != nil
	}
	if kind == models.HeldJump && confirmed {
		e.guard.Believe()
		return e.guard.Admit(ctx) //nolint:wrapcheck // as above
	}
	return at, err //nolint:wrapcheck // as above
}

// kindOf is the hold that a doubt is.
func kindOf(d *clock.Doubt) models.RetentionHold {
	if d.Until.IsZero() {
		return models.HeldClocks
	}
	return models.HeldJump
}

// holdClock holds a rule because of a clock.
func (e *Engine) holdClock(ctx context.Context, r rule, kind models.RetentionHold, now time.Time) (state models.RetentionState, err error) {
	err = e.DB.Tx(ctx, func(tx *gorm.DB) error {
		state = models.RetentionState{}
		if err := beginTx(tx, r.Name, &state); err != nil {
			return err
		}
		return holdTx(tx, &state, models.RetentionSweep{Rule: r.Name, Cutoff: now.Add(-r.max), Guard: kind, StartedAt: now})
	})
	if err != nil {
		return state, fmt.Errorf("hold %s: %w", r.Name, err)
	}
	return state, nil
}

// holdTx notes a hold, with a receipt of it where it is new. One that seems to lie ahead
// began when a clock was wrong.
func holdTx(tx *gorm.DB, state *models.RetentionState, r models.RetentionSweep) error {
	if state.Hold == r.Guard && !state.HeldSince.After(r.StartedAt.Add(clock.Tolerance)) {
		return tx.Model(state).Updates(map[string]any{"due": state.Due, "usual": state.Usual}).Error
	}
	state.Hold, state.HeldSince, state.ConfirmedAt = r.Guard, &r.StartedAt, nil
	err := tx.Model(state).Updates(map[string]any{"hold": state.Hold, "held_since": state.HeldSince, "confirmed_at": nil, "due": state.Due, "usual": state.Usual}).Error
	if err != nil {
		return fmt.Errorf("note a hold: %w", err)
	}
	r.FinishedAt = &r.StartedAt
	return saveTx(tx, &r)
}

// Hold is what it is among the reasons to delete nothing.
func (e *ManyError) Hold() (kind models.RetentionHold, due, usual int64) {
	return models.HeldMany, e.Due, e.Usual
}

// unusual reports whether far more than usual would go, and notes both in the state.
func (e *Engine) unusual(ctx context.Context, r rule, at time.Time, state *models.RetentionState) (_ bool, err error) {
	if state.Usual, err = e.usual(ctx, r); err != nil {
		return false, err
	}
	if state.Due, err = e.due(ctx, r, at, state.Usual+1); err != nil || state.Due <= state.Usual {
		return false, err
	}
	state.Due, err = e.due(ctx, r, at, math.MaxInt64)
	return err == nil, err
}

// isOver reports whether a hold for being many is confirmed, or has lasted.
func isOver(state models.RetentionState, at time.Time, lasts time.Duration) bool {
	return state.Hold == models.HeldMany && (state.ConfirmedAt != nil || at.Sub(*state.HeldSince) >= lasts)
}

// judge refuses with a *ManyError when far more than usual would go, unless that was
// confirmed or held for long enough.
func (s *sweep) judge(ctx context.Context) error {
	unusual, err := s.e.unusual(ctx, s.rule, s.at, &s.state)
	if err != nil || !unusual {
		return err
	}
	if isOver(s.state, s.at, manyFor) {
		s.receipt.Guard = models.HeldMany
		return nil
	}
	err = s.e.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := fenceTx(tx, s.state); err != nil {
			return err
		}
		return holdTx(tx, &s.state, models.RetentionSweep{Rule: s.rule.Name, Cutoff: s.receipt.Cutoff, Guard: models.HeldMany, StartedAt: s.at})
	})
	if err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return &ManyError{Due: s.state.Due, Usual: s.state.Usual, Until: s.state.HeldSince.Add(manyFor)}
}

// usual is how many rows may go without asking.
func (e *Engine) usual(ctx context.Context, r rule) (int64, error) {
	var average float64
	err := e.DB.Pool().QueryRow(ctx, `SELECT coalesce(avg(rows), 0)::float8 FROM (SELECT rows FROM retention_sweeps
		WHERE rule = $1 AND rows > 0 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT $2) last`, r.Name, usualMemory).Scan(&average)
	if err != nil {
		return 0, fmt.Errorf("read former sweeps: %w", database.Translate(err))
	}
	return max(usualAlways, int64(usualTimes*average)), nil
}

// due counts what has ended by a time, up to limit.
func (e *Engine) due(ctx context.Context, r rule, at time.Time, limit int64) (n int64, err error) {
	sql, args := r.dueSQL(at, limit)
	if err := e.DB.Pool().QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count what is over: %w", database.Translate(err))
	}
	return n, nil
}
