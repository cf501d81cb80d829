package account

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// revokedSubject carries ended sessions to all instances.
const revokedSubject = "session.revoked"

// ending is one ended session, or all of an owner's when none is named.
type ending struct {
	Owner   string `json:"owner"`
	Session string `json:"session,omitempty"`
	From    string `json:"from"` // the instance that ended it
}

// ends reports whether the viewer's session is among the ended.
func (e ending) ends(v viewer.Viewer) bool {
	return v.OwnerID == e.Owner && (e.Session == "" || v.SessionID == e.Session)
}

// endings collects the sessions that a transaction ends. Each try of the transaction
// begins with empty ones, and they are told to everybody after the commit.
type endings []ending

// deleteTx deletes the owner's sessions that the condition names.
func (e *endings) deleteTx(tx *gorm.DB, ownerID, condition string, args ...any) error {
	var ids []string
	err := tx.Raw(`DELETE FROM sessions WHERE owner_id = ? AND (`+condition+`) RETURNING id`, append([]any{ownerID}, args...)...).Scan(&ids).Error
	if err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	for _, sessionID := range ids {
		*e = append(*e, ending{Owner: ownerID, Session: sessionID})
	}
	return nil
}

// Start listens for what other instances revoke, and tells them which key-encryption keys
// this one holds, until Close. It refuses with ErrWrongKey when another key wraps by now.
func (s *Service) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.startTelling(ctx); err != nil || s.bus == nil {
		return err
	}
	stop, err := s.bus.Subscribe(revokedSubject, func(data []byte, _ func([]byte) error) {
		var e ending
		if json.Unmarshal(data, &e) == nil && e.Owner != "" && e.From != s.instance {
			s.end(e)
		}
	})
	if err != nil {
		return fmt.Errorf("listen for revoked sessions: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsubscribe = stop
	return nil
}

// Close stops listening and cuts deletions off that go on; another instance finishes
// them. It may be called without Start, and more than once.
func (s *Service) Close() {
	s.mu.Lock()
	stop := s.unsubscribe
	s.unsubscribe, s.closed = nil, true
	s.mu.Unlock()
	s.finish()
	s.working.Wait()
	if stop != nil {
		stop()
	}
}

// OnRevoked calls f for every session that ends before its time, on every instance:
// with an empty sessionID all of the owner's have ended. f must not wait.
func (s *Service) OnRevoked(f func(ownerID, sessionID string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callbacks = append(s.callbacks, f)
}

// announce ends sessions on this instance at once and tells the others. It is called
// after the commit. Who misses it notices within a second at the next request, and
// within a minute on an open socket.
func (s *Service) announce(ended endings) {
	for _, e := range ended {
		s.end(e)
		if s.bus == nil {
			continue
		}
		e.From = s.instance
		data, err := json.Marshal(e)
		if err == nil {
			err = s.bus.Publish(revokedSubject, data)
		}
		if err != nil {
			s.log.Warn("tell the other instances of a revoked session", "owner", e.Owner, "err", err)
		}
	}
}

// end forgets the session and tells whoever asked to be told.
func (s *Service) end(e ending) {
	s.sessions.Forget(e.ends)
	s.guests.Forget(e.ends)
	s.mu.Lock()
	callbacks := slices.Clone(s.callbacks)
	s.mu.Unlock()
	for _, f := range callbacks {
		f(e.Owner, e.Session)
	}
}

// Sessions are the viewer's signed-in devices, the one that asks first and then by
// their last use. Guests and visitors have none.
func (s *Service) Sessions(ctx context.Context, v viewer.Viewer) ([]*models.Session, error) {
	sessions := []*models.Session{}
	if !isAccount(v) {
		return sessions, nil
	}
	now := s.clock.Now()
	err := s.db.Gorm(ctx).Where("owner_id = ? AND created_at > ? AND last_seen_at > ?", v.OwnerID, now.Add(-SessionTTL), now.Add(-SessionIdle)).
		Order("last_seen_at DESC, id DESC").Find(&sessions).Error
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	slices.SortStableFunc(sessions, func(a, b *models.Session) int {
		switch v.SessionID {
		case a.ID:
			return -1
		case b.ID:
			return 1
		}
		return 0
	})
	return sessions, nil
}

// RevokeSession ends one of the viewer's sessions, also the one that asks. It refuses
// with NOT_FOUND what is none of the viewer's.
func (s *Service) RevokeSession(ctx context.Context, v viewer.Viewer, sessionID string) error {
	if err := mustBeAccount(v); err != nil {
		return err
	}
	n := 0
	if id.Is(id.Session, sessionID) {
		var err error
		if n, err = s.revoke(ctx, v, revokedBy(v), "id = ?", sessionID); err != nil {
			return err
		}
	}
	if n == 0 {
		return fault.On("sessionId", fault.NotFound, "there is no such session: it may have ended already")
	}
	return nil
}

// RevokeOthers ends all of the viewer's sessions but the one that asks and says how
// many there were.
func (s *Service) RevokeOthers(ctx context.Context, v viewer.Viewer) (int, error) {
	if err := mustBeAccount(v); err != nil {
		return 0, err
	}
	return s.revoke(ctx, v, revokedBy(v), "id <> ?", v.SessionID)
}

// SignOut ends the viewer's session on every instance. Who is not signed in has none
// to end; signing out again does nothing.
func (s *Service) SignOut(ctx context.Context, v viewer.Viewer) error {
	if !isAccount(v) {
		return nil
	}
	_, err := s.revoke(ctx, v, finish{models.AuditSessionEnded, audit.By(v), signedOut}, "id = ?", v.SessionID)
	return err
}

func revokedBy(v viewer.Viewer) finish {
	return finish{act: models.AuditSessionRevoked, by: audit.By(v)}
}

// revoke ends the viewer's sessions that the condition names.
func (s *Service) revoke(ctx context.Context, v viewer.Viewer, f finish, condition string, args ...any) (int, error) {
	var ended endings
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		ended = nil
		return s.endTx(tx, &ended, v.OwnerID, f, condition, args...)
	})
	if err != nil {
		return 0, err
	}
	s.announce(ended)
	return len(ended), nil
}
