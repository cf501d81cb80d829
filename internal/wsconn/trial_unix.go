//go:build unix

package wsconn

import (
	"errors"
	"net"
	"syscall"

	"github.com/kimi-k2/kimi-k2/internal/rawio"
)

// trial writes to a connection as much as it takes at once. It belongs to whoever holds
// the socket's write lock.
type trial struct {
	raw syscall.RawConn
	do  func(fd uintptr) bool // made once
	b   []byte
	n   int
}

// newTrial is nil when the connection has no descriptor of its own.
func newTrial(c net.Conn) *trial {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	t := &trial{raw: raw}
	t.do = t.attempt
	return t
}

// write reports how many bytes went. An error shows at the next ordinary write.
func (t *trial) write(b []byte) int {
	t.b, t.n = b, 0
	if t.raw.Write(t.do) != nil {
		t.n = 0
	}
	t.b = nil
	return t.n
}

// attempt never asks to be called again when the descriptor is ready: that would wait.
func (t *trial) attempt(fd uintptr) bool {
	for {
		n, err := rawio.Write(int(fd), t.b)
		if !errors.Is(err, syscall.EINTR) {
			t.n = max(n, 0)
			return true
		}
	}
}
