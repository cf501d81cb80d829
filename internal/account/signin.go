package account

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// SignIn is a sign-in as it is asked for.
type SignIn struct {
	Proof Proof
	// From is who the browser was until now: its guest's conversations follow it into
	// the account, and its former session ends.
	From viewer.Viewer
	// Discard deletes the guest's conversations instead.
	Discard bool
	Device  Device
}

// SameEmail refuses a first sign-in whose address belongs to another account. Nothing
// is merged: sign in with one of Providers and link the new one in the settings.
type SameEmail struct {
	Providers []models.Provider // the ways to sign in to that account
}

// Error names the providers.
func (e *SameEmail) Error() string { return e.fault().Error() }

// Unwrap is the refusal as a CONFLICT.
func (e *SameEmail) Unwrap() error { return e.fault() }

func (e *SameEmail) fault() *fault.Fault {
	names := make([]string, len(e.Providers))
	for i, p := range e.Providers {
		names[i] = string(p)
	}
	return fault.New(fault.Conflict, "an account with this e-mail address exists already: sign in to it with %s, then link this provider in the settings", strings.Join(names, " or "))
}

// errAgain means that another transaction came first; the next try sees what it did.
var errAgain = errors.New("somebody came first")

// attempts is how often a sign-in that others come before is tried. Each try loses
// against a transaction that has made what the next one finds.
const attempts = 5

// SignIn makes a session for whom the proof names, and the account with it when there
// is none yet. A guest becomes the new account as it is; to an account that exists its
// rows are moved. Either way the former session is dead, and repeating is safe.
//
// It refuses with INVALID a proof without a confirmed address, with SameEmail a new
// identity whose address another account has, and as the Admission does when from may
// not have an account yet. What is refused changes nothing.
func (s *Service) SignIn(ctx context.Context, in SignIn) (Entry, error) {
	if in.Proof.Provider == models.ProviderOperator {
		return Entry{}, fault.New(fault.Invalid, "the operator signs in with a one-time link")
	}
	return s.signIn(ctx, in, nil)
}

// signIn does it, together with what first does.
func (s *Service) signIn(ctx context.Context, in SignIn, first func(tx *gorm.DB) error) (Entry, error) {
	proof, err := s.check(in.Proof)
	if err != nil {
		return Entry{}, err
	}
	var e entrance
	err = s.again(ctx, func(tx *gorm.DB) error {
		e = entrance{s: s, proof: proof, in: in}
		if first != nil {
			if err := first(tx); err != nil {
				return err
			}
		}
		return e.passTx(tx)
	})
	if err != nil {
		return Entry{}, err
	}
	s.announce(e.ended)
	s.tellMovers(ctx, e)
	if e.dropped != nil {
		if err := s.note(e.dropped); err != nil {
			s.log.ErrorContext(ctx, "the journal of deletions is behind", "err", err)
		}
	}
	return e.entry, nil
}

// tellMovers says that a guest's rows are the account's now.
func (s *Service) tellMovers(ctx context.Context, e entrance) {
	if e.moved == "" {
		return
	}
	for _, m := range s.movers {
		if told, ok := m.(Moved); ok {
			told.Moved(ctx, e.moved, e.entry.Viewer)
		}
	}
}

// entrance is one try of one sign-in.
type entrance struct {
	s     *Service
	proof checked
	in    SignIn

	guest   bool // from is a guest, and its row is locked
	created bool
	entry   Entry
	ended   endings
	moved   string // the guest whose rows were moved, empty for none
	dropped []byte // the tombstone of the guest that is gone, nil for none
}

// passTx locks the guest, then the account: the order of everybody who needs both.
func (e *entrance) passTx(tx *gorm.DB) error {
	from, err := e.fromTx(tx)
	if err != nil {
		return err
	}
	to, err := e.s.lockIdentityTx(tx, e.proof)
	if err != nil {
		return err
	}
	e.created = to.OwnerID == ""
	if e.created {
		to, err = e.createTx(tx, from)
	} else {
		err = e.returnTx(tx, from, to)
	}
	if err != nil {
		return err
	}
	if old := e.in.From; old.Kind == viewer.Account {
		if err := e.s.endTx(tx, &e.ended, old.OwnerID, finish{models.AuditSessionEnded, audit.By(old), signedInAnew}, "id = ?", old.SessionID); err != nil {
			return err
		}
	}
	known, err := e.s.knowsDeviceTx(tx, to.OwnerID, e.in.Device)
	if err != nil {
		return err
	}
	e.entry, err = e.s.beginSessionTx(tx, to, e.proof.Proof, e.in.Device, &e.ended)
	e.entry.Created = e.created
	if err != nil || e.created || known {
		return err
	}
	return e.s.tellNewDeviceTx(tx, e.entry.Viewer, e.in.Device)
}

// fromTx is the guest that signs in, locked, or whoever else it is. A visitor may have
// become a guest in another tab; a guest may have signed in there.
func (e *entrance) fromTx(tx *gorm.DB) (viewer.Viewer, error) {
	from := e.in.From
	if from.Kind == viewer.Visitor && len(from.Ticket) == sha256.Size {
		guest, found, err := e.s.findTx(tx, from)
		if err != nil {
			return from, err
		}
		if found {
			from = guest
		}
	}
	if from.Kind != viewer.Guest {
		return from, nil
	}
	var ids []string
	if err := tx.Raw(`SELECT id FROM owners WHERE id = ? AND kind = ? AND erasing_at IS NULL FOR UPDATE`, from.OwnerID, models.OwnerGuest).Scan(&ids).Error; err != nil {
		return from, fmt.Errorf("lock guest: %w", err)
	}
	e.guest = len(ids) == 1 // else it is an account by now, or was moved to one
	return from, nil
}

// lockIdentityTx locks the account that the proof leads to and is its viewer, the zero
// Viewer when there is none.
func (s *Service) lockIdentityTx(tx *gorm.DB, p checked) (viewer.Viewer, error) {
	var rows []struct {
		ID         string
		KeyWrapped []byte
		Role       models.Role
	}
	find := func(lock string) error {
		rows = nil
		return tx.Raw(`SELECT o.id, o.key_wrapped, a.role FROM identities i JOIN accounts a ON a.owner_id = i.owner_id JOIN owners o ON o.id = i.owner_id
			WHERE i.provider = ? AND i.subject_index = ?`+lock, p.Provider, p.index).Scan(&rows).Error
	}
	if err := find(" FOR NO KEY UPDATE OF o"); err != nil {
		return viewer.Viewer{}, fmt.Errorf("find identity: %w", err)
	}
	if len(rows) == 0 {
		return viewer.Viewer{}, nil
	}
	locked := rows[0].ID
	if err := find(""); err != nil {
		return viewer.Viewer{}, fmt.Errorf("find identity: %w", err)
	}
	if len(rows) == 0 || rows[0].ID != locked { // unlinked while the lock waited
		return viewer.Viewer{}, errAgain
	}
	key, err := s.keeper.Unwrap(rows[0].ID, rows[0].KeyWrapped)
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("open owner: %w", err)
	}
	return viewer.Viewer{Kind: viewer.Account, OwnerID: rows[0].ID, Key: key, Admin: rows[0].Role == models.RoleAccountAdmin}, nil
}

// providersTx are the ways to sign in to the account that has the address.
func (s *Service) providersTx(tx *gorm.DB, index []byte) ([]models.Provider, error) {
	var providers []models.Provider
	err := tx.Raw(`SELECT i.provider FROM accounts a JOIN identities i ON i.owner_id = a.owner_id WHERE a.email_index = ?
		ORDER BY i.created_at, i.id`, index).Scan(&providers).Error
	if err != nil {
		return nil, fmt.Errorf("find address: %w", err)
	}
	slices.Sort(providers)
	return slices.Compact(providers), nil
}
