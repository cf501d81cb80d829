//go:build unix

package rawio

import (
	"errors"
	"net"
	"sync"
	"syscall"
)

// atOnce is up to how many bytes a write is tried without the scheduler's knowledge. What
// copying more takes is worth letting go of the processor for.
const atOnce = 16 << 10

// Listen is l with connections that are written with Write as far as they take what is
// written at once. Otherwise they are what they are.
func Listen(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // the listener's own
	}
	return Conn(c), nil
}

// conn is a connection of TCP whose writes begin with a try.
type conn struct {
	*net.TCPConn
	raw syscall.RawConn
	try func(fd uintptr) bool // attempt, made once

	mu sync.Mutex // of one write, from its try to its end
	b  []byte
	n  int
}

// Conn is c, written as the connections of a Listener are, if it is one of TCP.
func Conn(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	out := &conn{TCPConn: tcp, raw: raw}
	out.try = out.attempt
	return out
}

// Write implements net.Conn. What the try leaves, and every error, is of the ordinary write.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	if len(b) > 0 && len(b) <= atOnce {
		c.b, c.n = b, 0
		if err := c.raw.Write(c.try); err == nil {
			n = c.n
		}
		if c.b = nil; n == len(b) {
			return n, nil
		}
	}
	more, err := c.TCPConn.Write(b[n:])
	return n + more, err //nolint:wrapcheck // the connection's own
}

// attempt never asks to be called again when the descriptor is ready: the ordinary write
// waits.
func (c *conn) attempt(fd uintptr) bool {
	for {
		n, err := Write(int(fd), c.b)
		if !errors.Is(err, syscall.EINTR) {
			c.n = max(n, 0)
			return true
		}
	}
}
