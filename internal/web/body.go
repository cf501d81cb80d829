package web

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// patient gives a request's body a time to arrive in, and lifts the limit as soon as
// it has arrived: what follows may be a stream.
func (s *server) patient(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
			next.ServeHTTP(w, r)
			return
		}
		conn := http.NewResponseController(w)
		if err := conn.SetReadDeadline(time.Now().Add(bodyTimeout)); err == nil { //nolint:forbidigo // a deadline of a socket
			r.Body = &timedBody{ReadCloser: r.Body, conn: conn}
		}
		next.ServeHTTP(w, r)
	})
}

// timedBody lifts the connection's read deadline when the body has been read.
type timedBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.lift()
	}
	return n, err
}

// Close lifts the deadline too: the rest of the body is of no interest, but the
// connection may be.
func (b *timedBody) Close() error {
	err := b.ReadCloser.Close()
	b.lift()
	return err
}

func (b *timedBody) lift() {
	_ = b.conn.SetReadDeadline(time.Time{}) // a closed connection needs none
}
