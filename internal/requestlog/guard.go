package requestlog

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// usual is how many days a sweep may drop without being asked again.
const usual = 3

// ManyError means that nothing was dropped yet because unusually many days would go.
type ManyError struct{ Days int }

// Error says when they do.
func (e *ManyError) Error() string {
	return fmt.Sprintf("no request logs were dropped yet: %d days would go; they do when that is still so %s after it was first", e.Days, clock.Patience)
}

// Hold is what it is among the reasons to delete nothing, how many days would go, and how
// many may without asking.
func (e *ManyError) Hold() (kind models.RetentionHold, due, most int64) {
	return models.HeldMany, int64(e.Days), usual
}

// admit lets a sweep drop days that are over. It refuses with a *clock.Doubt while a clock
// is in doubt, and with a *ManyError where more days than usual would go, until that has
// been so for clock.Patience: the process may have started with a wrong clock.
func (s *Service) admit(ctx context.Context, days int) error {
	now := s.Uptime()
	switch {
	case days <= usual:
		s.many = nil
	case s.many == nil:
		s.many = &now
	}
	if _, err := s.guard.Admit(ctx); err != nil {
		return fmt.Errorf("no request logs were dropped: %w", err)
	}
	if s.many != nil && now-*s.many < clock.Patience {
		return &ManyError{Days: days}
	}
	s.many = nil
	return nil
}

// databaseClock is the time by the database's machine.
func (s *Service) databaseClock(ctx context.Context) (now time.Time, err error) {
	if err := s.DB.Pool().QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", database.Translate(err))
	}
	return now.UTC(), nil
}
