package requestlog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// SumJob is the name of SumDays' turns.
const SumJob = "requestlog.sum"

const (
	thirdsTable = "api_request_thirds"
	// third is what a row of it is the sum of. Days of UTC, and of zones that are off by
	// eight hours, are thirds as a whole; others are some thirds and some hours.
	third        = 8 * time.Hour
	thirdSeconds = int64(third / time.Second)
	// settled is how long after its end a day is summed up: hardly anything comes later.
	settled = time.Hour
	// sumLock is the advisory lock of a day: shared by who writes its rows, alone of who
	// sums it up.
	sumLock = 0x6b327271
	// sumTogether is of how many accounts thirds are written at once.
	sumTogether = 100
)

// SumDays makes the thirds of days that are over from their hours, each day once, newest
// first. It may be called by many instances at once and again. Whatever is written of such
// a day later is added to its thirds too, so that they always equal the hours.
func (s *Service) SumDays(ctx context.Context) error {
	all, err := partitions(ctx, s.DB.Pool())
	if err != nil {
		return database.Translate(err)
	}
	now, done := s.Clock.Now(), summed(all)
	for _, p := range slices.Backward(all) {
		over := p.day.Add(dayLength)
		if p.table != hoursTable || !p.attached || done[p.day] || over.Add(settled).After(now) || !over.Add(TTL).After(now) {
			continue
		}
		err := s.patiently(ctx, func() error {
			return pgx.BeginFunc(ctx, s.DB.Pool(), func(tx pgx.Tx) error { return sumDayTx(ctx, tx, p.day) })
		})
		if err != nil {
			return fmt.Errorf("sum up the request logs of %s: %w", p.day.Format(time.DateOnly), database.Translate(err))
		}
	}
	return nil
}

// summed are the days of which there are thirds.
func summed(all []partition) map[time.Time]bool {
	days := map[time.Time]bool{}
	for _, p := range all {
		if p.table == thirdsTable && p.attached {
			days[p.day] = true
		}
	}
	return days
}

func sumDayTx(ctx context.Context, tx pgx.Tx, day time.Time) error {
	if _, err := tx.Exec(ctx, fmt.Sprintf("SET LOCAL lock_timeout = %d", lockWait.Milliseconds())); err != nil {
		return fmt.Errorf("wait for a moment only: %w", err)
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(sumLock), dayNumber(day)); err != nil {
		return fmt.Errorf("lock the day: %w", err)
	}
	all, err := partitions(ctx, tx)
	if err != nil || summed(all)[day] {
		return err
	}
	name, hours := partitionName(thirdsTable, day), partitionName(hoursTable, day)
	if err := makeTableTx(ctx, tx, thirdsTable, name, ""); err != nil {
		return err
	}
	for last := int64(-1); ; {
		var subjects []int64
		err := tx.QueryRow(ctx, "SELECT array_agg(subject ORDER BY subject) FROM (SELECT DISTINCT subject FROM "+hours+" WHERE subject > $1 ORDER BY subject LIMIT $2)",
			planned([]any{last, sumTogether})...).Scan(&subjects)
		if err != nil {
			return fmt.Errorf("find accounts: %w", err)
		}
		if len(subjects) == 0 {
			return attachTx(ctx, tx, thirdsTable, name, day)
		}
		if err := sumSubjectsTx(ctx, tx, hours, name, subjects); err != nil {
			return fmt.Errorf("add up hours: %w", err)
		}
		last = subjects[len(subjects)-1]
	}
}

// thirdColumns are those of a row of thirds, hourColumns the same ones of hours.
var (
	thirdColumns = []string{"subject", "third", "key_ref", "model_id", "route", "succeeded", "refused", "limited", "failed", "prompt_tokens", "cached_tokens",
		"output_tokens", "reasoning_tokens", "credits", "first_token", "latency"}
	hourColumns = strings.Replace(strings.Join(thirdColumns, ", "), "third", "hour", 1)
)

// values are a row of thirds, in the order of thirdColumns.
func (g group) values(t *Total) []any {
	out := []any{g.subject, time.Unix(g.hour, 0).UTC(), g.keyRef, g.model, g.route}
	for _, n := range t.fields() {
		out = append(out, *n)
	}
	return append(out, t.first.append([]byte{}), t.took.append([]byte{}))
}

// sumSubjectsTx adds up the hours of some accounts in one table and writes their thirds to
// another.
func sumSubjectsTx(ctx context.Context, tx pgx.Tx, hours, name string, subjects []int64) error {
	rows, err := tx.Query(ctx, "SELECT "+hourColumns+" FROM "+hours+" WHERE subject = ANY($1) ORDER BY subject, key_ref, model_id, route, hour", planned([]any{subjects})...)
	if err != nil {
		return err
	}
	var out [][]any
	var last group
	var t Total
	var b bars
	flush := func() {
		if t.rows() > 0 {
			out = append(out, last.values(&t))
		}
		t = Total{}
	}
	err = eachSum(rows, func(g group, sum *Sum, first, took []byte) error {
		g.hour -= g.hour % thirdSeconds
		if g != last {
			flush()
			last = g
		}
		err := b.read(first, took)
		t.addBars(g.route, sum, &b, false)
		return err
	})
	if flush(); err != nil {
		return err
	}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{name}, thirdColumns, pgx.CopyFromRows(out))
	return err
}

// dayNumber numbers days from 1970 on.
func dayNumber(day time.Time) int32 { return int32(day.Unix() / int64(dayLength/time.Second)) } //nolint:gosec // small for ages
