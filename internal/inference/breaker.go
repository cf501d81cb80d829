package inference

import (
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// Breaker says when an engine counts as dead: after Failures failures in a row within
// Window it is left alone for Cooldown, then one request at a time tries it. Zero
// values mean 5, 30 s and 15 s.
type Breaker struct {
	Failures         int
	Window, Cooldown time.Duration
}

func (b Breaker) withDefaults() Breaker {
	if b.Failures <= 0 {
		b.Failures = 5
	}
	if b.Window <= 0 {
		b.Window = 30 * time.Second
	}
	if b.Cooldown <= 0 {
		b.Cooldown = 15 * time.Second
	}
	return b
}

// verdict is what a request taught about the engine's health.
type verdict int

const (
	unknown verdict = iota // the request was given up before it could tell
	healthy
	broken
)

// breaker is the state of a Breaker. It is closed while all is well, open while the
// engine is left alone, and half open while one probe is under way.
type breaker struct {
	rule  Breaker
	clock clock.Clock

	mu       sync.Mutex
	failures []time.Time // the latest in a row, at most rule.Failures
	openedAt time.Time   // zero when closed
	probing  bool
}

// permit is the leave to make one request; done must be called exactly once.
type permit struct {
	b     *breaker
	probe bool
}

// enter gives a permit, or says how long the engine is still left alone.
func (b *breaker) enter() (*permit, time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.openedAt.IsZero() {
		return &permit{b: b}, 0
	}
	left := b.openedAt.Add(b.rule.Cooldown).Sub(b.clock.Now())
	if left > 0 || b.probing {
		return nil, max(left, time.Second)
	}
	b.probing = true
	return &permit{b: b, probe: true}, 0
}

// alive tells that the engine produces an answer; a probe closes the breaker at once,
// so that others need not wait for the end of its answer.
func (p *permit) alive() {
	if !p.probe {
		return
	}
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	p.probe = false
	p.b.close()
}

// done ends the request with what it taught.
func (p *permit) done(v verdict) {
	p.b.mu.Lock()
	defer p.b.mu.Unlock()
	if p.probe {
		p.b.probing = false
	}
	switch v {
	case healthy:
		if p.probe || p.b.openedAt.IsZero() {
			p.b.close()
		}
	case broken:
		p.b.fail(p.probe)
	}
}

func (b *breaker) close() {
	b.failures, b.openedAt, b.probing = b.failures[:0], time.Time{}, false
}

// fail counts a failure. A failed probe opens the breaker again; requests that were
// already under way when it opened don't prolong it.
func (b *breaker) fail(probe bool) {
	now := b.clock.Now()
	if !b.openedAt.IsZero() && !probe {
		return
	}
	if len(b.failures) == b.rule.Failures {
		b.failures = append(b.failures[:0], b.failures[1:]...)
	}
	b.failures = append(b.failures, now)
	if probe || len(b.failures) == b.rule.Failures && now.Sub(b.failures[0]) <= b.rule.Window {
		b.openedAt = now
	}
}

// state is DOWN while the engine is left alone, DEGRADED after a recent failure.
func (b *breaker) state() State {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.openedAt.IsZero():
		return StateDown
	case len(b.failures) > 0 && b.clock.Now().Sub(b.failures[len(b.failures)-1]) <= b.rule.Window:
		return StateDegraded
	}
	return StateOK
}
