package figures

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/floor"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// The load of the charging figures.
const (
	chargeCallers  = 64
	chargeWallets  = 10_000
	hotWallets     = 10
	chargesARound  = 100_000
	walletContents = 1_000_000_000_000
)

// charges measures how many settlements become durable a second with 64 callers, each of
// which waits for its own: over many wallets, and over ten. The floor keeps no books: it
// takes credits off a row and appends another, all that wait in one statement. Both have all
// cores. Afterwards the books are proved.
func (r *Run) charges(ctx context.Context) ([]report.Figure, error) {
	d, err := r.database(ctx)
	if err != nil {
		return nil, err
	}
	for _, pid := range []int{d.PID, os.Getpid()} { // the books are kept here: there is no server to stand apart from
		r.bed.Pin(pid, bed.Anywhere)
		defer r.bed.Pin(pid, bed.Others)
	}
	db, err := database.Open(ctx, database.Config{URL: d.URL, MaxConns: 16, StatementTimeout: time.Minute, AppName: "bench", Log: r.Log})
	if err != nil {
		return nil, fmt.Errorf("connect for the charges: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // nothing more is expected of it
	books := credit.New(credit.Config{DB: db, Clock: clock.System{}, Log: r.Log})
	defer books.Close()
	n := pick(r, chargesARound, chargesARound/20)
	wallets, err := seedWallets(ctx, d.Super, pick(r, chargeWallets, chargeWallets/20))
	if err != nil {
		return nil, err
	}
	var many, hot, floors []float64
	for round := range r.rounds() {
		f, err := r.floorCharges(ctx, d.Super, len(wallets), n)
		if err != nil {
			return nil, err
		}
		m, err := settleAll(ctx, d.Super, books, wallets, n)
		if err != nil {
			return nil, err
		}
		h, err := settleAll(ctx, d.Super, books, wallets[:hotWallets], n)
		if err != nil {
			return nil, err
		}
		floors, many, hot = append(floors, f), append(many, m), append(hot, h)
		r.Tell("  round %d: %.0f charges/s, %.0f on ten wallets, floor %.0f", round+1, m, h, f)
	}
	found, err := books.Verify(ctx)
	if err != nil {
		return nil, fmt.Errorf("prove the books: %w", err)
	}
	if !found.OK {
		return nil, fmt.Errorf("the books are not in order: %+v", found.Findings)
	}
	return []report.Figure{
		report.New("charges", fmt.Sprintf("settlements made durable a second with %d callers over %d wallets, over a group commit that keeps no books", chargeCallers, len(wallets)),
			"1/s", many, floors, report.Goal{Least: true, Limit: 0.4}),
		report.New("charges absolute", "the same in figures", "1/s", many, nil, report.Goal{Plain: true, Least: true, Limit: 20_000}),
		report.New("charges hot", fmt.Sprintf("the same over %d wallets", hotWallets), "1/s", hot, nil, report.Goal{Plain: true, Least: true, Limit: 10_000}),
	}, nil
}

// floorCharges is how many charges a second the floor makes durable.
func (r *Run) floorCharges(ctx context.Context, pool *pgxpool.Pool, accounts, n int) (float64, error) {
	f, err := floor.OpenCharges(ctx, pool, accounts)
	if err != nil {
		return 0, err
	}
	rate, err := everyCaller(n, func(int) error { return f.Charge(rand.IntN(accounts)) })
	return rate, errors.Join(err, f.Close(ctx))
}

// everyCaller lets the callers do n deeds in all, each its next when its last is done.
func everyCaller(n int, deed func(i int) error) (rate float64, err error) {
	var next atomic.Int64
	var g errgroup.Group
	watch := clock.StartStopwatch()
	for range chargeCallers {
		g.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := deed(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = g.Wait()
	return float64(n) / watch.Elapsed().Seconds(), err
}

// wallet is an owner and its number in the ledger.
type wallet struct{ owner, account string }

// seedWallets makes owners with full wallets.
func seedWallets(ctx context.Context, pool *pgxpool.Pool, n int) ([]wallet, error) {
	rows, err := pool.Query(ctx, `WITH w AS MATERIALIZED (SELECT replace(gen_random_uuid()::text, '-', '') AS tag FROM generate_series(1, $1::int)),
o AS (INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) SELECT 'own_' || tag, 'ACCOUNT', '\x00', now(), now() FROM w),
a AS (INSERT INTO ledger_accounts (id, kind, created_at) SELECT 'lac_' || tag, 'WALLET', now() FROM w),
d AS (INSERT INTO ledger_accounts (id, kind, wallet_id, created_at) SELECT 'lac_d' || tag, 'DEBT', 'lac_' || tag, now() FROM w),
b AS (INSERT INTO ledger_balances (account_id) SELECT 'lac_' || tag FROM w),
m AS (INSERT INTO wallets (owner_id, account_id) SELECT 'own_' || tag, 'lac_' || tag FROM w)
SELECT tag FROM w`, n)
	if err != nil {
		return nil, fmt.Errorf("seed wallets: %w", err)
	}
	var wallets []wallet
	for rows.Next() {
		var tag string
		if err := rows.Scan(&tag); err != nil {
			return nil, fmt.Errorf("seed wallets: %w", err)
		}
		wallets = append(wallets, wallet{"own_" + tag, "lac_" + tag})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("seed wallets: %w", err)
	}
	_, err = pool.Exec(ctx, `WITH t AS (INSERT INTO ledger_transfers (id, kind, ref, created_at)
    SELECT 'trf_' || substr(account_id, 5), 'GRANT', account_id, now() FROM wallets w WHERE account_id = ANY($1) RETURNING id, ref)
INSERT INTO ledger_entries (account_id, transfer_id, amount) SELECT x.account, t.id, x.amount FROM t, LATERAL (VALUES (t.ref, $2::bigint), ('lac_grants', -$2::bigint)) x (account, amount)`,
		accountsOf(wallets), int64(walletContents))
	if err != nil {
		return nil, fmt.Errorf("fill wallets: %w", err)
	}
	return wallets, nil
}

func accountsOf(wallets []wallet) []string {
	ids := make([]string, len(wallets))
	for i, w := range wallets {
		ids[i] = w.account
	}
	return ids
}

// settleAll makes n holds over the wallets and measures how many settlements a second
// their callers get.
func settleAll(ctx context.Context, pool *pgxpool.Pool, books *credit.Service, wallets []wallet, n int) (float64, error) {
	holds, of := make([]string, n), make([]wallet, n)
	for i := range holds {
		holds[i], of[i] = id.New(id.Hold), wallets[rand.IntN(len(wallets))]
	}
	_, err := pool.Exec(ctx, `INSERT INTO ledger_holds (id, account_id, amount, status, price_input, price_cached, price_output, expires_at, created_at)
SELECT h, a, 1000000, 'PENDING', 95000000, 16000000, 400000000, now() + interval '1 hour', now() FROM unnest($1::text[], $2::text[]) AS u (h, a)`, holds, accountsOf(of))
	if err != nil {
		return 0, fmt.Errorf("seed holds: %w", err)
	}
	if _, err := pool.Exec(ctx, `VACUUM ANALYZE ledger_holds, ledger_balances`); err != nil {
		return 0, fmt.Errorf("tidy holds: %w", err)
	}
	return everyCaller(n, func(i int) error {
		got, err := books.Settle(ctx, models.Settlement{OwnerID: of[i].owner, HoldID: holds[i], Ref: holds[i], Source: models.SourceWeb, Feature: models.FeatureChat,
			ModelID: "kimi-k2.6", Status: models.RunComplete, Usage: models.Usage{PromptTokens: 200, OutputTokens: 300}, CountedPrompt: 200, CountedOutput: 300})
		if err == nil && got.Credits != 200*95+300*400 {
			err = fmt.Errorf("charged %d micro-credits", got.Credits)
		}
		return err
	})
}
