package account

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// AudienceTx calls each with up to n accounts that have a confirmed address and were made
// before until, in the order of their ids behind after, their names and addresses opened.
// The last id is where the next call goes on; empty: there are no more. Accounts that are
// being deleted are left out. One whose name or address doesn't open comes without an
// address; one whose key doesn't is left out, and logged.
func (s *Service) AudienceTx(tx *gorm.DB, after string, until time.Time, n int, each func(viewer.Viewer, *models.Account) error) (last string, err error) {
	var rows []struct {
		models.Account
		KeyWrapped []byte
	}
	err = tx.Raw(`SELECT a.*, o.key_wrapped FROM accounts a JOIN owners o ON o.id = a.owner_id
		WHERE a.owner_id > ? AND a.created_at <= ? AND a.email_index IS NOT NULL AND o.erasing_at IS NULL ORDER BY a.owner_id LIMIT ?`, after, until, n).Scan(&rows).Error
	if err != nil {
		return "", fmt.Errorf("find accounts to write to: %w", err)
	}
	for i := range rows {
		a := &rows[i].Account
		key, err := s.keeper.Unwrap(a.OwnerID, rows[i].KeyWrapped)
		if err != nil {
			s.log.Error("an account can't be written to: its key doesn't open", "owner", a.OwnerID, "err", err)
			continue
		}
		v := viewer.Viewer{Kind: viewer.Account, OwnerID: a.OwnerID, Key: key}
		if err := openAccount(v, a); err != nil {
			s.log.Error("an account can't be written to: its address doesn't open", "owner", a.OwnerID, "err", err)
			a.Name, a.Email = "", ""
		}
		if err := each(v, a); err != nil {
			return "", err
		}
	}
	if len(rows) < n {
		return "", nil
	}
	return rows[len(rows)-1].OwnerID, nil
}

// AudienceSize is how many accounts have a confirmed address.
func (s *Service) AudienceSize(ctx context.Context) (n int64, err error) {
	if err := s.db.Pool().QueryRow(ctx, `SELECT count(*) FROM accounts WHERE email_index IS NOT NULL`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count accounts: %w", database.Translate(err))
	}
	return n, nil
}

// HasAddressTx reports whether a mail would reach the account.
func (s *Service) HasAddressTx(tx *gorm.DB, v viewer.Viewer) (has bool, err error) {
	if err := tx.Raw(`SELECT EXISTS (SELECT FROM accounts WHERE owner_id = ? AND email_index IS NOT NULL)`, v.OwnerID).Scan(&has).Error; err != nil {
		return false, fmt.Errorf("look for an address: %w", err)
	}
	return has, nil
}

// Named is the account or guest with an id or an e-mail address, as itself. It refuses
// with NOT_FOUND when there is none. Only what asks for an administrator's permission first
// may call it.
func (s *Service) Named(ctx context.Context, idOrEmail string) (viewer.Viewer, error) {
	return s.named(s.db.Gorm(ctx), idOrEmail)
}
