package clock

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// Tolerance is how far two clocks may differ, and a clock may run away, before what
	// deletes by it is held.
	Tolerance = time.Hour
	// Patience is how long a jump must last before it is believed.
	Patience = 30 * time.Minute
	// Downtime is how long nobody may have swept before a start, without a doubt: a clock
	// that is further ahead is one that may have jumped meanwhile.
	Downtime = 24 * time.Hour
)

// Doubt means that the time of day may be wrong, and nothing must be deleted by it.
type Doubt struct {
	Now      time.Time // what this machine says
	Second   time.Time // what the second clock says
	Expected time.Time // the last time that was believed plus the time since; zero: the clocks differ
	Until    time.Time // by then a jump is believed; zero: not before the clocks agree
}

// Error says what to do.
func (d *Doubt) Error() string {
	if d.Until.IsZero() {
		return fmt.Sprintf("nothing was deleted: this machine's clock says %s and the database's %s; set them: when they agree, it goes on",
			d.Now.Format(time.RFC3339), d.Second.Format(time.RFC3339))
	}
	return fmt.Sprintf("nothing was deleted: the clock says %s, and about %s was expected; if it still says so at %s, or an operator confirms it, it goes on",
		d.Now.Format(time.RFC3339), d.Expected.Format(time.RFC3339), d.Until.Format(time.RFC3339))
}

// reading is what both clocks of this machine say: the time of day and the one that never
// jumps.
type reading struct {
	at time.Time
	up time.Duration
}

// expected is the time of day at now, if nobody set it since.
func (r reading) expected(now reading) time.Time { return r.at.Add(now.up - r.up) }

func (r reading) jumped(now reading) bool {
	return !r.at.IsZero() && now.at.Sub(r.expected(now)) > Tolerance
}

// Guard says by which time something may be deleted.
type Guard struct {
	clock  Clock
	uptime func() time.Duration
	second func(ctx context.Context) (time.Time, error)
	stored func(ctx context.Context) (time.Time, error)

	mu          sync.Mutex
	last, doubt reading
}

// NewGuard makes a guard of a clock, of how long this process runs by a clock that never
// jumps (nil: since now), of a second clock, the database's, and of the newest time that any
// process believed before (zero: none did; nil: nobody knows).
func NewGuard(c Clock, uptime func() time.Duration, second, stored func(ctx context.Context) (time.Time, error)) *Guard {
	if uptime == nil {
		uptime = StartStopwatch().Elapsed
	}
	return &Guard{clock: c, uptime: uptime, second: second, stored: stored}
}

// Admit is the earlier of both clocks' times. It refuses with a *Doubt while they differ by
// more than Tolerance, and when this machine's has jumped ahead by more than that since it
// was last believed, until it has said so for Patience: where both clocks are one
// machine's, they are wrong together. Before this process has believed any, the last one is
// what is stored, and Downtime may have passed since. A clock that was set back deletes less
// and is believed.
func (g *Guard) Admit(ctx context.Context) (time.Time, error) {
	second, err := g.second(ctx)
	if err != nil {
		return time.Time{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.recall(ctx); err != nil {
		return time.Time{}, err
	}
	now := reading{g.clock.Now(), g.uptime()}
	if second.Sub(now.at).Abs() > Tolerance {
		g.doubt = reading{}
		return time.Time{}, &Doubt{Now: now.at, Second: second}
	}
	if g.last.jumped(now) {
		if g.doubt.at.IsZero() || g.doubt.jumped(now) {
			g.doubt = now
		}
		if now.up-g.doubt.up < Patience {
			return time.Time{}, &Doubt{Now: now.at, Second: second, Expected: g.last.expected(now), Until: g.doubt.at.Add(Patience)}
		}
	}
	g.last, g.doubt = now, reading{}
	if second.Before(now.at) {
		return second.UTC(), nil
	}
	return now.at, nil
}

// recall takes what is stored for the last time that was believed, where there is none yet.
func (g *Guard) recall(ctx context.Context) error {
	if g.stored == nil || !g.last.at.IsZero() {
		return nil
	}
	at, err := g.stored(ctx)
	if err == nil && !at.IsZero() {
		g.last = reading{at: at.Add(Downtime)}
	}
	return err
}

// Believe takes what the clock says now for right: somebody has looked.
func (g *Guard) Believe() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last, g.doubt = reading{g.clock.Now(), g.uptime()}, reading{}
}
