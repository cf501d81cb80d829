package figures

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
)

// The purge's load: expired guests with a conversation of three messages each, and
// writers who go on meanwhile at a fixed rate.
const (
	purgedGuests = 100_000
	purgeWriters = 4
	purgeEach    = 25 // writes per second of one writer
)

// purge measures how fast expired guests go, and what those who write meanwhile notice
// of it: their own writes without a purge are the floor.
func (r *Run) purge(ctx context.Context) ([]report.Figure, error) {
	d, err := r.database(ctx)
	if err != nil {
		return nil, err
	}
	db, err := database.Open(ctx, database.Config{URL: d.URL, MaxConns: 2 * purgeWriters, AppName: "bench", Log: r.Log})
	if err != nil {
		return nil, fmt.Errorf("connect for the purge: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // nothing more is expected of it
	guests := pick(r, purgedGuests, purgedGuests/50)
	writers, err := newWriters(ctx, d.Super)
	if err != nil {
		return nil, err
	}
	defer writers.close(context.WithoutCancel(ctx))
	var rates, with, without []float64
	for n := range r.rounds() {
		if err := seedExpired(ctx, d.Super, guests); err != nil {
			return nil, err
		}
		alone, err := writers.during(ctx, func() error { return wait(ctx, pick(r, 10*time.Second, time.Second)) })
		if err != nil {
			return nil, err
		}
		var gone account.Receipt
		watch := clock.StartStopwatch()
		beside, err := writers.during(ctx, func() (err error) {
			gone, err = newPurger(db).PurgeGuests(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		if int(gone.Owners()) != guests {
			return nil, fmt.Errorf("%d of %d guests were purged", gone.Owners(), guests)
		}
		seconds := watch.Elapsed().Seconds()
		rates = append(rates, float64(guests)/seconds)
		without, with = append(without, ms(alone.Quantile(0.99))), append(with, ms(beside.Quantile(0.99)))
		r.Tell("  round %d: %d guests in %.1f s, writes p99 %.1f ms, alone %.1f ms", n+1, guests, seconds, with[n], without[n])
	}
	return []report.Figure{
		report.New("purge writes p99", fmt.Sprintf("a write of a conversation at %d/s while %d expired guests are purged, over the same without a purge", purgeWriters*purgeEach, guests),
			"ms", with, without, report.Goal{Limit: 2}),
		report.New("purge rate", fmt.Sprintf("expired guests purged, of %d with a conversation of three messages each", guests), "1/s", rates, nil, report.Goal{}),
	}, nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// newPurger is the product's purge.
func newPurger(db *database.DB) *account.Purger {
	rooms := chat.New(chat.Config{DB: db, Clock: clock.System{}}) // never started: it only counts
	return account.NewPurger(account.PurgeConfig{DB: db, Audit: audittest.New(db), Clock: clock.System{}, Busy: []account.Busy{rooms}, Counters: []account.Counter{rooms}})
}

// seedExpired writes guests who were last active 31 days ago.
func seedExpired(ctx context.Context, pool *pgxpool.Pool, n int) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("seed guests: %w", err)
	}
	defer conn.Release()
	for _, sql := range []string{
		`SET session_replication_role = replica`, `SET synchronous_commit = off`, `SET statement_timeout = 0`,
		`CREATE TEMP TABLE fresh AS SELECT replace(gen_random_uuid()::text, '-', '') AS tag, now() - interval '31 days' + n * interval '1 ms' AS at FROM generate_series(1, ` + fmt.Sprint(n) + `) n`,
		`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) SELECT 'own_' || tag, 'GUEST', '\x00', at, at FROM fresh`,
		`INSERT INTO sessions (owner_id, id, token_hash, method, created_at, last_seen_at) SELECT 'own_' || tag, 'ses_' || tag, sha256(tag::bytea), 'GUEST', at, at FROM fresh`,
		`INSERT INTO conversations (owner_id, id, title_sealed, title_source, leaf_id, created_at, updated_at) SELECT 'own_' || tag, 'con_' || tag, sha256(tag::bytea), 'OWNER', 'msg_2' || tag, at, at FROM fresh`,
		`INSERT INTO messages (owner_id, id, conversation_id, parent_id, role, status, text_sealed, created_at)
			SELECT 'own_' || tag, 'msg_' || m || tag, 'con_' || tag, CASE WHEN m > 0 THEN 'msg_' || m - 1 || tag END, CASE m % 2 WHEN 0 THEN 'USER' ELSE 'ASSISTANT' END, 'COMPLETE',
			convert_to(repeat(tag, 10), 'UTF8'), at FROM fresh, generate_series(0, 2) m`,
		`DROP TABLE fresh`, `RESET ALL`, `VACUUM ANALYZE`,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("seed guests: %w", err)
		}
	}
	return nil
}

// writers are owners who write conversations.
type writers struct {
	pool   *pgxpool.Pool
	owners []string
}

func newWriters(ctx context.Context, pool *pgxpool.Pool) (*writers, error) {
	w := &writers{pool: pool}
	for range purgeWriters {
		owner := id.New(id.Owner)
		if _, err := pool.Exec(ctx, `INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'GUEST', '\x00', now(), now())`, owner); err != nil {
			return nil, fmt.Errorf("make a writer: %w", err)
		}
		w.owners = append(w.owners, owner)
	}
	return w, nil
}

// close takes the writers away with what they wrote: their keys open nothing.
func (w *writers) close(ctx context.Context) {
	_, _ = w.pool.Exec(ctx, `DELETE FROM owners WHERE id = ANY($1)`, w.owners) // what is left is in the way of nobody but the groups after this one, which say so
}

// during lets the writers write for as long as do takes and returns how long their
// writes took from when they were due.
func (w *writers) during(ctx context.Context, do func() error) (*hist.H, error) {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var g errgroup.Group
	took := make([]hist.H, len(w.owners))
	for i, owner := range w.owners {
		g.Go(func() error { return w.write(inner, owner, &took[i]) })
	}
	g.Go(func() error { defer cancel(); return do() })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var all hist.H
	for i := range took {
		all.Merge(&took[i])
	}
	return &all, nil
}

// write writes at the rate until ctx ends, by a plan: a late write makes the next ones
// late, not fewer.
func (w *writers) write(ctx context.Context, owner string, took *hist.H) error {
	watch := clock.StartStopwatch()
	due := time.Second / purgeEach
	for ; wait(ctx, due-watch.Elapsed()) == nil; due += time.Second / purgeEach {
		if err := w.one(context.WithoutCancel(ctx), owner); err != nil {
			return err
		}
		took.Add(watch.Elapsed() - due)
	}
	return nil
}

// one is what a first message writes: the owner's use, a conversation, the message.
func (w *writers) one(ctx context.Context, owner string) error {
	tx, err := w.pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("write beside a purge: %w", err)
	}
	defer func() { _ = tx.Rollback(ctx) }() // after a commit it does nothing
	conversation, message := id.New(id.Conversation), id.New(id.Message)
	for _, s := range []struct {
		sql  string
		args []any
	}{
		{`UPDATE owners SET messages_used = messages_used + 1, last_active_at = now() WHERE id = $1`, []any{owner}},
		{`INSERT INTO conversations (owner_id, id, title_sealed, title_source, created_at, updated_at) VALUES ($1, $2, '\x00', 'OWNER', now(), now())`, []any{owner, conversation}},
		{`INSERT INTO messages (owner_id, id, conversation_id, role, status, text_sealed, created_at) VALUES ($1, $2, $3, 'USER', 'COMPLETE', '\x00', now())`, []any{owner, message, conversation}},
		{`UPDATE conversations SET leaf_id = $3 WHERE owner_id = $1 AND id = $2`, []any{owner, conversation, message}},
	} {
		if _, err := tx.Exec(ctx, s.sql, s.args...); err != nil {
			return fmt.Errorf("write beside a purge: %w", err)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("write beside a purge: %w", err)
	}
	return nil
}
