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

// Follow yields the events of a reply, each once and with rising seq, and closes the
// channel after ReplyFinished or ReplyFailed or when ctx ends. It refuses replies
// that are not the viewer's with NOT_FOUND and positions beyond the end with INVALID.
func (s *Service) Follow(ctx context.Context, v viewer.Viewer, f Follow) (<-chan models.ReplyEvent, error) {
	if f.Window < 0 || f.Window > MaxWindow {
		return nil, fault.On("windowMs", fault.Invalid, "windowMs must be between 1 and %d", MaxWindow.Milliseconds())
	}
	log, err := s.source(ctx, v, f.ReplyID)
	if err != nil {
		return nil, err
	}
	c := &cursor{s: s, v: v, id: f.ReplyID, window: f.Window, out: make(chan models.ReplyEvent)}
	if f.AfterSeq != nil {
		if c.at = *f.AfterSeq; c.at < 0 || log.beyond(c.at) {
			return nil, fault.On("afterSeq", fault.Invalid, "afterSeq is beyond the end of the reply: subscribe again without it")
		}
	}
	if !s.workers.start(func() {
		defer close(c.out)
		c.run(ctx, log, f.AfterSeq == nil)
	}) {
		return nil, errShuttingDown()
	}
	return c.out, nil
}

// cursor is one follower: a position and where to send what comes after it.
type cursor struct {
	s      *Service
	v      viewer.Viewer
	id     string
	window time.Duration
	at     int
	out    chan models.ReplyEvent
}

// run follows log, and whichever log continues it, to the end of the reply.
func (c *cursor) run(ctx context.Context, log *replyLog, snapshot bool) {
	for c.follow(ctx, log, snapshot) {
		snapshot = false
		next, err := c.s.sourceAfter(ctx, c.v, c.id, log)
		if err != nil {
			if ctx.Err() == nil {
				c.send(ctx, failed(c.at, err))
			}
			return
		}
		log = next
	}
}

// follow returns true when another log continues the reply.
func (c *cursor) follow(ctx context.Context, log *replyLog, snapshot bool) (more bool) {
	changed, stop := log.watch()
	defer stop()
	for {
		if snapshot {
			if !c.snapshot(ctx, log) {
				return false
			}
			snapshot = false
			continue
		}
		p := log.read(c.at)
		switch {
		case p.gap:
			snapshot = true
		case p.text != "":
			if !c.send(ctx, delta(p)) {
				return false
			}
			c.at = p.seq
			if !c.rest(ctx) {
				return false
			}
		case p.end != nil:
			c.send(ctx, ended(c.at, *p.end))
			return false
		case p.replaced:
			return true
		default:
			select {
			case <-changed:
			case <-ctx.Done():
				return false
			}
		}
	}
}

// rest waits for the window, if there is one.
func (c *cursor) rest(ctx context.Context) bool {
	if c.window == 0 {
		return true
	}
	t := time.NewTimer(c.window)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *cursor) snapshot(ctx context.Context, log *replyLog) bool {
	seq, text, reasoning, status := log.content()
	if !c.send(ctx, &models.ReplySnapshot{Seq: seq, Text: text, Reasoning: reasoning, Status: status}) {
		return false
	}
	c.at = seq
	return true
}

func (c *cursor) send(ctx context.Context, e models.ReplyEvent) bool {
	select {
	case c.out <- e:
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
// one on another, or what is stored.
func (s *Service) source(ctx context.Context, v viewer.Viewer, replyID string) (*replyLog, error) {
	if !v.IsOwner() {
		return nil, notFound("reply")
	}
	if l := s.hub.find(replyID); l != nil {
		if l.ownerID != v.OwnerID {
			return nil, notFound("reply")
		}
		return l, nil
	}
	m, err := s.FindMessage(ctx, v, replyID)
	if err != nil {
		return nil, err
	}
	if m.Role != models.RoleAssistant {
		return nil, notFound("reply")
	}
	if m.Status.Live() {
		return s.replicate(m), nil
	}
	return storedLog(m), nil
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
