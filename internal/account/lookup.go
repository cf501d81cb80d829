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
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Viewer is who the cookie stands for: the guest stored under it, a Visitor when
// there is none yet, the zero Viewer when the cookie is empty, forged or too old.
// Its errors are those of the database.
func (s *Service) Viewer(ctx context.Context, cookie string) (viewer.Viewer, error) {
	return s.Refresh(ctx, s.Visitor(cookie))
}

// Refresh looks a Visitor up again: it returns the guest that its first message has
// made meanwhile, else v. Transports that outlive a request ask it, because a
// visitor's socket stays open when another request makes the guest.
func (s *Service) Refresh(ctx context.Context, v viewer.Viewer) (viewer.Viewer, error) {
	if v.Kind != viewer.Visitor || len(v.Ticket) != sha256.Size {
		return v, nil
	}
	hash := [sha256.Size]byte(v.Ticket)
	if guest, ok := s.guests.Get(hash); ok {
		return as(guest, v), nil
	}
	mark := s.guests.Mark()
	var row ownerRow
	err := s.db.Pool().QueryRow(ctx, findByTicket+"$1 AND o.last_active_at > $2", v.Ticket, s.clock.Now().Add(-GuestTTL)).
		Scan(&row.ID, &row.KeyWrapped, &row.SessionID, &row.LastSeenAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, nil
	}
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("find viewer: %w", database.Translate(err))
	}
	guest, err := s.guest(row, v)
	if err != nil {
		return viewer.Viewer{}, err
	}
	s.touch(ctx, guest, row.LastSeenAt)
	s.guests.Put(hash, guest, mark)
	return guest, nil
}

// findByTicket needs the hash of a ticket behind it, and the time from which on a
// guest must have been active: who was not is gone, purged or not. The owner is looked up
// by its id, whatever the statistics are: those of a new database made it a walk through
// all guests that were active lately.
const findByTicket = `SELECT o.id, o.key_wrapped, s.id AS session_id, s.last_seen_at
	FROM sessions s CROSS JOIN LATERAL (SELECT * FROM owners WHERE owners.id = s.owner_id OFFSET 0) o WHERE o.kind = 'GUEST' AND s.token_hash = `

// ownerRow is the part of an owner and its session that makes a viewer.
type ownerRow struct {
	ID         string
	KeyWrapped []byte
	SessionID  string
	LastSeenAt time.Time
}

// guest is the stored guest that a visitor has turned out to be.
func (s *Service) guest(row ownerRow, v viewer.Viewer) (viewer.Viewer, error) {
	key, err := s.keeper.Unwrap(row.ID, row.KeyWrapped)
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("open owner: %w", err)
	}
	return as(viewer.Viewer{Kind: viewer.Guest, OwnerID: row.ID, Key: key, SessionID: row.SessionID}, v), nil
}

// as is a known viewer with what only the request knows.
func as(known, v viewer.Viewer) viewer.Viewer {
	v.Kind, v.OwnerID, v.Key, v.SessionID, v.Ticket = known.Kind, known.OwnerID, known.Key, known.SessionID, nil
	v.Admin, v.AuthenticatedAt = known.Admin, known.AuthenticatedAt
	return v
}

// Key opens an owner's data key for work that nobody is waiting for. It refuses
// with NOT_FOUND when the owner is gone.
func (s *Service) Key(ctx context.Context, ownerID string) (*seal.Key, error) {
	var wrapped []byte
	err := s.db.Pool().QueryRow(ctx, `SELECT key_wrapped FROM owners WHERE id = $1`, ownerID).Scan(&wrapped)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "the owner no longer exists")
	}
	if err != nil {
		return nil, fmt.Errorf("read owner's key: %w", database.Translate(err))
	}
	return s.keeper.Unwrap(ownerID, wrapped)
}
