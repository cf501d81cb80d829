package credit

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/id"
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

// entryRows reads transfers and settled holds apart, each by its own index, and merges them.
func (s *Service) entryRows(ctx context.Context, v viewer.Viewer, l List, limit int) ([]*models.LedgerEntry, error) {
	moved := l.part(s.DB.Gorm(ctx).Table("wallets w").Select("e.account_id, e.transfer_id, e.amount, t.kind, t.ref, t.created_at").
		Joins("JOIN ledger_entries e ON e.account_id = w.account_id").Joins("JOIN ledger_transfers t ON t.id = e.transfer_id").
		Where("w.owner_id = ?", v.OwnerID).Limit(limit), "e.transfer_id", "t.created_at")
	charged := l.part(s.DB.Gorm(ctx).Table("wallets w").Select("h.account_id, h.transfer_id, -h.posted AS amount, ? AS kind, h.id AS ref, h.resolved_at AS created_at", models.TransferCharge).
		Joins("JOIN ledger_holds h ON h.account_id = w.account_id").
		Where("w.owner_id = ? AND h.transfer_id <> ''", v.OwnerID).Limit(limit), "h.transfer_id", "h.resolved_at")
	if len(l.Kinds) > 0 {
		moved = moved.Where("t.kind IN ?", l.Kinds)
		charged = charged.Where("? IN ?", models.TransferCharge, l.Kinds)
	}
	rows, err := s.DB.Gorm(ctx).Raw("SELECT * FROM ((?) UNION ALL (?)) j ORDER BY transfer_id DESC LIMIT ?", moved, charged, limit).Rows()
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

// part keeps of q what the list wants, newest first.
func (l List) part(q *gorm.DB, transfer, moment string) *gorm.DB {
	if l.Page.After != "" {
		q = q.Where(transfer+" < ?", l.Page.After)
	}
	return between(q, moment, l.From, l.To).Order(transfer + " DESC")
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
	acts, err := s.charged(ctx, v, ids)
	if err != nil {
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

// charged are the acts that transfers charge: each is its transfer's twin, but for those
// of before that was so, which have an index of their own.
func (s *Service) charged(ctx context.Context, v viewer.Viewer, transfers []string) (acts []models.UsageRow, err error) {
	twins := make([]string, len(transfers))
	for i, t := range transfers {
		twins[i] = id.Twin(id.Usage, t)
	}
	err = s.DB.Gorm(ctx).Raw(`SELECT * FROM usage_rows WHERE owner_id = @owner AND id IN @twins AND transfer_id IN @transfers
		UNION ALL SELECT * FROM usage_rows WHERE owner_id = @owner AND transfer_id IN @transfers AND transfer_id <> '' AND substr(transfer_id, 5) <> substr(id, 5)`,
		map[string]any{"owner": v.OwnerID, "twins": twins, "transfers": transfers}).Scan(&acts).Error
	return acts, err
}
