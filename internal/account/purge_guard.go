package account

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// purgeTolerance is how far clocks may differ before nothing is deleted.
	purgeTolerance = time.Hour
	// A sweep of more than purgeUsual times the average of the last purgeMemory ones
	// is unusual, one of at most purgeAlways guests never.
	purgeUsual  = 3
	purgeMemory = 7
	purgeAlways = 1000
)

// ClockError means that nothing was purged because the clock that says what has
// expired may be wrong.
type ClockError struct {
	Now      time.Time // what this machine says
	Expected time.Time // the last sweep plus the time since; zero when there was none
	Second   time.Time // what the database says
	Due      int       // guests that would go by Now, counted up to Usual+1
	Usual    int       // that may go without asking
}

// Error says what to do.
func (e *ClockError) Error() string {
	why := fmt.Sprintf("the clock says %s", e.Now.Format(time.RFC3339))
	if !e.Expected.IsZero() {
		why += fmt.Sprintf(", about %s was expected", e.Expected.Format(time.RFC3339))
	}
	if e.Due > e.Usual {
		why += fmt.Sprintf(", more than %d guests would go", e.Usual)
	}
	return fmt.Sprintf("nothing was purged: %s, and the database's clock says %s; set the clocks of both machines: when they agree, the next sweep goes on",
		why, e.Second.Format(time.RFC3339))
}

// Hold is which of the clocks is in doubt, or that too many would go.
func (e *ClockError) Hold() models.RetentionHold {
	switch {
	case e.Second.Sub(e.Now).Abs() > purgeTolerance:
		return models.HeldClocks
	case e.Due > e.Usual:
		return models.HeldMany
	}
	return models.HeldJump
}

// guard remembers when this process last believed its clock, and by how much it has
// seen it jump.
type guard struct {
	last  sighting
	doubt sighting
}

// sighting is a reading of both clocks: the time of day and the one that never jumps.
type sighting struct {
	at time.Time
	up time.Duration
}

// jumped reports whether now is further ahead than the time that has gone by since.
func (s sighting) jumped(now sighting) bool {
	return s.at.IsZero() || now.at.Sub(s.at)-(now.up-s.up) > purgeTolerance
}

// admit is the time by which a sweep may decide. It refuses with a *ClockError when
// this machine's clock has jumped ahead since the last sweep, or makes unusually many
// guests go, and the database's clock does not agree. A jump that this process has
// seen happen must also still be there at the next sweep: where both clocks are one
// machine's, they are wrong together.
func (p *Purger) admit(ctx context.Context) (time.Time, error) {
	now := sighting{at: p.Clock.Now(), up: p.Uptime()}
	e := &ClockError{Now: now.at}
	var err error
	if e.Usual, err = p.usual(ctx); err != nil {
		return now.at, err
	}
	if e.Due, err = p.due(ctx, now.at, e.Usual+1); err != nil {
		return now.at, err
	}
	last := p.guard.last
	if last.at.IsZero() {
		if last.at, err = p.lastReceipt(ctx); err != nil {
			return now.at, err
		}
	}
	if !last.jumped(now) && e.Due <= e.Usual {
		p.guard = guard{last: now}
		return now.at, nil
	}
	if !last.at.IsZero() {
		e.Expected = last.at.Add(now.up - last.up)
	}
	if e.Second, err = p.SecondClock(ctx); err != nil {
		return now.at, err
	}
	seen := !p.guard.last.at.IsZero() && p.guard.last.jumped(now)
	fresh := seen && p.guard.doubt.jumped(now)
	if fresh {
		p.guard.doubt = now
	}
	if fresh || e.Second.Sub(now.at).Abs() > purgeTolerance {
		return now.at, e
	}
	p.guard = guard{last: now}
	return now.at, nil
}

// usual is how many guests may go in one sweep without asking.
func (p *Purger) usual(ctx context.Context) (int, error) {
	var average float64
	err := p.DB.Pool().QueryRow(ctx, `SELECT coalesce(avg(coalesce((rows->>'owners')::bigint, 0)), 0)::float8
		FROM (SELECT rows FROM purge_receipts WHERE kind = $1 AND finished_at IS NOT NULL ORDER BY id DESC LIMIT $2) r`, purgeGuests, purgeMemory).Scan(&average)
	if err != nil {
		return 0, fmt.Errorf("read former purges: %w", database.Translate(err))
	}
	return max(purgeAlways, int(purgeUsual*average)), nil
}

// due counts the guests that have expired at a time, up to limit.
func (p *Purger) due(ctx context.Context, at time.Time, limit int) (n int, err error) {
	err = p.DB.Pool().QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM owners WHERE kind = 'GUEST' AND last_active_at <= $1 LIMIT $2) o`,
		at.Add(-GuestTTL), limit).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count expired guests: %w", database.Translate(err))
	}
	return n, nil
}

// lastReceipt is when a former process, or another instance, last purged something;
// zero when nobody has.
func (p *Purger) lastReceipt(ctx context.Context) (time.Time, error) {
	var at *time.Time
	err := p.DB.Pool().QueryRow(ctx, `SELECT max(coalesce(finished_at, started_at)) FROM purge_receipts WHERE kind = $1`, purgeGuests).Scan(&at)
	if err != nil {
		return time.Time{}, fmt.Errorf("read former purges: %w", database.Translate(err))
	}
	if at == nil {
		return time.Time{}, nil
	}
	return *at, nil
}

// databaseClock is the time by the database's machine.
func (p *Purger) databaseClock(ctx context.Context) (now time.Time, err error) {
	if err := p.DB.Pool().QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("ask the database for the time: %w", database.Translate(err))
	}
	return now.UTC(), nil
}
