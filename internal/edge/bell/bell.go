// Package bell lets a subscription wait without a goroutine.
//
// A transport that offers this puts a Bell into the context of an operation. The source of
// the operation's events may Take it, and promises then to Ring once for each event, when
// it can be had without waiting, and once more when there will be none. Until then the
// transport keeps nothing but the Bell. A source that does not know of bells, or finds
// none, is waited for by a goroutine as always.
package bell

import (
	"context"
	"sync"
)

// Bell is rung by one source and answered by one transport. Make it with new.
type Bell struct {
	mu     sync.Mutex
	taken  bool
	rung   int         // not answered yet
	answer func() bool // nil until somebody answers, and when nobody does any more
	busy   bool        // a goroutine answers
}

type key struct{}

// With offers the bell to the source of the context's operation.
func With(ctx context.Context, b *Bell) context.Context { return context.WithValue(ctx, key{}, b) }

// Take is the context's bell for the source that will ring it; nil when there is none, or
// when it is taken.
func Take(ctx context.Context) *Bell {
	b, _ := ctx.Value(key{}).(*Bell)
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.taken {
		return nil
	}
	b.taken = true
	return b
}

// Decline gives the bell back: there are no events to ring for. On nil it does nothing.
func (b *Bell) Decline() {
	if b != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.taken = false
	}
}

// Taken reports whether a source will ring.
func (b *Bell) Taken() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.taken
}

// Ring has one event answered. It does not wait, may be called from any goroutine, and on
// nil, which does nothing.
func (b *Bell) Ring() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rung++
	b.begin()
}

// Answer has answer called once for each Ring, also for those that were before, one after
// another, each time on some goroutine; until it returns false. It is called once.
func (b *Bell) Answer(answer func() bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = answer
	b.begin()
}

// begin starts answering unless somebody does or there is nothing to answer; b is locked.
func (b *Bell) begin() {
	if b.answer != nil && b.rung > 0 && !b.busy {
		b.busy = true
		go b.work(b.answer)
	}
}

func (b *Bell) work(answer func() bool) {
	for b.next() {
		if !answer() {
			b.mu.Lock()
			b.answer = nil
			b.mu.Unlock()
			return
		}
	}
}

// next takes a ring; false when there is none, and nobody is busy then.
func (b *Bell) next() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.busy = b.rung > 0; b.busy {
		b.rung--
	}
	return b.busy
}
