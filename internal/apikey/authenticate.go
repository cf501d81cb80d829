package apikey

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// errNoKey is the same for whatever is wrong with a key that is not known: nobody learns
// how close a guess was.
func errNoKey() error {
	return fault.New(fault.Unauthenticated, "this API key is not known here: copy it again, whole, or make a new one")
}

const findKey = `SELECT owner_id, id, digest_sealed, scopes, expires_at, revoked_at, last_used_on, capped,
	coalesce(requests_per_minute, 0), coalesce(tokens_per_minute, 0) FROM api_keys WHERE public_id = $1`

// Bearer is the credential of an Authorization header; false when it has another scheme.
func Bearer(header string) (key string, ok bool) {
	scheme, key, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(key), true
}

// Authenticate is whom a key acts for. It refuses with UNAUTHENTICATED what is no key of
// ours or has expired, and with KEY_REVOKED what was revoked, at once where that was done
// and within a second elsewhere. Where too many came from the address that were not good, it
// refuses with RATE_LIMITED, unasked, what has not been good on this instance when it was
// last shown. Other errors are those of the database.
func (s *Service) Authenticate(ctx context.Context, key string, from netip.Addr) (viewer.Viewer, error) {
	publicID, ok := parse(key)
	if !ok {
		return viewer.Viewer{}, errNoKey()
	}
	hash := sha256.Sum256([]byte(key))
	if v, ok := s.known.Get(hash); ok && s.lasts(v) {
		return v, nil
	}
	var v viewer.Viewer
	err := s.try(ctx, hash, from, func() (err error) {
		mark := s.known.Mark()
		if v, err = s.read(ctx, publicID, key); err != nil {
			return err
		}
		if !s.lasts(v) {
			return s.refusal(v, fault.New(fault.Unauthenticated, "this API key has expired: make a new one"))
		}
		s.known.Put(hash, v, mark)
		return nil
	})
	if err != nil {
		return viewer.Viewer{}, err
	}
	return v, nil
}

// lasts reports whether a key has not expired.
func (s *Service) lasts(v viewer.Viewer) bool { return s.Clock.Now().Before(v.KeyExpiresAt) }

// try looks at a key, and counts it for its address when it is not good. One that was good
// when it was last shown is looked at in any case: nobody is shut out by another's bad keys.
func (s *Service) try(ctx context.Context, hash [sha256.Size]byte, from netip.Addr, look func() error) error {
	done := func(bool) {}
	if s.Tries != nil && !s.proven.has(hash) {
		var err error
		if done, err = s.Tries.TryKey(ctx, from); err != nil {
			return fmt.Errorf("try an API key: %w", err)
		}
	}
	bad := false
	defer func() { done(bad) }()
	err := look()
	bad = fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.KeyRevoked)
	switch {
	case err == nil:
		s.proven.add(hash)
	case bad:
		s.proven.drop(hash)
	}
	return err
}

// read checks a key against its row.
func (s *Service) read(ctx context.Context, publicID, key string) (v viewer.Viewer, err error) {
	var sealed []byte
	var revoked, used *time.Time
	var scopes string
	err = s.DB.Pool().QueryRow(ctx, findKey, publicID).
		Scan(&v.OwnerID, &v.KeyID, &sealed, &scopes, &v.KeyExpiresAt, &revoked, &used, &v.KeyCapped, &v.KeyRequestsPerMinute, &v.KeyTokensPerMinute)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, errNoKey()
	}
	if err != nil {
		return v, fmt.Errorf("find an API key: %w", database.Translate(err))
	}
	v.Key, err = s.Owners.Key(ctx, v.OwnerID)
	if fault.Is(err, fault.NotFound) {
		return v, errNoKey()
	}
	if err != nil {
		return v, fmt.Errorf("open an API key's owner: %w", err)
	}
	digest, err := v.Key.Open(digestPlace(v.OwnerID, v.KeyID), sealed)
	if err != nil {
		return v, fmt.Errorf("open an API key's digest: %w", err)
	}
	switch {
	case !hmac.Equal(digest, s.pepper.digest(key)):
		return v, errNoKey()
	case revoked != nil:
		return v, s.refusal(v, errRevoked())
	}
	v.Kind, v.Scopes = viewer.APIKey, strings.Fields(scopes)
	s.touch(ctx, v, used)
	return v, nil
}

// Refusal refuses a key that was good once and was shown whole, so that it is known whose
// it is.
type Refusal struct {
	OwnerID, KeyID string
	Fault          *fault.Fault
	// Listed says that its account is to see it: so many a minute are, not all.
	Listed bool
}

func (s *Service) refusal(v viewer.Viewer, f *fault.Fault) *Refusal {
	return &Refusal{v.OwnerID, v.KeyID, f, s.Tries == nil || s.Tries.ListKey(v.KeyID)}
}

// Error is the fault's.
func (r *Refusal) Error() string { return r.Fault.Error() }

// Unwrap is the fault.
func (r *Refusal) Unwrap() error { return r.Fault }

func errRevoked() *fault.Fault {
	return fault.New(fault.KeyRevoked, "this API key was revoked: make a new one")
}

// CheckTx refuses with KEY_REVOKED a viewer whose key was revoked or is gone. The owner's
// row must be locked: who revokes locks it too.
func (s *Service) CheckTx(tx *gorm.DB, v viewer.Viewer) error {
	var good []bool
	err := tx.Raw(`SELECT revoked_at IS NULL FROM api_keys WHERE owner_id = ? AND id = ?`, v.OwnerID, v.KeyID).Scan(&good).Error
	if err != nil {
		return fmt.Errorf("look for an API key: %w", err)
	}
	if len(good) == 0 || !good[0] {
		return errRevoked()
	}
	return nil
}

// touch remembers on which day a key was last used, once a day. That it could not is no
// reason to refuse the key.
func (s *Service) touch(ctx context.Context, v viewer.Viewer, used *time.Time) {
	today := s.Clock.Now().UTC().Truncate(24 * time.Hour)
	if used != nil && !used.Before(today) {
		return
	}
	_, err := s.DB.Pool().Exec(ctx, `UPDATE api_keys SET last_used_on = $3 WHERE owner_id = $1 AND id = $2 AND (last_used_on IS NULL OR last_used_on < $3)`,
		v.OwnerID, v.KeyID, today)
	if err != nil {
		s.Log.WarnContext(ctx, "note the use of an API key", "key", v.KeyID, "err", database.Translate(err))
	}
}

// Alive reports whether the viewer's key is still good, asking the database. Who came
// without a key is always alive.
func (s *Service) Alive(ctx context.Context, v viewer.Viewer) (bool, error) {
	if v.KeyID == "" {
		return true, nil
	}
	var alive bool
	err := s.DB.Pool().QueryRow(ctx, `SELECT EXISTS (SELECT FROM api_keys WHERE owner_id = $1 AND id = $2 AND revoked_at IS NULL AND expires_at > $3)`,
		v.OwnerID, v.KeyID, s.Clock.Now()).Scan(&alive)
	if err != nil {
		return false, fmt.Errorf("look for an API key: %w", database.Translate(err))
	}
	return alive, nil
}
