package requestlog

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// OldestDay is when the first day began of which rows are stored, whether they are still
// shown or not; ok is false when there is no row.
func (s *Service) OldestDay(ctx context.Context) (day time.Time, ok bool, err error) {
	all, err := partitions(ctx, s.DB.Pool())
	if err != nil {
		return day, false, database.Translate(err)
	}
	for _, p := range all {
		if p.table != parents[0].table {
			continue
		}
		if err := s.DB.Pool().QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+p.name+")").Scan(&ok); err != nil {
			return day, false, fmt.Errorf("look for the oldest request log: %w", database.Translate(err))
		}
		if ok {
			return p.day, true, nil
		}
	}
	return day, false, nil
}
