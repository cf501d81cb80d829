package wsconn

import (
	"time"

	"github.com/kimi-k2/kimi-k2/internal/rawio"
)

// send writes one frame and frees it. After an error the socket is over.
func (s *socket) send(f *frame, opcode byte) error {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	defer f.free()
	if s.dead {
		return errClosed
	}
	return s.write(f.finish(opcode))
}

// write sends bytes before the write deadline, after what a try left over; wmu is held.
func (s *socket) write(b []byte) error {
	if err := s.extend(); err != nil {
		return err
	}
	if len(s.backlog) > 0 {
		if _, err := s.nc.Write(s.backlog); err != nil {
			return s.broken(err)
		}
		s.backlog = s.backlog[:0]
	}
	if len(b) == 0 {
		return nil
	}
	if _, err := s.nc.Write(b); err != nil {
		return s.broken(err)
	}
	return nil
}

// extend moves the write deadline; wmu is held. It is moved only when a quarter of it
// has passed: that timer costs as much as a small copy.
func (s *socket) extend() error {
	now := time.Now() //nolint:forbidigo // a socket deadline
	limit := s.t.cfg.WriteTimeout
	if s.deadline.Sub(now) >= limit || s.closing.Load() {
		return nil
	}
	s.deadline = now.Add(limit + limit/4)
	if err := s.nc.SetWriteDeadline(s.deadline); err != nil {
		return s.broken(err)
	}
	return nil
}

// flush sends what a try left over.
func (s *socket) flush() error {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	switch {
	case s.dead:
		return errClosed
	case len(s.backlog) == 0:
		return nil
	}
	return s.write(nil)
}

// pushable prepares trySend; false when the connection has no descriptor to try on.
func (s *socket) pushable() bool {
	s.wmu.Lock()
	defer s.wmu.Unlock()
	if s.trial == nil {
		s.trial = rawio.NewTry(s.nc)
	}
	return s.trial != nil
}

// trySend sends the frames that build makes, as long as there are more, as far as the
// connection takes them at once. It is false when build made none or something is left:
// another write is under way, or the connection is full.
func (s *socket) trySend(build func(f *frame) (more, made bool)) bool {
	if !s.wmu.TryLock() {
		return false
	}
	defer s.wmu.Unlock()
	if s.dead || len(s.backlog) > 0 || s.extend() != nil {
		return false
	}
	f := newFrame()
	defer f.free()
	for {
		more, made := build(f)
		if !made {
			return false
		}
		b := f.finish(frameText)
		if n := s.trial.Write(b); n < len(b) {
			s.backlog = append(s.backlog, b[n:]...)
			return false
		}
		if !more {
			return true
		}
		f.b = f.b[:headerRoom]
	}
}

// broken ends a socket whose write failed; wmu is held. The reader, woken by the
// closed connection, does the rest.
func (s *socket) broken(err error) error {
	s.dead = true
	s.closing.Store(true)
	s.cancel(errClosed)
	_ = s.nc.Close()
	return err
}

func (s *socket) control(opcode byte, data []byte) error {
	f := newFrame()
	f.bytes(data)
	return s.send(f, opcode)
}

// ping asks for a sign of life, unless a write is under way: that one has a
// deadline of its own.
func (s *socket) ping() {
	if !s.wmu.TryLock() {
		return
	}
	defer s.wmu.Unlock()
	if !s.dead {
		_ = s.write([]byte{framePing, 0}) // a failure ends the socket
	}
}
