package web

import (
	"context"
	"net"
	"net/http"
	"strconv"
)

type connKey struct{}

// withConn lets requests know the connection that they came on.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// lane is where pieces of an answer go once its header is out: as chunks onto the connection
// itself, past the buffers of net/http, which a flush has emptied. The answer's end is
// net/http's again, and so is the next request. Nobody but the handler writes meanwhile.
type lane struct {
	conn net.Conn // nil before it is open
	buf  []byte
}

// open finds the connection of an answer that net/http sends in chunks.
func (l *lane) open(r *http.Request, h http.Header) {
	if r.ProtoMajor == 1 && r.ProtoMinor == 1 && r.Method != http.MethodHead && h.Get("Content-Length") == "" && h.Get("Transfer-Encoding") == "" {
		l.conn, _ = r.Context().Value(connKey{}).(net.Conn)
	}
}

// write makes a chunk of p. After an error the connection is closed: what follows half a
// chunk must not be taken for the rest of it.
func (l *lane) write(p []byte) error {
	l.buf = append(strconv.AppendUint(l.buf[:0], uint64(len(p)), 16), "\r\n"...)
	l.buf = append(append(l.buf, p...), "\r\n"...)
	_, err := l.conn.Write(l.buf)
	if err != nil {
		_ = l.conn.Close()
	}
	return err //nolint:wrapcheck // the connection's own
}

// Push writes a piece of an answer whose length nobody knows yet, and sends it at once. It is
// Write and Flush, and costs a stream a fraction of them.
func (r *recorder) Push(p []byte) error {
	if r.lane.conn != nil && len(p) > 0 {
		r.bytes += int64(len(p))
		return r.lane.write(p)
	}
	_, err := r.Write(p)
	if err == nil {
		err = http.NewResponseController(r.ResponseWriter).Flush()
	}
	if err == nil {
		r.lane.open(r.request, r.Header())
	}
	return err //nolint:wrapcheck // net/http's own
}
