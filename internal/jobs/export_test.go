package jobs

import "time"

// AtOnce makes a runner start without River's random delays.
func AtOnce(c Config) Config {
	c.startAtOnce = true
	return c
}

// Leased sets how long after its last word a turn counts as one of the dead.
func Leased(c Config, d time.Duration) Config {
	c.lease = d
	return c
}
