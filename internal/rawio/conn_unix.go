//go:build unix

package rawio

import (
	"net"
	"sync"
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
	mu  sync.Mutex // of one write, from its try to its end
	try *Try
}

// Conn is c, written as the connections of a Listener are, if it is one of TCP.
func Conn(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	try := NewTry(tcp)
	if try == nil {
		return c
	}
	return &conn{TCPConn: tcp, try: try}
}

// Write implements net.Conn. What the try leaves, and every error, is of the ordinary write.
func (c *conn) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	if len(b) > 0 && len(b) <= atOnce {
		if n = c.try.Write(b); n == len(b) {
			return n, nil
		}
	}
	more, err := c.TCPConn.Write(b[n:])
	return n + more, err //nolint:wrapcheck // the connection's own
}
