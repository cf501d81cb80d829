package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
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
	if guest, ok := s.known.get(hash); ok {
		guest.Network = v.Network
		return guest, nil
	}
	var row ownerRow
	err := s.db.Pool().QueryRow(ctx, findByTicket+"$1", v.Ticket).Scan(&row.ID, &row.Kind, &row.KeyWrapped)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, nil
	}
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("find viewer: %w", database.Translate(err))
	}
	guest, err := s.guest(row)
	if err != nil {
		return viewer.Viewer{}, err
	}
	s.known.put(hash, guest)
	guest.Network = v.Network
	return guest, nil
}

// findByTicket needs the hash of a ticket behind it.
const findByTicket = `SELECT o.id, o.kind, o.key_wrapped FROM sessions s JOIN owners o ON o.id = s.owner_id WHERE s.token_hash = `

// ownerRow is the part of an owner that makes a viewer.
type ownerRow struct {
	ID         string
	Kind       models.OwnerKind
	KeyWrapped []byte
}

// guest opens the key of a stored guest.
func (s *Service) guest(row ownerRow) (viewer.Viewer, error) {
	if row.Kind != models.OwnerGuest {
		return viewer.Viewer{}, fmt.Errorf("a guest ticket leads to an owner of kind %s", row.Kind)
	}
	key, err := s.keeper.Unwrap(row.ID, row.KeyWrapped)
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("open owner: %w", err)
	}
	return viewer.Viewer{Kind: viewer.Guest, OwnerID: row.ID, Key: key}, nil
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
