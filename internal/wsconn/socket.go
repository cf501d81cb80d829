package wsconn

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
	"github.com/kimi-k2/kimi-k2/internal/edge/live"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/rawio"
)

// linger is how long a closed socket waits for the client's side of the close, so
// that unread data in the kernel does not destroy the close frame on its way.
const linger = time.Second

// socket is one connection. Its reader goroutine owns the fields of the first
// group; the others say what guards them.
type socket struct {
	t       *Transport
	exec    graphql.GraphExecutor
	ws      *websocket.Conn
	nc      net.Conn
	request *http.Request // until connection_init
	keyless bool          // see Transport.admissible
	pass    *gate.Pass
	rate    bucket

	//nolint:containedctx // a socket is the scope of its operations and outlives the request
	ctx    context.Context
	cancel context.CancelCauseFunc

	ready  atomic.Bool      // acknowledged; publishes pinged to the sweeper
	pinged time.Time        // the sweeper's once ready
	live   *live.Connection // the reader's; nil until acknowledged

	closing atomic.Bool // a close frame was or is being sent
	left    sync.Once

	wmu      sync.Mutex // one frame at a time
	dead     bool       // guarded by wmu: nothing may be written any more
	deadline time.Time  // guarded by wmu: the write deadline in force
	trial    *rawio.Try // guarded by wmu: nil until a feed pushes
	backlog  []byte     // guarded by wmu: what a try left of a frame

	mu     sync.Mutex
	active []*operation // by id; a completed one is out of it at once
	ops    sync.WaitGroup
	count  atomic.Int32 // running goroutines of operations
}

func newSocket(t *Transport, exec graphql.GraphExecutor, r *http.Request, pass *gate.Pass, ws *websocket.Conn) *socket {
	s := &socket{t: t, exec: exec, request: r, pass: pass, ws: ws, nc: ws.NetConn()}
	s.ctx, s.cancel = context.WithCancelCause(context.WithoutCancel(r.Context()))
	if n := t.cfg.MessagesPerMinute; n > 0 {
		s.rate = bucket{every: time.Minute / time.Duration(n), burst: time.Minute}
	}
	s.listen()
	return s
}

// listen sets what the library asks while it reads.
func (s *socket) listen() {
	ws := s.ws
	ws.SetReadLimit(s.t.cfg.ReadLimit)
	ws.SetCloseHandler(func(int, string) error { return nil }) // answered by serve
	ws.SetPingHandler(func(data string) error {
		if !s.allowed() {
			return errTooMany
		}
		s.alive()
		return s.control(framePong, []byte(data))
	})
	ws.SetPongHandler(func(string) error {
		if !s.allowed() {
			return errTooMany
		}
		s.alive()
		return nil
	})
	s.readBy(s.t.cfg.InitTimeout)
}

// leave gives back what the socket was counted for.
func (s *socket) leave() {
	s.left.Do(func() {
		s.cancel(errClosed)
		s.live.Remove()
		s.pass.Leave()
		s.t.forget(s)
	})
}

var (
	errClosed  = errors.New("the socket is closed")
	errTooMany = errors.New("too many messages")
)

// serve reads until the socket ends and leaves nothing running.
func (s *socket) serve() {
	defer func() {
		if p := recover(); p != nil {
			s.t.cfg.Log.Error("websocket reader panicked", "panic", fault.OfPanic(p), "stack", string(debug.Stack()))
			s.close(CloseInternal, "internal error")
		}
		s.hangUp()
		s.ops.Wait()
		s.leave()
	}()
	if s.ws.Subprotocol() != Subprotocol {
		s.close(CloseSubprotocol, "Subprotocol not acceptable")
	}
	s.ended(s.read())
}

// ended answers the error that ended the reading.
func (s *socket) ended(err error) {
	var closed *websocket.CloseError
	var timeout net.Error
	switch {
	case s.closing.Load(): // the client has had its moment
		return
	case errors.As(err, &closed):
		s.close(answerTo(closed.Code), "")
		return
	case errors.Is(err, websocket.ErrReadLimit):
		s.silence() // the library has said 1009
	case errors.Is(err, errTooMany):
		s.close(ClosePolicy, "too many messages: slow down")
	case errors.As(err, &timeout) && timeout.Timeout():
		s.timedOut()
	default: // a broken connection, or a frame that the library has refused with 1002
		s.silence()
	}
	s.drain()
}

func (s *socket) timedOut() {
	if !s.ready.Load() {
		s.close(CloseInitTimeout, "Connection initialisation timeout")
	} else {
		s.close(CloseSilent, "no answer to pings")
	}
}

// answerTo is the code that answers a peer's close: its own unless that one must
// not be sent.
func answerTo(code int) int {
	switch code {
	case websocket.CloseNoStatusReceived, websocket.CloseAbnormalClosure, websocket.CloseTLSHandshake:
		return closeNormal
	}
	return code
}

// drain reads and forgets until the peer hangs up, for at most linger.
func (s *socket) drain() {
	if s.nc.SetReadDeadline(time.Now().Add(linger)) != nil { //nolint:forbidigo // a socket deadline
		return
	}
	b := make([]byte, 512)
	for {
		if _, err := s.nc.Read(b); err != nil {
			return
		}
	}
}

// close says goodbye once with a code and a reason of at most 123 bytes, ends the
// operations and gives the reader a moment for the client's answer. It may be
// called from any goroutine.
func (s *socket) close(code int, reason string) {
	if s.closing.Swap(true) {
		return
	}
	s.cancel(errClosed)
	payload := binary.BigEndian.AppendUint16(nil, uint16(code))
	payload = append(payload, clip(reason, 123)...)
	// A writer that is stuck with a peer that does not read is let go first.
	_ = s.nc.SetWriteDeadline(time.Now().Add(linger)) //nolint:forbidigo // a socket deadline
	s.wmu.Lock()
	if !s.dead {
		f := newFrame()
		f.bytes(payload)
		_ = s.nc.SetWriteDeadline(time.Now().Add(linger)) //nolint:forbidigo // a socket deadline
		// What a try left over ends the frame that it began; nobody is left to tell of an error.
		_, _ = s.nc.Write(append(s.backlog, f.finish(frameClose)...))
		s.backlog = nil
		f.free()
		s.dead = true
	}
	s.wmu.Unlock()
	_ = s.nc.SetReadDeadline(time.Now().Add(linger)) //nolint:forbidigo // a socket deadline
}

// silence ends the operations and lets nothing more be written.
func (s *socket) silence() {
	s.closing.Store(true)
	s.cancel(errClosed)
	s.wmu.Lock()
	s.dead = true
	s.wmu.Unlock()
}

// hangUp ends the connection.
func (s *socket) hangUp() {
	_ = s.nc.Close() // lets a stuck writer go
	s.silence()
}

// alive moves the read deadline after a sign of life.
func (s *socket) alive() {
	if s.ready.Load() && !s.closing.Load() {
		s.readBy(s.t.cfg.PongWait)
	}
}

func (s *socket) readBy(d time.Duration) {
	_ = s.nc.SetReadDeadline(time.Now().Add(d)) //nolint:forbidigo // a socket deadline
}

// allowed takes one message off the socket's rate.
func (s *socket) allowed() bool {
	return s.rate.every == 0 || s.rate.take(s.t.cfg.Clock.Now())
}

// clip cuts s to at most n bytes at a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
