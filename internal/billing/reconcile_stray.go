package billing

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/models"
)

// strays finds the sales of our products that belong to no purchase which is known to be
// paid, where the provider's list names no purchases. Such a sale is looked for among the
// checkouts that are over here, for the provider may let them be paid all the same. What
// belongs to none of them, as when its payer is gone, waits in quarantine.
func (c *comparison) strays(ctx context.Context) error {
	seller, ok := c.provider.(payment.Seller)
	if !ok || !c.stray {
		return nil
	}
	for _, pack := range c.Packs {
		if !sells(c.row.Provider, pack) {
			continue
		}
		var found []payment.Event
		err := seller.Sales(ctx, pack.CreemProductID, c.row.Since, func(e payment.Event) error {
			is, err := c.isStray(ctx, e)
			if is {
				found = append(found, e)
			}
			return err
		})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			continue
		}
		if err := c.over(ctx, pack); err != nil {
			return err
		}
		for _, e := range found {
			if err := c.settleStray(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// isStray reports whether money came that no purchase knows of and that does not wait in
// quarantine. What went back as a whole is no longer anybody's.
func (c *comparison) isStray(ctx context.Context, e payment.Event) (bool, error) {
	if c.fresh(e) || e.OccurredAt.Before(c.row.Since) || e.Status != payment.Paid && e.Status != payment.Refunded || e.RefundedMinor >= e.AmountMinor {
		return false, nil
	}
	index := c.Indexer.of(sortPayment, c.row.Provider, e.PaymentID)
	p, err := byPaymentTx(c.DB.Gorm(ctx), c.row.Provider, index)
	if err != nil || p != nil {
		return false, err
	}
	var waits bool
	err = c.DB.Pool().QueryRow(ctx, `SELECT EXISTS (SELECT FROM payment_quarantine WHERE provider = $1 AND facts -> 'found' ->> 'payment' = $2)`,
		c.row.Provider, hex.EncodeToString(index)).Scan(&waits)
	if err != nil {
		return false, fmt.Errorf("look whether a payment is quarantined: %w", err)
	}
	return !waits, nil
}

// over asks how the checkouts of a pack stand that are over here, the youngest first.
func (c *comparison) over(ctx context.Context, pack Pack) error {
	return c.askAll(ctx, "pack_id = ? AND status = ?", pack.ID, models.PurchaseExpired)
}

// settleStray takes what is told of a stray sale once more, now that its checkout may be
// known; if it is not, the sale is quarantined.
func (c *comparison) settleStray(ctx context.Context, e payment.Event) error {
	is, err := c.isStray(ctx, e)
	if err != nil {
		return err
	}
	if !is {
		return c.one(ctx, e)
	}
	e.Status = payment.Paid
	v, err := c.take(ctx, told{Event: e, by: c.row.Provider, asked: c.row.StartedAt, ours: true})
	if err != nil {
		return err
	}
	c.row.Compared++
	if v.changed {
		c.differ("%s: sold at the provider, and no purchase of ours; it waits in quarantine", e.ProductID)
	}
	return nil
}
