package policy

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// mergeGateTx turns a gate into the owner's rows; what the owner has already stays, and so
// does a choice that is as new.
func (s *Service) mergeGateTx(tx *gorm.DB, v viewer.Viewer, g viewer.Gate) error {
	var newer []models.Consent
	for _, c := range consentsOf(g) {
		known, err := newest(tx, v.OwnerID, c.Kind)
		if err != nil {
			return err
		}
		if !known.Made() || known.At.Before(c.CreatedAt) {
			newer = append(newer, c)
		}
	}
	return s.storeGateTx(tx, v, g, newer)
}

// consentsOf are the choices that a gate holds.
func consentsOf(g viewer.Gate) []models.Consent {
	all := []models.Consent{consentOf(models.ConsentPreferencesCookie, g.Preferences), consentOf(models.ConsentExternalInference, g.External)}
	return slices.DeleteFunc(all, func(c models.Consent) bool { return c.CreatedAt.IsZero() })
}

// storeGateTx keeps the first confirmation and the first acceptance of each version, of
// those that the gate holds, and the choices, and writes down what is new.
func (s *Service) storeGateTx(tx *gorm.DB, v viewer.Viewer, g viewer.Gate, choices []models.Consent) error {
	var entries []audit.Entry
	did := func(act models.AuditAct, facts models.AuditFacts) {
		entries = append(entries, audit.Entry{Act: act, Subject: v.OwnerID, By: audit.By(v), Facts: facts})
	}
	age, accepted, err := storeFactsTx(tx, v, g)
	if err != nil {
		return err
	}
	if age {
		did(models.AuditAgeConfirmed, models.AuditFacts{Version: g.AgePolicy})
	}
	if accepted {
		did(models.AuditPolicyAccepted, models.AuditFacts{Version: g.AcceptedPolicy})
	}
	for i := range choices {
		c := &choices[i]
		c.OwnerID, c.ID = v.OwnerID, id.New(id.Consent)
		act := models.AuditConsentGiven
		if !c.Granted {
			act = models.AuditConsentWithdrawn
		}
		did(act, models.AuditFacts{Consent: c.Kind, Version: c.PolicyVersion})
	}
	if len(choices) > 0 {
		if err := lockTx(tx, v.OwnerID); err != nil {
			return err
		}
		if err := stored("consents", tx.Create(&choices).Error); err != nil {
			return err
		}
	}
	return s.Audit.WriteTx(tx, entries...)
}

// choicesLock is what the locks of owners' choices are made from.
const choicesLock = 0x6b32636f6e73

// lockTx has an owner's choices come one after another, so that their numbers tell the order
// in which they were made, and whoever holds to one until its transaction ends. Where the
// owner's row is locked too, that comes first.
func lockTx(tx *gorm.DB, ownerID string) error {
	if err := tx.Exec(`SELECT pg_advisory_xact_lock(hashtextextended(?, ?))`, ownerID, choicesLock).Error; err != nil {
		return fmt.Errorf("lock the owner's choices: %w", err)
	}
	return nil
}

// storeFactsTx stores confirmation and acceptance and says which of them is new.
func storeFactsTx(tx *gorm.DB, v viewer.Viewer, g viewer.Gate) (age, accepted bool, err error) {
	if g.AgeConfirmedAt.IsZero() && g.AcceptedPolicy == "" {
		return false, false, nil
	}
	row := struct{ Age, Accepted bool }{}
	err = tx.Raw(`WITH age AS (
	INSERT INTO age_confirmations (owner_id, policy_version, confirmed_at) SELECT ?, ?, ? WHERE ?::boolean ON CONFLICT DO NOTHING RETURNING 1
), accepted AS (
	INSERT INTO policy_acceptances (owner_id, version, method, accepted_at) SELECT ?, ?, ?, ? WHERE ?::boolean ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT FROM age) AS age, EXISTS (SELECT FROM accepted) AS accepted`, v.OwnerID, g.AgePolicy, g.AgeConfirmedAt, !g.AgeConfirmedAt.IsZero(),
		v.OwnerID, g.AcceptedPolicy, g.AcceptedHow, g.AcceptedAt, g.AcceptedPolicy != "").Scan(&row).Error
	return row.Age, row.Accepted, stored("what was confirmed", err)
}

// stored words what kept rows from being stored; an owner that is gone is no failure.
func stored(what string, err error) error {
	if err == nil {
		return nil
	}
	for _, owner := range []string{"age_confirmations_owner_id_fkey", "policy_acceptances_owner_id_fkey", "consents_owner_id_fkey"} {
		if database.Violates(err, owner) {
			return fault.New(fault.Unauthenticated, "what was stored under this cookie has been deleted: reload the page to begin anew")
		}
	}
	return fmt.Errorf("store %s: %w", what, database.Translate(err))
}
