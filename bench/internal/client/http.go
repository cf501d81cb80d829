// Package client holds minimal HTTP/1.1 and websocket clients for load: written by
// hand on raw connections, so that the generator costs little beside the server
// under test. They speak to loopback addresses only.
package client

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

const dialTimeout = 20 * time.Second

// Source is the i-th loopback address to connect from: one network of 256
// addresses each, so that caps per address and per network count every client as
// somebody else, and no address runs out of ports.
func Source(i int) *net.TCPAddr {
	return &net.TCPAddr{IP: net.IPv4(127, byte(1+i/250%250), byte(1+i%250), 1)}
}

// dial connects to a loopback address from the i-th source.
func dial(addr string, i int) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("%s is not a loopback address: load stays on this machine", addr)
	}
	d := net.Dialer{Timeout: dialTimeout, LocalAddr: Source(i)}
	return d.Dial("tcp", addr)
}

// HTTP is one keep-alive connection to a server. It is not safe for concurrent use.
type HTTP struct {
	addr   string
	source int
	conn   net.Conn
	br     *bufio.Reader
	lines  *bufio.Reader // over a chunked body
}

// NewHTTP will connect to addr (host:port) from the i-th source when it is first used.
func NewHTTP(addr string, i int) *HTTP { return &HTTP{addr: addr, source: i} }

// Close ends the connection; the next request makes a new one.
func (c *HTTP) Close() {
	if c.conn != nil {
		_ = c.conn.Close() // nothing more is expected of it
		c.conn = nil
	}
}

// Request makes the bytes of a POST of JSON with further header lines.
func Request(addr, path, body string, headers ...string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n", path, addr)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(body), body)
	return b.Bytes()
}

// Answer is what matters of a response.
type Answer struct {
	Status int
	Cookie string // name=value pairs of Set-Cookie, as a Cookie header sends them
	Body   []byte // valid until the next request

	length  int64 // -1: not given
	chunked bool
	close   bool
}

// Do sends the request and reads its whole answer until the deadline (zero: none).
// A status other than 200 is an error that holds the body's beginning.
func (c *HTTP) Do(request []byte, deadline time.Time) (Answer, error) {
	a, err := c.start(request, deadline)
	if err == nil {
		a.Body, err = c.body(a)
	}
	if err != nil {
		c.Close()
		return a, err
	}
	if a.close {
		c.Close()
	}
	if a.Status != 200 {
		return a, fmt.Errorf("status %d: %.300s", a.Status, a.Body)
	}
	return a, nil
}

// Stream sends the request and calls line with each line of its chunked answer,
// which is valid during the call only, until the answer ends.
func (c *HTTP) Stream(request []byte, deadline time.Time, line func([]byte)) error {
	a, err := c.start(request, deadline)
	if err == nil && (a.Status != 200 || !a.chunked) {
		a.Body, _ = c.body(a)
		err = fmt.Errorf("no stream but status %d: %.300s", a.Status, a.Body)
	}
	if err != nil {
		c.Close()
		return err
	}
	c.lines.Reset(httputil.NewChunkedReader(c.br))
	for {
		b, err := c.lines.ReadSlice('\n')
		if err == io.EOF {
			break
		}
		if err != nil {
			c.Close()
			return fmt.Errorf("read stream: %w", err)
		}
		line(b)
	}
	return c.trailer()
}

// start sends the request and reads the head of its answer.
func (c *HTTP) start(request []byte, deadline time.Time) (Answer, error) {
	if c.conn == nil {
		conn, err := dial(c.addr, c.source)
		if err != nil {
			return Answer{}, err
		}
		c.conn, c.br, c.lines = conn, bufio.NewReaderSize(conn, 16<<10), bufio.NewReaderSize(nil, 16<<10)
	}
	if err := c.conn.SetDeadline(deadline); err != nil {
		return Answer{}, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return Answer{}, fmt.Errorf("send request: %w", err)
	}
	return readHead(c.br)
}

// readHead reads a status line and the headers.
func readHead(br *bufio.Reader) (Answer, error) {
	a := Answer{length: -1}
	line, err := br.ReadSlice('\n')
	if err != nil {
		return a, fmt.Errorf("read status: %w", err)
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) {
		return a, fmt.Errorf("status line %q", line)
	}
	if a.Status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return a, fmt.Errorf("status line %q", line)
	}
	for {
		if line, err = br.ReadSlice('\n'); err != nil {
			return a, fmt.Errorf("read header: %w", err)
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			return a, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if err := a.header(name, bytes.TrimSpace(value)); err != nil {
			return a, err
		}
	}
}

func (a *Answer) header(name, value []byte) (err error) {
	is := func(s string) bool { return len(name) == len(s) && bytes.EqualFold(name, []byte(s)) }
	switch {
	case is("content-length"):
		a.length, err = strconv.ParseInt(string(value), 10, 64)
	case is("transfer-encoding"):
		a.chunked = bytes.EqualFold(value, []byte("chunked"))
	case is("connection"):
		a.close = bytes.EqualFold(value, []byte("close"))
	case is("set-cookie"):
		pair, _, _ := strings.Cut(string(value), ";")
		if strings.HasSuffix(pair, "=") {
			return nil // a cookie that is taken away
		}
		if a.Cookie != "" {
			pair = a.Cookie + "; " + pair
		}
		a.Cookie = pair
	}
	return err
}

// body reads what follows the head.
func (c *HTTP) body(a Answer) (b []byte, err error) {
	switch {
	case a.chunked:
		if b, err = io.ReadAll(httputil.NewChunkedReader(c.br)); err == nil {
			err = c.trailer()
		}
	case a.length >= 0 && a.length <= int64(c.br.Size()):
		if b, err = c.br.Peek(int(a.length)); err == nil {
			_, err = c.br.Discard(int(a.length))
		}
	case a.length >= 0:
		b = make([]byte, a.length)
		_, err = io.ReadFull(c.br, b)
	default:
		err = errors.New("a body of unknown length")
	}
	return b, err
}

// trailer reads what follows the last chunk.
func (c *HTTP) trailer() error {
	for {
		line, err := c.br.ReadSlice('\n')
		if err != nil {
			return fmt.Errorf("read trailer: %w", err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
	}
}
