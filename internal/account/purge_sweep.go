package account

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// sweep goes through the expired guests once, oldest first.
type sweep struct {
	p       *Purger
	receipt Receipt
	cutoff  time.Time
	last    expired // the last one looked at
	size    int     // guests in the next batch
	skipped []error // of those who could not be deleted
}

// expired is a guest whose time is over.
type expired struct {
	ID           string
	LastActiveAt time.Time
}

// errHeavy says that a batch has too many rows for one transaction.
var errHeavy = errors.New("too much for one transaction")

// run purges batch after batch. Between two it rests several times as long as the last
// one took: who writes meanwhile gets most of the database. Whoever can't be deleted is
// passed over, and is the error at the end.
func (s *sweep) run(ctx context.Context) error {
	s.size = s.p.Batch
	for ctx.Err() == nil {
		began := s.p.Uptime()
		more, err := s.batch(ctx)
		if err != nil {
			return err
		}
		if !more {
			return errors.Join(s.skipped...)
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

// batch deletes the next guests, in one transaction. It is finished although ctx ends. What
// is too much for one, or fails, is tried with half as many, and at last with one alone, a
// part at a time; who can't be deleted even so is passed over.
func (s *sweep) batch(ctx context.Context) (more bool, err error) {
	size := s.size
	found, err := s.deleteSome(ctx, s.p.Rows)
	switch {
	case err == nil:
		s.size = min(2*s.size, s.p.Batch)
	case len(found) == 0: // it isn't about whom
		return false, err
	case len(found) > 1:
		s.size = len(found) / 2
		return true, nil
	default:
		s.size = 1
		if err := s.deleteOne(ctx, found[0]); err != nil {
			s.skip(ctx, found[0], err)
		}
	}
	if len(found) > 0 {
		s.last = found[len(found)-1]
	}
	return len(found) == size, nil
}

// deleteOne deletes a guest that can't be deleted at once, or is left to the next sweep as
// long as it is busy.
func (s *sweep) deleteOne(ctx context.Context, one expired) error {
	if err := s.eraseParts(ctx, one); err != nil {
		return err
	}
	_, err := s.deleteSome(ctx, math.MaxInt64)
	return err
}

func (s *sweep) skip(ctx context.Context, one expired, err error) {
	err = fmt.Errorf("delete the guest %s: %w", one.ID, err)
	s.p.Log.ErrorContext(ctx, "a guest can't be deleted; the next sweep tries again", "owner", one.ID, "err", err)
	s.skipped = append(s.skipped, err)
}

// deleteSome deletes the next guests that are not busy, with so many rows at most, and says
// whom it looked at. It refuses with errHeavy those who have more.
func (s *sweep) deleteSome(ctx context.Context, most int64) (found []expired, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), purgeTimeout)
	defer cancel()
	var receipt Receipt
	err = s.p.DB.Tx(ctx, func(tx *gorm.DB) error {
		found, receipt = nil, s.receipt.clone()
		if err := database.AllowTx(tx, purgeTimeout); err != nil {
			return err //nolint:wrapcheck // says what failed
		}
		err := tx.Raw(`SELECT id, last_active_at FROM owners
			WHERE kind = 'GUEST' AND erasing_at IS NULL AND last_active_at <= ? AND (last_active_at, id) > (?, ?)
			ORDER BY last_active_at, id LIMIT ? FOR UPDATE SKIP LOCKED`, s.cutoff, s.last.LastActiveAt, s.last.ID, s.size).Scan(&found).Error
		if err != nil {
			return fmt.Errorf("find expired guests: %w", err)
		}
		return s.deleteTx(tx, found, most, &receipt)
	})
	if err == nil {
		s.receipt = receipt
	}
	return found, err
}

// eraseParts deletes what may be much of one guest, a bounded part in each transaction,
// unless it is busy.
func (s *sweep) eraseParts(ctx context.Context, one expired) error {
	for _, eraser := range s.p.Erasers {
		for more := true; more; {
			var err error
			if more, err = s.erasePart(ctx, one, eraser); err != nil {
				return err
			}
			if err := ctx.Err(); more && err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *sweep) erasePart(ctx context.Context, one expired, eraser Eraser) (more bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	var receipt Receipt
	err = s.p.DB.Tx(ctx, func(tx *gorm.DB) error {
		more, receipt = false, s.receipt.clone()
		var still []expired
		err := tx.Raw(`SELECT id, last_active_at FROM owners WHERE id = ? AND kind = 'GUEST' AND erasing_at IS NULL AND last_active_at <= ? FOR UPDATE SKIP LOCKED`,
			one.ID, s.cutoff).Scan(&still).Error
		if err != nil {
			return fmt.Errorf("lock a guest: %w", err)
		}
		idle, err := s.idleTx(tx, still)
		if err != nil || len(idle) == 0 {
			return err
		}
		counts, left, err := eraser.EraseTx(tx, one.ID)
		if err != nil {
			return fmt.Errorf("delete a part: %w", err)
		}
		more = left
		receipt.add(counts)
		return saveReceiptTx(tx, purgeGuests, &receipt)
	})
	if err == nil {
		s.receipt = receipt
	}
	return more, err
}

// deleteTx deletes those of the guests who are not busy, and writes down how many rows
// of which tables that were.
func (s *sweep) deleteTx(tx *gorm.DB, found []expired, most int64, receipt *Receipt) error {
	gone, err := s.idleTx(tx, found)
	if err != nil || len(gone) == 0 {
		return err
	}
	rows := int64(0)
	for _, c := range append([]Counter{own{}}, s.p.Counters...) {
		counts, err := c.CountTx(tx, gone)
		if err != nil {
			return err
		}
		receipt.add(counts)
		for _, n := range counts {
			rows += n
		}
	}
	if rows > most {
		return errHeavy
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
