package requestlog

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// Oldest is when the request ended whose row has been stored for longest, whether it is
// still shown or not; ok is false when there is no row. It reads the oldest day that has
// any.
func (s *Service) Oldest(ctx context.Context) (at time.Time, ok bool, err error) {
	all, err := partitions(ctx, s.DB.Pool())
	if err != nil {
		return at, false, database.Translate(err)
	}
	for _, p := range all {
		if p.table != parents[0].table {
			continue
		}
		var found *time.Time
		if err := s.DB.Pool().QueryRow(ctx, "SELECT min(created_at) FROM "+p.name).Scan(&found); err != nil {
			return at, false, fmt.Errorf("look for the oldest request log: %w", database.Translate(err))
		}
		if found != nil {
			return found.UTC(), true, nil
		}
	}
	return at, false, nil
}
