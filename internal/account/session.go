package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// How long an account's session lasts without being used, and at most; how many an
// account may have, and for how long a proof of who it is counts for dangerous acts.
const (
	SessionIdle  = 7 * 24 * time.Hour
	SessionTTL   = 30 * 24 * time.Hour
	MaxSessions  = 20
	FreshnessTTL = 10 * time.Minute
)

// Entry is a sign-in that succeeded: the value of the new session's cookie, whom it
// stands for, and whether the account was made just now.
type Entry struct {
	Cookie  string
	Viewer  viewer.Viewer
	Created bool
}

// findSession needs a hash, the time from which on a session must have been begun
// and the one from which on it must have been used.
const findSession = `SELECT o.id, o.key_wrapped, s.id, s.last_seen_at, s.authenticated_at, a.role
	FROM sessions s JOIN owners o ON o.id = s.owner_id JOIN accounts a ON a.owner_id = s.owner_id
	WHERE s.token_hash = $1 AND s.created_at > $2 AND s.last_seen_at > $3`

// SessionViewer is the account that a session's cookie stands for, the zero Viewer
// when the cookie is empty, forged, revoked or too old. It is remembered for a second
// at most, and not a moment longer than the session stands on this instance. Its
// errors are those of the database.
func (s *Service) SessionViewer(ctx context.Context, cookie string) (viewer.Viewer, error) {
	hash, ok := tokenHash(cookie)
	if !ok {
		return viewer.Viewer{}, nil
	}
	if v, ok := s.sessions.Get(hash); ok {
		return v, nil
	}
	mark := s.sessions.Mark()
	v, last, err := s.readSession(ctx, hash)
	if err != nil || v.Kind == "" {
		return viewer.Viewer{}, err
	}
	s.touch(ctx, v, last)
	s.sessions.Put(hash, v, mark)
	return v, nil
}

func (s *Service) readSession(ctx context.Context, hash [sha256.Size]byte) (v viewer.Viewer, last time.Time, err error) {
	now := s.clock.Now()
	var wrapped []byte
	var proved *time.Time
	var role models.Role
	err = s.db.Pool().QueryRow(ctx, findSession, hash[:], now.Add(-SessionTTL), now.Add(-SessionIdle)).
		Scan(&v.OwnerID, &wrapped, &v.SessionID, &last, &proved, &role)
	if errors.Is(err, pgx.ErrNoRows) {
		return viewer.Viewer{}, last, nil
	}
	if err != nil {
		return viewer.Viewer{}, last, fmt.Errorf("find session: %w", database.Translate(err))
	}
	if v.Key, err = s.keeper.Unwrap(v.OwnerID, wrapped); err != nil {
		return viewer.Viewer{}, last, fmt.Errorf("open owner: %w", err)
	}
	v.Kind, v.Admin = viewer.Account, role == models.RoleAccountAdmin
	if proved != nil {
		v.AuthenticatedAt = proved.UTC()
	}
	return v, last, nil
}

// Alive reports whether the viewer's session still stands, asking the database. Who
// has no session, a visitor or a program of ours, is always alive.
func (s *Service) Alive(ctx context.Context, v viewer.Viewer) (bool, error) {
	now := s.clock.Now()
	var query string
	args := []any{v.OwnerID, v.SessionID}
	switch v.Kind {
	case viewer.Account:
		query = `SELECT EXISTS (SELECT FROM sessions s JOIN accounts a ON a.owner_id = s.owner_id
			WHERE s.owner_id = $1 AND s.id = $2 AND s.created_at > $3 AND s.last_seen_at > $4)`
		args = append(args, now.Add(-SessionTTL), now.Add(-SessionIdle))
	case viewer.Guest:
		query = `SELECT EXISTS (SELECT FROM sessions s JOIN owners o ON o.id = s.owner_id
			WHERE s.owner_id = $1 AND s.id = $2 AND o.kind = 'GUEST' AND o.last_active_at > $3)`
		args = append(args, now.Add(-GuestTTL))
	default:
		return true, nil
	}
	var alive bool
	if err := s.db.Pool().QueryRow(ctx, query, args...).Scan(&alive); err != nil {
		return false, fmt.Errorf("look for session: %w", database.Translate(err))
	}
	return alive, nil
}

// Fresh refuses with REAUTHENTICATION_REQUIRED when the viewer's last proof of who it
// is lies ten minutes back or more, and with UNAUTHENTICATED when it is no account.
func (s *Service) Fresh(v viewer.Viewer) error {
	if err := mustBeAccount(v); err != nil {
		return err
	}
	if age := s.clock.Now().Sub(v.AuthenticatedAt); age >= FreshnessTTL || age < -touchAhead {
		return fault.New(fault.Reauthenticate, "this needs a proof of who you are that is at most %d minutes old: sign in once more", int(FreshnessTTL.Minutes()))
	}
	return nil
}

func isAccount(v viewer.Viewer) bool { return v.Kind == viewer.Account && v.IsOwner() }

func mustBeAccount(v viewer.Viewer) error {
	if !isAccount(v) {
		return fault.New(fault.Unauthenticated, "only who is signed in can do this: sign in first")
	}
	return nil
}

// beginSessionTx stores a session of the account v and makes v its viewer. It is as fresh as
// the proof: a provider may have let somebody in whom it asked hours ago. The oldest
// sessions beyond MaxSessions go, and those that have run out. v's owner row must be
// locked, or made in the same transaction.
func (s *Service) beginSessionTx(tx *gorm.DB, v viewer.Viewer, p Proof, d Device, ended *endings) (Entry, error) {
	now := s.clock.Now()
	proved := now
	if !p.At.IsZero() && p.At.Before(now) {
		proved = p.At
	}
	cookie, hash := newToken()
	session := models.Session{OwnerID: v.OwnerID, ID: id.New(id.Session), TokenHash: hash[:], Method: p.Provider, DeviceType: d.Type, OS: d.OS,
		Browser: d.Browser, BrowserVersion: d.Version, CreatedAt: now, LastSeenAt: now, AuthenticatedAt: &proved}
	if err := tx.Create(&session).Error; err != nil {
		return Entry{}, fmt.Errorf("store session: %w", err)
	}
	err := s.endTx(tx, ended, v.OwnerID, finish{models.AuditSessionEnded, audit.System(), lapsed}, `id <> ? AND (created_at <= ? OR last_seen_at <= ? OR
		id IN (SELECT id FROM sessions WHERE owner_id = ? AND id <> ? ORDER BY created_at DESC, id DESC OFFSET ?))`,
		session.ID, now.Add(-SessionTTL), now.Add(-SessionIdle), v.OwnerID, session.ID, MaxSessions-1)
	if err != nil {
		return Entry{}, err
	}
	err = tx.Exec(`UPDATE owners SET last_active_at = ? WHERE id = ?`, now, v.OwnerID).Error
	if err != nil {
		return Entry{}, fmt.Errorf("note sign-in: %w", err)
	}
	v.SessionID, v.AuthenticatedAt = session.ID, proved
	return Entry{Cookie: cookie, Viewer: v}, s.begunTx(tx, v, p.Provider)
}
