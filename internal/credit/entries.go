package credit

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// List says which entries of a wallet are wanted; zero values leave nothing out.
type List struct {
	Page     page.Args
	Kinds    []models.TransferKind
	From, To time.Time // To is not included
}

// Entries is a page of what went into and out of the viewer's wallet, newest first, each
// charge with its act and each grant or adjustment with its reason, and whether there are
// more. Guests have none.
func (s *Service) Entries(ctx context.Context, v viewer.Viewer, l List) (entries []*models.LedgerEntry, more bool, err error) {
	if !v.HasWallet() {
		return nil, false, nil
	}
	entries, err = s.entryRows(ctx, v, l, l.Page.Size+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(entries) > l.Page.Size; more {
		entries = entries[:l.Page.Size]
	}
	if err := s.explain(ctx, v, entries); err != nil {
		return nil, false, err
	}
	return entries, more, nil
}

func (s *Service) entryRows(ctx context.Context, v viewer.Viewer, l List, limit int) ([]*models.LedgerEntry, error) {
	q := s.DB.Gorm(ctx).Table("wallets w").
		Select("e.account_id, e.transfer_id, e.amount, t.kind, t.ref, t.created_at").
		Joins("JOIN ledger_entries e ON e.account_id = w.account_id").Joins("JOIN ledger_transfers t ON t.id = e.transfer_id").
		Where("w.owner_id = ?", v.OwnerID).Order("e.transfer_id DESC").Limit(limit)
	if l.Page.After != "" {
		q = q.Where("e.transfer_id < ?", l.Page.After)
	}
	if len(l.Kinds) > 0 {
		q = q.Where("t.kind IN ?", l.Kinds)
	}
	q = between(q, "t.created_at", l.From, l.To)
	rows, err := q.Rows()
	if err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var out []*models.LedgerEntry
	for rows.Next() {
		e := new(models.LedgerEntry)
		if err := rows.Scan(&e.AccountID, &e.TransferID, &e.Amount, &e.Kind, &e.Ref, &e.CreatedAt); err != nil {
			return nil, fmt.Errorf("list entries: %w", err)
		}
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list entries: %w", err)
	}
	return out, nil
}

// between keeps what happened from then up to then, either of which may be zero.
func between(q *gorm.DB, column string, from, to time.Time) *gorm.DB {
	if !from.IsZero() {
		q = q.Where(column+" >= ?", from)
	}
	if !to.IsZero() {
		q = q.Where(column+" < ?", to)
	}
	return q
}

// explain adds what the entries are about.
func (s *Service) explain(ctx context.Context, v viewer.Viewer, entries []*models.LedgerEntry) error {
	by := make(map[string]*models.LedgerEntry, len(entries))
	ids := make([]string, len(entries))
	for i, e := range entries {
		by[e.TransferID], ids[i] = e, e.TransferID
	}
	if len(ids) == 0 {
		return nil
	}
	var acts []models.UsageRow
	if err := s.DB.Gorm(ctx).Where("owner_id = ? AND transfer_id IN ? AND transfer_id <> ''", v.OwnerID, ids).Find(&acts).Error; err != nil {
		return fmt.Errorf("find what was charged: %w", err)
	}
	for i := range acts {
		by[acts[i].TransferID].Usage = &acts[i]
	}
	var given []models.CreditAdjustment
	if err := s.DB.Gorm(ctx).Where("owner_id = ? AND transfer_id IN ?", v.OwnerID, ids).Find(&given).Error; err != nil {
		return fmt.Errorf("find what the operator gave: %w", err)
	}
	for _, a := range given {
		reason, err := v.Key.OpenString(reasonPlace(a.OwnerID, a.ID), a.ReasonSealed)
		if err != nil {
			return fmt.Errorf("open a reason: %w", err)
		}
		by[a.TransferID].Reason = reason
	}
	return nil
}
