package account

import (
	"context"
	"fmt"

	"github.com/kimi-k2/kimi-k2/models"
)

// verifyBatch is how many owners VerifyOwners reads at once.
const verifyBatch = 500

// VerifyOwners opens the data key of every owner and says how many there are. It
// stops at the first one that doesn't open.
func (s *Service) VerifyOwners(ctx context.Context) (n int, err error) {
	for last := ""; ; {
		var rows []models.Owner
		if err := s.db.Gorm(ctx).Select("id", "key_wrapped").Where("id > ?", last).Order("id").Limit(verifyBatch).Find(&rows).Error; err != nil {
			return n, fmt.Errorf("read owners: %w", err)
		}
		for _, o := range rows {
			if _, err := s.keeper.Unwrap(o.ID, o.KeyWrapped); err != nil {
				return n, fmt.Errorf("owner %s: %w", o.ID, err)
			}
		}
		if n += len(rows); len(rows) < verifyBatch {
			return n, nil
		}
		last = rows[len(rows)-1].ID
	}
}
