package figures

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
)

// The books that are proved: of fewEntries first, of manyEntries then.
const (
	fewEntries  = 300_000
	manyEntries = 1_200_000
)

// verify measures the command kimi-k2 verify of the built binary, from its start to its end:
// how long it takes, and that four times the entries take it no more memory. The books are
// written by the product's own settlements, in a database that holds nothing else. Command and
// database have all cores.
func (r *Run) verify(ctx context.Context) (_ []report.Figure, err error) {
	shared, err := r.database(ctx)
	if err != nil {
		return nil, err
	}
	r.bed.Pin(shared.PID, bed.Anywhere)
	defer r.bed.Pin(shared.PID, bed.Others)
	d, err := shared.Beside(ctx, "books", r.Log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close(context.WithoutCancel(ctx))) }()
	db, err := database.Open(ctx, database.Config{URL: d.URL, MaxConns: 16, StatementTimeout: time.Minute, AppName: "bench", Log: r.Log})
	if err != nil {
		return nil, fmt.Errorf("connect for the books: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // nothing more is expected of it
	books := credit.New(credit.Config{DB: db, Clock: clock.System{}, Log: r.Log})
	defer books.Close()
	prove := func() (bed.Ended, error) {
		return r.bed.Command(ctx, bed.Anywhere, "verify", []int{d.PID}, "DATA_DIR="+filepath.Join(r.bed.Dir, "verify"), "DATABASE_URL="+d.URL, "SECRET_KEY="+bed.Secret())
	}
	if _, err := prove(); err != nil { // of nothing: it notes whose key the database is under
		return nil, err
	}
	wallets, err := seedWallets(ctx, d.Super, pick(r, chargeWallets, chargeWallets/20))
	if err != nil {
		return nil, err
	}
	if err := giveKeys(ctx, d.Super, wallets); err != nil {
		return nil, err
	}
	few, many, size := pick(r, fewEntries, fewEntries/20), pick(r, manyEntries, manyEntries/20), 0
	var took, floors, peaks, fewBeside, beside []float64
	for _, entries := range []int{few, many} {
		if size, err = fillBooks(ctx, d.Super, books, wallets, entries); err != nil {
			return nil, err
		}
		for range r.rounds() {
			e, err := prove()
			if err != nil {
				return nil, err
			}
			r.Tell("  %d entries: %.1f s, %.1f MiB, the database %.1f MiB", size, e.Took.Seconds(), mib(e.Peak), mib(e.Beside))
			if entries == few {
				floors, fewBeside = append(floors, mib(e.Peak)), append(fewBeside, mib(e.Beside))
			} else {
				took, peaks, beside = append(took, e.Took.Seconds()), append(peaks, mib(e.Peak)), append(beside, mib(e.Beside))
			}
		}
	}
	return []report.Figure{
		report.New("verify", fmt.Sprintf("kimi-k2 verify over %d entries, from its start to its end", size), "s", took, nil, report.Goal{Plain: true, Limit: 10}),
		report.New("verify memory", fmt.Sprintf("peak memory of the command over %d entries, over that of the same over %d", size, few), "MiB", peaks, floors, report.Goal{Limit: 1.3}),
		report.New("verify database memory", "the same of the database's processes beside it, shared memory left out", "MiB", beside, fewBeside, report.Goal{}),
	}, nil
}

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// giveKeys gives the wallets' owners keys that open: verify looks at them too.
func giveKeys(ctx context.Context, pool *pgxpool.Pool, wallets []wallet) error {
	keeper, err := bed.Keeper()
	if err != nil {
		return fmt.Errorf("make keys: %w", err)
	}
	owners, keys := make([]string, len(wallets)), make([][]byte, len(wallets))
	for i, w := range wallets {
		owners[i] = w.owner
		if _, keys[i], err = keeper.NewKey(w.owner); err != nil {
			return fmt.Errorf("make keys: %w", err)
		}
	}
	_, err = pool.Exec(ctx, `UPDATE owners SET key_wrapped = k FROM unnest($1::text[], $2::bytea[]) u (o, k) WHERE id = o`, owners, keys)
	if err != nil {
		return fmt.Errorf("give owners keys: %w", err)
	}
	return nil
}

// fillBooks settles until the books have so many entries, or a few more, and says how many.
func fillBooks(ctx context.Context, pool *pgxpool.Pool, books *credit.Service, wallets []wallet, entries int) (n int, err error) {
	for {
		if err := pool.QueryRow(ctx, `SELECT count(*) FROM ledger_journal`).Scan(&n); err != nil {
			return n, fmt.Errorf("count entries: %w", err)
		}
		if n >= entries {
			_, err := pool.Exec(ctx, `VACUUM ANALYZE`)
			return n, err
		}
		if _, err := settleAll(ctx, pool, books, wallets, min(chargesARound, (entries-n+1)/2)); err != nil {
			return n, err
		}
	}
}
