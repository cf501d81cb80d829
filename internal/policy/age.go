package policy

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// oldest is the age in years above which an answer is taken for a slip.
const oldest = 130

// ConfirmAge hears in which month somebody was born and returns the viewer's gate
// after it, for the cookie. Somebody is old enough when the whole month of the
// birthday has passed. A viewer who has confirmed stays confirmed.
//
// It refuses with AGE_REFUSED under the age, and then every answer for a day; with
// INVALID on the field for a month that can't be; with UNAUTHENTICATED where the
// answer can't carry a cookie. Of a refusal nothing is stored but by the cookie.
func (s *Service) ConfirmAge(ctx context.Context, v viewer.Viewer, year, month int) (viewer.Gate, error) {
	now := s.clock.Now()
	if v.IsOwner() {
		facts, err := s.facts(ctx, v)
		if err != nil || facts.age {
			return v.Gate, err
		}
	}
	if !v.CanSetCookie {
		return v.Gate, errNobody()
	}
	if now.Before(v.Gate.AgeRefusedUntil) {
		return v.Gate, errTooYoung()
	}
	if err := checkBirth(now, year, month); err != nil {
		return v.Gate, err
	}
	if !oldEnough(now, year, month) {
		return viewer.Gate{AgeRefusedUntil: now.Add(refusalTTL), Preferences: v.Gate.Preferences}, errTooYoung()
	}
	if v.IsOwner() {
		said := viewer.Gate{AgeConfirmedAt: now, AgePolicy: s.Current().Version}
		return v.Gate, s.DB.Tx(ctx, func(tx *gorm.DB) error { return s.storeGateTx(tx, v, said, nil) })
	}
	if v.Gate.AgeConfirmedAt.IsZero() {
		v.Gate.AgeConfirmedAt, v.Gate.AgePolicy = now, s.Current().Version
	}
	return v.Gate, nil
}

// checkBirth refuses months that can't be one's month of birth.
func checkBirth(now time.Time, year, month int) error {
	switch {
	case month < 1 || month > 12:
		return fault.On("birthMonth", fault.Invalid, "the month must be between 1 and 12")
	case year < now.Year()-oldest || year > now.Year():
		return fault.On("birthYear", fault.Invalid, "the year must be between %d and %d", now.Year()-oldest, now.Year())
	case year == now.Year() && month > int(now.Month()):
		return fault.On("birthMonth", fault.Invalid, "this month lies in the future")
	}
	return nil
}

// oldEnough counts whole months, since the day of birth isn't known.
func oldEnough(now time.Time, year, month int) bool {
	return (now.Year()-year)*12+int(now.Month())-month > MinimumAge*12
}

// Accept keeps that the viewer accepts a version and returns its gate after it. Who has
// stored data may accept a version that is published and not yet in force. It refuses
// other versions that are not in force with INVALID, somebody below the age with
// AGE_REFUSED, and with UNAUTHENTICATED where a visitor's answer can't carry a cookie.
func (s *Service) Accept(ctx context.Context, v viewer.Viewer, version string, how models.AcceptanceMethod) (viewer.Gate, error) {
	current, now := s.Current().Version, s.clock.Now()
	if version != current && (!v.IsOwner() || !s.comes(version)) {
		return v.Gate, fault.On("version", fault.Invalid, "only the version in force can be accepted, and that is %s: read it and accept it", current)
	}
	if how == "" {
		how = models.AcceptedByAPI
	}
	if v.IsOwner() {
		said := viewer.Gate{AcceptedPolicy: version, AcceptedAt: now, AcceptedHow: string(how)}
		return v.Gate, s.DB.Tx(ctx, func(tx *gorm.DB) error { return s.storeGateTx(tx, v, said, nil) })
	}
	switch {
	case !v.CanSetCookie:
		return v.Gate, errNobody()
	case now.Before(v.Gate.AgeRefusedUntil):
		return v.Gate, errTooYoung()
	}
	if v.Gate.AcceptedPolicy != current {
		v.Gate.AcceptedPolicy, v.Gate.AcceptedAt, v.Gate.AcceptedHow = current, now, string(how)
	}
	return v.Gate, nil
}

// comes reports whether a version is published and not yet in force.
func (s *Service) comes(version string) bool {
	for _, v := range s.Versions() {
		if v.Version == version {
			return v.EffectiveAt.After(s.clock.Now())
		}
	}
	return false
}

// Acceptances are the versions that the viewer accepted, the newest first.
func (s *Service) Acceptances(ctx context.Context, v viewer.Viewer) ([]*models.PolicyAcceptance, error) {
	if !v.IsOwner() {
		if v.Gate.AcceptedPolicy == "" {
			return nil, nil
		}
		return []*models.PolicyAcceptance{{Version: v.Gate.AcceptedPolicy, Method: models.AcceptanceMethod(v.Gate.AcceptedHow), AcceptedAt: v.Gate.AcceptedAt}}, nil
	}
	var rows []*models.PolicyAcceptance
	if err := s.DB.Gorm(ctx).Where("owner_id = ?", v.OwnerID).Order("version DESC").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read acceptances: %w", database.Translate(err))
	}
	return rows, nil
}

func errTooYoung() error {
	return fault.New(fault.AgeRefused, "you can't use this service yet; nothing that you entered was kept")
}
