//go:build unix

package rawio

import (
	"errors"
	"net"
	"syscall"
)

// Try writes to a connection as much as it takes at once, without the scheduler's
// knowledge. It belongs to one writer at a time.
type Try struct {
	raw syscall.RawConn
	do  func(fd uintptr) bool // attempt, made once
	b   []byte
	n   int
}

// NewTry is nil when the connection has no descriptor of its own.
func NewTry(c net.Conn) *Try {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	t := &Try{raw: raw}
	t.do = t.attempt
	return t
}

// Write reports how many bytes went. An error shows at the next ordinary write.
func (t *Try) Write(b []byte) int {
	t.b, t.n = b, 0
	if t.raw.Write(t.do) != nil {
		t.n = 0
	}
	t.b = nil
	return t.n
}

// attempt never asks to be called again when the descriptor is ready: that would wait.
func (t *Try) attempt(fd uintptr) bool {
	for {
		n, err := Write(int(fd), t.b)
		if !errors.Is(err, syscall.EINTR) {
			t.n = max(n, 0)
			return true
		}
	}
}
