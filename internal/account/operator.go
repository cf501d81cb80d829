package account

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// OperatorLinkTTL is how long a one-time link for the operator is good for.
const OperatorLinkTTL = 10 * time.Minute

// operatorSubject is the operator's id at the provider that this server is itself.
const operatorSubject = "operator"

// OperatorLink makes the token of a one-time link that signs the operator in. Who can
// call it runs this installation: it needs no viewer, and nothing that answers a
// request may call it.
func (s *Service) OperatorLink(ctx context.Context) (token string, err error) {
	token, hash := newToken()
	now := s.clock.Now()
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		link := models.OperatorLink{TokenHash: hash[:], ExpiresAt: now.Add(OperatorLinkTTL)}
		if err := tx.Create(&link).Error; err != nil {
			return fmt.Errorf("store operator link: %w", err)
		}
		return s.audit.WriteTx(tx, audit.Entry{Act: models.AuditOperatorLinkMade, By: audit.Terminal()})
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// RedeemOperatorLink signs the operator in, making the operator's account, which is an
// administrator, the first time. It refuses with NOT_FOUND a token that is unknown,
// used or too old. What refuses the sign-in itself (see SignIn) leaves the link good.
func (s *Service) RedeemOperatorLink(ctx context.Context, token string, from viewer.Viewer, d Device) (Entry, error) {
	hash, ok := tokenHash(token)
	if !ok {
		return Entry{}, errLink()
	}
	in := SignIn{Proof: Proof{Provider: models.ProviderOperator, Subject: operatorSubject}, From: from, Device: d}
	return s.signIn(ctx, in, func(tx *gorm.DB) error {
		used := tx.Exec(`DELETE FROM operator_links WHERE token_hash = ? AND expires_at > ?`, hash[:], s.clock.Now())
		if used.Error != nil {
			return fmt.Errorf("use operator link: %w", used.Error)
		}
		if used.RowsAffected == 0 {
			return errLink()
		}
		return nil
	})
}

// HasOperator reports whether the operator has an account.
func (s *Service) HasOperator(ctx context.Context) (bool, error) {
	var has bool
	err := s.db.Pool().QueryRow(ctx, `SELECT EXISTS (SELECT FROM identities WHERE provider = $1 AND subject_index = $2)`,
		models.ProviderOperator, s.index.ofSubject(models.ProviderOperator, operatorSubject)).Scan(&has)
	if err != nil {
		return false, fmt.Errorf("look for the operator: %w", database.Translate(err))
	}
	return has, nil
}

func errLink() error {
	return fault.New(fault.NotFound, "this sign-in link was used, is older than %d minutes or was never made: run `kimi-k2 admin sign-in-link` for a new one", int(OperatorLinkTTL.Minutes()))
}

// GrantAdmin makes the account with the address an administrator; its sessions end, so
// that it signs in anew with what it may do now. It refuses with NOT_FOUND an address
// that no account has, and does nothing for an administrator.
func (s *Service) GrantAdmin(ctx context.Context, email string) error {
	a, ok := parseAddress(email)
	if !ok {
		return fault.New(fault.Invalid, "this is not an e-mail address")
	}
	var ended endings
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		ended = nil
		var rows []models.Account
		if err := tx.Where("email_index = ?", s.index.ofEmail(a)).Limit(1).Find(&rows).Error; err != nil {
			return fmt.Errorf("find account: %w", err)
		}
		if len(rows) == 0 {
			return fault.New(fault.NotFound, "no account has this e-mail address: its owner must have signed in once")
		}
		granted := tx.Exec(`UPDATE accounts SET role = ? WHERE owner_id = ? AND role <> ?`, models.RoleAccountAdmin, rows[0].OwnerID, models.RoleAccountAdmin)
		if granted.Error != nil {
			return fmt.Errorf("grant admin: %w", granted.Error)
		}
		if granted.RowsAffected == 0 {
			return nil
		}
		err := s.audit.WriteTx(tx, audit.Entry{Act: models.AuditAdminGranted, Subject: rows[0].OwnerID, By: audit.Terminal()})
		if err != nil {
			return err
		}
		return s.endTx(tx, &ended, rows[0].OwnerID, finish{models.AuditSessionRevoked, audit.Terminal(), becameAdmin}, "true")
	})
	if err != nil {
		return err
	}
	s.announce(ended)
	return nil
}
