package billing

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Quarantined is a page of the payments in quarantine, waiting ones first, newest first, and
// whether there are more. It refuses everybody but admins with FORBIDDEN.
func (s *Service) Quarantined(ctx context.Context, v viewer.Viewer, p page.Args) (rows []*models.QuarantinedPayment, more bool, err error) {
	if err := checkAdmin(v); err != nil {
		return nil, false, err
	}
	q := s.DB.Gorm(ctx).Order("(resolved_at IS NULL) DESC, id DESC")
	if p.After != "" {
		waits, after, ok := strings.Cut(p.After, ",")
		if !ok {
			return nil, false, fault.On("after", fault.Invalid, "this cursor belongs to another list: leave it out for the first page")
		}
		q = q.Where("((resolved_at IS NULL), id) < (?, ?)", waits == waitsMark, after)
	}
	if rows, more, err = pageOf[models.QuarantinedPayment](q, p.Size); err != nil {
		return nil, false, fmt.Errorf("list quarantined payments: %w", err)
	}
	return rows, more, nil
}

// The marks of payments that wait, and of those that don't, in their positions.
const (
	waitsMark   = "1"
	decidedMark = "0"
)

// QuarantinePosition is a payment's place in the list of Quarantined.
func QuarantinePosition(q *models.QuarantinedPayment) string {
	if q.ResolvedAt == nil {
		return waitsMark + "," + q.ID
	}
	return decidedMark + "," + q.ID
}

// QuarantineWaiting is how many payments in quarantine wait for a decision. It refuses
// everybody but admins with FORBIDDEN.
func (s *Service) QuarantineWaiting(ctx context.Context, v viewer.Viewer) (n int64, err error) {
	if err := checkAdmin(v); err != nil {
		return 0, err
	}
	return waitingTx(s.DB.Gorm(ctx))
}

func waitingTx(tx *gorm.DB) (n int64, err error) {
	if err := tx.Model(&models.QuarantinedPayment{}).Where("resolved_at IS NULL").Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count what waits in quarantine: %w", err)
	}
	return n, nil
}

// Reconciliations is a page of the comparisons, newest first, and whether there are more. It
// refuses everybody but admins with FORBIDDEN.
func (s *Service) Reconciliations(ctx context.Context, v viewer.Viewer, p page.Args) (rows []*models.Reconciliation, more bool, err error) {
	if err := checkAdmin(v); err != nil {
		return nil, false, err
	}
	q := s.DB.Gorm(ctx).Order("id DESC")
	if p.After != "" {
		q = q.Where("id < ?", p.After)
	}
	if rows, more, err = pageOf[models.Reconciliation](q, p.Size); err != nil {
		return nil, false, fmt.Errorf("list comparisons: %w", err)
	}
	return rows, more, nil
}

// pageOf is at most size of the rows, and whether there are more.
func pageOf[T any](q *gorm.DB, size int) (rows []*T, more bool, err error) {
	if err := q.Limit(size + 1).Find(&rows).Error; err != nil {
		return nil, false, err //nolint:wrapcheck // the callers say what was listed
	}
	if more = len(rows) > size; more {
		rows = rows[:size]
	}
	return rows, more, nil
}
