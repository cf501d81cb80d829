package requestlog

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// Grain is how much longer than TTL a row may stay: days go as a whole.
const Grain = dayLength

// Upcoming counts the requests, or with sums the rows of sums, whose days go before a time,
// by the day on which they do; what is over already counts to the day of since.
func (s *Service) Upcoming(ctx context.Context, sums bool, since, before time.Time) (days []models.RetentionDay, err error) {
	rows, err := s.DB.Pool().Query(ctx, `SELECT date_trunc('day', GREATEST(hour + $1::bigint * interval '1 microsecond', $2), 'UTC'),
		CASE WHEN $4 THEN count(*) ELSE sum(succeeded + refused + limited + failed)::bigint END
		FROM api_request_hours WHERE hour < $3 GROUP BY 1 ORDER BY 1`, (TTL + dayLength).Microseconds(), since, before.Add(-TTL-dayLength).Truncate(dayLength), sums)
	if err != nil {
		return nil, fmt.Errorf("look ahead in the request logs: %w", database.Translate(err))
	}
	var d models.RetentionDay
	_, err = pgx.ForEachRow(rows, []any{&d.Day, &d.Rows}, func() error {
		days = append(days, models.RetentionDay{Day: d.Day.UTC(), Rows: d.Rows})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look ahead in the request logs: %w", database.Translate(err))
	}
	return days, nil
}
