package audit

import (
	"context"
	"fmt"
	"time"

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
