package notify

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// TidyJob is the name under which Tidy gets its turns.
const TidyJob = "mails.tidy"

// KeepFor is how long a mail stays after it was sent, given up, or kept to be read.
const KeepFor = 30 * 24 * time.Hour

// tidyBatch is how many mails Tidy deletes at once.
const tidyBatch = 1000

// Tidy deletes the mails that have been done with for KeepFor, in batches, and says how
// many. A mail goes only when the database's own clock agrees, so that one machine's
// wrong clock deletes nothing.
func (s *Service) Tidy(ctx context.Context) (total int64, err error) {
	for {
		gone, err := s.DB.Pool().Exec(ctx, `DELETE FROM mails WHERE (owner_id, id) IN (SELECT owner_id, id FROM mails
			WHERE status <> 'QUEUED' AND COALESCE(finished_at, created_at) <= LEAST($1, now() - $2::bigint * interval '1 microsecond')
			ORDER BY COALESCE(finished_at, created_at) LIMIT $3 FOR UPDATE SKIP LOCKED)`,
			s.Clock.Now().Add(-KeepFor), KeepFor.Microseconds(), tidyBatch)
		if err != nil {
			return total, fmt.Errorf("delete old mails: %w", database.Translate(err))
		}
		total += gone.RowsAffected()
		if gone.RowsAffected() < tidyBatch {
			return total, nil
		}
	}
}

// CountTx says how many mails the owners have.
func (s *Service) CountTx(tx *gorm.DB, ownerIDs []string) (map[string]int64, error) {
	var n int64
	if err := tx.Model(&models.Mail{}).Where("owner_id IN ?", ownerIDs).Count(&n).Error; err != nil {
		return nil, fmt.Errorf("count mails: %w", err)
	}
	return map[string]int64{"mails": n}, nil
}
