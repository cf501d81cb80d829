package credit

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// settledEvery is how often Settled looks.
const settledEvery = 20 * time.Millisecond

// Settled waits until nothing of the owner's is held any more: what was stopped on other
// instances is charged by them. It ends with the error of ctx when that takes longer.
func (s *Service) Settled(ctx context.Context, ownerID string) error {
	again := time.NewTicker(settledEvery)
	defer again.Stop()
	for {
		var held bool
		err := s.DB.Pool().QueryRow(ctx, `SELECT EXISTS (SELECT FROM wallets w JOIN ledger_holds h ON h.account_id = w.account_id AND h.status = 'PENDING' WHERE w.owner_id = $1)`, ownerID).Scan(&held)
		if err != nil {
			return fmt.Errorf("wait for the end of holds: %w", database.Translate(err))
		}
		if !held {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the end of holds: %w", ctx.Err())
		}
	}
}
