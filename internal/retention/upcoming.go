package retention

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// ahead is how far Upcoming looks.
const ahead = 30 * 24 * time.Hour

// Upcoming counts the rows of a rule that end within 30 days, by day, as things are now:
// what is used or added meanwhile changes it. Days on which nothing ends are left out. It
// refuses everybody but admins with FORBIDDEN.
func (e *Engine) Upcoming(ctx context.Context, v viewer.Viewer, table string) ([]*models.RetentionDay, error) {
	if err := checkAdmin(v); err != nil {
		return nil, err
	}
	r, ok := e.find(table)
	if !ok {
		return nil, nil
	}
	now := e.Clock.Now()
	days, err := e.upcoming(ctx, r, now, now.Add(ahead))
	if err != nil {
		return nil, err
	}
	out := make([]*models.RetentionDay, len(days))
	for i := range days {
		out[i] = &days[i]
	}
	return out, nil
}

func (e *Engine) upcoming(ctx context.Context, r rule, since, before time.Time) (days []models.RetentionDay, err error) {
	p, _ := e.procedure(r.job())
	switch {
	case p.Upcoming != nil:
		return p.Upcoming(ctx, r.Name, since, before)
	case p.Untimed:
		return nil, nil
	}
	sql, args := r.upcomingSQL(since, before)
	rows, err := e.DB.Pool().Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("look ahead: %w", database.Translate(err))
	}
	var d models.RetentionDay
	_, err = pgx.ForEachRow(rows, []any{&d.Day, &d.Rows}, func() error {
		days = append(days, models.RetentionDay{Day: d.Day.UTC(), Rows: d.Rows})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look ahead: %w", database.Translate(err))
	}
	return days, nil
}
