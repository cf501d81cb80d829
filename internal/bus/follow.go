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
	handle func(data []byte)
	missed uint64 // as already counted; the reading goroutine's
}

func newFollowers() *followers {
	return &followers{inbox: make(chan *nats.Msg, PendingMessages), all: map[*nats.Subscription]*followed{}}
}

// Follow is Subscribe for many who seldom get anything, without a goroutine for each.
// All handlers of this instance are called one after another, so none may wait for
// anything; nor may it call stop. Together they may fall PendingMessages behind.
func (b *Bus) Follow(subject string, handle func(data []byte)) (stop func(), err error) {
	f := b.followers
	f.mu.Lock() // what arrives at once finds its handler
	sub, err := b.conn.ChanSubscribe(subject, f.inbox)
	if err == nil {
		f.all[sub] = &followed{handle: handle}
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
	f.missed = b.countMissed(m.Sub, f.missed)
	if b.lose(m) {
		return
	}
	b.received.Add(1)
	defer b.survive()
	f.handle(m.Data)
}
