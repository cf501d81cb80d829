package notify

import (
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// KeepFor is how long a mail stays after it was sent, given up, or kept to be read. Readers
// leave out what is older.
const KeepFor = 30 * 24 * time.Hour

// keptSQL is the condition under which a mail is not over; its argument is KeepFor ago.
const keptSQL = "(status = 'QUEUED' OR COALESCE(finished_at, created_at) > ?)"

// CountTx says how many mails the owners have.
func (s *Service) CountTx(tx *gorm.DB, ownerIDs []string) (map[string]int64, error) {
	var n int64
	if err := tx.Model(&models.Mail{}).Where("owner_id IN ?", ownerIDs).Count(&n).Error; err != nil {
		return nil, fmt.Errorf("count mails: %w", err)
	}
	return map[string]int64{"mails": n}, nil
}
