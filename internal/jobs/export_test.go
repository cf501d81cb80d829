package jobs

// AtOnce makes a runner start without River's random delays.
func AtOnce(c Config) Config {
	c.startAtOnce = true
	return c
}
