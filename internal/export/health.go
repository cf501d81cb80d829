package export

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// Health is what shows whether exports are made and swept. It tells nothing of anybody.
type Health struct {
	Ready, Failed int64         // of those that are still there
	Waiting       int64         // are being written, or wait to be
	Longest       time.Duration // for so long does one of them at most
	Overdue       time.Duration // for so long is the time of one over that has not been swept
}

// Health looks at all exports there are.
func (s *Service) Health(ctx context.Context) (h Health, err error) {
	now := s.Clock.Now()
	var since, over *time.Time
	err = s.DB.Pool().QueryRow(ctx, `SELECT count(*) FILTER (WHERE status = 'READY'), count(*) FILTER (WHERE status = 'FAILED'), count(*) FILTER (WHERE status = 'RUNNING'),
			min(created_at) FILTER (WHERE status = 'RUNNING'), min(expires_at) FILTER (WHERE expires_at <= $1) FROM exports`, now).Scan(&h.Ready, &h.Failed, &h.Waiting, &since, &over)
	if err != nil {
		return h, fmt.Errorf("look at the exports: %w", database.Translate(err))
	}
	if since != nil {
		h.Longest = max(now.Sub(*since), 0)
	}
	if over != nil {
		h.Overdue = now.Sub(*over)
	}
	return h, nil
}
