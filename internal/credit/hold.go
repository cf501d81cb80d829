package credit

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// holdSQL reads the balance under its lock and sets credits aside in one statement. Who
// waits for the lock judges the balance as it is then.
const holdSQL = `INSERT INTO ledger_holds (id, account_id, amount, status, price_input, price_cached, price_output, expires_at, created_at, key_id)
SELECT $1, b.account_id, $2::bigint, 'PENDING', $3::bigint, $4::bigint, $5::bigint, $6::timestamptz, $7::timestamptz, $9::text
FROM wallets w JOIN ledger_balances b ON b.account_id = w.account_id
WHERE w.owner_id = $8 AND ($2::bigint = 0 OR (b.posted - b.held >= $2::bigint AND b.owed = 0))
FOR NO KEY UPDATE OF b`

// HoldTx sets aside what the ask may cost before an engine is called: the prompt and the
// first slice of the reply. The hold is empty for guests and visitors, who spend nothing.
// It refuses with INSUFFICIENT_CREDITS, saying what is needed and what is available, and
// with KEY_LIMIT_REACHED where an API key may not spend so much.
func (s *Service) HoldTx(tx *gorm.DB, v viewer.Viewer, ask models.HoldAsk) (models.Hold, error) {
	if !v.HasWallet() {
		return models.Hold{}, nil
	}
	h := models.Hold{ID: id.New(id.Hold), Price: ask.Price,
		Amount: Cost(ask.Price, models.Usage{PromptTokens: ask.PromptTokens, OutputTokens: ask.OutputTokens})}
	if capped, err := cappedTx(tx, v); err != nil {
		return models.Hold{}, err
	} else if capped {
		if err := s.fitsKeyTx(tx, v, h.Amount); err != nil {
			return models.Hold{}, err
		}
	}
	now := s.Clock.Now()
	made, err := tx.Statement.ConnPool.ExecContext(tx.Statement.Context, holdSQL,
		h.ID, h.Amount, h.Price.Input, h.Price.CachedInput, h.Price.Output, now.Add(s.HoldTTL), now, v.OwnerID, v.KeyID)
	if err != nil {
		return models.Hold{}, database.Translate(fmt.Errorf("hold credits: %w", err))
	}
	if n, err := made.RowsAffected(); err != nil || n == 1 {
		return h, err
	}
	accountID, err := s.WalletTx(tx, v.OwnerID)
	if err != nil {
		return models.Hold{}, fmt.Errorf("hold credits: %w", err)
	}
	b, err := lockTx(tx, accountID)
	if err != nil {
		return models.Hold{}, err
	}
	return models.Hold{}, insufficient(h.Amount, models.Balance{Posted: b.Posted, Held: b.Held, Owed: b.Owed})
}

// lockHoldsSQL locks the balances of holds, in the order everybody takes. The array keeps
// it a lookup by index however stale the server's idea of the tables' sizes is.
const lockHoldsSQL = `SELECT b.account_id FROM ledger_balances b
WHERE b.account_id = ANY(ARRAY(SELECT h.account_id FROM ledger_holds h WHERE h.id = ANY($1::text[]))) ORDER BY b.account_id FOR NO KEY UPDATE`

// moreSQL renews the leases of pending holds and extends those whose wallet covers it,
// the small ones first, so that as many as possible go on.
const moreSQL = `WITH ask AS (SELECT * FROM unnest($1::text[], $2::bigint[]) AS x(hold, output)),
priced AS (
    SELECT a.hold, n.need, b.posted - b.held AS available, b.owed,
        n.need = 0 OR (b.owed = 0 AND sum(n.need) OVER (PARTITION BY b.account_id ORDER BY n.need, a.hold) <= b.posted - b.held) AS fits,
        n.need = 0 OR k.credit_limit IS NULL OR k.spent + sum(n.need) OVER (PARTITION BY h.key_id, b.account_id ORDER BY n.need, a.hold)
            + (SELECT sum(x.amount) FROM ledger_holds x WHERE x.key_id = h.key_id AND x.key_id <> '' AND x.status = 'PENDING') <= k.credit_limit AS granted
    FROM ask a JOIN ledger_holds h ON h.id = a.hold AND h.status = 'PENDING' JOIN ledger_balances b ON b.account_id = h.account_id
    LEFT JOIN LATERAL (SELECT k.credit_limit, k.spent FROM wallets w JOIN key_budgets k ON k.owner_id = w.owner_id
        WHERE h.key_id <> '' AND w.account_id = h.account_id AND k.key_id = h.key_id) k ON true
    CROSS JOIN LATERAL (SELECT div(a.output::numeric * h.price_output + 999999, 1000000) AS need) n
), renewed AS (
    UPDATE ledger_holds h SET expires_at = greatest(h.expires_at, $3), amount = CASE WHEN p.fits AND p.granted THEN (h.amount + p.need)::bigint ELSE h.amount END
    FROM priced p WHERE h.id = p.hold RETURNING h.id
)
SELECT p.hold, p.fits, p.granted, least(p.need, 9223372036854775807)::bigint, p.available, p.owed FROM priced p JOIN renewed r ON r.id = p.hold`

// More extends holds by further slices and renews their leases, all in one round trip.
// Refused tells, by hold, whose wallet does not cover the slice (INSUFFICIENT_CREDITS,
// or KEY_LIMIT_REACHED where its key may not spend so much; the lease is renewed all the same) and which hold is resolved (ErrHoldResolved).
func (s *Service) More(ctx context.Context, more []models.HoldMore) (refused map[string]error, err error) {
	if len(more) == 0 {
		return nil, nil
	}
	tokens := make(map[string]int64, len(more))
	for _, m := range more {
		tokens[m.HoldID] += max(m.OutputTokens, 0)
	}
	holds, output := make([]string, 0, len(tokens)), make([]int64, 0, len(tokens))
	for hold, n := range tokens {
		holds, output = append(holds, hold), append(output, n)
	}
	refused = map[string]error{}
	for _, hold := range holds {
		refused[hold] = ErrHoldResolved
	}
	var batch pgx.Batch
	batch.Queue(lockHoldsSQL, holds)
	batch.Queue(moreSQL, holds, output, s.Clock.Now().Add(s.HoldTTL)).Query(func(rows pgx.Rows) error {
		var hold string
		var fits, granted bool
		var need int64
		var b models.Balance
		_, err := pgx.ForEachRow(rows, []any{&hold, &fits, &granted, &need, &b.Posted, &b.Owed}, func() error {
			delete(refused, hold)
			switch {
			case !granted:
				refused[hold] = keyLimit()
			case !fits:
				refused[hold] = insufficient(need, b)
			}
			return nil
		})
		return err
	})
	if err := s.DB.Pool().SendBatch(ctx, &batch).Close(); err != nil {
		return nil, database.Translate(fmt.Errorf("extend holds: %w", err))
	}
	return refused, nil
}

// Void resolves a hold without charging anything; a resolved one stays as it is.
func (s *Service) Void(ctx context.Context, holdID string) error {
	owners, err := s.voidHolds(ctx, []string{holdID}, time.Time{})
	for _, owner := range owners {
		s.Tell(owner)
	}
	return err
}

// VoidTx is Void within a transaction.
func (s *Service) VoidTx(tx *gorm.DB, holdID string) error {
	_, err := s.voidTx(tx, []string{holdID}, time.Time{})
	return err
}

// voidSQL resolves pending holds, with $3 only those whose lease had ended by then.
var voidSQL = `UPDATE ledger_holds SET status = 'VOID', posted = 0, resolved_at = $2
WHERE id = ANY($1::text[]) AND status = 'PENDING' AND ($3::timestamptz IS NULL OR ` + leaseEnded("$3") + `) RETURNING account_id`

// voidHolds voids in a transaction of its own and says whose balances changed.
func (s *Service) voidHolds(ctx context.Context, holds []string, expired time.Time) (owners []string, err error) {
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		var err error
		owners, err = s.voidTx(tx, holds, expired)
		return err
	})
	return owners, err
}
