package retention

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// confirmable reports whether the operator may end a hold: those of clocks that differ end
// when they are set, those of other jobs by these jobs, unless the engine judges for them.
func (e *Engine) confirmable(r rule, s models.RetentionState) bool {
	p, _ := e.procedure(r.job())
	switch {
	case s.ConfirmedAt != nil:
		return false
	case s.Hold == models.HeldMany:
		return r.job() == Job || p.Judged
	}
	return r.job() == Job && s.Hold == models.HeldJump
}

// Confirm lets a rule that is held go on with its next sweep, and writes down who said so.
// Confirmed twice is confirmed once. It refuses everybody but admins with FORBIDDEN, tables
// without a rule with NOT_FOUND, and with CONFLICT where nothing holds it, or where
// something does that nobody can confirm.
func (e *Engine) Confirm(ctx context.Context, v viewer.Viewer, table string) (*models.RetentionRule, error) {
	if err := checkAdmin(v); err != nil {
		return nil, err
	}
	r, ok := e.find(table)
	if !ok {
		return nil, fault.On("table", fault.NotFound, "there is no such rule")
	}
	var state models.RetentionState
	err := e.DB.Tx(ctx, func(tx *gorm.DB) error {
		state = models.RetentionState{}
		if err := tx.Raw(`SELECT * FROM retention_rules WHERE rule = ? FOR UPDATE`, table).Scan(&state).Error; err != nil {
			return fmt.Errorf("find the rule: %w", err)
		}
		if state.ConfirmedAt != nil {
			return nil
		}
		if !e.confirmable(r, state) {
			return refusal(r, state)
		}
		now := e.Clock.Now()
		state.ConfirmedAt = &now
		if err := tx.Model(&state).Update("confirmed_at", now).Error; err != nil {
			return fmt.Errorf("confirm: %w", err)
		}
		return e.Audit.WriteTx(tx, audit.Entry{Act: models.AuditRetentionConfirmed, By: audit.Operator(v), Facts: models.AuditFacts{Ref: table, Outcome: string(state.Hold), Count: state.Due}})
	})
	if err != nil {
		return nil, err
	}
	return e.describe(r, state), nil
}

func refusal(r rule, s models.RetentionState) error {
	switch {
	case s.Hold == "":
		return fault.On("table", fault.Conflict, "nothing holds this rule any more")
	case r.job() != Job:
		return fault.On("table", fault.Conflict, "this job looks at the clocks itself and goes on when they are right")
	}
	return fault.On("table", fault.Conflict, "the clocks of this machine and of the database differ: set them, and the next sweep goes on")
}
