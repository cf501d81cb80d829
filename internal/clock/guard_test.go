package clock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// T38: nothing may be deleted while the clocks differ or after one jumped, until a jump has
// lasted; a clock that was set back is believed.
func TestAGuardDoubtsWhatJumps(t *testing.T) {
	now, second, up := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC), time.Duration(0)
	g := clock.NewGuard(clock.Func(func() time.Time { return now }), func() time.Duration { return up }, func(context.Context) (time.Time, error) { return second, nil }, nil)
	pass := func(d time.Duration) { now, second, up = now.Add(d), second.Add(d), up+d }
	jump := func(both bool, d time.Duration) {
		now = now.Add(d)
		if both {
			second = second.Add(d)
		}
	}
	const day = 24 * time.Hour
	admit := func(step, says string) {
		t.Helper()
		at, err := g.Admit(t.Context())
		var doubt *clock.Doubt
		if says == "" && (err != nil || at.After(now) || at.After(second)) {
			t.Fatalf("%s: %v, %v", step, at, err)
		}
		if says != "" && (!errors.As(err, &doubt) || !strings.Contains(err.Error(), says)) {
			t.Fatalf("%s: %v", step, err)
		}
	}
	admit("at start", "")
	pass(10 * time.Minute)
	jump(false, -10*time.Minute)
	admit("a little behind", "")
	jump(false, 10*time.Minute)
	admit("right", "")
	jump(false, time.Hour)
	admit("an hour ahead of the other", "")
	jump(false, time.Second)
	admit("more than an hour ahead", "set them")
	jump(false, -time.Hour-time.Second)
	admit("put right", "")
	jump(true, -time.Hour)
	admit("both an hour back", "")
	jump(true, 100*day)
	admit("both ahead", "if it still says so")
	pass(clock.Patience - time.Second)
	admit("still", "if it still says so")
	jump(true, 2*time.Hour)
	admit("ahead once more", "if it still says so")
	pass(2 * time.Second)
	admit("that does not count for the first", "if it still says so")
	jump(true, -100*day-2*time.Hour)
	admit("both right", "")
	jump(true, 11*day)
	admit("after a sleep", "if it still says so")
	pass(clock.Patience)
	admit("it has lasted", "")
	jump(true, 11*day)
	admit("after another", "if it still says so")
	g.Believe()
	admit("it was looked at", "")
	pass(100 * day)
	admit("time that passes is no jump", "")
}

// The error of the second clock is its own.
func TestAGuardWithoutItsSecondClock(t *testing.T) {
	broken := errors.New("broken")
	g := clock.NewGuard(clock.System{}, nil, func(context.Context) (time.Time, error) { return time.Time{}, broken }, nil)
	if _, err := g.Admit(t.Context()); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// T38: a process that starts does not forget what was believed before it: a clock that is
// further ahead than a day without a sweep must last.
func TestAGuardRemembersOverARestart(t *testing.T) {
	stored := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	now, up := stored, time.Duration(0)
	started := func(at time.Time, known time.Time) *clock.Guard {
		now, up = at, 0
		return clock.NewGuard(clock.Func(func() time.Time { return now }), func() time.Duration { return up },
			func(context.Context) (time.Time, error) { return now, nil }, func(context.Context) (time.Time, error) { return known, nil })
	}
	admits := func(step string, g *clock.Guard, want bool) {
		t.Helper()
		_, err := g.Admit(t.Context())
		if doubt := new(clock.Doubt); (err == nil) != want || (err != nil && (!errors.As(err, &doubt) || doubt.Until.IsZero())) {
			t.Errorf("%s: %v", step, err)
		}
	}
	admits("the first of all", started(stored, time.Time{}), true)
	admits("behind", started(stored.Add(-time.Hour), stored), true)
	admits("a day later", started(stored.Add(clock.Downtime+clock.Tolerance), stored), true)
	g := started(stored.Add(100*24*time.Hour), stored)
	admits("far ahead", g, false)
	now, up = now.Add(clock.Patience), clock.Patience
	admits("it has lasted", g, true)
	g = started(stored.Add(100*24*time.Hour), stored)
	admits("far ahead again", g, false)
	g.Believe()
	admits("it was looked at", g, true)
}
