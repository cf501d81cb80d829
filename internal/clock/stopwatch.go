package clock

import "time"

// Stopwatch measures how long something takes, by a clock that nobody sets: it goes
// on evenly while the time of day jumps.
type Stopwatch struct{ began time.Time }

// StartStopwatch starts one.
func StartStopwatch() Stopwatch { return Stopwatch{began: time.Now()} }

// Elapsed is how long it runs.
func (s Stopwatch) Elapsed() time.Duration { return time.Since(s.began) }
