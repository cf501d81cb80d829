package account

import (
	"encoding/json"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// createTx makes the account: of the guest that signs in, or of nothing.
func (e *entrance) createTx(tx *gorm.DB, from viewer.Viewer) (viewer.Viewer, error) {
	if err := e.freeAddressTx(tx); err != nil {
		return viewer.Viewer{}, err
	}
	to, err := e.ownerTx(tx, from)
	if err != nil {
		return viewer.Viewer{}, err
	}
	if err := e.accountTx(tx, to); err != nil {
		return viewer.Viewer{}, err
	}
	if e.s.wallets != nil {
		if err := e.s.wallets.OpenTx(tx, to.OwnerID); err != nil {
			return viewer.Viewer{}, err
		}
	}
	if err := e.s.didTx(tx, to, models.AuditAccountCreated, models.AuditFacts{Provider: e.proof.Provider}); err != nil {
		return viewer.Viewer{}, err
	}
	if e.s.admission == nil {
		return viewer.Viewer{}, errors.New("no accounts can be made: nobody says who may have one")
	}
	if err := e.s.admission.AdmitTx(tx, to, from); err != nil {
		return viewer.Viewer{}, err
	}
	if e.guest && e.in.Discard {
		return to, e.dropGuestTx(tx, from, to)
	}
	return to, nil
}

// freeAddressTx refuses with SameEmail an address that another account has. When the
// account turns out to be that of the same proof, made a moment ago, it says errAgain.
func (e *entrance) freeAddressTx(tx *gorm.DB) error {
	if e.proof.email.key == "" {
		return nil
	}
	providers, err := e.s.providersTx(tx, e.s.index.ofEmail(e.proof.email))
	if err != nil || len(providers) == 0 {
		return err
	}
	owner, err := e.s.identityOwnerTx(tx, e.proof)
	if err != nil {
		return err
	}
	if owner != "" {
		return errAgain
	}
	return &SameEmail{Providers: providers}
}

// ownerTx is the new account's owner: the guest itself, its session dead, or a new one.
func (e *entrance) ownerTx(tx *gorm.DB, from viewer.Viewer) (viewer.Viewer, error) {
	to := viewer.Viewer{Kind: viewer.Account, Admin: e.proof.Provider == models.ProviderOperator}
	if e.guest && !e.in.Discard {
		to.OwnerID, to.Key = from.OwnerID, from.Key
		if err := tx.Exec(`UPDATE owners SET kind = ? WHERE id = ?`, models.OwnerAccount, from.OwnerID).Error; err != nil {
			return to, fmt.Errorf("make the guest an account: %w", err)
		}
		return to, e.ended.deleteTx(tx, from.OwnerID, "true")
	}
	now := e.s.clock.Now()
	owner := models.Owner{ID: id.New(id.Owner), Kind: models.OwnerAccount, CreatedAt: now, LastActiveAt: now}
	var under string
	var err error
	to.OwnerID = owner.ID
	if to.Key, owner.KeyWrapped, under, err = e.s.keeper.NewKeyUnder(owner.ID); err != nil {
		return to, err
	}
	if under != "" {
		owner.KekID = &under
	}
	if err := tx.Create(&owner).Error; err != nil {
		return to, fmt.Errorf("store owner: %w", err)
	}
	return to, nil
}

// accountTx stores the account and its first identity. When another transaction has
// stored either first, this one begins again.
func (e *entrance) accountTx(tx *gorm.DB, to viewer.Viewer) error {
	now, role := e.s.clock.Now(), models.RoleAccountUser
	if to.Admin {
		role = models.RoleAccountAdmin
	}
	account := models.Account{OwnerID: to.OwnerID, Role: role, NameSealed: to.Key.SealString(namePlace(to.OwnerID), e.proof.Name),
		EmailSealed: sealEmail(to.Key, emailPlace(to.OwnerID), e.proof.email), EmailIndex: e.s.index.ofEmail(e.proof.email), CreatedAt: now}
	stored := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&account)
	if stored.Error != nil {
		return fmt.Errorf("store account: %w", stored.Error)
	}
	if stored.RowsAffected == 0 {
		return errAgain
	}
	linked, err := e.s.linkTx(tx, to, e.proof)
	if err == nil && !linked {
		err = errAgain
	}
	return err
}

// linkTx stores an identity of the account; false means that somebody has it.
func (s *Service) linkTx(tx *gorm.DB, v viewer.Viewer, p checked) (bool, error) {
	now, identityID := s.clock.Now(), id.New(id.Identity)
	identity := models.Identity{OwnerID: v.OwnerID, ID: identityID, Provider: p.Provider, SubjectIndex: p.index,
		SubjectSealed: v.Key.SealString(subjectPlace(v.OwnerID, identityID), p.Subject), CreatedAt: now, LastUsedAt: now}
	stored := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "provider"}, {Name: "subject_index"}}, DoNothing: true}).Create(&identity)
	if stored.Error != nil {
		return false, fmt.Errorf("store identity: %w", stored.Error)
	}
	return stored.RowsAffected == 1, nil
}

// returnTx is a sign-in to an account that exists: the guest's rows join it, or go.
func (e *entrance) returnTx(tx *gorm.DB, from, to viewer.Viewer) error {
	if e.guest {
		if !e.in.Discard {
			if err := e.moveTx(tx, from, to); err != nil {
				return err
			}
		}
		if err := e.dropGuestTx(tx, from, to); err != nil {
			return err
		}
	}
	now := e.s.clock.Now()
	err := tx.Exec(`UPDATE identities SET last_used_at = ? WHERE owner_id = ? AND provider = ? AND subject_index = ?`,
		now, to.OwnerID, e.proof.Provider, e.proof.index).Error
	if err != nil {
		return fmt.Errorf("note the identity's use: %w", err)
	}
	if e.proof.Provider == models.ProviderOperator {
		return nil
	}
	return e.refreshTx(tx, to)
}

// moveTx hands the guest's rows to the account. Without anybody to move them they
// would be deleted with the guest, so that is refused.
func (e *entrance) moveTx(tx *gorm.DB, from, to viewer.Viewer) error {
	if len(e.s.movers) == 0 {
		return errors.New("nobody moves a guest's rows: the guest is kept")
	}
	for _, m := range e.s.movers {
		if err := m.MoveTx(tx, from, to); err != nil {
			return fmt.Errorf("move guest: %w", err)
		}
	}
	e.moved = from.OwnerID
	return nil
}

// dropGuestTx deletes the guest with whatever still is its own, and leaves its tombstone: no
// backup brings it back beside the account that it has joined. Where that was asked for instead
// of keeping it, the account's acts say so.
func (e *entrance) dropGuestTx(tx *gorm.DB, from, to viewer.Viewer) error {
	if err := database.AllowTx(tx, removeTimeout); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	rows, err := ownedTx(tx, from.OwnerID)
	if err != nil {
		return err
	}
	gone := tx.Exec(`DELETE FROM owners WHERE id = ? AND kind = ?`, from.OwnerID, models.OwnerGuest)
	if gone.Error != nil {
		return fmt.Errorf("drop guest: %w", gone.Error)
	}
	if gone.RowsAffected == 0 {
		return nil
	}
	rows["owners"] = 1
	now := e.s.clock.Now()
	dropped := models.Erasure{ID: id.New(id.Erasure), Tombstone: e.s.tombstone(from.OwnerID), Kind: models.OwnerGuest, State: models.Erased,
		Elsewhere: models.ElsewhereAsked, AttemptedAt: now, StartedAt: now, FinishedAt: &now}
	if dropped.Rows, err = json.Marshal(rows); err != nil {
		return fmt.Errorf("write the counts of a guest: %w", err)
	}
	// One that was deleted before and is here again came out of a backup.
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&dropped).Error; err != nil {
		return fmt.Errorf("leave a guest's tombstone: %w", err)
	}
	e.dropped = dropped.Tombstone
	e.ended = append(e.ended, ending{Owner: from.OwnerID})
	if !e.in.Discard {
		return nil
	}
	return e.s.didTx(tx, to, models.AuditDataDeleted, models.AuditFacts{Outcome: guestReplaced})
}

// refreshTx takes over the name and the address that the provider tells now, except
// what its owner has corrected, and never an address that another account has. The
// address counts only from the identity that has told the present one, or the linking
// of a provider would change it: from the oldest. Once that is unlinked the address is the
// account's own. The former address is told of a change.
func (e *entrance) refreshTx(tx *gorm.DB, to viewer.Viewer) error {
	var oldest []string
	err := tx.Raw(`SELECT id FROM (SELECT id, provider, subject_index FROM identities WHERE owner_id = ? AND provider <> ? ORDER BY created_at, id LIMIT 1) i
		WHERE i.provider = ? AND i.subject_index = ?`, to.OwnerID, models.ProviderOperator, e.proof.Provider, e.proof.index).Scan(&oldest).Error
	if err != nil {
		return fmt.Errorf("find oldest identity: %w", err)
	}
	if len(oldest) == 0 {
		return nil
	}
	index := e.s.index.ofEmail(e.proof.email)
	var changed []struct {
		Moved bool
		Old   []byte
	}
	err = tx.Raw(`UPDATE accounts a SET name_sealed = CASE WHEN name_corrected THEN name_sealed ELSE ? END,
			email_sealed = CASE WHEN k.keep THEN email_sealed ELSE ? END, email_index = CASE WHEN k.keep THEN email_index ELSE ? END
		FROM (SELECT email_index AS before, email_sealed AS old, email_corrected OR EXISTS (SELECT FROM accounts o WHERE o.email_index = ? AND o.owner_id <> a.owner_id) AS keep
			FROM accounts a WHERE a.owner_id = ?) k WHERE a.owner_id = ? RETURNING a.email_index IS DISTINCT FROM k.before AS moved, k.old`,
		to.Key.SealString(namePlace(to.OwnerID), e.proof.Name), sealEmail(to.Key, emailPlace(to.OwnerID), e.proof.email), index, index, to.OwnerID, to.OwnerID).Scan(&changed).Error
	if err != nil {
		return fmt.Errorf("refresh profile: %w", err)
	}
	if len(changed) == 0 || !changed[0].Moved {
		return nil
	}
	if err := e.s.didTx(tx, to, models.AuditEmailChanged, models.AuditFacts{Provider: e.proof.Provider, Outcome: byProvider}); err != nil {
		return err
	}
	return e.tellFormerTx(tx, to, changed[0].Old)
}

// tellFormerTx tells the former address that a provider has told another one.
func (e *entrance) tellFormerTx(tx *gorm.DB, to viewer.Viewer, sealed []byte) error {
	former, err := to.Key.OpenString(emailPlace(to.OwnerID), sealed)
	if err != nil || former == "" || e.s.mailer == nil {
		return err
	}
	account, err := e.s.readAccount(tx, to)
	if err != nil {
		return err
	}
	mark := fmt.Sprintf("email_changed/%x/%d", e.s.index.ofEmail(e.proof.email)[:8], e.s.clock.Now().UnixMicro())
	return e.s.writeTx(tx, to, *account, models.Letter{Kind: models.LetterEmailChanged, To: former, DedupeKey: mark, Facts: map[string]string{"email": e.proof.email.text}})
}
