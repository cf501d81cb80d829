package figures

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/retention"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/policy"
)

// sweptRows is how many mails, and as many kept answers, a sweep has to delete.
const sweptRows = 50_000

// retention measures how fast what is over goes by the register, and what those who write
// meanwhile notice of it: their own writes without a sweep are the floor.
func (r *Run) retention(ctx context.Context) ([]report.Figure, error) {
	d, err := r.database(ctx)
	if err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, database.Config{URL: d.URL, MaxConns: 2 * purgeWriters, AppName: "bench", Log: r.Log})
	if err != nil {
		return nil, fmt.Errorf("connect for the sweeps: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // nothing more is expected of it
	reg, err := register.Load(policy.Files())
	if err != nil {
		return nil, err
	}
	engine, err := retention.New(retention.Config{DB: db, Register: reg, Audit: audittest.New(db), Clock: clock.System{}})
	if err != nil {
		return nil, err
	}
	writers, err := newWriters(ctx, d.Super)
	if err != nil {
		return nil, err
	}
	defer writers.close(context.WithoutCancel(ctx))
	rows := pick(r, sweptRows, sweptRows/20)
	var rates, with, without []float64
	for n := range r.rounds() {
		if err := seedOver(ctx, d.Super, writers.owners[0], rows); err != nil {
			return nil, err
		}
		if n == 0 { // afterwards so much is usual
			if err := admitMany(ctx, engine, writers.owners[0]); err != nil {
				return nil, err
			}
		}
		alone, err := writers.during(ctx, func() error { return wait(ctx, pick(r, 10*time.Second, time.Second)) })
		if err != nil {
			return nil, err
		}
		watch := clock.StartStopwatch()
		beside, err := writers.during(ctx, func() error { return engine.Sweep(ctx) })
		if err != nil {
			return nil, err
		}
		seconds := watch.Elapsed().Seconds()
		var left int
		if err := d.Super.QueryRow(ctx, `SELECT (SELECT count(*) FROM mails) + (SELECT count(*) FROM completions)`).Scan(&left); err != nil || left != 0 {
			return nil, fmt.Errorf("%d rows are left after a sweep: %w", left, err)
		}
		rates = append(rates, 2*float64(rows)/seconds)
		without, with = append(without, ms(alone.Quantile(0.99))), append(with, ms(beside.Quantile(0.99)))
		r.Tell("  round %d: %d rows in %.1f s, writes p99 %.1f ms, alone %.1f ms", n+1, 2*rows, seconds, with[n], without[n])
	}
	return []report.Figure{
		report.New("retention writes p99", fmt.Sprintf("a write of a conversation at %d/s while %d rows that are over are swept, over the same without a sweep", purgeWriters*purgeEach, 2*rows),
			"ms", with, without, report.Goal{Limit: 1.5}),
		report.New("retention rate", fmt.Sprintf("rows swept, of %d mails and as many kept answers", rows), "1/s", rates, nil, report.Goal{}),
	}, nil
}

// admitMany has what is unusually much confirmed, so that the next sweep is the one measured.
func admitMany(ctx context.Context, engine *retention.Engine, ownerID string) error {
	_ = engine.Sweep(ctx) // it says that it holds; the lines tell
	lines, err := engine.Report(ctx)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Held == "" {
			continue
		}
		if _, err := engine.Confirm(ctx, viewer.Viewer{Kind: viewer.Account, OwnerID: ownerID, Admin: true}, l.Table); err != nil {
			return err
		}
	}
	return nil
}

// seedOver writes mails and kept answers of one owner whose time is over.
func seedOver(ctx context.Context, pool *pgxpool.Pool, owner string, n int) error {
	for _, sql := range []string{
		`INSERT INTO mails (owner_id, id, kind, dedupe_key, to_sealed, facts_sealed, status, created_at, next_at, finished_at)
			SELECT $1, 'mai_' || n, 'X', n::text, sha256(n::text::bytea), convert_to(repeat('x', 300), 'UTF8'), 'SENT', at, at, at
			FROM generate_series(1, $2::int) n, LATERAL (SELECT now() - interval '31 days' - n * interval '1 ms' AS at) a`,
		`INSERT INTO completions (owner_id, key_hash, id, fingerprint, status, model_id, answer_sealed, created_at, lease_expires_at, expires_at)
			SELECT $1, sha256(n::text::bytea), 'cmp_' || n, sha256(n::text::bytea), 'ENDED', 'm', convert_to(repeat('x', 1000), 'UTF8'), at, at, at
			FROM generate_series(1, $2::int) n, LATERAL (SELECT now() - interval '1 hour' - n * interval '1 ms' AS at) a`,
	} {
		if _, err := pool.Exec(ctx, sql, owner, n); err != nil {
			return fmt.Errorf("seed what is over: %w", err)
		}
	}
	if _, err := pool.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return fmt.Errorf("seed what is over: %w", err)
	}
	return nil
}
