package requestlog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// addThirdsTx adds rows to the thirds of their days, where these were summed up already.
// It comes when the hours are written: who sums a day up reads them, or has done so and is
// seen here.
func addThirdsTx(ctx context.Context, tx pgx.Tx, rows []row) error {
	var days []time.Time
	for _, r := range rows {
		if day := r.At.Truncate(dayLength); !slices.Contains(days, day) {
			days = append(days, day)
		}
	}
	slices.SortFunc(days, time.Time.Compare)
	numbers, names := make([]int32, len(days)), make([]string, len(days))
	for i, day := range days {
		numbers[i], names[i] = dayNumber(day), partitionName(thirdsTable, day)
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1, day) FROM unnest($2::integer[]) day`, int32(sumLock), numbers); err != nil {
		return fmt.Errorf("lock the days: %w", err)
	}
	found, err := tx.Query(ctx, `SELECT relname::text FROM pg_class JOIN pg_inherits ON inhrelid = oid
		WHERE relnamespace = current_schema()::regnamespace AND relname = ANY($1) AND NOT inhdetachpending`, names)
	if err != nil {
		return fmt.Errorf("look for thirds: %w", err)
	}
	summed, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for thirds: %w", err)
	}
	for i, name := range names {
		if !slices.Contains(summed, name) {
			continue
		}
		if err := addLateTx(ctx, tx, days[i], name, rows); err != nil {
			return fmt.Errorf("add to thirds: %w", err)
		}
	}
	return nil
}

// addLateTx adds the rows of a day to its thirds, one writer at a time.
func addLateTx(ctx context.Context, tx pgx.Tx, day time.Time, table string, rows []row) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE "+table+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return err
	}
	fresh := map[group]*Total{}
	for _, r := range rows {
		if !r.At.Truncate(dayLength).Equal(day) {
			continue
		}
		g := group{r.subject, r.At.Truncate(third).Unix(), r.keyRef, r.ModelID, r.Route}
		if fresh[g] == nil {
			fresh[g] = new(Total)
		}
		fresh[g].count(r.Entry, r.firstToken(), millis(r.Took))
	}
	names := strings.Join(thirdColumns, ", ")
	var marks, sets []string
	for i, name := range thirdColumns {
		marks, sets = append(marks, fmt.Sprintf("$%d", i+1)), append(sets, name+" = excluded."+name)
	}
	var b bars
	for g, t := range fresh {
		stored, err := tx.Query(ctx, "SELECT "+names+" FROM "+table+" WHERE subject = $1 AND third = $2 AND key_ref = $3 AND model_id = $4 AND route = $5",
			g.subject, time.Unix(g.hour, 0).UTC(), g.keyRef, g.model, g.route)
		if err != nil {
			return err
		}
		err = eachSum(stored, func(_ group, sum *Sum, first, took []byte) error {
			err := b.read(first, took)
			t.addBars(g.route, sum, &b, false)
			return err
		})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO "+table+" ("+names+") VALUES ("+strings.Join(marks, ", ")+
			") ON CONFLICT (subject, third, key_ref, model_id, route) DO UPDATE SET "+strings.Join(sets, ", "), g.values(t)...)
		if err != nil {
			return err
		}
	}
	return nil
}
