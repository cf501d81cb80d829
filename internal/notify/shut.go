package notify

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// ShutTx takes the mails of an owner that is being deleted out of the outbox: none is sent
// any more.
func (s *Service) ShutTx(tx *gorm.DB, ownerID string) (rows map[string]int64, told func(), err error) {
	gone := tx.Where("owner_id = ?", ownerID).Delete(&models.Mail{})
	if gone.Error != nil {
		return nil, nil, fmt.Errorf("take an owner's mails back: %w", gone.Error)
	}
	return map[string]int64{"mails": gone.RowsAffected}, func() {}, nil
}
