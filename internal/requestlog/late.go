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
	var days []int32
	for _, r := range rows {
		if n := dayNumber(r.At.Truncate(dayLength)); !slices.Contains(days, n) {
			days = append(days, n)
		}
	}
	slices.Sort(days)
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1, day) FROM unnest($2::integer[]) day`, int32(sumLock), days); err != nil {
		return fmt.Errorf("lock the days: %w", err)
	}
	all, err := partitions(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range all {
		if p.table != thirdsTable || !p.attached || !slices.Contains(days, dayNumber(p.day)) {
			continue
		}
		if err := addLateTx(ctx, tx, p, rows); err != nil {
			return fmt.Errorf("add to thirds: %w", err)
		}
	}
	return nil
}

// addLateTx adds the rows of a day to its thirds, one writer at a time.
func addLateTx(ctx context.Context, tx pgx.Tx, p partition, rows []row) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE "+p.name+" IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return err
	}
	fresh := map[group]*Total{}
	for _, r := range rows {
		if !r.At.Truncate(dayLength).Equal(p.day) {
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
	for g, t := range fresh {
		stored, err := tx.Query(ctx, "SELECT "+names+" FROM "+p.name+" WHERE subject = $1 AND third = $2 AND key_ref = $3 AND model_id = $4 AND route = $5",
			g.subject, time.Unix(g.hour, 0).UTC(), g.keyRef, g.model, g.route)
		if err != nil {
			return err
		}
		if err := eachSum(stored, func(_ group, sum *Sum, first, took []byte) error { return t.read(g.route, sum, first, took, false) }); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "INSERT INTO "+p.name+" ("+names+") VALUES ("+strings.Join(marks, ", ")+
			") ON CONFLICT (subject, third, key_ref, model_id, route) DO UPDATE SET "+strings.Join(sets, ", "), g.values(t)...)
		if err != nil {
			return err
		}
	}
	return nil
}
