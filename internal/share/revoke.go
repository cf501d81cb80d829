package share

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Revoke takes a share of the viewer's back: its link opens nothing from now on, and the copy
// is deleted. Copies that readers made stay theirs. It refuses with NOT_FOUND.
func (s *Service) Revoke(ctx context.Context, v viewer.Viewer, shareID string) error {
	if !v.IsOwner() || !id.Is(id.Share, shareID) {
		return errNotFound()
	}
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		gone := tx.Where("owner_id = ? AND id = ?", v.OwnerID, shareID).Delete(&models.Share{})
		if gone.Error != nil {
			return fmt.Errorf("delete a share: %w", gone.Error)
		}
		if gone.RowsAffected == 0 {
			return errNotFound()
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditShareRevoked, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{Ref: shareID, Count: 1}})
	})
	if err != nil {
		return fmt.Errorf("revoke a share: %w", err)
	}
	return nil
}

func errNotFound() *fault.Fault { return fault.On("shareId", fault.NotFound, "there is no such link") }

// RevokeAll takes all shares of the viewer's back, and says how many. Doing so when there are
// none is no act.
func (s *Service) RevokeAll(ctx context.Context, v viewer.Viewer) (n int64, err error) {
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error { n, err = s.RevokeAllTx(tx, v); return err })
	return n, err
}

// RevokeAllTx is RevokeAll in the transaction of its reason.
func (s *Service) RevokeAllTx(tx *gorm.DB, v viewer.Viewer) (n int64, err error) {
	if n, err = dropTx(tx, v.OwnerID); err == nil && n > 0 {
		err = s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditShareRevoked, Subject: v.OwnerID, By: audit.By(v), Facts: models.AuditFacts{Count: n}})
	}
	if err != nil {
		return 0, fmt.Errorf("revoke all shares: %w", err)
	}
	return n, nil
}

// TakeDown takes a share back by its link, whosever it is: for whoever has a terminal on the
// installation, and no other. It shows in the owner's activity. It refuses with NOT_FOUND a
// link that was never made here, and with GONE one that opens nothing any more.
func (s *Service) TakeDown(ctx context.Context, link string) error {
	if !s.ours(link) {
		return errUnknown()
	}
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		var rows []models.Share
		if err := tx.Raw(`DELETE FROM shares WHERE link_hash = ? RETURNING owner_id, id`, hashOf(link)).Scan(&rows).Error; err != nil {
			return fmt.Errorf("delete a share: %w", err)
		}
		if len(rows) == 0 {
			return errGone()
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditShareRevoked, Subject: rows[0].OwnerID, By: audit.Terminal(), Facts: models.AuditFacts{Ref: rows[0].ID, Count: 1}})
	})
	if err != nil {
		return fmt.Errorf("take a share down: %w", err)
	}
	return nil
}

// ShutTx takes the shares of an owner back that is being deleted. There is nothing to tell
// anybody: each reading asks the database.
func (s *Service) ShutTx(tx *gorm.DB, ownerID string) (rows map[string]int64, told func(), err error) {
	n, err := dropTx(tx, ownerID)
	return map[string]int64{"shares": n}, func() {}, err
}

func dropTx(tx *gorm.DB, ownerID string) (int64, error) {
	gone := tx.Where("owner_id = ?", ownerID).Delete(&models.Share{})
	if gone.Error != nil {
		return 0, fmt.Errorf("delete shares: %w", gone.Error)
	}
	return gone.RowsAffected, nil
}
