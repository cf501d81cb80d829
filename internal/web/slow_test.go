package web_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/web"
)

// more is more than the kernel takes from the server before the client reads.
var more = bytes.Repeat([]byte("x"), 16<<20)

// slowFixture serves large answers; a client gets 20 ms, and 20 ms for each MiB.
func slowFixture(t *testing.T) (*fixture, string) {
	t.Helper()
	f := newFixture(t, local, func(c *web.Config) {
		c.WriteTimeout = 20 * time.Millisecond
		c.Static = fstest.MapFS{"index.html": {Data: []byte("index")}, "assets/app-1.js": {Data: more}}
		c.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept") == "text/event-stream" {
				_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
			}
			_, _ = w.Write(more)
		})
	})
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, server.Listener.Addr().String()
}

// openSlowly sends a request and reads nothing.
func openSlowly(t *testing.T, addr, path, accept string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: localhost:8080\r\nAccept: "+accept+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn
}

// T13: who doesn't read an answer is cut, and keeps neither a goroutine nor the answer.
func TestWhoDoesNotReadIsCut(t *testing.T) {
	for _, path := range []string{"/assets/app-1.js", "/graphql"} {
		t.Run(path, func(t *testing.T) {
			f, addr := slowFixture(t)
			openSlowly(t, addr, path, "*/*")
			for limit := time.After(10 * time.Second); !strings.Contains(f.log.String(), "msg=request"); {
				select {
				case <-time.After(5 * time.Millisecond):
				case <-limit:
					t.Fatal("the handler still writes")
				}
			}
		})
	}
}

// An answer that sets deadlines of its own is left to them, and who reads gets everything,
// also with the next request of the connection.
func TestStreamsKeepTheirOwnDeadlines(t *testing.T) {
	_, addr := slowFixture(t)
	conn := openSlowly(t, addr, "/graphql", "text/event-stream")
	<-time.After(time.Second) // longer than the others get
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, answer.Body); n != int64(len(more)) || err != nil {
		t.Errorf("%d bytes: %v", n, err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for range 2 {
		res, err := client.Get("http://" + addr + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
		<-time.After(50 * time.Millisecond) // the deadline of the answer before is over
	}
}
