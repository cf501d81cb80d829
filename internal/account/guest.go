package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// EnsureGuestTx makes a guest of a visitor, within the transaction of its first
// message. Parallel first messages under one ticket become one guest. It refuses
// with UNAUTHENTICATED when there is no ticket to store the guest under and with
// RATE_LIMITED when the visitor's network has made too many guests today. A viewer
// that already is an owner is returned as it is.
func (s *Service) EnsureGuestTx(tx *gorm.DB, v viewer.Viewer) (viewer.Viewer, error) {
	if v.IsOwner() {
		return v, nil
	}
	if v.Kind != viewer.Visitor || len(v.Ticket) != sha256.Size {
		return viewer.Viewer{}, fault.New(fault.Unauthenticated, "the first message must be sent over HTTP with cookies on: allow cookies for this site and send it again")
	}
	guest, found, err := s.findTx(tx, v)
	if err != nil || found {
		return guest, err
	}
	if err := s.networks.admit(v.Network, v.Ticket); err != nil {
		return viewer.Viewer{}, err
	}
	return s.createTx(tx, v)
}

// findTx returns the guest stored under the visitor's ticket.
func (s *Service) findTx(tx *gorm.DB, v viewer.Viewer) (viewer.Viewer, bool, error) {
	var rows []ownerRow
	if err := tx.Raw(findByTicket+"? AND o.last_active_at > ?", v.Ticket, s.clock.Now().Add(-GuestTTL)).Scan(&rows).Error; err != nil {
		return viewer.Viewer{}, false, fmt.Errorf("find guest: %w", err)
	}
	if len(rows) == 0 {
		return viewer.Viewer{}, false, nil
	}
	guest, err := s.guest(rows[0], v)
	return guest, err == nil, err
}

// createTx stores owner and session. The session's key decides between parallel
// creations: who comes second waits for the first, drops its own owner and takes
// the other's.
func (s *Service) createTx(tx *gorm.DB, v viewer.Viewer) (viewer.Viewer, error) {
	now, ownerID := s.clock.Now(), id.New(id.Owner)
	key, wrapped, err := s.keeper.NewKey(ownerID)
	if err != nil {
		return viewer.Viewer{}, err
	}
	if err := s.forgetExpiredTx(tx, v, now); err != nil {
		return viewer.Viewer{}, err
	}
	owner := models.Owner{ID: ownerID, Kind: models.OwnerGuest, KeyWrapped: wrapped, CreatedAt: now, LastActiveAt: now}
	if err := tx.Create(&owner).Error; err != nil {
		return viewer.Viewer{}, fmt.Errorf("store guest: %w", err)
	}
	session := models.Session{ID: id.New(id.Session), TokenHash: v.Ticket, OwnerID: ownerID, Method: models.ProviderGuest, CreatedAt: now, LastSeenAt: now}
	stored := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "token_hash"}}, DoNothing: true}).Create(&session)
	if stored.Error != nil {
		return viewer.Viewer{}, fmt.Errorf("store session: %w", stored.Error)
	}
	if stored.RowsAffected == 1 {
		return as(viewer.Viewer{Kind: viewer.Guest, OwnerID: ownerID, Key: key, SessionID: session.ID}, v), nil
	}
	if err := tx.Delete(&models.Owner{}, "id = ?", ownerID).Error; err != nil {
		return viewer.Viewer{}, fmt.Errorf("drop second guest: %w", err)
	}
	guest, found, err := s.findTx(tx, v)
	if err == nil && !found {
		err = errors.New("the session that won is gone")
	}
	return guest, err
}

// forgetExpiredTx frees the ticket of a guest that has expired and is not purged yet:
// who comes back after 30 days begins anew under the same cookie.
func (s *Service) forgetExpiredTx(tx *gorm.DB, v viewer.Viewer, now time.Time) error {
	err := tx.Exec(`DELETE FROM sessions s USING owners o WHERE s.token_hash = ? AND o.id = s.owner_id AND o.kind = ? AND o.last_active_at <= ?`,
		v.Ticket, models.OwnerGuest, now.Add(-GuestTTL)).Error
	if err != nil {
		return fmt.Errorf("forget expired guest: %w", err)
	}
	return nil
}

// SpendMessageTx counts one message of the viewer. It locks the owner's row until
// the transaction ends, so no parallel send can pass the limit; a guest at the limit
// is refused with GUEST_LIMIT_REACHED.
func (s *Service) SpendMessageTx(tx *gorm.DB, v viewer.Viewer) error {
	if !v.IsOwner() {
		return errNobody()
	}
	spent := tx.Exec(`UPDATE owners SET messages_used = messages_used + 1, last_active_at = ?
		WHERE id = ? AND erasing_at IS NULL AND (kind <> ? OR messages_used < ?)`, s.clock.Now(), v.OwnerID, models.OwnerGuest, s.guestLimit)
	if spent.Error != nil {
		return fmt.Errorf("spend message: %w", spent.Error)
	}
	if spent.RowsAffected == 1 {
		return nil
	}
	if err := s.LockTx(tx, v); err != nil {
		return err
	}
	return fault.New(fault.GuestLimitReached, "guests may send %d messages, and all of them are used", s.guestLimit)
}

// LockTx locks the viewer's owner row until the transaction ends: changes to one
// owner that must not run at once take it first. It refuses with UNAUTHENTICATED
// when the owner is gone or is being deleted.
//
// The lock excludes other holders and deletion, not the mere references that other
// transactions' new rows make to the owner.
func (s *Service) LockTx(tx *gorm.DB, v viewer.Viewer) error {
	if !v.IsOwner() {
		return errNobody()
	}
	var ids []string
	if err := tx.Raw(`SELECT id FROM owners WHERE id = ? AND erasing_at IS NULL FOR NO KEY UPDATE`, v.OwnerID).Scan(&ids).Error; err != nil {
		return fmt.Errorf("lock owner: %w", err)
	}
	if len(ids) == 0 {
		return errGone()
	}
	return nil
}

// Allowance is how many messages the viewer may still send and how many a guest may
// send in all. A visitor has all of them.
func (s *Service) Allowance(ctx context.Context, v viewer.Viewer) (left, limit int, err error) {
	if v.Kind == viewer.Visitor {
		return s.guestLimit, s.guestLimit, nil
	}
	if !v.IsOwner() {
		return 0, 0, errNobody()
	}
	var owner models.Owner
	err = s.db.Pool().QueryRow(ctx, `SELECT messages_used FROM owners WHERE id = $1`, v.OwnerID).Scan(&owner.MessagesUsed)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, errGone()
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read allowance: %w", database.Translate(err))
	}
	return owner.MessagesLeft(s.guestLimit), s.guestLimit, nil
}

func errNobody() error {
	return fault.New(fault.Unauthenticated, "nobody is signed in: allow cookies for this site and send a first message")
}

func errGone() error {
	return fault.New(fault.Unauthenticated, "what was stored under this cookie has been deleted: reload the page to begin anew")
}
