package credit

import (
	"context"
	"fmt"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// Refs are the refs of up to limit transfers of a kind, in their order, behind after.
func (s *Service) Refs(ctx context.Context, kind models.TransferKind, after string, limit int) ([]string, error) {
	var refs []string
	err := s.DB.Gorm(ctx).Model(&models.LedgerTransfer{}).Where("kind = ? AND ref > ?", kind, after).
		Order("ref").Limit(limit).Pluck("ref", &refs).Error
	if err != nil {
		return nil, fmt.Errorf("list the refs of transfers: %w", err)
	}
	return refs, nil
}

// Amounts are what the transfers with these refs moved to or from the accounts of the
// payment providers, by kind and ref; those that do not exist are missing.
func (s *Service) Amounts(ctx context.Context, kinds []models.TransferKind, refs []string) (map[models.TransferKind]map[string]int64, error) {
	rows, err := s.DB.Pool().Query(ctx, `SELECT t.kind, t.ref, coalesce(abs(sum(e.amount)), 0)::bigint
		FROM ledger_transfers t LEFT JOIN ledger_entries e ON e.transfer_id = t.id AND e.account_id IN ('lac_stripe', 'lac_creem')
		WHERE t.kind = ANY($1) AND t.ref = ANY($2) GROUP BY t.id, t.kind, t.ref`, kinds, refs)
	if err != nil {
		return nil, database.Translate(fmt.Errorf("read the amounts of transfers: %w", err))
	}
	defer rows.Close()
	out := make(map[models.TransferKind]map[string]int64, len(kinds))
	for _, k := range kinds {
		out[k] = map[string]int64{}
	}
	for rows.Next() {
		var kind models.TransferKind
		var ref string
		var amount int64
		if err := rows.Scan(&kind, &ref, &amount); err != nil {
			return nil, fmt.Errorf("read the amount of a transfer: %w", err)
		}
		out[kind][ref] = amount
	}
	return out, database.Translate(rows.Err())
}
