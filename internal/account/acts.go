package account

import (
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Why sessions ended, as the acts say.
const (
	signedOut     = "SIGNED_OUT"
	signedInAnew  = "SIGNED_IN_ANEW"
	confirmed     = "CONFIRMED"
	lapsed        = "LAPSED"
	unlinkedWay   = "IDENTITY_UNLINKED"
	becameAdmin   = "ADMIN_GRANTED"
	byProvider    = "PROVIDER"
	guestReplaced = "GUEST_DISCARDED"
)

// finish is how sessions end: by whom, as which act and why.
type finish struct {
	act models.AuditAct
	by  audit.Actor
	why string
}

// endTx ends the account's sessions that the condition names and writes that down.
func (s *Service) endTx(tx *gorm.DB, ended *endings, ownerID string, f finish, condition string, args ...any) error {
	before := len(*ended)
	if err := ended.deleteTx(tx, ownerID, condition, args...); err != nil {
		return err
	}
	var entries []audit.Entry
	for _, e := range (*ended)[before:] {
		entries = append(entries, audit.Entry{Act: f.act, Subject: ownerID, By: f.by, Facts: models.AuditFacts{SessionID: e.Session, Outcome: f.why}})
	}
	return s.audit.WriteTx(tx, entries...)
}

// begunTx writes down that the viewer's session was begun.
func (s *Service) begunTx(tx *gorm.DB, v viewer.Viewer, method models.Provider) error {
	return s.audit.WriteTx(tx, audit.Entry{Act: models.AuditSessionBegun, Subject: v.OwnerID, By: audit.By(v),
		Facts: models.AuditFacts{Provider: method, SessionID: v.SessionID}})
}

// didTx writes down what the viewer did to its own account.
func (s *Service) didTx(tx *gorm.DB, v viewer.Viewer, act models.AuditAct, facts models.AuditFacts) error {
	return s.audit.WriteTx(tx, audit.Entry{Act: act, Subject: v.OwnerID, By: audit.By(v), Facts: facts})
}
