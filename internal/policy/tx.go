package policy

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// CheckTx lets the viewer send, within the transaction of what it sends. Of a visitor
// it looks at the gate alone and stores nothing. Of an owner it first turns what its
// gate still holds into rows: its first message has just made it a guest.
//
// It refuses, in this order, with AGE_REFUSED or AGE_CONFIRMATION_REQUIRED, with
// POLICY_ACCEPTANCE_REQUIRED, and with CONSENT_REQUIRED where somebody else's inference
// service would read the message and the viewer hasn't agreed to that service.
func (s *Service) CheckTx(tx *gorm.DB, v viewer.Viewer) error {
	f, external := s.factsOf(v.Gate), v.Gate.External
	if v.IsOwner() {
		var err error
		if f, err = s.ownerFacts(tx, v); err != nil {
			return err
		}
	}
	if err := s.refusal(f, v.Gate); err != nil {
		return err
	}
	provider := s.provider()
	if provider == "" {
		return nil
	}
	if v.IsOwner() {
		var err error
		if external, err = newest(tx, v.OwnerID, models.ConsentExternalInference); err != nil {
			return err
		}
	}
	if !external.Granted || external.Provider != provider {
		return errConsent(provider)
	}
	return nil
}

func errConsent(provider string) error {
	return fault.New(fault.ConsentRequired, "messages are answered by %s, a service that somebody else runs: agree to that first (consentSet EXTERNAL_INFERENCE), or don't send", provider)
}

// ownerFacts are the owner's facts after its gate has become rows.
func (s *Service) ownerFacts(tx *gorm.DB, v viewer.Viewer) (facts, error) {
	f, err := s.factsIn(tx, v)
	if err != nil {
		return f, err
	}
	if f.age && f.policy {
		s.settled.add(v.OwnerID, s.Current().Version)
	}
	if v.Gate == v.Gate.Refusal() {
		return f, nil
	}
	if err := s.mergeGateTx(tx, v, v.Gate); err != nil {
		return f, err
	}
	g := s.factsOf(v.Gate)
	return facts{age: f.age || g.age, policy: f.policy || g.policy}, nil
}

// refusal is what the facts keep from sending and from having an account.
func (s *Service) refusal(f facts, g viewer.Gate) error {
	switch {
	case !f.age && s.clock.Now().Before(g.AgeRefusedUntil):
		return errTooYoung()
	case !f.age:
		return fault.New(fault.AgeRequired, "say first in which month you were born: ageConfirm")
	case !f.policy:
		return fault.New(fault.PolicyRequired, "accept the privacy policy first: policyAccept with version %s", s.Current().Version)
	}
	return nil
}

// KeepTx stores what the gate of a guest holds that this transaction has made, whom CheckTx
// let through before: nothing of it can be stored yet, and nothing is left to ask.
func (s *Service) KeepTx(tx *gorm.DB, v viewer.Viewer) error {
	if err := s.refusal(s.factsOf(v.Gate), v.Gate); err != nil {
		return err
	}
	return s.storeGateTx(tx, v, v.Gate, consentsOf(v.Gate))
}

// AdmitTx writes what from, a visitor or a guest, has confirmed, accepted and chosen
// for the account v, which its sign-in is making in this transaction. It refuses like
// CheckTx when age or policy are not settled then. Calling it again changes nothing.
func (s *Service) AdmitTx(tx *gorm.DB, v, from viewer.Viewer) error {
	if err := s.copyTx(tx, from, v); err != nil {
		return err
	}
	f, err := s.factsIn(tx, v)
	if err != nil {
		return err
	}
	return s.refusal(f, from.Gate)
}

// MoveTx hands what a guest has confirmed, accepted and chosen to an account. The
// account's own confirmations and acceptances stay; of each consent the newest counts,
// whosever it was. What a visitor's gate holds is added the same way.
func (s *Service) MoveTx(tx *gorm.DB, from, to viewer.Viewer) error {
	if err := s.copyTx(tx, from, to); err != nil {
		return err
	}
	s.choices.forget(to.OwnerID)
	if !from.IsOwner() || from.OwnerID == to.OwnerID {
		return nil
	}
	for _, statement := range []string{
		`UPDATE consents SET owner_id = @to WHERE owner_id = @from`,
		`DELETE FROM policy_acceptances WHERE owner_id = @from`,
		`DELETE FROM age_confirmations WHERE owner_id = @from`,
	} {
		if err := tx.Exec(statement, map[string]any{"from": from.OwnerID, "to": to.OwnerID}).Error; err != nil {
			return fmt.Errorf("move what was agreed to: %w", err)
		}
	}
	return nil
}

// copyTx adds age and acceptances of from, and what its gate holds, to those of to.
func (s *Service) copyTx(tx *gorm.DB, from, to viewer.Viewer) error {
	if !from.IsOwner() {
		return s.mergeGateTx(tx, to, from.Gate)
	}
	if from.OwnerID == to.OwnerID {
		return nil
	}
	for _, statement := range []string{
		`INSERT INTO age_confirmations (owner_id, policy_version, confirmed_at)
		SELECT @to, policy_version, confirmed_at FROM age_confirmations WHERE owner_id = @from ON CONFLICT DO NOTHING`,
		`INSERT INTO policy_acceptances (owner_id, version, method, accepted_at)
		SELECT @to, version, method, accepted_at FROM policy_acceptances WHERE owner_id = @from ON CONFLICT DO NOTHING`,
	} {
		if err := tx.Exec(statement, map[string]any{"from": from.OwnerID, "to": to.OwnerID}).Error; err != nil {
			return fmt.Errorf("copy what was confirmed: %w", err)
		}
	}
	return nil
}
