package web

import (
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// maxPaced bounds the memory of a pace. When it is full an arbitrary owner's tries are
// forgotten: filling it must not lock everybody else out.
const maxPaced = 10_000

// pace lets each owner begin something so many times in any minute, and have so many of
// it under way at once. It lives in memory.
type pace struct {
	clock           clock.Clock
	perMinute, once int
	many, busyWords string // what is paced, for refusals

	mu    sync.Mutex
	tries map[string][]time.Time // by owner, the youngest last
	busy  map[string]int         // by owner, those under way
}

func newPace(c clock.Clock, perMinute, atOnce int) *pace {
	return &pace{clock: c, perMinute: perMinute, once: atOnce, many: "tables", busyWords: "a table is being written for you already", tries: map[string][]time.Time{}, busy: map[string]int{}}
}

// of is the pace of something else than tables.
func (p *pace) of(many, busy string) *pace {
	p.many, p.busyWords = many, busy
	return p
}

// begin counts a try, or refuses it with RATE_LIMITED. Call done when it has ended.
func (p *pace) begin(owner string) (done func(), err error) {
	now := p.clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	tries := lastMinute(p.tries[owner], now)
	if len(tries) >= p.perMinute {
		f := fault.New(fault.RateLimited, "too many %s were asked for: wait a minute and try again", p.many)
		f.RetryAfter = tries[0].Add(time.Minute).Sub(now)
		return nil, f
	}
	if p.busy[owner] >= p.once {
		f := fault.New(fault.RateLimited, "%s: wait for it to end", p.busyWords)
		f.RetryAfter = time.Second
		return nil, f
	}
	if len(tries) == 0 {
		p.forget(now)
	}
	p.tries[owner] = append(tries, now)
	p.busy[owner]++
	return func() { p.end(owner) }, nil
}

func (p *pace) end(owner string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy[owner]--; p.busy[owner] <= 0 {
		delete(p.busy, owner)
	}
}

// forget makes room when there is none. mu is held.
func (p *pace) forget(now time.Time) {
	if len(p.tries) < maxPaced {
		return
	}
	for owner, tries := range p.tries {
		if len(lastMinute(tries, now)) == 0 {
			delete(p.tries, owner)
		}
	}
	for owner := range p.tries {
		if len(p.tries) < maxPaced {
			return
		}
		delete(p.tries, owner)
	}
}

// lastMinute drops what is a minute old, or in the future because the clock was set back.
func lastMinute(tries []time.Time, now time.Time) []time.Time {
	var out []time.Time
	for _, t := range tries {
		if age := now.Sub(t); age >= 0 && age < time.Minute {
			out = append(out, t)
		}
	}
	return out
}
