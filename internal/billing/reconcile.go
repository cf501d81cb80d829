package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// The bounds of a comparison.
const (
	reconcileWindow   = 72 * time.Hour
	reconcileSettling = 2 * time.Minute // younger checkouts are still being made, and paid ones told
	reconcileOpen     = 1000            // open checkouts that are asked for
	maxDifferences    = 200
	maxFailure        = 500
	// What is paid here must be known to the provider by then, and may be missing from a
	// list that begins with checkouts which were made then.
	reconcileLate  = 10 * time.Minute
	reconcileEarly = 25 * time.Hour
)

// The job that calls Reconcile.
const (
	ReconcileJob     = "payments.reconcile"
	ReconcileEvery   = 15 * time.Minute
	ReconcileTimeout = 10 * time.Minute
)

// Reconcile compares what the providers know of the last 72 hours, and of all open
// checkouts, with the books, and puts right what differs the way webhooks do. Every
// difference is logged as an error. What could not be finished is in the comparisons too,
// and is the error.
func (s *Service) Reconcile(ctx context.Context) ([]*models.Reconciliation, error) {
	var done []*models.Reconciliation
	var failed []error
	for _, name := range s.Sellers() {
		r, err := s.reconcile(ctx, name)
		if err != nil {
			failed = append(failed, fmt.Errorf("compare the payments at %s: %w", name, err))
		}
		if r != nil {
			done = append(done, r)
		}
	}
	return done, errors.Join(failed...)
}

// ReconcileNow is Reconcile for the operator, who reads in the comparisons what failed. It
// refuses everybody but admins with FORBIDDEN.
func (s *Service) ReconcileNow(ctx context.Context, v viewer.Viewer) ([]*models.Reconciliation, error) {
	if err := checkAdmin(v); err != nil {
		return nil, err
	}
	if len(s.providers) == 0 {
		return nil, fault.New(fault.Conflict, "no payment provider is set up: there is nothing to compare")
	}
	done, err := s.Reconcile(ctx)
	if len(done) < len(s.providers) {
		return nil, err
	}
	return done, nil
}

// comparison is one on its way.
type comparison struct {
	*Service
	row         models.Reconciliation
	provider    payment.Provider
	seen        map[string]bool // purchases that the provider knows
	stray       bool            // the provider knows a payment that no purchase does
	differences []string
	left        []string // those that nobody put right
	failed      []error
}

// reconcile compares with one provider. The row is nil only when it could not be kept.
func (s *Service) reconcile(ctx context.Context, name models.PaymentProvider) (*models.Reconciliation, error) {
	now := s.Clock.Now()
	c := &comparison{Service: s, provider: s.providers[name], seen: map[string]bool{}, differences: []string{}, left: []string{},
		row: models.Reconciliation{ID: id.New(id.Reconciliation), Provider: name, Since: now.Add(-reconcileWindow), StartedAt: now}}
	c.compare(ctx)
	err := errors.Join(c.failed...)
	if kept := c.keep(context.WithoutCancel(ctx), err); kept != nil {
		return nil, errors.Join(err, kept)
	}
	return &c.row, err
}

func (c *comparison) compare(ctx context.Context) {
	c.fail(c.sessions(ctx))
	c.fail(c.provider.Payments(ctx, c.row.Since, func(e payment.Event) error { return c.one(ctx, e) }))
	if len(c.failed) > 0 {
		return
	}
	c.fail(c.strays(ctx))
	c.fail(c.unknown(ctx))
	c.fail(c.lapse(ctx))
}

func (c *comparison) fail(err error) {
	if err != nil {
		c.failed = append(c.failed, err)
	}
}

// one applies what the provider says of one payment. What fails is remembered, and does
// not keep the others from being compared.
func (c *comparison) one(ctx context.Context, e payment.Event) error {
	if e.Status == payment.Nothing || e.Status == payment.Paid && c.fresh(e) {
		return nil
	}
	v, err := c.take(ctx, told{Event: e, by: c.row.Provider, asked: c.row.StartedAt})
	if err != nil {
		c.fail(err)
		return ctx.Err()
	}
	if v.purchaseID == nil && v.outcome != outcomeQuarantined {
		c.stray = true // none of ours, as far as that tells
		return nil
	}
	c.row.Compared++
	c.seen[orEmpty(v.purchaseID)] = true
	if !v.changed || e.Status == payment.Expired || e.Status == payment.Failed {
		return nil
	}
	if v.outcome == outcomeQuarantined {
		c.differ("%s: a payment at the provider is not what was ordered; it waits in quarantine", orEmpty(v.purchaseID))
		return nil
	}
	c.row.Repaired++
	c.differ("%s: %s at the provider and not here; put right", orEmpty(v.purchaseID), word(e.Status))
	return nil
}

// fresh reports whether a webhook may still be on its way.
func (c *comparison) fresh(e payment.Event) bool {
	return e.OccurredAt.After(c.row.StartedAt.Add(-reconcileSettling))
}

func word(s payment.Status) string {
	switch s {
	case payment.Refunded:
		return "refunded"
	case payment.Disputed:
		return "disputed"
	}
	return "paid"
}

// differ notes a difference and raises the alarm.
func (c *comparison) differ(format string, args ...any) (line string, noted bool) {
	line = fmt.Sprintf(format, args...)
	c.Log.Error("the payment provider and the ledger differed", "provider", c.row.Provider, "difference", line)
	if noted = len(c.differences) < maxDifferences; noted {
		c.differences = append(c.differences, line)
	}
	return line, noted
}

// sessions asks how every checkout stands that is open here.
func (c *comparison) sessions(ctx context.Context) error {
	return c.askAll(ctx, "status IN ? AND created_at < ?", []models.PurchaseStatus{models.PurchaseCreating, models.PurchaseOpen}, c.row.StartedAt.Add(-reconcileSettling))
}

// askAll asks how the provider's checkouts stand for which a condition holds, the youngest
// first.
func (c *comparison) askAll(ctx context.Context, where string, args ...any) error {
	var checkouts []models.Purchase
	err := c.DB.Gorm(ctx).Where("provider = ? AND live = ?", c.row.Provider, c.provider.Live()).Where(where, args...).
		Order("created_at DESC").Limit(reconcileOpen).Find(&checkouts).Error
	if err != nil {
		return fmt.Errorf("list checkouts: %w", err)
	}
	for _, p := range checkouts {
		if err := c.session(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// session asks how a checkout stands. Where its payer is gone nothing leads to it; the
// list of payments may still tell of it.
func (c *comparison) session(ctx context.Context, p models.Purchase) error {
	who, err := c.payerOf(ctx, p.ID)
	if err != nil {
		return err
	}
	d, err := openDetailsTx(c.DB.Gorm(ctx), who, p.ID)
	if err != nil || d == nil || d.SessionID == "" {
		return err
	}
	e, err := c.provider.Session(ctx, d.SessionID)
	if errors.Is(err, payment.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("ask for a checkout: %w", err)
	}
	return c.one(ctx, e)
}
