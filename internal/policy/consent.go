package policy

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// SetConsent keeps one choice, a dated row for each, and returns it with the viewer's
// gate after it. The newest choice of a kind counts; withdrawing counts here at once
// and on every instance within a second. A consent to external inference names the
// service that is used now.
//
// It refuses with FORBIDDEN what only an account can choose, sharing and news,
// with AGE_REFUSED for somebody below the age, and with UNAUTHENTICATED where a
// visitor's answer can't carry a cookie.
func (s *Service) SetConsent(ctx context.Context, v viewer.Viewer, kind models.ConsentKind, granted bool, how models.ConsentMethod) (*models.Consent, viewer.Gate, error) {
	if how == "" {
		how = models.ConsentAPI
	}
	c := viewer.Choice{Granted: granted, Policy: s.Current().Version, How: string(how), At: s.clock.Now()}
	if kind == models.ConsentExternalInference {
		c.Provider = s.provider()
	}
	if !v.IsOwner() {
		return s.chooseAsVisitor(v, kind, c)
	}
	if v.Kind == viewer.Guest && granted && (kind == models.ConsentShare || kind == models.ConsentMarketing) {
		return nil, v.Gate, fault.On("kind", fault.Forbidden, "this needs an account: sign in first")
	}
	row := []models.Consent{consentOf(kind, c)}
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := s.storeGateTx(tx, v, viewer.Gate{}, row); err != nil || granted || s.WithdrawnTx == nil {
			return err
		}
		return s.WithdrawnTx(tx, v, kind)
	})
	s.choices.forget(v.OwnerID)
	if err == nil && !granted && s.Withdrawn != nil {
		s.Withdrawn(ctx, v, kind)
	}
	return &row[0], v.Gate, err
}

func (s *Service) chooseAsVisitor(v viewer.Viewer, kind models.ConsentKind, c viewer.Choice) (*models.Consent, viewer.Gate, error) {
	if !v.CanSetCookie {
		return nil, v.Gate, errNobody()
	}
	switch kind {
	case models.ConsentPreferencesCookie:
		v.Gate.Preferences = c
	case models.ConsentExternalInference:
		if s.clock.Now().Before(v.Gate.AgeRefusedUntil) {
			return nil, v.Gate, errTooYoung()
		}
		v.Gate.External = c
	default:
		return nil, v.Gate, fault.On("kind", fault.Forbidden, "this can be chosen once something of you is stored: send a message or sign in first")
	}
	row := consentOf(kind, c)
	return &row, v.Gate, nil
}

// Consents are the viewer's newest choice of each kind.
func (s *Service) Consents(ctx context.Context, v viewer.Viewer) ([]*models.Consent, error) {
	var rows []*models.Consent
	if v.IsOwner() {
		err := s.DB.Gorm(ctx).Raw(`SELECT DISTINCT ON (kind) * FROM consents WHERE owner_id = ? ORDER BY kind, number DESC`, v.OwnerID).Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("read consents: %w", database.Translate(err))
		}
		return rows, nil
	}
	if c := v.Gate.External; c.Made() {
		row := consentOf(models.ConsentExternalInference, c)
		rows = append(rows, &row)
	}
	if c := v.Gate.Preferences; c.Made() {
		row := consentOf(models.ConsentPreferencesCookie, c)
		rows = append(rows, &row)
	}
	return rows, nil
}

// Granted reports whether the viewer agrees to something now; what it never chose it
// hasn't agreed to. An answer may be half a second old.
func (s *Service) Granted(ctx context.Context, v viewer.Viewer, kind models.ConsentKind) (bool, error) {
	var c viewer.Choice
	switch {
	case v.IsOwner():
		var err error
		if c, err = s.choices.get(v.OwnerID, kind, func() (viewer.Choice, error) { return newest(s.DB.Gorm(ctx), v.OwnerID, kind) }); err != nil {
			return false, err
		}
	case kind == models.ConsentPreferencesCookie:
		c = v.Gate.Preferences
	case kind == models.ConsentExternalInference:
		c = v.Gate.External
	}
	if kind == models.ConsentExternalInference && c.Provider != s.provider() {
		return false, nil
	}
	return c.Granted, nil
}

// HoldsTx reports whether the viewer, an owner, agrees to something, as the database has it,
// and keeps it from withdrawing that before the transaction ends.
func (s *Service) HoldsTx(tx *gorm.DB, v viewer.Viewer, kind models.ConsentKind) (bool, error) {
	if err := lockTx(tx, v.OwnerID); err != nil {
		return false, err
	}
	c, err := newest(tx, v.OwnerID, kind)
	return c.Granted, err
}

// newest is the owner's newest choice of a kind, the zero Choice when there is none.
func newest(tx *gorm.DB, ownerID string, kind models.ConsentKind) (viewer.Choice, error) {
	var rows []models.Consent
	if err := tx.Where("owner_id = ? AND kind = ?", ownerID, kind).Order("number DESC").Limit(1).Find(&rows).Error; err != nil {
		return viewer.Choice{}, fmt.Errorf("read consent: %w", database.Translate(err))
	}
	if len(rows) == 0 {
		return viewer.Choice{}, nil
	}
	r := rows[0]
	return viewer.Choice{Granted: r.Granted, Provider: r.Provider, Policy: r.PolicyVersion, How: string(r.Method), At: r.CreatedAt}, nil
}

// consentOf is a choice as a row that belongs to nobody yet.
func consentOf(kind models.ConsentKind, c viewer.Choice) models.Consent {
	return models.Consent{Kind: kind, Granted: c.Granted, Provider: c.Provider, PolicyVersion: c.Policy, Method: models.ConsentMethod(c.How), CreatedAt: c.At}
}
