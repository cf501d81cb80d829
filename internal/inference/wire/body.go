package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// body is the body of an answer. It belongs to one goroutine at a time.
type body struct {
	t    *Transport
	c    *conn
	ctx  context.Context //nolint:containedctx // of the request, which ends with the body
	stop func() bool     // ends watching the context
	dec  decoder
	rest []byte // came, and is not decoded
	keep bool   // the connection may be used again

	ended sync.Once
	err   error // what Read returns from now on
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	for {
		switch {
		case b.err != nil:
			return 0, b.err
		case len(p) == 0:
			return 0, nil
		case b.dec.over:
			b.err = io.EOF
			b.end()
			continue
		case len(b.rest) == 0:
			if err := b.more(); err != nil {
				return 0, b.fail(err)
			}
		}
		data, rest, err := b.dec.next(b.rest)
		if err != nil {
			return 0, b.fail(err)
		}
		n := copy(p, data)
		if b.rest = rest; n < len(data) {
			b.unread(data[n:])
		}
		if n > 0 {
			return n, nil
		}
	}
}

// unread puts back data for which there was no room, in front of what follows them.
func (b *body) unread(data []byte) {
	b.rest = append(append(make([]byte, 0, len(data)+len(b.rest)), data...), b.rest...)
	if b.dec.kind != toTheEnd {
		b.dec.left += uint64(len(data))
		b.dec.at, b.dec.over = atData, false
	}
}

// more reads from the connection.
func (b *body) more() error {
	buf := make([]byte, 4096)
	n, err := b.c.nc.Read(buf)
	if b.rest = buf[:n]; n > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return b.dec.end()
	}
	return err //nolint:wrapcheck // says where from
}

// fail ends the body with an error.
func (b *body) fail(err error) error {
	b.keep = b.keep && errors.Is(err, io.EOF)
	b.end()
	if cause := b.ctx.Err(); cause != nil {
		err = cause
	}
	b.err = err
	return err
}

var errBodyClosed = errors.New("the body of the answer is closed")

// Close implements io.Closer. A connection whose answer was not read to its end is closed,
// which ends it at the engine too.
func (b *body) Close() error {
	if b.err == nil {
		b.err = errBodyClosed
	}
	b.end()
	return nil
}

// end gives the connection back, or up.
func (b *body) end() {
	b.ended.Do(func() {
		if b.stop() && b.dec.over && b.keep && b.dec.kind != toTheEnd && len(b.rest) == 0 {
			b.t.idle.put(b.c, b.t.MaxIdle, b.t.IdleTimeout)
			return
		}
		b.c.close()
	})
}

// Pump implements Pumper.
func (b *body) Pump(use func(data []byte) error) error {
	if b.err != nil {
		return nilAtEnd(b.err)
	}
	rest := b.rest
	b.rest = nil
	over, err := b.feed(rest, use)
	if !over {
		err = b.pump(use)
	}
	var theirs *useError
	if errors.As(err, &theirs) {
		return theirs.err
	}
	if err != nil {
		return nilAtEnd(b.fail(err))
	}
	b.err = io.EOF
	b.end()
	return nil
}

func nilAtEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// useError is an error of whom the data were given to.
type useError struct{ err error }

func (e *useError) Error() string { return e.err.Error() }

// feed gives use the data in raw; over means that no more are wanted or to come.
func (b *body) feed(raw []byte, use func(data []byte) error) (over bool, err error) {
	if len(raw) == 0 && !b.dec.over {
		return false, nil
	}
	for len(raw) > 0 && !b.dec.over {
		var data []byte
		if data, raw, err = b.dec.next(raw); err != nil {
			return true, err
		}
		if len(data) == 0 {
			continue
		}
		if err := use(data); err != nil {
			b.rest = append([]byte(nil), raw...)
			return true, &useError{err}
		}
	}
	if b.dec.over && len(raw) > 0 {
		b.keep = false // nobody asked for more
	}
	if err := use(nil); err != nil {
		return true, &useError{err}
	}
	return b.dec.over, nil
}

// arrival is the size of the buffers that streams read into. They are shared: a stream has
// one while it is read, not while it waits.
const arrival = 16 << 10

var arrivals = sync.Pool{New: func() any { return new([arrival]byte) }}

// slowly is pump where a connection can only be read by the usual means.
func (b *body) slowly(use func(data []byte) error) error {
	for {
		if err := b.more(); err != nil {
			return err
		}
		raw := b.rest
		b.rest = nil
		if over, err := b.feed(raw, use); over {
			return err
		}
	}
}

// conn is a connection to an engine.
type conn struct {
	nc      net.Conn
	address string
	since   time.Time // kept since
	once    sync.Once
}

// close may be called by anybody, any number of times.
func (c *conn) close() { c.once.Do(func() { _ = c.nc.Close() }) }
