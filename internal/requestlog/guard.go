package requestlog

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// tolerance is how far clocks may differ, and a clock may run away, before nothing is
	// dropped.
	tolerance = time.Hour
	// usual is how many days a sweep may drop without being asked again.
	usual = 3
	// confirmAfter is how much later it must be asked again.
	confirmAfter = 30 * time.Minute
)

// ClockError means that nothing was dropped because the clock that says what is over may
// be wrong.
type ClockError struct {
	Now    time.Time // what this machine says
	Second time.Time // what the database says
	Days   int       // that would go
	Again  bool      // both agree: the same must be so at a later sweep
}

// Error says what to do.
func (e *ClockError) Error() string {
	if e.Again {
		return fmt.Sprintf("no request logs were dropped yet: the clock says %s and %d days would go; they do when it still says so in %s", e.Now.Format(time.RFC3339), e.Days, confirmAfter)
	}
	return fmt.Sprintf("no request logs were dropped: this machine's clock says %s and the database's %s; set them, the next sweep goes on",
		e.Now.Format(time.RFC3339), e.Second.Format(time.RFC3339))
}

// Hold is whether the clocks differ or one has jumped, which as many days going at once is
// taken for.
func (e *ClockError) Hold() models.RetentionHold {
	if e.Again {
		return models.HeldJump
	}
	return models.HeldClocks
}

// sighting is a reading of both clocks: the time of day and the one that never jumps.
type sighting struct {
	at time.Time
	up time.Duration
}

// jumped reports whether now is further ahead than the time that has gone by since.
func (s sighting) jumped(now sighting) bool {
	return !s.at.IsZero() && now.at.Sub(s.at)-(now.up-s.up) > tolerance
}

// guard remembers when this process last believed its clock, and since when it doubts.
type guard struct{ last, doubt sighting }

// admit lets a sweep drop what is over at now. The database's clock must always agree.
// Where the clock has jumped ahead since the last sweep of this process, or more days than
// usual would go, the same must be so half an hour later: where both clocks are one
// machine's, they are wrong together.
func (s *Service) admit(ctx context.Context, at time.Time, days int) error {
	now := sighting{at, s.Uptime()}
	second, err := s.SecondClock(ctx)
	if err != nil {
		return err
	}
	e := &ClockError{Now: at, Second: second, Days: days}
	if second.Sub(at).Abs() > tolerance {
		s.guard.doubt = sighting{}
		return e
	}
	g := &s.guard
	if days > 0 && (days > usual || g.last.jumped(now)) {
		if g.doubt.at.IsZero() || g.doubt.jumped(now) {
			g.doubt = now
		}
		if now.up-g.doubt.up < confirmAfter {
			e.Again = true
			return e
		}
	}
	*g = guard{last: now}
	return nil
}

// databaseClock is the time by the database's machine.
func (s *Service) databaseClock(ctx context.Context) (now time.Time, err error) {
	if err := s.DB.Pool().QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", database.Translate(err))
	}
	return now.UTC(), nil
}
