package retention

// AfterBatch has f called after each batch of a rule.
func (c *Config) AfterBatch(f func(rule string)) { c.afterBatch = f }

// SweepLock is the advisory lock of whoever sweeps.
const SweepLock = sweepLock
