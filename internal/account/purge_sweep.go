package account

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/models"
)

// sweep goes through the expired guests once, oldest first.
type sweep struct {
	p       *Purger
	receipt Receipt
	cutoff  time.Time
	last    expired // the last one looked at
}

// expired is a guest whose time is over.
type expired struct {
	ID           string
	LastActiveAt time.Time
}

// run purges batch after batch. Between two it rests several times as long as the last
// one took: who writes meanwhile gets most of the database.
func (s *sweep) run(ctx context.Context) error {
	for ctx.Err() == nil {
		began := s.p.Uptime()
		more, err := s.batch(ctx)
		if err != nil || !more {
			return err
		}
		t := time.NewTimer(purgeRest * (s.p.Uptime() - began))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
	return ctx.Err()
}

// batch is one transaction. It is finished although ctx ends.
func (s *sweep) batch(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), purgeTimeout)
	defer cancel()
	var found []expired
	var receipt Receipt
	err = s.p.DB.Tx(ctx, func(tx *gorm.DB) error {
		found, receipt = nil, s.receipt.clone()
		err := tx.Raw(`SELECT id, last_active_at FROM owners
			WHERE kind = 'GUEST' AND erasing_at IS NULL AND last_active_at <= ? AND (last_active_at, id) > (?, ?)
			ORDER BY last_active_at, id LIMIT ? FOR UPDATE SKIP LOCKED`, s.cutoff, s.last.LastActiveAt, s.last.ID, s.p.Batch).Scan(&found).Error
		if err != nil {
			return fmt.Errorf("find expired guests: %w", err)
		}
		return s.deleteTx(tx, found, &receipt)
	})
	if err != nil {
		return false, err
	}
	s.receipt = receipt
	if len(found) > 0 {
		s.last = found[len(found)-1]
	}
	return len(found) == s.p.Batch, nil
}

// deleteTx deletes those of the guests who are not busy, and writes down how many rows
// of which tables that were.
func (s *sweep) deleteTx(tx *gorm.DB, found []expired, receipt *Receipt) error {
	gone, err := s.idleTx(tx, found)
	if err != nil || len(gone) == 0 {
		return err
	}
	for _, c := range append([]Counter{own{}}, s.p.Counters...) {
		counts, err := c.CountTx(tx, gone)
		if err != nil {
			return err
		}
		receipt.add(counts)
	}
	if err := tx.Where("id IN ? AND kind = ?", gone, models.OwnerGuest).Delete(&models.Owner{}).Error; err != nil {
		return fmt.Errorf("delete guests: %w", err)
	}
	if err := saveReceiptTx(tx, purgeGuests, receipt); err != nil {
		return err
	}
	return s.p.Audit.WriteTx(tx, audit.Entry{Act: models.AuditGuestsPurged, By: audit.System(), Facts: models.AuditFacts{Ref: receipt.ID, Count: int64(len(gone))}})
}

func (s *sweep) idleTx(tx *gorm.DB, found []expired) ([]string, error) {
	ids := make([]string, len(found))
	for i, e := range found {
		ids[i] = e.ID
	}
	if len(ids) == 0 {
		return nil, nil
	}
	busy := map[string]bool{}
	for _, b := range s.p.Busy {
		active, err := b.BusyTx(tx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range active {
			busy[id] = true
		}
	}
	idle := ids[:0]
	for _, id := range ids {
		if !busy[id] {
			idle = append(idle, id)
		}
	}
	return idle, nil
}
