package credit_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// BenchmarkSettle settles prepared holds: of many wallets and of few, with as many callers
// as a busy server has, some, and one.
func BenchmarkSettle(b *testing.B) {
	for _, c := range []struct{ wallets, callers int }{{10_000, 64}, {10, 64}, {10_000, 16}, {10_000, 1}} {
		wallets := c.wallets
		b.Run(fmt.Sprintf("%d wallets, %d callers", wallets, c.callers), func(b *testing.B) {
			r := newRoom(b)
			people, holds := r.crowd(wallets, b.N)
			var next atomic.Int64
			var wg sync.WaitGroup
			before := r.databaseCPU()
			b.ResetTimer()
			for range c.callers {
				wg.Go(func() {
					for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
						s := act(people[i%int64(wallets)], holds[i], fmt.Sprintf("run_%032d/0", i), 500)
						if _, err := r.Settle(b.Context(), s); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "settlements/s")
			b.ReportMetric(float64((r.databaseCPU()-before).Microseconds())/float64(b.N), "db-µs/op")
			r.sound()
		})
	}
}

// databaseCPU is what this room's connections have cost the database so far. Where /proc
// does not tell it is zero.
func (r *room) databaseCPU() (sum time.Duration) {
	r.t.Helper()
	rows, err := r.db.Pool().Query(r.t.Context(), `SELECT pid FROM pg_stat_activity WHERE datname = current_database()`)
	r.must(err)
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	r.must(err)
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid))
		if err != nil {
			return 0
		}
		ns, err := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
		r.must(err)
		sum += time.Duration(ns)
	}
	return sum
}

// crowd makes wallets with enough in them, and holds that take turns among them.
func (r *room) crowd(wallets, holds int) ([]person, []models.Hold) {
	r.t.Helper()
	people, made := make([]person, wallets), make([]models.Hold, holds)
	var owners, accounts, debts, refs, ids, of []string
	for i := range people {
		people[i] = person{wallet: id.New(id.LedgerAccount)}
		people[i].OwnerID = id.New(id.Owner)
		owners, accounts, debts, refs = append(owners, people[i].OwnerID), append(accounts, people[i].wallet), append(debts, id.New(id.LedgerAccount)), append(refs, id.New(id.Transfer))
	}
	for i := range made {
		made[i] = models.Hold{ID: id.New(id.Hold)}
		ids, of = append(ids, made[i].ID), append(of, people[i%wallets].wallet)
	}
	r.must(r.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) SELECT unnest($1::text[]), 'ACCOUNT', '', now(), now()`, owners))
	r.must(r.exec(`INSERT INTO ledger_accounts SELECT unnest($1::text[]), 'WALLET', NULL, now()`, accounts))
	r.must(r.exec(`INSERT INTO ledger_accounts SELECT unnest($1::text[]), 'DEBT', unnest($2::text[]), now()`, debts, accounts))
	r.must(r.exec(`INSERT INTO ledger_balances SELECT unnest($1::text[])`, accounts))
	r.must(r.exec(`INSERT INTO wallets SELECT * FROM unnest($1::text[], $2::text[])`, owners, accounts))
	r.must(r.exec(`INSERT INTO ledger_transfers SELECT t, 'GRANT', t, now() FROM unnest($1::text[]) t`, refs))
	r.must(r.exec(`INSERT INTO ledger_entries SELECT unnest($1::text[]), unnest($2::text[]), 1000000000000 UNION ALL SELECT 'lac_grants', unnest($2::text[]), -1000000000000`, accounts, refs))
	r.must(r.exec(`INSERT INTO ledger_holds (id, account_id, amount, status, price_input, price_cached, price_output, expires_at, created_at)
		SELECT unnest($1::text[]), unnest($2::text[]), 1000, 'PENDING', 0, 0, 1000000, now() + interval '1 day', now()`, ids, of))
	return people, made
}
