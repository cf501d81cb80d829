package bus

import (
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Subscribe calls handle for each message on the subject, one after another in the
// order of each sender; "*" stands for one part of a subject, ">" for all the rest. A
// handler too slow for its messages loses the newest (see Stats). Data is the handler's
// to keep. Messages which this instance publishes after Subscribe returned arrive for
// certain; other instances learn of the subscription a moment later. No call begins
// after stop returned.
func (b *Bus) Subscribe(subject string, handle func(data []byte, reply func([]byte) error)) (stop func(), err error) {
	var stopped atomic.Bool
	var missed uint64 // of this subscription, as already counted; only its goroutine touches it
	var sub *nats.Subscription
	ready := make(chan struct{})
	sub, err = b.conn.Subscribe(subject, func(m *nats.Msg) {
		<-ready
		missed = b.countMissed(sub, missed)
		if stopped.Load() || b.lose(m) {
			return
		}
		b.received.Add(1)
		defer b.survive()
		handle(m.Data, replier(m))
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, err)
	}
	err = sub.SetPendingLimits(PendingMessages, PendingBytes)
	close(ready)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("subscribe to %s: %w", subject, err), sub.Unsubscribe())
	}
	b.settle()
	return func() {
		stopped.Store(true)
		_ = sub.Unsubscribe() // fails only when the connection is closed, which ends it as well
	}, nil
}

// survive ends a panic of a handler: what it was told is lost, as messages may be, and the
// process goes on.
func (b *Bus) survive() {
	if p := recover(); p != nil {
		b.log.Error("a message broke its handler down", "panic", fault.OfPanic(p), "stack", string(debug.Stack()))
	}
}

// settle waits until the broker knows of a new subscription.
func (b *Bus) settle() {
	if b.conn.IsConnected() {
		_ = b.conn.FlushTimeout(2 * time.Second) // when it fails the subscription is made again on reconnecting
	}
}

// countMissed adds what a subscription lost since last time.
func (b *Bus) countMissed(sub *nats.Subscription, before uint64) uint64 {
	n, err := sub.Dropped()
	if err != nil || n < 0 {
		return before
	}
	now := uint64(n)
	b.dropped.Add(now - before)
	return now
}

func (b *Bus) lose(m *nats.Msg) bool {
	return b.drop != nil && m.Reply == "" && b.drop()
}

func replier(m *nats.Msg) func([]byte) error {
	if m.Reply == "" {
		return func([]byte) error { return ErrNobody }
	}
	return func(data []byte) error {
		if err := m.Respond(data); err != nil {
			return fmt.Errorf("reply on %s: %w", m.Subject, err)
		}
		return nil
	}
}
