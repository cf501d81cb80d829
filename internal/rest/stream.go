package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// errUnread says that the client doesn't take what is sent to it.
var errUnread = errors.New("the client doesn't read")

// stream is an answer under way as server-sent events. Until the first of them nothing is
// promised, and a failure is an ordinary refusal.
type stream struct {
	*call
	run    Run
	enc    encoder
	conn   *http.ResponseController
	push   func([]byte) error // writes and sends
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	buf    []byte
	open   bool // the header is out
	begun  bool // the first event is out
	over   bool
	broken bool // a write failed
	quiet  *time.Timer
	// Pieces cost no timers: the one of the silence looks back when it rings, and a deadline
	// serves for a quarter of its time. Both are times of the call's watch.
	sent, renew time.Duration
}

// deadline cuts a client that doesn't read the next write. Where there is no connection
// there is nothing to cut.
func (c *call) deadline() {
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(c.WriteTimeout)) //nolint:forbidigo // a deadline of a socket
}

// stream sends each piece of the answer as it comes.
func (c *call) stream(run Run, enc encoder) {
	ctx, cancel := context.WithCancelCause(c.r.Context())
	defer cancel(nil)
	s := &stream{call: c, run: run, enc: enc, conn: http.NewResponseController(c.w), cancel: cancel, buf: make([]byte, 0, 1024)}
	s.push = s.flushed
	if p, ok := c.w.(interface{ Push([]byte) error }); ok {
		s.push = p.Push
	}
	s.mu.Lock() // the timer may ring before it is in its place
	s.quiet = time.AfterFunc(c.KeepAlive, s.ping)
	s.mu.Unlock()
	outcome, err := run.Stream(ctx, s.emit)
	c.used(run, outcome)
	err = c.failed(run, outcome, err)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.quiet.Stop()
	switch {
	case s.broken || left(c.r.Context()):
		c.gone()
	case err != nil && !s.open:
		c.refuse(err)
	case err != nil:
		s.buf = enc.fail(s.buf[:0], c.blame(err))
		_ = s.send() // nobody is left to tell
	default:
		s.begin()
		s.buf = enc.end(s.buf, outcome)
		if s.send() != nil {
			c.gone()
		}
	}
}

// emit sends one piece at once.
func (s *stream) emit(d inference.Delta) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	s.buf = s.enc.delta(s.buf, d)
	return s.send()
}

// begin empties the buffer and puts the first event into it, once. mu is held.
func (s *stream) begin() {
	s.buf = s.buf[:0]
	if !s.begun {
		s.begun = true
		s.buf = s.enc.begin(s.buf)
	}
}

// send writes the buffer and pushes it out. mu is held.
func (s *stream) send() error {
	if s.broken {
		return errUnread
	}
	if len(s.buf) == 0 {
		return nil
	}
	if !s.open {
		s.open = true
		s.headers()
		h := s.w.Header()
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-store, no-transform")
		h.Set("X-Accel-Buffering", "no") // proxies would hold it back
		s.w.WriteHeader(http.StatusOK)
	}
	s.sent = s.watch.Elapsed()
	if s.sent >= s.renew {
		_ = s.conn.SetWriteDeadline(time.Now().Add(s.WriteTimeout)) //nolint:forbidigo // a deadline of a socket
		s.renew = s.sent + s.WriteTimeout/4
	}
	if err := s.push(s.buf); err != nil {
		s.broken = true
		s.cancel(errUnread)
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	return nil
}

// flushed is push where the connection offers nothing shorter.
func (s *stream) flushed(p []byte) error {
	if _, err := s.w.Write(p); err != nil {
		return err //nolint:wrapcheck // net/http's own
	}
	return s.conn.Flush() //nolint:wrapcheck // net/http's own
}

// ping breaks a silence with a comment, so that nobody on the way takes the connection for
// dead.
func (s *stream) ping() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.broken {
		return
	}
	if left := s.sent + s.KeepAlive - s.watch.Elapsed(); s.sent > 0 && left > 0 {
		s.quiet.Reset(left)
		return
	}
	s.quiet.Reset(s.KeepAlive)
	s.buf = append(s.buf[:0], ": keep-alive\n\n"...)
	if s.run.Position != nil {
		if n := s.run.Position(); n > 0 {
			s.buf = append(appendInt(append(s.buf[:0], ": queue position "...), n), "\n\n"...)
		}
	}
	_ = s.send() // a failure ends the run
}
