package credit

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// LimitKeyTx sets the most, in micro-credits, that an API key may spend in all, counting
// what it has spent so far; nil: as much as the wallet holds. What is set aside for
// replies that are being written stays. It returns what the key has spent and may spend.
func (s *Service) LimitKeyTx(tx *gorm.DB, ownerID, keyID string, limit *int64) (b models.KeyBudget, err error) {
	err = tx.Raw(`INSERT INTO key_budgets (owner_id, key_id, credit_limit) VALUES (?, ?, ?)
		ON CONFLICT (owner_id, key_id) DO UPDATE SET credit_limit = excluded.credit_limit RETURNING *`, ownerID, keyID, limit).Scan(&b).Error
	if err != nil {
		return b, fmt.Errorf("limit what a key may spend: %w", err)
	}
	return b, nil
}

// KeyLimitTx is the most that a key may spend; nil: no limit of its own.
func (s *Service) KeyLimitTx(tx *gorm.DB, ownerID, keyID string) (*int64, error) {
	var b models.KeyBudget
	if err := tx.Raw(`SELECT * FROM key_budgets WHERE owner_id = ? AND key_id = ?`, ownerID, keyID).Scan(&b).Error; err != nil {
		return nil, fmt.Errorf("read what a key may spend: %w", err)
	}
	return b.CreditLimit, nil
}

// KeyBudgets are what the owner's API keys have spent and may spend, by key.
func (s *Service) KeyBudgets(ctx context.Context, ownerID string) (map[string]models.KeyBudget, error) {
	var rows []models.KeyBudget
	if err := s.DB.Gorm(ctx).Where("owner_id = ?", ownerID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read what keys have spent: %w", err)
	}
	out := make(map[string]models.KeyBudget, len(rows))
	for _, row := range rows {
		out[row.KeyID] = row
	}
	return out, nil
}

// fitsKeyTx refuses what would lead a key beyond its limit. It locks the wallet first: a
// statement that waited for the lock itself would judge the other holds as they were
// before it waited.
func (s *Service) fitsKeyTx(tx *gorm.DB, v viewer.Viewer, amount int64) error {
	accountID, err := s.WalletTx(tx, v.OwnerID)
	if err != nil {
		return fmt.Errorf("hold credits: %w", err)
	}
	if _, err := lockTx(tx, accountID); err != nil {
		return err
	}
	var fits []bool
	err = tx.Raw(`SELECT k.credit_limit IS NULL OR k.spent + ?::bigint + (SELECT coalesce(sum(h.amount), 0) FROM ledger_holds h
			WHERE h.key_id = k.key_id AND h.key_id <> '' AND h.status = 'PENDING') <= k.credit_limit
		FROM key_budgets k WHERE k.owner_id = ? AND k.key_id = ?`, amount, v.OwnerID, v.KeyID).Scan(&fits).Error
	if err != nil {
		return fmt.Errorf("read what a key may spend: %w", err)
	}
	if len(fits) == 0 || !fits[0] {
		return keyLimit()
	}
	return nil
}

// cappedTx reports whether the viewer's key has a limit of its own now: a socket is its
// viewer's for as long as it stands, and the limit may have come since it was opened.
func cappedTx(tx *gorm.DB, v viewer.Viewer) (capped bool, err error) {
	if v.KeyID == "" || v.KeyCapped {
		return v.KeyCapped, nil
	}
	err = tx.Raw(`SELECT EXISTS (SELECT FROM key_budgets WHERE owner_id = ? AND key_id = ? AND credit_limit IS NOT NULL)`, v.OwnerID, v.KeyID).Scan(&capped).Error
	if err != nil {
		return false, fmt.Errorf("look whether a key has a limit: %w", err)
	}
	return capped, nil
}

func keyLimit() error {
	return fault.New(fault.KeyLimitReached, "this API key has reached its credit limit: raise the limit, or use another key")
}
