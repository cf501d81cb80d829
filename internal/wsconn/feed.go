package wsconn

import (
	"context"
	"sync"
)

// feeding sends the events of a feed, each appended straight to its frame: on a goroutine
// of its own, or, where the feed's source calls push and the connection takes the bytes
// at once, on the source's. Then a token costs no change of goroutine.
type feeding struct {
	s      *socket
	events Feed
	prefix string

	turn sync.Mutex // whoever takes an event sends it before another is taken
	over bool
}

// feed sends what a feed yields, to its end.
func (s *socket) feed(ctx context.Context, op *operation, events Feed) {
	f := &feeding{s: s, events: events, prefix: head(op.id, "next") + `,"payload":{"data":`}
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
		out.text(`}}`)
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
	out.text(`}}`)
	return more, event
}
