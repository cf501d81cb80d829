package wsconn

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// feeding sends the events of a feed, each appended straight to its frame: on a goroutine
// of its own, or, where the feed's source calls push and the connection takes the bytes
// at once, on the source's. Then a token costs no change of goroutine.
type feeding struct {
	s      *socket
	events Feed
	prefix string
	suffix string // of the next event

	turn sync.Mutex // whoever takes an event sends it before another is taken
	over bool
}

// feed sends what a feed yields, to its end.
func (s *socket) feed(ctx context.Context, op *operation, rc *graphql.OperationContext, events Feed) {
	f := &feeding{s: s, events: events, prefix: head(op.id, "next") + `,"payload":{"data":`, suffix: s.firstSuffix(rc)}
	defer f.close()
	if s.pushable() {
		events.Push(f.push)
	}
	for more := true; more; more = events.Wait(ctx) {
		if f.drain(ctx) != nil {
			s.remove(op)
			return
		}
	}
	s.finish(op)
}

// eventEnd closes the payload and the message around an event.
const eventEnd = `}}`

// firstSuffix is what follows the data of a feed's first event.
func (s *socket) firstSuffix(rc *graphql.OperationContext) string {
	if s.t.cfg.FeedExtensions != nil {
		if b := s.t.cfg.FeedExtensions(rc); len(b) > 0 {
			return `,"extensions":` + string(b) + eventEnd
		}
	}
	return eventEnd
}

// close ends pushing before the feed is closed.
func (f *feeding) close() {
	f.turn.Lock()
	f.over = true
	f.turn.Unlock()
	f.events.Close()
}

// drain sends all events that are there.
func (f *feeding) drain(ctx context.Context) error {
	f.turn.Lock()
	defer f.turn.Unlock()
	if err := f.s.flush(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		out := newFrame()
		out.text(f.prefix)
		b, event := f.events.Step(ctx, out.b)
		if out.b = b; !event || ctx.Err() != nil {
			out.free()
			return nil
		}
		out.text(f.suffix)
		f.suffix = eventEnd
		if err := f.s.send(out, frameText); err != nil {
			return err
		}
	}
	return nil
}

// push sends what is there without waiting for anything. It says false when drain has to
// go on.
func (f *feeding) push() bool {
	if !f.turn.TryLock() {
		return false
	}
	defer f.turn.Unlock()
	return !f.over && f.s.trySend(f.poll)
}

// poll builds the frame of an event that is there now.
func (f *feeding) poll(out *frame) (more, event bool) {
	out.text(f.prefix)
	out.b, more, event = f.events.Poll(out.b)
	if event {
		out.text(f.suffix)
		f.suffix = eventEnd
	}
	return more, event
}
