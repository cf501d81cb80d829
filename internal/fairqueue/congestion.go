package fairqueue

import "time"

// congestion says how many streams are let in: all that are set, and fewer after the engine
// was too busy.
type congestion struct {
	most    int // as set; 0: no bound
	active  int
	until   time.Time // the engine is left alone
	allowed int       // 0: most
	enough  int       // from so many on the engine is well again
	answers int       // that began since allowed last changed
}

// room reports whether one more may go to the engine.
func (c *congestion) room() bool {
	if c.allowed > 0 && c.active >= c.allowed {
		return false
	}
	return c.most == 0 || c.active < c.most
}

// congested halves the streams that are let in, once for all answers of one pause, and
// leaves the engine alone for a while; it reports whether this is the first time. Who was
// turned away is still counted as active.
func (c *congestion) congested(now time.Time, pause time.Duration) (first bool) {
	if now.Before(c.until) {
		return false
	}
	first = c.allowed == 0
	had := c.active
	if first {
		c.enough = had
		if c.most > 0 {
			c.enough = c.most
		}
	} else {
		had = min(had, c.allowed)
	}
	c.allowed, c.answers, c.until = max(had/2, 1), 0, now.Add(pause)
	return first
}

// well notes an answer that began: after as many as are let in, one more is.
func (c *congestion) well() {
	if c.allowed == 0 {
		return
	}
	if c.answers++; c.answers < c.allowed {
		return
	}
	c.answers = 0
	if c.allowed++; c.allowed > c.enough {
		c.allowed = 0
	}
}
