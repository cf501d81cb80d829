package billing

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// unknown finds what is paid here and not known to the provider. Nothing is taken back
// for it: the operator must look.
func (c *comparison) unknown(ctx context.Context) error {
	var paid []string
	err := c.DB.Gorm(ctx).Model(&models.Purchase{}).Where("provider = ? AND live = ? AND status = ? AND paid_at BETWEEN ? AND ? AND created_at > ?",
		c.row.Provider, c.provider.Live(), models.PurchasePaid, c.row.Since.Add(reconcileEarly), c.row.StartedAt.Add(-reconcileLate),
		c.row.Since.Add(reconcileEarly)).Order("id").Pluck("id", &paid).Error
	if err != nil {
		return fmt.Errorf("list paid purchases: %w", err)
	}
	for _, p := range paid {
		if !c.seen[p] {
			if line, noted := c.differ("%s: paid here, and the provider does not know it; look at it at the provider", p); noted {
				c.left = append(c.left, line)
			}
		}
	}
	return nil
}

// lapse ends checkouts that nobody can pay any more, or that are asked for no longer. A
// payment that comes all the same is credited.
func (c *comparison) lapse(ctx context.Context) error {
	_, err := c.DB.Pool().Exec(ctx, `UPDATE purchases SET status = 'EXPIRED', updated_at = $1 WHERE provider = $2
		AND (status = 'CREATING' AND created_at < $3 OR status = 'OPEN' AND created_at < $4)`,
		c.row.StartedAt, c.row.Provider, c.row.StartedAt.Add(-2*checkoutTTL), c.row.StartedAt.Add(-reconcileWindow-2*checkoutTTL))
	if err != nil {
		return fmt.Errorf("end old checkouts: %w", err)
	}
	return nil
}

// keep stores the comparison and tells of it. Old ones go with the retention of the register.
func (c *comparison) keep(ctx context.Context, failure error) (err error) {
	c.row.FinishedAt = c.Clock.Now()
	if failure != nil {
		c.row.Failure = cut(failure.Error(), maxFailure)
	}
	if c.row.Differences, err = json.Marshal(c.differences); err != nil {
		return fmt.Errorf("write the differences: %w", err)
	}
	return c.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := c.tellTx(ctx, tx); err != nil {
			return err
		}
		if err := tx.Create(&c.row).Error; err != nil {
			return fmt.Errorf("keep the comparison: %w", err)
		}
		return nil
	})
}
