package wsconn

import "time"

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

// write sends bytes before the write deadline; wmu is held. The deadline is moved
// only when a quarter of it has passed: that timer costs as much as a small copy.
func (s *socket) write(b []byte) error {
	now := time.Now() //nolint:forbidigo // a socket deadline
	if limit := s.t.cfg.WriteTimeout; s.deadline.Sub(now) < limit && !s.closing.Load() {
		s.deadline = now.Add(limit + limit/4)
		if err := s.nc.SetWriteDeadline(s.deadline); err != nil {
			return s.broken(err)
		}
	}
	if _, err := s.nc.Write(b); err != nil {
		return s.broken(err)
	}
	return nil
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
