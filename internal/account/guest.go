package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	"gorm.io/gorm"
)

// EnsureGuestTx makes a guest of a visitor, within the transaction of its first
// message. Parallel first messages under one ticket become one guest. It refuses
// with UNAUTHENTICATED when there is no ticket to store the guest under and with
// RATE_LIMITED when the visitor's network has made too many guests today. A viewer
// that already is an owner is returned as it is.
func (s *Service) EnsureGuestTx(tx *gorm.DB, v viewer.Viewer) (viewer.Viewer, error) {
	guest, _, err := s.guestTx(tx, v, 0)
	return guest, err
}

// SenderTx is EnsureGuestTx, and SpendMessageTx for whom that is: the owner's row is locked
// afterwards, and where it refuses with GUEST_LIMIT_REACHED as says who is at the limit.
// made says that the guest was made here: until the transaction ends nothing is stored of
// it but by this transaction, and nobody else knows it.
func (s *Service) SenderTx(tx *gorm.DB, v viewer.Viewer) (as viewer.Viewer, made bool, err error) {
	as, made, err = s.guestTx(tx, v, 1)
	switch {
	case err != nil:
		return viewer.Viewer{}, false, err
	case !made:
		err = s.SpendMessageTx(tx, as)
	case s.guestLimit < 1:
		err = s.errLimit()
	}
	return as, made, err
}

// guestTx is EnsureGuestTx. A guest that it makes has used so many messages.
func (s *Service) guestTx(tx *gorm.DB, v viewer.Viewer, used int) (guest viewer.Viewer, made bool, err error) {
	if v.IsOwner() {
		return v, false, nil
	}
	if v.Kind != viewer.Visitor || len(v.Ticket) != sha256.Size {
		return viewer.Viewer{}, false, fault.New(fault.Unauthenticated, "the first message must be sent over HTTP with cookies on: allow cookies for this site and send it again")
	}
	if guest, made, err = s.createTx(tx, v, used); err != nil || made {
		return guest, made, err
	}
	guest, found, err := s.findTx(tx, v)
	if err != nil || found {
		return guest, false, err
	}
	if err := s.forgetExpiredTx(tx, v); err != nil {
		return viewer.Viewer{}, false, err
	}
	guest, made, err = s.createTx(tx, v, used)
	if err == nil && !made {
		err = errors.New("the session that won is gone")
	}
	return guest, made, err
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

// createTx stores session and owner, made is false when there is a session under the
// ticket already. The session's key decides between parallel creations: who comes second
// waits for the first and stores nothing.
func (s *Service) createTx(tx *gorm.DB, v viewer.Viewer, used int) (guest viewer.Viewer, made bool, err error) {
	now, ownerID, sessionID := s.clock.Now(), id.New(id.Owner), id.New(id.Session)
	key, wrapped, under, err := s.keeper.NewKeyUnder(ownerID)
	if err != nil {
		return viewer.Viewer{}, false, err
	}
	stored := tx.Exec(`WITH s AS (INSERT INTO sessions (owner_id, id, token_hash, method, created_at, last_seen_at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (token_hash) DO NOTHING RETURNING owner_id)
		INSERT INTO owners (id, kind, key_wrapped, kek_id, messages_used, created_at, last_active_at) SELECT owner_id, ?, ?, nullif(?, ''), ?, ?, ? FROM s`,
		ownerID, sessionID, v.Ticket, models.ProviderGuest, now, now, models.OwnerGuest, wrapped, under, used, now, now)
	if stored.Error != nil {
		return viewer.Viewer{}, false, fmt.Errorf("store guest: %w", stored.Error)
	}
	if stored.RowsAffected == 0 {
		return viewer.Viewer{}, false, nil
	}
	if err := s.networks.admit(v.Network, v.Ticket); err != nil {
		return viewer.Viewer{}, false, err
	}
	return as(viewer.Viewer{Kind: viewer.Guest, OwnerID: ownerID, Key: key, SessionID: sessionID}, v), true, nil
}

// forgetExpiredTx frees the ticket of a guest that has expired and is not purged yet:
// who comes back after 30 days begins anew under the same cookie.
func (s *Service) forgetExpiredTx(tx *gorm.DB, v viewer.Viewer) error {
	err := tx.Exec(`DELETE FROM sessions s USING owners o WHERE s.token_hash = ? AND o.id = s.owner_id AND o.kind = ? AND o.last_active_at <= ?`,
		v.Ticket, models.OwnerGuest, s.clock.Now().Add(-GuestTTL)).Error
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
	return s.errLimit()
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

func (s *Service) errLimit() error {
	return fault.New(fault.GuestLimitReached, "guests may send %d messages, and all of them are used", s.guestLimit)
}

func errNobody() error {
	return fault.New(fault.Unauthenticated, "nobody is signed in: allow cookies for this site and send a first message")
}

func errGone() error {
	return fault.New(fault.Unauthenticated, "what was stored under this cookie has been deleted: reload the page to begin anew")
}
