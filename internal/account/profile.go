package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// The values of preferences, beside none.
var (
	themes   = []string{"SYSTEM", "LIGHT", "DARK"}
	sendKeys = []string{"ENTER", "MOD_ENTER"}
)

// Update is what changes of a profile; nil stays as it is.
type Update struct {
	Name  *string
	Email *string // counts only after it was confirmed by a mail to it
	// Theme, Language and SendKey may be made empty: no preference.
	Theme, Language, SendKey *string
}

// Account is the viewer's account, nil for who is not signed in.
func (s *Service) Account(ctx context.Context, v viewer.Viewer) (*models.Account, error) {
	if !isAccount(v) {
		return nil, nil
	}
	return s.readAccount(s.db.Gorm(ctx), v)
}

// readAccount refuses with UNAUTHENTICATED when the account is gone.
func (s *Service) readAccount(db *gorm.DB, v viewer.Viewer) (*models.Account, error) {
	var a models.Account
	err := db.Take(&a, "owner_id = ?", v.OwnerID).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, errGone()
	}
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	if err := openAccount(v, &a); err != nil {
		return nil, err
	}
	var changes []models.EmailChange
	if err := db.Where("owner_id = ? AND expires_at > ?", v.OwnerID, s.clock.Now()).Limit(1).Find(&changes).Error; err != nil {
		return nil, fmt.Errorf("read e-mail change: %w", err)
	}
	if len(changes) > 0 {
		if a.PendingEmail, err = v.Key.OpenString(changePlace(v.OwnerID), changes[0].EmailSealed); err != nil {
			return nil, err
		}
		if a.PendingEmail == a.Email { // taken back
			a.PendingEmail = ""
		}
	}
	return &a, nil
}

// Update changes the viewer's profile and preferences, all of what is asked for or
// nothing. A corrected name is not overwritten by later sign-ins. A new address gets a
// mail and counts from its confirmation on; it needs a fresh proof of who the viewer is
// (see Fresh). Whether another account has the address is not told: who confirms it
// learns it. It refuses with INVALID what is no name, address or preference.
func (s *Service) Update(ctx context.Context, v viewer.Viewer, u Update) (*models.Account, error) {
	if err := mustBeAccount(v); err != nil {
		return nil, err
	}
	columns, email, err := s.changes(v, u)
	if err != nil {
		return nil, err
	}
	if u.Email != nil {
		if err := s.Fresh(v); err != nil {
			return nil, err
		}
	}
	var account *models.Account
	err = s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := s.LockTx(tx, v); err != nil {
			return err
		}
		if len(columns) > 0 {
			if err := tx.Model(&models.Account{}).Where("owner_id = ?", v.OwnerID).Updates(columns).Error; err != nil {
				return fmt.Errorf("update account: %w", err)
			}
		}
		if u.Email != nil {
			if err := s.changeEmailTx(tx, v, email); err != nil {
				return err
			}
		}
		account, err = s.readAccount(tx, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return account, nil
}

// changes are the columns that an update sets and the address it asks for; every
// fault of it is refused at once.
func (s *Service) changes(v viewer.Viewer, u Update) (map[string]any, address, error) {
	columns, faults := map[string]any{}, fault.List{}
	if u.Name != nil {
		name := norm.NFC.String(strings.TrimSpace(*u.Name))
		if name != cleanName(name) || utf8.RuneCountInString(name) > maxName {
			faults = append(faults, fault.On("name", fault.Invalid, "a name has at most %d characters and no control characters", maxName))
		}
		columns["name_sealed"], columns["name_corrected"] = v.Key.SealString(namePlace(v.OwnerID), name), true
	}
	var email address
	if u.Email != nil {
		var ok bool
		if email, ok = parseAddress(*u.Email); !ok || !email.deliverable() {
			faults = append(faults, fault.On("email", fault.Invalid, "this is not an e-mail address: it looks like name@example.com"))
		}
	}
	for _, p := range []struct {
		field, column string
		value         *string
		known         []string
	}{{"theme", "theme", u.Theme, themes}, {"language", "language", u.Language, s.languages}, {"sendKey", "send_key", u.SendKey, sendKeys}} {
		if p.value == nil {
			continue
		}
		if *p.value != "" && !slices.Contains(p.known, *p.value) {
			faults = append(faults, fault.On(p.field, fault.Invalid, "%s is one of %s", p.field, strings.Join(p.known, ", ")))
		}
		columns[p.column] = *p.value
	}
	return columns, email, faults.OrNil()
}
