package account

import (
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// knowsDeviceTx reports whether one of the account's sessions, run out or not, was
// begun on a device like this one.
func (s *Service) knowsDeviceTx(tx *gorm.DB, ownerID string, d Device) (known bool, err error) {
	err = tx.Raw(`SELECT EXISTS (SELECT FROM sessions WHERE owner_id = ? AND device_type = ? AND os = ? AND browser = ?)`,
		ownerID, d.Type, d.OS, d.Browser).Scan(&known).Error
	if err != nil {
		return false, fmt.Errorf("look for device: %w", err)
	}
	return known, nil
}

// tellNewDeviceTx tells the account of a sign-in on a device that none of its sessions
// is on.
func (s *Service) tellNewDeviceTx(tx *gorm.DB, v viewer.Viewer, d Device) error {
	device := strings.TrimSpace(strings.Join([]string{d.Browser, d.OS}, " "))
	return s.TellTx(tx, v, models.LetterSignInNewDevice, v.SessionID, map[string]string{"device": device})
}

// TellTx writes a mail to the account's confirmed address, when it has one.
func (s *Service) TellTx(tx *gorm.DB, v viewer.Viewer, kind models.LetterKind, mark string, facts map[string]string) error {
	if s.mailer == nil {
		return nil
	}
	var account models.Account
	if err := tx.Take(&account, "owner_id = ?", v.OwnerID).Error; err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	if err := openAccount(v, &account); err != nil {
		return err
	}
	if account.Email == "" {
		return nil
	}
	return s.writeTx(tx, v, account, models.Letter{Kind: kind, To: account.Email, DedupeKey: strings.ToLower(string(kind)) + "/" + mark, Facts: facts})
}

// writeTx completes a letter with what all of them tell and orders it.
func (s *Service) writeTx(tx *gorm.DB, v viewer.Viewer, account models.Account, l models.Letter) error {
	l.Language = account.Language
	if l.Facts == nil {
		l.Facts = map[string]string{}
	}
	l.Facts["name"] = account.Name
	l.Facts["at"] = strconv.FormatInt(s.clock.Now().Unix(), 10)
	if err := s.mailer.EnqueueTx(tx, v, l); err != nil {
		return fmt.Errorf("write mail: %w", err)
	}
	return nil
}

// openAccount opens the sealed columns of the viewer's account.
func openAccount(v viewer.Viewer, a *models.Account) (err error) {
	if a.Name, err = v.Key.OpenString(namePlace(a.OwnerID), a.NameSealed); err != nil {
		return err
	}
	a.Email, err = v.Key.OpenString(emailPlace(a.OwnerID), a.EmailSealed)
	return err
}
