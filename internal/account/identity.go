package account

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// maxIdentities bounds the ways to sign in to one account.
const maxIdentities = 20

// Identities are the ways to sign in to the viewer's account, oldest first.
func (s *Service) Identities(ctx context.Context, v viewer.Viewer) ([]*models.Identity, error) {
	if err := mustBeAccount(v); err != nil {
		return nil, err
	}
	var identities []*models.Identity
	if err := s.db.Gorm(ctx).Where("owner_id = ?", v.OwnerID).Order("created_at, id").Find(&identities).Error; err != nil {
		return nil, fmt.Errorf("list identities: %w", err)
	}
	for _, i := range identities {
		i.Only = len(identities) == 1
	}
	return identities, nil
}

// Link adds a way to sign in to the viewer's account, and tells its address. It needs
// a fresh proof of who the viewer is (see Fresh), refuses with CONFLICT an identity of
// another account, and does nothing for one of its own. The address that the provider
// told plays no part in it.
func (s *Service) Link(ctx context.Context, v viewer.Viewer, p Proof) error {
	if err := s.Fresh(v); err != nil {
		return err
	}
	if p.Provider == models.ProviderOperator {
		return fault.New(fault.Invalid, "the operator's link can't be linked to an account")
	}
	proof, err := s.check(p)
	if err != nil {
		return err
	}
	return s.again(ctx, func(tx *gorm.DB) error { return s.addTx(tx, v, proof) })
}

func (s *Service) addTx(tx *gorm.DB, v viewer.Viewer, proof checked) error {
	if err := s.LockTx(tx, v); err != nil {
		return err
	}
	owner, err := s.identityOwnerTx(tx, proof)
	switch {
	case err != nil:
		return err
	case owner == v.OwnerID:
		return nil
	case owner != "":
		return errElsewhere()
	}
	n, err := s.countIdentitiesTx(tx, v)
	if err != nil {
		return err
	}
	if n >= maxIdentities {
		return fault.New(fault.Conflict, "an account can have %d ways to sign in: unlink one first", maxIdentities)
	}
	linked, err := s.linkTx(tx, v, proof)
	if err == nil && !linked {
		err = errAgain
	}
	if err != nil {
		return err
	}
	if err := s.didTx(tx, v, models.AuditIdentityLinked, models.AuditFacts{Provider: proof.Provider}); err != nil {
		return err
	}
	return s.TellTx(tx, v, models.LetterIdentityLinked, id.New(id.Identity), map[string]string{"provider": string(proof.Provider)})
}

// Unlink takes a way to sign in from the viewer's account, tells its address, and ends
// the sessions that were begun that way: who holds the unlinked account at the provider
// is out. The session that asks goes on, since it has just proved who it is. It needs a
// fresh proof of who the viewer is; the last way is refused with CONFLICT. The address stays
// what it is: no other way changes it by itself.
func (s *Service) Unlink(ctx context.Context, v viewer.Viewer, identityID string) error {
	if err := s.Fresh(v); err != nil {
		return err
	}
	var ended endings
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		ended = nil
		return s.unlinkTx(tx, v, identityID, &ended)
	})
	if err != nil {
		return err
	}
	s.announce(ended)
	return nil
}

func (s *Service) unlinkTx(tx *gorm.DB, v viewer.Viewer, identityID string, ended *endings) error {
	if err := s.LockTx(tx, v); err != nil {
		return err
	}
	n, err := s.countIdentitiesTx(tx, v)
	if err != nil {
		return err
	}
	// The next one would tell its own address otherwise, which nobody has asked for.
	err = tx.Exec(`UPDATE accounts SET email_corrected = true WHERE owner_id = ? AND email_index IS NOT NULL
		AND ? = (SELECT id FROM identities WHERE owner_id = ? AND provider <> ? ORDER BY created_at, id LIMIT 1)`, v.OwnerID, identityID, v.OwnerID, models.ProviderOperator).Error
	if err != nil {
		return fmt.Errorf("keep the address: %w", err)
	}
	var providers []models.Provider
	err = tx.Raw(`DELETE FROM identities WHERE owner_id = ? AND id = ? RETURNING provider`, v.OwnerID, identityID).Scan(&providers).Error
	switch {
	case err != nil:
		return fmt.Errorf("unlink identity: %w", err)
	case len(providers) == 0:
		return fault.On("identityId", fault.NotFound, "there is no such identity: it may have been unlinked already")
	case n == 1:
		return fault.On("identityId", fault.Conflict, "this is the last way to sign in: link another one first")
	}
	if err := s.didTx(tx, v, models.AuditIdentityUnlinked, models.AuditFacts{Provider: providers[0]}); err != nil {
		return err
	}
	err = s.endTx(tx, ended, v.OwnerID, finish{models.AuditSessionRevoked, audit.By(v), unlinkedWay}, "method = ? AND id <> ?", providers[0], v.SessionID)
	if err != nil {
		return err
	}
	return s.TellTx(tx, v, models.LetterIdentityUnlinked, identityID, map[string]string{"provider": string(providers[0])})
}

// Confirm is a new proof of who the viewer is: its session continues under a new id
// and a new cookie, and the old ones are dead. It refuses with CONFLICT a proof that
// doesn't lead to the viewer's account.
func (s *Service) Confirm(ctx context.Context, v viewer.Viewer, p Proof) (Entry, error) {
	if err := mustBeAccount(v); err != nil {
		return Entry{}, err
	}
	proof := checked{Proof: p, index: s.index.ofSubject(p.Provider, p.Subject)}
	var entry Entry
	var ended endings
	err := s.again(ctx, func(tx *gorm.DB) error {
		entry, ended = Entry{}, nil
		to, err := s.lockIdentityTx(tx, proof)
		if err != nil {
			return err
		}
		if to.OwnerID != v.OwnerID {
			return errElsewhere()
		}
		entry, err = s.rotateTx(tx, to, v, proof, &ended)
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	s.announce(ended)
	return entry, nil
}

// rotateTx begins a session on the device of the one that ends.
func (s *Service) rotateTx(tx *gorm.DB, to, v viewer.Viewer, proof checked, ended *endings) (Entry, error) {
	var old []models.Session
	err := tx.Where("owner_id = ? AND id = ?", v.OwnerID, v.SessionID).Limit(1).Find(&old).Error
	if err != nil {
		return Entry{}, fmt.Errorf("read session: %w", err)
	}
	if len(old) == 0 {
		return Entry{}, errGone()
	}
	if err := s.endTx(tx, ended, v.OwnerID, finish{models.AuditSessionEnded, audit.By(v), confirmed}, "id = ?", v.SessionID); err != nil {
		return Entry{}, err
	}
	err = tx.Exec(`UPDATE identities SET last_used_at = ? WHERE provider = ? AND subject_index = ?`, s.clock.Now(), proof.Provider, proof.index).Error
	if err != nil {
		return Entry{}, fmt.Errorf("note the identity's use: %w", err)
	}
	return s.beginSessionTx(tx, to, proof.Proof, Device{Type: old[0].DeviceType, OS: old[0].OS, Browser: old[0].Browser, Version: old[0].BrowserVersion}, ended)
}

// again runs a transaction once more when somebody came first.
func (s *Service) again(ctx context.Context, fn func(tx *gorm.DB) error) (err error) {
	for range attempts {
		if err = s.db.Tx(ctx, fn); !errors.Is(err, errAgain) && !errors.Is(err, gorm.ErrDuplicatedKey) {
			return err
		}
	}
	return fmt.Errorf("after %d tries: %w", attempts, err)
}

// identityOwnerTx is the account that has the identity, empty for none.
func (s *Service) identityOwnerTx(tx *gorm.DB, p checked) (string, error) {
	var owners []string
	err := tx.Raw(`SELECT owner_id FROM identities WHERE provider = ? AND subject_index = ?`, p.Provider, p.index).Scan(&owners).Error
	if err != nil {
		return "", fmt.Errorf("find identity: %w", err)
	}
	if len(owners) == 0 {
		return "", nil
	}
	return owners[0], nil
}

func (s *Service) countIdentitiesTx(tx *gorm.DB, v viewer.Viewer) (n int, err error) {
	if err := tx.Raw(`SELECT count(*) FROM identities WHERE owner_id = ?`, v.OwnerID).Scan(&n).Error; err != nil {
		return 0, fmt.Errorf("count identities: %w", err)
	}
	return n, nil
}

func errElsewhere() error {
	return fault.New(fault.Conflict, "this sign-in belongs to another account: use the one that belongs to yours, or sign in to the other account and unlink it there")
}
