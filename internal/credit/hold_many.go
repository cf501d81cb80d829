package credit

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// lockWalletsSQL locks the balances of owners, in the order everybody takes.
	lockWalletsSQL = `SELECT b.account_id FROM ledger_balances b
WHERE b.account_id = ANY(ARRAY(SELECT w.account_id FROM wallets w WHERE w.owner_id = ANY($1::text[]))) ORDER BY b.account_id FOR NO KEY UPDATE`

	// holdManySQL sets credits aside for those whose wallet covers it, the small ones
	// first, so that as many as possible are admitted.
	holdManySQL = `WITH ask AS (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[]) AS x(hold, owner, amount, input, cached, output, key)),
priced AS MATERIALIZED (
    SELECT a.*, b.account_id, b.posted - b.held AS available, b.owed,
        a.amount = 0 OR (b.owed = 0 AND sum(a.amount) OVER (PARTITION BY b.account_id ORDER BY a.amount, a.hold) <= b.posted - b.held) AS fits
    FROM ask a CROSS JOIN LATERAL (SELECT b.* FROM wallets w JOIN ledger_balances b ON b.account_id = w.account_id WHERE w.owner_id = a.owner OFFSET 0) b
), made AS (
    INSERT INTO ledger_holds (id, account_id, amount, status, price_input, price_cached, price_output, expires_at, created_at, key_id)
    SELECT hold, account_id, amount, 'PENDING', input, cached, output, $8::timestamptz, $9::timestamptz, key FROM priced WHERE fits
)
SELECT hold, fits, available, owed FROM priced`
)

// QueueHolds is HoldTx for many asks in one round trip, each of an owner with a wallet and
// of no key with a limit of its own. made is called for each when the batch is read; that
// the batch was committed is known only then when all of it has been read.
//
// Its transaction commits without waiting for the disk. A hold is a promise within this
// server: what makes it matter is its settlement, which waits, and lies behind it in the
// same log, so no settlement is ever durable without its hold. What a crash of the
// database can take are holds of its last moments, whose answers then cost nothing, as
// if they had failed.
func (s *Service) QueueHolds(b *pgx.Batch, asks []models.HoldFor, made func(n int, h models.Hold, err error)) {
	n := len(asks)
	at := make(map[string]int, n)
	ids, owners, keys := make([]string, n), make([]string, n), make([]string, n)
	amounts, input, cached, output := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, a := range asks {
		ids[i], owners[i], keys[i] = id.New(id.Hold), a.OwnerID, a.KeyID
		amounts[i] = Cost(a.Price, models.Usage{PromptTokens: a.PromptTokens, OutputTokens: a.OutputTokens})
		input[i], cached[i], output[i] = a.Price.Input, a.Price.CachedInput, a.Price.Output
		at[ids[i]] = i
	}
	now := s.Clock.Now()
	b.Queue(plannedOnceSQL + `, set_config('synchronous_commit', 'off', true)`)
	b.Queue(lockWalletsSQL, owners)
	b.Queue(holdManySQL, ids, owners, amounts, input, cached, output, keys, now.Add(s.HoldTTL), now).Query(func(rows pgx.Rows) error {
		var hold string
		var fits bool
		var balance models.Balance
		_, err := pgx.ForEachRow(rows, []any{&hold, &fits, &balance.Posted, &balance.Owed}, func() error {
			i := at[hold]
			delete(at, hold)
			if !fits {
				made(i, models.Hold{}, insufficient(amounts[i], balance))
				return nil
			}
			made(i, models.Hold{ID: hold, Amount: amounts[i], Price: asks[i].Price}, nil)
			return nil
		})
		if err != nil {
			return fmt.Errorf("hold credits: %w", err)
		}
		for _, i := range at {
			made(i, models.Hold{}, fmt.Errorf("hold credits: %w", ErrNoWallet))
		}
		return nil
	})
}
