package policy

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// CountTx says how many rows the owners have here, by table.
func (s *Service) CountTx(tx *gorm.DB, ownerIDs []string) (map[string]int64, error) {
	counts := map[string]int64{}
	for table, model := range map[string]any{
		"age_confirmations": &models.AgeConfirmation{}, "policy_acceptances": &models.PolicyAcceptance{}, "consents": &models.Consent{},
	} {
		var n int64
		if err := tx.Model(model).Where("owner_id IN ?", ownerIDs).Count(&n).Error; err != nil {
			return nil, fmt.Errorf("count %s: %w", table, err)
		}
		counts[table] = n
	}
	return counts, nil
}
