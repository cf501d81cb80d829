package credit

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// SweepJob is the name under which Sweep gets its turns.
const SweepJob = "holds.sweep"

// sweepSize is how many holds are looked at together.
const sweepSize = 500

// Sweep voids the holds whose lease has ended and that nobody will settle, and renews
// those whose run is still at work, or will be taken over. A lease that ends more than an
// hour from now was given by a clock that is wrong: it counts as ended.
func (s *Service) Sweep(ctx context.Context) (voided, renewed int, err error) {
	now := s.Clock.Now()
	for {
		holds, err := s.expired(ctx, now)
		if err != nil || len(holds) == 0 {
			return voided, renewed, err
		}
		dead, alive, err := s.sortOut(ctx, holds)
		if err != nil {
			return voided, renewed, err
		}
		owners, gone, kept, err := s.sweepSome(ctx, dead, alive, now)
		if err != nil {
			return voided, renewed, err
		}
		voided, renewed = voided+gone, renewed+kept
		for _, owner := range owners {
			s.Tell(owner)
		}
		if len(holds) < sweepSize || gone+kept == 0 {
			return voided, renewed, nil
		}
	}
}

// expired lists pending holds whose lease has ended.
func (s *Service) expired(ctx context.Context, now time.Time) ([]string, error) {
	var holds []string
	err := s.DB.Gorm(ctx).Raw(`SELECT id FROM ledger_holds WHERE status = 'PENDING' AND `+leaseEnded("@now")+` ORDER BY expires_at, id LIMIT @most`,
		map[string]any{"now": now, "most": sweepSize}).
		Scan(&holds).Error
	if err != nil {
		return nil, fmt.Errorf("find ended holds: %w", err)
	}
	return holds, nil
}

// sortOut asks whose holds have a run at work.
func (s *Service) sortOut(ctx context.Context, holds []string) (dead, alive []string, err error) {
	runs := s.joined.Load().runs
	if runs == nil {
		return holds, nil, nil
	}
	at, err := runs.Alive(ctx, holds)
	if err != nil {
		return nil, nil, fmt.Errorf("ask which holds have a run: %w", err)
	}
	for _, hold := range holds {
		if at[hold] {
			alive = append(alive, hold)
		} else {
			dead = append(dead, hold)
		}
	}
	return dead, alive, nil
}

// leaseEnded says of a hold that its lease had ended by then.
func leaseEnded(then string) string {
	return "(expires_at <= CAST(" + then + " AS timestamptz) OR expires_at > CAST(" + then + " AS timestamptz) + interval '1 hour')"
}

// renewSQL renews leases that have ended.
var renewSQL = `UPDATE ledger_holds SET expires_at = $2 WHERE id = ANY($1::text[]) AND status = 'PENDING' AND ` + leaseEnded("$3")

func (s *Service) sweepSome(ctx context.Context, dead, alive []string, now time.Time) (owners []string, voided, renewed int, err error) {
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := run(tx, lockHoldsSQL, append(append([]string{}, dead...), alive...)); err != nil {
			return fmt.Errorf("lock the wallets of ended holds: %w", err)
		}
		accounts, err := s.resolveTx(tx, dead, now)
		if err != nil {
			return err
		}
		voided = len(accounts)
		kept, err := tx.Statement.ConnPool.ExecContext(ctx, renewSQL, alive, now.Add(s.HoldTTL), now)
		if err != nil {
			return database.Translate(fmt.Errorf("renew holds: %w", err))
		}
		n, err := kept.RowsAffected()
		if err != nil {
			return err
		}
		renewed = int(n)
		owners, err = ownersTx(tx, accounts)
		return err
	})
	return owners, voided, renewed, err
}

// voidTx voids pending holds and says whose balances that changed; with expired only
// those whose lease had ended by then.
func (s *Service) voidTx(tx *gorm.DB, holds []string, expired time.Time) (owners []string, err error) {
	if err := run(tx, lockHoldsSQL, holds); err != nil {
		return nil, fmt.Errorf("lock the wallet of a hold: %w", err)
	}
	accounts, err := s.resolveTx(tx, holds, expired)
	if err != nil {
		return nil, err
	}
	return ownersTx(tx, accounts)
}

// resolveTx voids under the locks, one account for each hold that was pending.
func (s *Service) resolveTx(tx *gorm.DB, holds []string, expired time.Time) (accounts []string, err error) {
	now, until := s.Clock.Now(), any(nil)
	if !expired.IsZero() {
		until = expired
	}
	rows, err := tx.Statement.ConnPool.QueryContext(tx.Statement.Context, voidSQL, holds, now, until)
	if err != nil {
		return nil, database.Translate(fmt.Errorf("void holds: %w", err))
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var account string
		if err := rows.Scan(&account); err != nil {
			return nil, database.Translate(fmt.Errorf("void holds: %w", err))
		}
		accounts = append(accounts, account)
	}
	if err := rows.Err(); err != nil {
		return nil, database.Translate(fmt.Errorf("void holds: %w", err))
	}
	return accounts, nil
}

// ownersTx is whose wallets the accounts are, each once.
func ownersTx(tx *gorm.DB, accounts []string) (owners []string, err error) {
	if len(accounts) == 0 {
		return nil, nil
	}
	if err := tx.Raw(`SELECT owner_id FROM wallets WHERE account_id IN ? ORDER BY owner_id`, accounts).Scan(&owners).Error; err != nil {
		return nil, fmt.Errorf("find the wallets' owners: %w", err)
	}
	return owners, nil
}
