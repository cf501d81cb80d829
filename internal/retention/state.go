package retention

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// beginTx takes the rule's next epoch and reads where it stands.
func beginTx(tx *gorm.DB, name string, state *models.RetentionState) error {
	err := tx.Raw(`INSERT INTO retention_rules (rule, epoch) VALUES (?, 1)
		ON CONFLICT (rule) DO UPDATE SET epoch = retention_rules.epoch + 1 RETURNING *`, name).Scan(state).Error
	if err != nil {
		return fmt.Errorf("take an epoch: %w", err)
	}
	return nil
}

// fenceTx refuses with errFenced what belongs to an epoch that is over, and keeps the next
// one from beginning before the transaction ends.
func fenceTx(tx *gorm.DB, state models.RetentionState) error {
	var mine bool
	if err := tx.Raw(`SELECT epoch = ? FROM retention_rules WHERE rule = ? FOR UPDATE`, state.Epoch, state.Rule).Scan(&mine).Error; err != nil {
		return fmt.Errorf("look at the epoch: %w", err)
	}
	if !mine {
		return errFenced
	}
	return nil
}

// saveTx stores a receipt.
func saveTx(tx *gorm.DB, r *models.RetentionSweep) error {
	if r.ID == "" {
		r.ID = id.New(id.RetentionSweep)
	}
	if err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "id"}}, UpdateAll: true}).Create(r).Error; err != nil {
		return fmt.Errorf("write a receipt: %w", err)
	}
	return nil
}
