package audit

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// Count is how many acts of an actor's sort there were at a time or later, by act.
func (s *Service) Count(ctx context.Context, actor models.AuditActor, since time.Time) (map[models.AuditAct]int64, error) {
	var rows []struct {
		Act models.AuditAct
		N   int64
	}
	err := s.DB.Gorm(ctx).Raw(`SELECT act, count(*) AS n FROM audit_entries WHERE actor_kind = ? AND at >= ? GROUP BY act`, actor, since).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count what was done: %w", database.Translate(err))
	}
	out := map[models.AuditAct]int64{}
	for _, r := range rows {
		out[r.Act] = r.N
	}
	return out, nil
}

// TimesTx is when an act took place that concerns an owner, after a time, the newest first and
// at most n of them. What was done stays written, whatever becomes of what it made.
func (s *Service) TimesTx(tx *gorm.DB, ownerID string, act models.AuditAct, after time.Time, n int) (times []time.Time, err error) {
	err = tx.Raw(`SELECT e.at FROM audit_subjects s JOIN audit_entries e ON e.subject = s.subject
		WHERE s.owner_id = ? AND e.act = ? AND e.at > ? ORDER BY e.at DESC LIMIT ?`, ownerID, act, after, n).Scan(&times).Error
	if err != nil {
		return nil, fmt.Errorf("look for what was done: %w", err)
	}
	return times, nil
}
