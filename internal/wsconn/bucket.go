package wsconn

import "time"

// bucket is a token bucket as one moment: the time at which it is full again.
type bucket struct {
	every time.Duration // one token
	burst time.Duration // all tokens; zero with every: unlimited
	full  time.Time
}

func (b *bucket) take(now time.Time) bool {
	if b.full.Before(now) {
		b.full = now
	}
	next := b.full.Add(b.every)
	if next.Sub(now) > b.burst {
		return false
	}
	b.full = next
	return true
}
