package account

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// purgeGuests is the kind of receipts of guests.
const purgeGuests = "GUESTS"

// Receipt says what a purge removed: counts by table, and nothing of whom.
type Receipt struct {
	ID         string // empty when nothing was removed
	Reason     models.RemovalReason
	Cutoff     time.Time
	Rows       map[string]int64
	StartedAt  time.Time
	FinishedAt time.Time
}

// Owners is how many guests were removed.
func (r Receipt) Owners() int64 { return r.Rows["owners"] }

func (r Receipt) clone() Receipt {
	r.Rows = maps.Clone(r.Rows)
	return r
}

func (r *Receipt) add(counts map[string]int64) {
	add(r.Rows, counts)
}

// own counts this room's tables.
type own struct{}

// CountTx counts the owners themselves and their sessions.
func (own) CountTx(tx *gorm.DB, ownerIDs []string) (map[string]int64, error) {
	var sessions int64
	if err := tx.Model(&models.Session{}).Where("owner_id IN ?", ownerIDs).Count(&sessions).Error; err != nil {
		return nil, fmt.Errorf("count sessions: %w", err)
	}
	return map[string]int64{"owners": int64(len(ownerIDs)), "sessions": sessions}, nil
}

// openReceipt goes on with the receipt of a sweep that was cut off, or begins one. A
// new one is stored with the first batch: a sweep that removes nothing leaves none.
func (p *Purger) openReceipt(ctx context.Context, now time.Time) (Receipt, error) {
	r := Receipt{Cutoff: now.Add(-GuestTTL), Rows: map[string]int64{}, StartedAt: now}
	var rows []models.PurgeReceipt
	err := p.DB.Gorm(ctx).Where("kind = ? AND finished_at IS NULL", purgeGuests).Order("id DESC").Limit(1).Find(&rows).Error
	if err != nil {
		return r, fmt.Errorf("find the receipt of a purge: %w", err)
	}
	if len(rows) == 0 {
		return r, nil
	}
	r.ID, r.StartedAt = rows[0].ID, rows[0].StartedAt
	if err := json.Unmarshal(rows[0].Rows, &r.Rows); err != nil {
		return r, fmt.Errorf("read the receipt of a purge: %w", err)
	}
	return r, nil
}

// saveReceiptTx stores the counts with the deed they are of, so that a crash leaves
// them true.
func saveReceiptTx(tx *gorm.DB, kind string, r *Receipt) error {
	counts, err := json.Marshal(r.Rows)
	if err != nil {
		return fmt.Errorf("write the receipt of a purge: %w", err)
	}
	if r.ID == "" {
		r.ID = id.New(id.Purge)
	}
	var finished *time.Time
	if !r.FinishedAt.IsZero() {
		finished = &r.FinishedAt
	}
	err = tx.Exec(`INSERT INTO purge_receipts (id, kind, reason, cutoff, rows, started_at, finished_at) VALUES (?, ?, ?, ?, ?::jsonb, ?, ?)
		ON CONFLICT (id) DO UPDATE SET cutoff = EXCLUDED.cutoff, rows = EXCLUDED.rows`, r.ID, kind, r.Reason, r.Cutoff, string(counts), r.StartedAt, finished).Error
	if err != nil {
		return fmt.Errorf("write the receipt of a purge: %w", err)
	}
	return nil
}

// closeReceipt says that the sweep went through.
func (p *Purger) closeReceipt(ctx context.Context, r Receipt) (Receipt, error) {
	r.FinishedAt = p.Clock.Now()
	if r.ID == "" {
		return r, nil
	}
	err := p.DB.Gorm(ctx).Model(&models.PurgeReceipt{}).Where("id = ?", r.ID).Update("finished_at", r.FinishedAt).Error
	if err != nil {
		return r, fmt.Errorf("finish the receipt of a purge: %w", err)
	}
	p.Log.InfoContext(ctx, "purged guests", "receipt", r.ID, "rows", r.Rows)
	return r, nil
}
