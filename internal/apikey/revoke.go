package apikey

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// revokedSubject carries revoked keys to all instances.
const revokedSubject = "apikey.revoked"

// revoked is one revoked key.
type revoked struct {
	Owner string `json:"owner"`
	Key   string `json:"key"`
	From  string `json:"from"` // the instance that revoked it
}

// Revoke ends a key for ever, on every instance within a second; revoking it again does
// nothing. It refuses with NOT_FOUND what is none of the viewer's.
func (s *Service) Revoke(ctx context.Context, v viewer.Viewer, keyID string) (*models.APIKey, error) {
	if err := mustBeAccount(v); err != nil {
		return nil, err
	}
	var k models.APIKey
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		k = models.APIKey{}
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		if err := findTx(tx, v, keyID, &k); err != nil || k.RevokedAt != nil {
			return err
		}
		now := s.Clock.Now()
		k.RevokedAt = &now
		if err := revokeTx(tx, &k); err != nil {
			return err
		}
		return s.didTx(tx, v, models.AuditKeyRevoked, k.ID)
	})
	if err != nil {
		return nil, fmt.Errorf("revoke an API key: %w", err)
	}
	s.ended(ctx, k.OwnerID, k.ID)
	return &k, s.open(ctx, v, []*models.APIKey{&k})
}

func revokeTx(tx *gorm.DB, k *models.APIKey) error {
	err := tx.Exec(`UPDATE api_keys SET revoked_at = ? WHERE owner_id = ? AND id = ? AND revoked_at IS NULL`, k.RevokedAt, k.OwnerID, k.ID).Error
	if err != nil {
		return fmt.Errorf("write the key: %w", err)
	}
	return nil
}

// RevokeAll ends all of the viewer's keys and says how many there were.
func (s *Service) RevokeAll(ctx context.Context, v viewer.Viewer) (int, error) {
	if err := mustBeAccount(v); err != nil {
		return 0, err
	}
	var ids []string
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		ids = nil
		// The owner's row is what making a key locks: none slips through.
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		err := tx.Raw(`UPDATE api_keys SET revoked_at = ? WHERE owner_id = ? AND revoked_at IS NULL RETURNING id`, s.Clock.Now(), v.OwnerID).Scan(&ids).Error
		if err != nil {
			return fmt.Errorf("write the keys: %w", err)
		}
		return s.didTx(tx, v, models.AuditKeyRevoked, ids...)
	})
	if err != nil {
		return 0, fmt.Errorf("revoke all API keys: %w", err)
	}
	s.ended(ctx, v.OwnerID, ids...)
	return len(ids), nil
}

// ShutTx ends all keys of an owner that is being deleted, whose row is locked; told tells
// every instance after the commit.
func (s *Service) ShutTx(tx *gorm.DB, ownerID string) (rows map[string]int64, told func(), err error) {
	var ids []string
	if err := tx.Raw(`DELETE FROM api_keys WHERE owner_id = ? RETURNING id`, ownerID).Scan(&ids).Error; err != nil {
		return nil, nil, fmt.Errorf("end the API keys of an owner: %w", err)
	}
	told = func() {
		for _, keyID := range ids {
			s.announce(ownerID, keyID)
		}
	}
	return map[string]int64{"api_keys": int64(len(ids))}, told, nil
}

// Surrender revokes a key for whoever holds it: who finds one that has leaked can end it.
// It is done when the key was revoked before; it refuses as Authenticate does what is no
// key of ours, and one too many of an address.
func (s *Service) Surrender(ctx context.Context, key string, from netip.Addr) error {
	publicID, ok := parse(key)
	if !ok {
		return errNoKey()
	}
	var v viewer.Viewer
	err := s.try(ctx, sha256.Sum256([]byte(key)), from, func() (err error) {
		v, err = s.read(ctx, publicID, key)
		return err
	})
	if fault.Is(err, fault.KeyRevoked) {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.Clock.Now()
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.Owners.LockTx(tx, v); err != nil {
			return err
		}
		if err := revokeTx(tx, &models.APIKey{OwnerID: v.OwnerID, ID: v.KeyID, RevokedAt: &now}); err != nil {
			return err
		}
		return s.didTx(tx, v, models.AuditKeyRevoked, v.KeyID)
	})
	if err != nil {
		return fmt.Errorf("revoke a surrendered API key: %w", err)
	}
	s.Log.WarnContext(ctx, "an API key was revoked by somebody who holds it", "key", v.KeyID)
	s.ended(ctx, v.OwnerID, v.KeyID)
	return nil
}

// Start listens for what other instances revoke, until Close.
func (s *Service) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil || s.Bus == nil {
		return err
	}
	stop, err := s.Bus.Subscribe(revokedSubject, func(data []byte, _ func([]byte) error) {
		var r revoked
		if json.Unmarshal(data, &r) == nil && r.Owner != "" && r.Key != "" && r.From != s.instance {
			s.end(r.Owner, r.Key)
		}
	})
	if err != nil {
		return fmt.Errorf("listen for revoked API keys: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = stop
	return nil
}

// Close stops listening. It may be called without Start, and more than once.
func (s *Service) Close() {
	s.mu.Lock()
	stop := s.deaf
	s.deaf = nil
	s.mu.Unlock()
	if stop != nil {
		stop()
	}
}

// OnRevoked calls f for every key that is revoked, on every instance. f must not wait.
func (s *Service) OnRevoked(f func(ownerID, keyID string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callbacks = append(s.callbacks, f)
}

// stopTimeout bounds the wait for the replies of one revoked key. What can't be waited for stops
// all the same.
const stopTimeout = 5 * time.Second

// ended tells everybody of revoked keys, and then stops what goes on for them: no key waits
// for another one's replies to be over.
func (s *Service) ended(ctx context.Context, ownerID string, keyIDs ...string) {
	for _, keyID := range keyIDs {
		s.announce(ownerID, keyID)
	}
	for _, keyID := range keyIDs {
		s.stop(ctx, ownerID, keyID)
	}
}

func (s *Service) stop(ctx context.Context, ownerID, keyID string) {
	if s.stopper == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := s.stopper.StopKey(ctx, ownerID, keyID); err != nil {
		s.Log.WarnContext(ctx, "stop the replies of a revoked API key", "key", keyID, "err", err)
	}
}

// announce ends a key on this instance at once and tells the others. Who misses it
// notices within a second at the next request, and within a minute on an open socket.
func (s *Service) announce(ownerID, keyID string) {
	s.end(ownerID, keyID)
	if s.Bus == nil {
		return
	}
	data, err := json.Marshal(revoked{Owner: ownerID, Key: keyID, From: s.instance})
	if err == nil {
		err = s.Bus.Publish(revokedSubject, data)
	}
	if err != nil {
		s.Log.Warn("tell the other instances of a revoked API key", "key", keyID, "err", err)
	}
}

func (s *Service) end(ownerID, keyID string) {
	s.known.Forget(func(v viewer.Viewer) bool { return v.OwnerID == ownerID && v.KeyID == keyID })
	s.mu.Lock()
	callbacks := slices.Clone(s.callbacks)
	s.mu.Unlock()
	for _, f := range callbacks {
		f(ownerID, keyID)
	}
}
