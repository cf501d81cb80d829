package notify

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// maxAddress is the longest address that mail servers take, in bytes.
const maxAddress = 254

// EnqueueTx writes a mail to the viewer in the transaction of what it tells; it is sent
// soon after the commit, or kept when there is no mail server. A second mail of the same
// DedupeKey is not written, and that is no error. It refuses addresses that are none
// with INVALID, and viewers without data of their own with UNAUTHENTICATED.
func (s *Service) EnqueueTx(tx *gorm.DB, v viewer.Viewer, l models.Letter) error {
	m, err := s.row(v, l)
	if err != nil {
		return err
	}
	written := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "owner_id"}, {Name: "dedupe_key"}}, DoNothing: true}).Create(&m)
	if written.Error != nil {
		return fmt.Errorf("write the mail: %w", written.Error)
	}
	if written.RowsAffected == 0 || !s.HasServer() {
		return nil
	}
	return s.nudgeTx(tx)
}

// row is a letter as the outbox keeps it.
func (s *Service) row(v viewer.Viewer, l models.Letter) (models.Mail, error) {
	if !v.IsOwner() {
		return models.Mail{}, fault.New(fault.Unauthenticated, "sign in first: mails are written to accounts")
	}
	if err := s.check(l); err != nil {
		return models.Mail{}, err
	}
	return s.seal(v, l)
}

// seal is a letter as the outbox keeps it, whether or not it can be sent.
func (s *Service) seal(v viewer.Viewer, l models.Letter) (models.Mail, error) {
	facts, err := json.Marshal(l.Facts)
	if err != nil {
		return models.Mail{}, fmt.Errorf("write the mail's facts: %w", err)
	}
	now := s.Clock.Now()
	m := models.Mail{OwnerID: v.OwnerID, ID: id.New(id.Mail), Kind: string(l.Kind), DedupeKey: l.DedupeKey, Language: s.templates.language(l.Language),
		Status: models.MailQueued, CreatedAt: now, NextAt: now}
	m.ToSealed = v.Key.SealString(toPlace(m.OwnerID, m.ID), l.To)
	m.FactsSealed = v.Key.Seal(factsPlace(m.OwnerID, m.ID), facts)
	if !s.HasServer() {
		m.Status = models.MailKept
	}
	return m, nil
}

// errAddress refuses an address that no mail can be sent to.
var errAddress = fault.On("email", fault.Invalid, "this is not an e-mail address: it looks like name@example.com")

// check refuses what could never be sent: its address, when nothing else is wrong, with
// errAddress.
func (s *Service) check(l models.Letter) error {
	if !s.templates.knows(l.Kind) {
		return fmt.Errorf("write the mail: there is no template %q", l.Kind)
	}
	if n := utf8.RuneCountInString(l.DedupeKey); n < 1 || n > 200 {
		return fmt.Errorf("write the mail: a key against doubles has 1 to 200 characters, not %d", n)
	}
	if a, err := mail.ParseAddress(l.To); err != nil || a.Address != l.To || len(l.To) > maxAddress {
		return errAddress
	}
	return nil
}

func (s *Service) nudgeTx(tx *gorm.DB) error {
	if s.Nudger == nil {
		return nil
	}
	return s.Nudger.NudgeTx(tx, Job)
}
