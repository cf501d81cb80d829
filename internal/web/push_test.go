package web_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/rawio"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// streamer is an API that answers with what handle does.
type streamer struct {
	api
	handle func(w http.ResponseWriter, r *http.Request, push func(p string) error)
	plain  bool // pieces are written and flushed
}

func (s *streamer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	pusher := w.(interface{ Push(p []byte) error })
	s.handle(w, r, func(p string) error {
		if !s.plain {
			return pusher.Push([]byte(p))
		}
		if _, err := io.WriteString(w, p); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
}

// listens serves the API. It returns how to connect to it, and what ends it and tells its log.
func (s *streamer) listens(t *testing.T) (dial func() net.Conn, end func() string) {
	t.Helper()
	f := newFixture(t, local, func(c *web.Config) { c.Keys, c.API = keyring{}, s })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := web.Server("", f, slog.New(slog.DiscardHandler))
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(rawio.Listen(l)) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return func() net.Conn {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			_ = c.SetReadDeadline(time.Now().Add(time.Minute))
			return c
		}, func() string {
			_ = server.Shutdown(t.Context())
			return f.log.String()
		}
}

// asks is a request of /v1; line is its first one, headers end with CRLF each.
func asks(line, headers string) string {
	return line + "\r\nHost: localhost:8080\r\nX-Api-Key: good\r\n" + headers + "\r\n"
}

// What is pushed is on the wire what is written and flushed, byte by byte, whatever was asked
// and done besides; so is the answer to the next request on the connection.
func TestPushedPiecesAreAsFlushedOnes(t *testing.T) {
	changing := regexp.MustCompile(`(?m)^(X-Request-Id|Date): .*\r\n`)
	steps := map[string]func(w http.ResponseWriter, push func(string) error){
		"pieces": func(_ http.ResponseWriter, push func(string) error) {
			_, _, _ = push("one"), push("two"), push("three")
		},
		"one piece":    func(_ http.ResponseWriter, push func(string) error) { _ = push("one") },
		"empty pieces": func(_ http.ResponseWriter, push func(string) error) { _, _, _ = push(""), push("one"), push("") },
		"large pieces": func(_ http.ResponseWriter, push func(string) error) {
			_, _ = push("one"), push(strings.Repeat("x", 100_000))
		},
		"a length": func(w http.ResponseWriter, push func(string) error) {
			w.Header().Set("Content-Length", "6")
			_, _ = push("one"), push("two")
		},
		"a length too few": func(w http.ResponseWriter, push func(string) error) {
			w.Header().Set("Content-Length", "4")
			_, _ = push("one"), push("two")
		},
		"identity": func(w http.ResponseWriter, push func(string) error) {
			w.Header().Set("Transfer-Encoding", "identity")
			_, _ = push("one"), push("two")
		},
		"another status": func(w http.ResponseWriter, push func(string) error) {
			w.WriteHeader(http.StatusAccepted)
			_, _ = push("one"), push("two")
		},
		"no content": func(w http.ResponseWriter, push func(string) error) {
			w.WriteHeader(http.StatusNoContent)
			_, _ = push("one"), push("two")
		},
		"writes between": func(w http.ResponseWriter, push func(string) error) {
			_, _ = push("one"), push("two")
			_, _ = io.WriteString(w, "three")
			_, _ = push("four"), push("five")
			_, _ = io.WriteString(w, "six")
		},
		"a panic": func(_ http.ResponseWriter, push func(string) error) { _, _ = push("one"), push("two"); panic("x") },
	}
	requests := map[string]func(step string) string{
		"kept": func(step string) string {
			return asks("GET /v1/a HTTP/1.1", step) + asks("GET /v1/b HTTP/1.1", "Connection: close\r\n"+step)
		},
		"closed": func(step string) string {
			return asks("POST /v1/a HTTP/1.1", "Connection: close\r\nContent-Length: 0\r\n"+step)
		},
		"old": func(step string) string { return asks("GET /v1/a HTTP/1.0", step) },
		"old, kept": func(step string) string {
			return asks("GET /v1/a HTTP/1.0", "Connection: keep-alive\r\n"+step) + asks("GET /v1/b HTTP/1.0", step)
		},
		"only the head": func(step string) string {
			return asks("HEAD /v1/a HTTP/1.1", step) + asks("GET /v1/b HTTP/1.1", "Connection: close\r\n"+step)
		},
	}
	var dials [2]func() net.Conn
	for n := range dials {
		s := &streamer{plain: n == 0, handle: func(w http.ResponseWriter, r *http.Request, push func(string) error) {
			steps[r.Header.Get("X-Step")](w, push)
		}}
		dials[n], _ = s.listens(t)
	}
	for did := range steps {
		for asked, request := range requests {
			var got [2]string
			for n, dial := range dials {
				c := dial()
				if _, err := io.WriteString(c, request("X-Step: "+did+"\r\n")); err != nil {
					t.Fatal(err)
				}
				all, err := io.ReadAll(c)
				if err != nil {
					t.Fatal(did, asked, err)
				}
				got[n] = changing.ReplaceAllString(string(all), "")
			}
			if got[0] != got[1] || got[0] == "" {
				t.Errorf("%s, %s:\n%.500q\nnot\n%.500q", did, asked, got[1], got[0])
			}
		}
	}
}

// Each piece is with the client before the next is made, the log counts all of them, and who
// goes is noticed between two.
func TestPushedPiecesGoAtOnce(t *testing.T) {
	next, gone := make(chan string), make(chan struct{})
	s := &streamer{handle: func(_ http.ResponseWriter, r *http.Request, push func(string) error) {
		for {
			select {
			case p := <-next:
				if err := push(p); err != nil {
					t.Error(err)
				}
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
	}}
	dial, end := s.listens(t)
	c := dial()
	if _, err := io.WriteString(c, asks("GET /v1/models HTTP/1.1", "")); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(c)
	next <- "first\n"
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(resp.Body)
	for _, want := range []string{"first\n", "second\n", "third\n"} {
		if want != "first\n" {
			next <- want
		}
		if got, err := lines.ReadString('\n'); err != nil || got != want {
			t.Fatal(got, err)
		}
	}
	_ = c.Close()
	<-gone
	if log := end(); !strings.Contains(log, "bytes=19") {
		t.Error(log)
	}
}

// A client that doesn't read is cut: its connection ends in the middle, not with an end.
func TestWhoDoesNotReadPiecesIsCut(t *testing.T) {
	failed := make(chan error, 1)
	s := &streamer{handle: func(w http.ResponseWriter, _ *http.Request, push func(string) error) {
		piece := strings.Repeat("x", 10_000)
		var err error
		for err == nil {
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
			err = push(piece)
		}
		// Were the connection still open, the answer would get its end now.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		failed <- err
	}}
	dial, _ := s.listens(t)
	c := dial()
	if _, err := io.WriteString(c, asks("GET /v1/models HTTP/1.1", "")); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	all, _ := io.ReadAll(c) // it may end with a reset
	if len(all) == 0 || bytes.HasSuffix(all, []byte("0\r\n\r\n")) {
		t.Errorf("%d bytes came, the last %.20q", len(all), all[max(0, len(all)-20):])
	}
}

// A server that shuts down waits for the end of what is being pushed, which arrives whole.
func TestShuttingDownWaitsForPieces(t *testing.T) {
	next := make(chan string)
	s := &streamer{handle: func(_ http.ResponseWriter, _ *http.Request, push func(string) error) {
		for p := range next {
			if err := push(p); err != nil {
				t.Error(err)
			}
		}
	}}
	dial, end := s.listens(t)
	c := dial()
	if _, err := io.WriteString(c, asks("GET /v1/models HTTP/1.1", "")); err != nil {
		t.Fatal(err)
	}
	next <- "first, "
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	log := make(chan string)
	go func() { log <- end() }()
	next <- "second, "
	next <- "third"
	close(next)
	if all, err := io.ReadAll(resp.Body); string(all) != "first, second, third" || err != nil {
		t.Errorf("%q, %v", all, err)
	}
	if got := <-log; !strings.Contains(got, "bytes=20") {
		t.Error(got)
	}
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Error("the connection stays open:", err)
	}
}
