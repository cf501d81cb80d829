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

// counted are how the rows of a table are counted, of which sums and by which clock.
var counted = map[string][3]string{
	parents[0].table: {"sum(succeeded + refused + limited + failed)::bigint", hoursTable, "hour"},
	hoursTable:       {"count(*)", hoursTable, "hour"},
	thirdsTable:      {"count(*)", thirdsTable, "third"},
}

// Upcoming counts the rows of a table whose days go before a time, by the day on which they
// do; what is over already counts to the day of since.
func (s *Service) Upcoming(ctx context.Context, table string, since, before time.Time) (days []models.RetentionDay, err error) {
	of := counted[table]
	rows, err := s.DB.Pool().Query(ctx, fmt.Sprintf(`SELECT date_trunc('day', GREATEST(%s + $1::bigint * interval '1 microsecond', $2), 'UTC'), %s
		FROM %s WHERE %s < $3 GROUP BY 1 ORDER BY 1`, of[2], of[0], of[1], of[2]), (TTL + dayLength).Microseconds(), since, before.Add(-TTL-dayLength).Truncate(dayLength))
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
