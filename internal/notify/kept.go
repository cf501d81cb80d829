package notify

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
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

// SentTo is when each owner was last sent a mail of a kind, of those that are kept.
func (s *Service) SentTo(ctx context.Context, kind models.LetterKind) (map[string]time.Time, error) {
	var rows []models.Mail
	err := s.DB.Gorm(ctx).Raw(`SELECT owner_id, max(finished_at) AS finished_at FROM mails WHERE kind = ? AND status = 'SENT' AND finished_at > ? GROUP BY owner_id`,
		kind, s.Clock.Now().Add(-KeepFor)).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list who was sent mails: %w", database.Translate(err))
	}
	out := make(map[string]time.Time, len(rows))
	for _, m := range rows {
		out[m.OwnerID] = *m.FinishedAt
	}
	return out, nil
}
