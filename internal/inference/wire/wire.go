// Package wire speaks plain HTTP/1.1 to an inference engine. It is there for streams: a
// token that arrives is handed on by the goroutine that waits for it, out of a buffer that
// all streams share, with one system call. A stream that waits holds a connection, a
// goroutine and nothing else; net/http's client holds two goroutines and two buffers more,
// and asks the connection twice for each token.
//
// Whatever is not a short request without encryption goes to another transport.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/rawio"
)

const (
	// maxRequest is the longest request body, in bytes, that is written here: so much a
	// connection takes also when the engine answers before it has read all of it.
	maxRequest = 64 << 10
	// maxHead bounds the head of an answer, in bytes.
	maxHead = 1 << 20
	// maxInformal is how many 1xx answers may precede the real one.
	maxInformal = 5
)

// Transport is an http.RoundTripper. Dial connects; Next takes the requests that are not
// for this transport. At most MaxIdle connections per address are kept for the next request,
// for IdleTimeout at most. A request on a kept connection that turns out to be closed before
// anything was answered is made once more, on a new one.
//
// The bodies of its answers have a method Pump beside Read and Close; see Pumper.
type Transport struct {
	Dial        func(ctx context.Context, network, address string) (net.Conn, error)
	Next        http.RoundTripper
	MaxIdle     int
	IdleTimeout time.Duration

	idle pool
}

// Pumper is a body that hands on what comes. Pump calls use with each stretch of data, and
// with nil whenever all that has arrived is used, on the calling goroutine; the data are valid
// during the call only. It returns nil at the body's end, the error of use at once, and an
// error that is not io.EOF when the connection breaks. Bytes that use was not given are left
// for Read.
type Pumper interface {
	Pump(use func(data []byte) error) error
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !suits(req) {
		return t.Next.RoundTrip(req) //nolint:wrapcheck // its errors are the client's own
	}
	address := addressOf(req)
	if c := t.idle.take(address, t.IdleTimeout); c != nil {
		resp, err := t.exchange(c, req)
		if err == nil || req.Context().Err() != nil || !isClosed(err) {
			return resp, err
		}
		if req, err = again(req); err != nil {
			return nil, err
		}
	}
	nc, err := t.Dial(req.Context(), "tcp", address)
	if err != nil {
		closeBody(req)
		return nil, err //nolint:wrapcheck // says where to
	}
	return t.exchange(&conn{nc: rawio.Conn(nc), address: address}, req)
}

// CloseIdleConnections closes the kept connections of this transport and the next.
func (t *Transport) CloseIdleConnections() {
	t.idle.closeAll()
	if next, ok := t.Next.(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

// suits says which requests are written here.
func suits(req *http.Request) bool {
	return req.URL.Scheme == "http" && req.Method != http.MethodConnect && req.Method != http.MethodHead &&
		(req.Body == nil || req.Body == http.NoBody || req.GetBody != nil && req.ContentLength > 0 && req.ContentLength <= maxRequest)
}

func addressOf(req *http.Request) string {
	port := req.URL.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(req.URL.Hostname(), port)
}

// again is the request with its body from the beginning.
func again(req *http.Request) (*http.Request, error) {
	if req.GetBody == nil {
		return req, nil
	}
	body, err := req.GetBody()
	if err != nil {
		return nil, fmt.Errorf("read the request once more: %w", err)
	}
	fresh := *req
	fresh.Body = body
	return &fresh, nil
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}

// isClosed reports whether a connection ended before it said anything.
func isClosed(err error) bool {
	var early *silentError
	return errors.As(err, &early)
}

// silentError is the failure of an exchange of which the engine has not answered a byte.
type silentError struct{ err error }

func (e *silentError) Error() string { return e.err.Error() }
func (e *silentError) Unwrap() error { return e.err }

var (
	requests = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	heads    = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4096) }}
)

// exchange writes the request and reads the head of the answer. The connection ends with
// the request's context until the body is read or closed.
func (t *Transport) exchange(c *conn, req *http.Request) (*http.Response, error) {
	stop := context.AfterFunc(req.Context(), c.close)
	resp, rest, err := c.ask(req)
	if err != nil {
		stop()
		c.close()
		if cause := req.Context().Err(); cause != nil {
			return nil, cause //nolint:wrapcheck // as net/http says it
		}
		return nil, err
	}
	b := &body{t: t, c: c, ctx: req.Context(), stop: stop, rest: rest, dec: decoderOf(resp), keep: !resp.Close}
	resp.Body = b
	if b.dec.over {
		b.end()
	}
	return resp, nil
}

// ask is the exchange but for the body; rest is what of it has come with the head.
func (c *conn) ask(req *http.Request) (resp *http.Response, rest []byte, err error) {
	out := requests.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool holds nothing else
	defer requests.Put(out)
	out.Reset()
	if err := req.Write(out); err != nil {
		return nil, nil, err //nolint:wrapcheck // of net/http, as from its own client
	}
	// An engine that refuses may answer before it has read everything, and close: what it
	// said counts more than that not all of the request went.
	_, wrote := c.nc.Write(out.Bytes())
	if wrote != nil && !errors.Is(wrote, syscall.EPIPE) && !errors.Is(wrote, syscall.ECONNRESET) {
		return nil, nil, wrote //nolint:wrapcheck // says where to
	}
	in := heads.Get().(*bufio.Reader) //nolint:forcetypeassert // the pool holds nothing else
	defer heads.Put(in)
	in.Reset(&io.LimitedReader{R: c.nc, N: maxHead})
	defer in.Reset(nil)
	if _, err := in.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, nil, &silentError{err}
	}
	if resp, err = readHead(in, req); err != nil {
		return nil, nil, err
	}
	if n := in.Buffered(); n > 0 {
		b, _ := in.Peek(n) // it is buffered
		rest = bytes.Clone(b)
	}
	return resp, rest, nil
}

var errUpgraded = errors.New("the engine wants to speak another protocol than HTTP")

// readHead reads the head of the answer, past informal ones.
func readHead(in *bufio.Reader, req *http.Request) (*http.Response, error) {
	for range maxInformal + 1 {
		resp, err := http.ReadResponse(in, req)
		switch {
		case err != nil:
			return nil, err //nolint:wrapcheck // of net/http, as from its own client
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, errUpgraded
		case resp.StatusCode >= 200:
			return resp, nil
		}
	}
	return nil, errors.New("the engine sends one informal answer after the other")
}

// decoderOf is how the answer's body is framed.
func decoderOf(resp *http.Response) decoder {
	switch {
	case resp.StatusCode == http.StatusNoContent, resp.StatusCode == http.StatusNotModified:
		return decoder{over: true}
	case len(resp.TransferEncoding) > 0 && strings.EqualFold(resp.TransferEncoding[0], "chunked"):
		return decoder{kind: chunked}
	case resp.ContentLength >= 0:
		return decoder{kind: counted, left: uint64(resp.ContentLength), over: resp.ContentLength == 0}
	}
	return decoder{kind: toTheEnd}
}
