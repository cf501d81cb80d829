// Package clock is the only place that asks the machine for the time, so that
// everything that depends on it can be tested with a time of its own.
package clock

import "time"

// Clock tells the time in UTC, truncated to microseconds (what Postgres keeps).
type Clock interface {
	Now() time.Time
}

// System is the machine's clock.
type System struct{}

// Now is the machine's time in UTC, truncated to microseconds.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Func makes a Clock of a function; tests use it to move time by hand.
type Func func() time.Time

// Now calls f.
func (f Func) Now() time.Time { return f().UTC().Truncate(time.Microsecond) }
