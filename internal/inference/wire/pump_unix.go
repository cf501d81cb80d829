//go:build unix

package wire

import (
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/rawio"
)

// lookAgain is how long a stream may wait for a sign of its connection before it is read
// all the same. A read that does not fill its buffer has emptied the connection, so the next
// one waits at once; only when the engine's last bytes and its end had arrived together is
// nobody told of the end any more.
const lookAgain = 500 * time.Millisecond

// pump gives use what comes on the connection. The runtime's poller is asked to wait without
// another read in between, which it does within one call of RawConn.Read only.
func (b *body) pump(use func(data []byte) error) error {
	sc, ok := b.c.nc.(syscall.Conn)
	if !ok {
		return b.slowly(use)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return b.slowly(use)
	}
	defer func() { _ = b.c.nc.SetReadDeadline(time.Time{}) }()
	var ended error
	arrived := func(fd uintptr) bool {
		var over bool
		over, ended = b.arrived(int(fd), use)
		return over
	}
	for {
		if err := b.c.nc.SetReadDeadline(time.Now().Add(lookAgain)); err != nil { //nolint:forbidigo // a socket deadline
			return err //nolint:wrapcheck // says where from
		}
		switch err := raw.Read(arrived); {
		case err == nil:
			return ended
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return err //nolint:wrapcheck // says where from
		}
	}
}

// arrived reads what is there; over is false when the connection has to be waited for.
func (b *body) arrived(fd int, use func(data []byte) error) (over bool, err error) {
	buf := arrivals.Get().(*[arrival]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer arrivals.Put(buf)
	for {
		n, err := rawio.Read(fd, buf[:])
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EAGAIN):
			return false, nil
		case err != nil:
			return true, os.NewSyscallError("read", err)
		case n == 0:
			return true, b.dec.end()
		}
		if over, err := b.feed(buf[:n], use); over {
			return true, err
		}
		if n < len(buf) && b.dec.kind != toTheEnd {
			return false, nil
		}
	}
}

// alive reports whether a kept connection is still open, and silent.
func (c *conn) alive() bool {
	sc, ok := c.nc.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	open := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		open = errors.Is(err, syscall.EAGAIN)
		return true
	})
	return err == nil && open
}

var _ io.Reader = (*body)(nil)
