package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// recent is how many receipts of a rule are shown.
const recent = 10

// Line is where one rule stands, in short.
type Line struct {
	Rule, Table string
	Max         time.Duration
	OldestAge   time.Duration // by the rule's clock, zero when there is nothing
	LastSweptAt *time.Time    // nil: never, or by somebody who doesn't tell
	LastRows    int64         // of the last sweep that removed anything
	Overdue     bool          // something is there that should have gone, or nobody sweeps
	Held        string        // why nothing goes for the moment; empty: nothing holds it
}

// Report is where all rules stand, in the register's order.
func (e *Engine) Report(ctx context.Context) ([]Line, error) {
	rules, err := e.all(ctx)
	if err != nil {
		return nil, err
	}
	now := e.Clock.Now()
	out := make([]Line, len(rules))
	for i, r := range rules {
		out[i] = Line{Rule: r.Table, Table: r.Table, Max: r.Max, LastSweptAt: r.SweptAt, LastRows: r.Removed, Overdue: r.Overdue}
		if r.OldestAt != nil {
			out[i].OldestAge = max(0, now.Sub(*r.OldestAt))
		}
		if r.Hold != nil {
			out[i].Held = string(r.Hold.Kind)
		}
	}
	return out, nil
}

// Rules is where all rules stand, in the register's order. It refuses everybody but admins
// with FORBIDDEN.
func (e *Engine) Rules(ctx context.Context, v viewer.Viewer) ([]*models.RetentionRule, error) {
	if err := checkAdmin(v); err != nil {
		return nil, err
	}
	return e.all(ctx)
}

// Sweeps are the last receipts of a rule, newest first. It refuses everybody but admins
// with FORBIDDEN.
func (e *Engine) Sweeps(ctx context.Context, v viewer.Viewer, table string) (out []*models.RetentionSweep, err error) {
	if err := checkAdmin(v); err != nil {
		return nil, err
	}
	err = e.DB.Gorm(ctx).Where("rule = ? AND started_at > ?", table, e.Clock.Now().Add(-e.keptReceipts())).Order("id DESC").Limit(recent).Find(&out).Error
	if err != nil {
		return nil, fmt.Errorf("list receipts of sweeps: %w", err)
	}
	return out, nil
}

// keptReceipts is how long receipts are kept.
func (e *Engine) keptReceipts() time.Duration {
	r, _ := e.find(models.RetentionSweep{}.TableName())
	return r.max
}

func (e *Engine) find(table string) (rule, bool) {
	for _, r := range e.inOrder() {
		if r.Name == table {
			return r, true
		}
	}
	return rule{}, false
}

// inOrder are all rules in the register's order.
func (e *Engine) inOrder() (out []rule) {
	known := map[string]rule{}
	for _, some := range [][]rule{e.rules, e.others} {
		for _, r := range some {
			known[r.Name] = r
		}
	}
	for _, t := range e.Register.Tables {
		if r, ok := known[t.Name]; ok {
			out = append(out, r)
		}
	}
	return out
}

func (e *Engine) all(ctx context.Context) (out []*models.RetentionRule, err error) {
	var states []models.RetentionState
	if err := e.DB.Gorm(ctx).Find(&states).Error; err != nil {
		return nil, fmt.Errorf("read where the rules stand: %w", err)
	}
	known := map[string]models.RetentionState{}
	for _, s := range states {
		known[s.Rule] = s
	}
	for _, r := range e.inOrder() {
		out = append(out, e.describe(r, known[r.Name]))
	}
	return out, nil
}

func (e *Engine) describe(r rule, s models.RetentionState) *models.RetentionRule {
	return &models.RetentionRule{Table: r.Name, About: r.About, Group: r.Group, Clause: r.Retention.Clause, Job: r.job(), Max: r.max, Idle: r.idle,
		OldestAt: s.Oldest, SweptAt: s.SweptAt, Removed: s.Removed, RemovedAt: s.RemovedAt, Overdue: e.overdue(r, s), Hold: e.holding(r, s)}
}

// overdue reports whether something is left that should have gone for some time, or whether
// nobody has swept for as long.
func (e *Engine) overdue(r rule, s models.RetentionState) bool {
	now := e.Clock.Now()
	p, watched := e.procedure(r.job())
	if s.Oldest != nil && now.Sub(*s.Oldest) > r.max+p.Grain+slack {
		return true
	}
	if !watched && r.job() != Job {
		return false
	}
	if s.SweptAt == nil {
		return e.Uptime() > slack
	}
	return now.Sub(*s.SweptAt) > slack
}

// holding is the hold of a rule and how it ends; nil when there is none.
func (e *Engine) holding(r rule, s models.RetentionState) *models.RetentionHolding {
	if s.Hold == "" || s.HeldSince == nil {
		return nil
	}
	h := &models.RetentionHolding{Kind: s.Hold, Since: *s.HeldSince, Due: s.Due, Usual: s.Usual, ConfirmedAt: s.ConfirmedAt, Confirmable: e.confirmable(r, s)}
	lasts := clock.Patience
	if s.Hold == models.HeldMany && r.job() == Job {
		lasts = manyFor
	}
	if s.Hold != models.HeldClocks {
		until := s.HeldSince.Add(lasts)
		h.Until = &until
	}
	return h
}

// checkAdmin refuses everybody but admins with FORBIDDEN.
func checkAdmin(v viewer.Viewer) error {
	if v.Kind != viewer.Account || !v.Admin {
		return fault.New(fault.Forbidden, "only whoever runs this installation may see what ends when: sign in as an admin")
	}
	return nil
}
