package account

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// How long a new address may wait for its confirmation, and how long an account waits
// before it can have another mail sent.
const (
	EmailChangeTTL   = 24 * time.Hour
	emailChangePause = time.Minute
)

// changeEmailTx asks the new address to confirm itself. An address that another
// account has gets the same mail, so that nobody but its reader can learn of it. The
// present address takes a waiting change back.
func (s *Service) changeEmailTx(tx *gorm.DB, v viewer.Viewer, a address) error {
	account, err := s.readAccount(tx, v)
	if err != nil {
		return err
	}
	if a.text == account.Email {
		return s.takeBackTx(tx, v, a)
	}
	if s.mailer == nil || s.publicURL == "" {
		return fmt.Errorf("change e-mail: nobody sends mails")
	}
	now := s.clock.Now()
	if err := s.pausedTx(tx, v, now); err != nil {
		return err
	}
	token, hash := newToken()
	change := models.EmailChange{OwnerID: v.OwnerID, TokenHash: hash[:], EmailSealed: sealEmail(v.Key, changePlace(v.OwnerID), a),
		EmailIndex: s.index.ofEmail(a), ExpiresAt: now.Add(EmailChangeTTL)}
	if err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "owner_id"}}, UpdateAll: true}).Create(&change).Error; err != nil {
		return fmt.Errorf("store e-mail change: %w", err)
	}
	if err := s.didTx(tx, v, models.AuditEmailChangeAsked, models.AuditFacts{}); err != nil {
		return err
	}
	return s.writeTx(tx, v, *account, models.Letter{Kind: models.LetterEmailConfirm, To: a.text, DedupeKey: "email_confirm/" + hex.EncodeToString(hash[:8]),
		Facts: map[string]string{"email": a.text, "link": s.publicURL + "/auth/email?token=" + token}})
}

// takeBackTx makes a waiting change one to the present address, under a token that
// nobody knows. The row stays, because it tells when the last mail was sent.
func (s *Service) takeBackTx(tx *gorm.DB, v viewer.Viewer, present address) error {
	_, hash := newToken()
	err := tx.Exec(`UPDATE email_changes SET token_hash = ?, email_sealed = ?, email_index = ? WHERE owner_id = ?`,
		hash[:], sealEmail(v.Key, changePlace(v.OwnerID), present), s.index.ofEmail(present), v.OwnerID).Error
	if err != nil {
		return fmt.Errorf("take e-mail change back: %w", err)
	}
	return nil
}

// pausedTx refuses with RATE_LIMITED while the last mail is less than a minute old.
func (s *Service) pausedTx(tx *gorm.DB, v viewer.Viewer, now time.Time) error {
	var last []models.EmailChange
	if err := tx.Where("owner_id = ?", v.OwnerID).Limit(1).Find(&last).Error; err != nil {
		return fmt.Errorf("read e-mail change: %w", err)
	}
	if len(last) == 0 {
		return nil
	}
	wait := last[0].ExpiresAt.Add(emailChangePause - EmailChangeTTL).Sub(now)
	if wait <= 0 || wait > emailChangePause {
		return nil
	}
	f := fault.On("email", fault.RateLimited, "a mail was sent a moment ago: wait a minute and try again")
	f.RetryAfter = wait
	return f
}

// ConfirmEmail makes the address that a mail's link belongs to the account's, and
// tells the former one. It refuses with NOT_FOUND a token that is unknown, used or
// older than a day, and with CONFLICT an address that another account has: only who
// reads that address's mail can see this.
func (s *Service) ConfirmEmail(ctx context.Context, token string) error {
	hash, ok := tokenHash(token)
	if !ok {
		return errConfirm()
	}
	return s.again(ctx, func(tx *gorm.DB) error {
		var changes []models.EmailChange
		if err := tx.Where("token_hash = ? AND expires_at > ?", hash[:], s.clock.Now()).Limit(1).Find(&changes).Error; err != nil {
			return fmt.Errorf("find e-mail change: %w", err)
		}
		if len(changes) == 0 {
			return errConfirm()
		}
		v, err := s.ownerTx(tx, changes[0].OwnerID)
		if err != nil {
			return err
		}
		used := tx.Exec(`DELETE FROM email_changes WHERE token_hash = ?`, hash[:])
		if used.Error != nil {
			return fmt.Errorf("use e-mail change: %w", used.Error)
		}
		if used.RowsAffected == 0 { // used while the lock waited
			return errConfirm()
		}
		return s.confirmEmailTx(tx, v, changes[0])
	})
}

func (s *Service) confirmEmailTx(tx *gorm.DB, v viewer.Viewer, c models.EmailChange) error {
	account, err := s.readAccount(tx, v)
	if err != nil {
		return err
	}
	text, err := v.Key.OpenString(changePlace(v.OwnerID), c.EmailSealed)
	if err != nil {
		return err
	}
	changed := tx.Exec(`UPDATE accounts a SET email_sealed = ?, email_index = ?, email_corrected = true
		WHERE owner_id = ? AND NOT EXISTS (SELECT FROM accounts o WHERE o.email_index = ? AND o.owner_id <> a.owner_id)`,
		v.Key.SealString(emailPlace(v.OwnerID), text), c.EmailIndex, v.OwnerID, c.EmailIndex)
	if changed.Error != nil {
		return fmt.Errorf("change e-mail: %w", changed.Error)
	}
	if changed.RowsAffected == 0 {
		return fault.New(fault.Conflict, "another account has this e-mail address: sign in to that one, or choose another address")
	}
	if err := s.didTx(tx, v, models.AuditEmailChanged, models.AuditFacts{}); err != nil {
		return err
	}
	if account.Email == "" || s.mailer == nil {
		return nil
	}
	return s.writeTx(tx, v, *account, models.Letter{Kind: models.LetterEmailChanged, To: account.Email,
		DedupeKey: "email_changed/" + hex.EncodeToString(c.TokenHash[:8]), Facts: map[string]string{"email": text}})
}

// ownerTx locks an account for work that has no viewer.
func (s *Service) ownerTx(tx *gorm.DB, ownerID string) (viewer.Viewer, error) {
	var rows []ownerRow
	if err := tx.Raw(`SELECT id, key_wrapped FROM owners WHERE id = ? FOR NO KEY UPDATE`, ownerID).Scan(&rows).Error; err != nil {
		return viewer.Viewer{}, fmt.Errorf("lock owner: %w", err)
	}
	if len(rows) == 0 {
		return viewer.Viewer{}, errGone()
	}
	key, err := s.keeper.Unwrap(ownerID, rows[0].KeyWrapped)
	if err != nil {
		return viewer.Viewer{}, fmt.Errorf("open owner: %w", err)
	}
	return viewer.Viewer{Kind: viewer.Account, OwnerID: ownerID, Key: key}, nil
}

func errConfirm() error {
	return fault.New(fault.NotFound, "this confirmation link was used, is older than a day or was replaced by a newer one: ask for a new mail in the settings")
}
