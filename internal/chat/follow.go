package chat

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// MaxWindow is the longest time over which a follower may ask deltas to be merged.
const MaxWindow = time.Second

// Follow says how to follow a reply.
type Follow struct {
	ReplyID string
	// AfterSeq is the position the client has; nil asks for a snapshot first.
	AfterSeq *int
	// Window merges deltas: at most one per window. 0 merges what has come since the
	// last event was taken.
	Window time.Duration
}

// Follow yields the events of a reply as Follower does and closes the channel after
// ReplyFinished or ReplyFailed or when ctx ends.
func (s *Service) Follow(ctx context.Context, v viewer.Viewer, f Follow) (<-chan models.ReplyEvent, error) {
	follower, err := s.Follower(ctx, v, f)
	if err != nil {
		return nil, err
	}
	out := make(chan models.ReplyEvent)
	if !s.workers.start(func() {
		defer close(out)
		defer follower.Close()
		for e := follower.Next(ctx); e != nil; e = follower.Next(ctx) {
			select {
			case out <- e:
			case <-ctx.Done():
				return
			}
		}
	}) {
		follower.Close()
		return nil, errShuttingDown()
	}
	return out, nil
}

// Follower reads the events of a reply, each once and with rising seq. It is a position
// in the reply's log, not a queue: Next gives all that has come since it was last called.
// It belongs to one goroutine at a time.
type Follower struct {
	s        *Service
	v        viewer.Viewer
	id       string
	window   time.Duration
	at       int
	snapshot bool // the next event is a snapshot
	rest     bool // a delta was given: the window runs
	over     bool
	place    int // in the line at the engine, as it was told

	push    func() bool
	log     *replyLog
	changed <-chan struct{}
	unwatch func()
}

// Follower begins to follow. It refuses replies that are not the viewer's with
// NOT_FOUND and positions beyond the end with INVALID. Close must be called.
func (s *Service) Follower(ctx context.Context, v viewer.Viewer, in Follow) (*Follower, error) {
	if in.Window < 0 || in.Window > MaxWindow {
		return nil, fault.On("windowMs", fault.Invalid, "windowMs must be between 1 and %d", MaxWindow.Milliseconds())
	}
	log, err := s.source(ctx, v, in.ReplyID)
	if err != nil {
		return nil, err
	}
	f := &Follower{s: s, v: v, id: in.ReplyID, window: in.Window, snapshot: in.AfterSeq == nil}
	if in.AfterSeq != nil {
		if f.at = *in.AfterSeq; f.at < 0 || log.beyond(f.at) {
			return nil, fault.On("afterSeq", fault.Invalid, "afterSeq is beyond the end of the reply: subscribe again without it")
		}
	}
	f.watch(log)
	return f, nil
}

func (f *Follower) watch(log *replyLog) {
	f.log = log
	f.changed, f.unwatch = log.watch(f.push)
}

// Push has push called on the writer's goroutine, one follower after the other,
// when there may be something for Poll. It must not block, and says false when it could
// not do all of it: then Wait ends. Push must be called before the first Step.
func (f *Follower) Push(push func() bool) {
	f.unwatch()
	f.push = push
	f.watch(f.log)
}

// Close ends following.
func (f *Follower) Close() { f.unwatch() }

// Next waits for the next event. It is nil after the last one, ReplyFinished or
// ReplyFailed, and when ctx ends.
func (f *Follower) Next(ctx context.Context) models.ReplyEvent {
	for !f.over {
		if e := f.Step(ctx); e != nil {
			return e
		}
		if !f.Wait(ctx) {
			return nil
		}
	}
	return nil
}

// Step is the next event if there is one already, nil if it has to be waited for.
func (f *Follower) Step(ctx context.Context) models.ReplyEvent {
	for !f.over && !f.rest {
		if f.snapshot {
			f.snapshot = false
			seq, text, reasoning, status := f.log.content()
			f.at = seq
			return &models.ReplySnapshot{Seq: seq, Text: text, Reasoning: reasoning, Status: status}
		}
		p := f.log.read(f.at)
		switch {
		case p.gap:
			f.snapshot = true
		case p.text != "":
			f.at, f.rest, f.place = p.seq, f.window > 0, 0
			return delta(p)
		case p.end != nil:
			f.over = true
			return ended(f.at, *p.end)
		case p.replaced:
			if e := f.move(ctx); e != nil || ctx.Err() != nil {
				f.over = true
				return e
			}
		default:
			return f.queued()
		}
	}
	return nil
}

// queued tells that the reply's place in the line is another.
func (f *Follower) queued() models.ReplyEvent {
	place := f.log.place()
	if place == f.place {
		return nil
	}
	f.place = place
	return &models.ReplyQueued{Seq: f.at, Position: place}
}

// Poll calls use with the next stretch of text or reasoning if there is one and nothing
// else is due: what Step would return, in the parts that need no waiting of any kind.
// The text is valid during the call only. more means that Poll has something left.
func (f *Follower) Poll(use func(seq int, text []byte, reasoning bool)) (more, ok bool) {
	if f.over || f.rest || f.snapshot || f.window > 0 {
		return false, false
	}
	at, more, ok := f.log.peek(f.at, use)
	if ok {
		f.at, f.place = at, 0
	}
	return more, ok
}

// Wait waits until Step may have something. It is false when there is nothing more to
// come or ctx has ended.
func (f *Follower) Wait(ctx context.Context) bool {
	if f.over {
		return false
	}
	if f.rest {
		return f.pause(ctx)
	}
	select {
	case <-f.changed:
		return true
	case <-ctx.Done():
		return false
	}
}

// move goes on in the log that continues the reply; an event means that there is none.
func (f *Follower) move(ctx context.Context) models.ReplyEvent {
	f.v = f.log.follower(f.v)
	next, err := f.s.sourceAfter(ctx, f.v, f.id, f.log)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return failed(f.at, err)
	}
	f.unwatch()
	f.watch(next)
	return nil
}

// pause waits for the window.
func (f *Follower) pause(ctx context.Context) bool {
	f.rest = false
	t := time.NewTimer(f.window)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func delta(p piece) models.ReplyEvent {
	if p.kind == kindReasoning {
		return &models.ReplyReasoningDelta{Seq: p.seq, Text: p.text}
	}
	return &models.ReplyDelta{Seq: p.seq, Text: p.text}
}

func ended(seq int, e ending) models.ReplyEvent {
	if e.Error != nil {
		return &models.ReplyFailed{Seq: seq, Error: e.Error}
	}
	return &models.ReplyFinished{Seq: seq, Status: e.Status, Usage: e.Usage, Credits: e.Credits}
}

func failed(seq int, err error) models.ReplyEvent {
	if list, ok := fault.Of(err); ok {
		return &models.ReplyFailed{Seq: seq, Error: replyError(list[0])}
	}
	return &models.ReplyFailed{Seq: seq, Error: &models.ReplyError{Code: models.ErrorCode(fault.Internal), Message: "The stream broke on our side. Reload to see the stored text."}}
}

func replyError(f *fault.Fault) *models.ReplyError {
	e := &models.ReplyError{Code: models.ErrorCode(f.Code), Message: f.Message}
	if f.RetryAfter > 0 {
		ms := int(f.RetryAfter.Milliseconds())
		e.RetryAfterMs = &ms
	}
	return e
}

// source finds the log of a reply: the one of a run on this instance, a replica of
// one on another, or what is stored. A log that is still another owner's, while the
// reply is the viewer's, has just been moved.
func (s *Service) source(ctx context.Context, v viewer.Viewer, replyID string) (*replyLog, error) {
	if !v.IsOwner() {
		return nil, notFound("reply")
	}
	l := s.hub.find(replyID)
	if l != nil && l.owner() == v.OwnerID {
		return l, ownReply(s.DB.Gorm(ctx), v, replyID)
	}
	m, err := s.FindMessage(ctx, v, replyID)
	if err != nil {
		return nil, err
	}
	if m.Role != models.RoleAssistant {
		return nil, notFound("reply")
	}
	if err := ownReply(s.DB.Gorm(ctx), v, replyID); err != nil {
		return nil, err
	}
	switch {
	case l != nil:
		s.bequeath(replyID, l, v)
		return l, nil
	case m.Status.Live():
		return s.replicate(m), nil
	default:
		return storedLog(m), nil
	}
}

// sourceAfter finds the log that continues the reply after old was replaced.
func (s *Service) sourceAfter(ctx context.Context, v viewer.Viewer, replyID string, old *replyLog) (*replyLog, error) {
	for {
		l, err := s.source(ctx, v, replyID)
		if err != nil {
			return nil, fmt.Errorf("follow reply: %w", err)
		}
		if l != old {
			return l, nil
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// storedLog is the log of a reply that has ended.
func storedLog(m *models.Message) *replyLog {
	l := newLog(m.OwnerID, epochOf(m.LastSeq))
	l.preload(m.Text, m.Reasoning)
	l.finish(ending{Status: m.Status, Usage: m.Usage(), Credits: m.Credits(), Error: m.Error()})
	return l
}
