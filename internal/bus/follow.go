package bus

import (
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
)

// followers are the subscriptions of Follow. They share a channel and the goroutine that
// reads it.
type followers struct {
	inbox chan *nats.Msg
	mu    sync.RWMutex // held while a handler runs, so that none begins after its stop
	all   map[*nats.Subscription]*followed
}

type followed struct {
	handle  func(data []byte)
	missing func()
	missed  uint64 // as already counted; the reading goroutine's
}

func newFollowers() *followers {
	return &followers{inbox: make(chan *nats.Msg, PendingMessages), all: map[*nats.Subscription]*followed{}}
}

// Follow is Subscribe for many who seldom get anything, without a goroutine for each.
// All handlers of this instance are called one after another, so none may wait for
// anything; nor may it call stop. Together they may fall PendingMessages behind. missing,
// of which the same is true, is called when messages did not come or may not have: when they
// fell further behind, and when the connection to the broker was lost.
func (b *Bus) Follow(subject string, handle func(data []byte), missing func()) (stop func(), err error) {
	f := b.followers
	f.mu.Lock() // what arrives at once finds its handler
	sub, err := b.conn.ChanSubscribe(subject, f.inbox)
	if err == nil {
		f.all[sub] = &followed{handle: handle, missing: missing}
	}
	f.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("follow %s: %w", subject, err)
	}
	b.settle()
	return func() {
		f.mu.Lock()
		delete(f.all, sub)
		f.mu.Unlock()
		_ = sub.Unsubscribe() // fails only when the connection is closed, which ends it as well
	}, nil
}

// following hands on what comes for followers until the bus is closed.
func (b *Bus) following() {
	for {
		select {
		case m := <-b.followers.inbox:
			b.deliver(m)
		case <-b.closed:
			return
		}
	}
}

func (b *Bus) deliver(m *nats.Msg) {
	b.followers.mu.RLock()
	defer b.followers.mu.RUnlock()
	f, ok := b.followers.all[m.Sub]
	if !ok {
		return
	}
	before := f.missed
	if f.missed = b.countMissed(m.Sub, before); f.missed > before {
		f.missing()
	}
	if b.lose(m) {
		return
	}
	b.received.Add(1)
	defer b.survive()
	f.handle(m.Data)
}

// reconnected tells all followers that they may have missed something.
func (b *Bus) reconnected() {
	b.followers.mu.RLock()
	defer b.followers.mu.RUnlock()
	for _, f := range b.followers.all {
		f.missing()
	}
}

// overrun tells a follower whose messages found no room, without waiting for the next one.
func (b *Bus) overrun(sub *nats.Subscription) {
	b.followers.mu.RLock()
	defer b.followers.mu.RUnlock()
	if f, ok := b.followers.all[sub]; ok {
		f.missing()
	}
}
