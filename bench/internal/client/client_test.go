package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/bench/internal/client"
)

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestAnswersOfEveryShape(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "1", Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
		switch r.URL.Path {
		case "/chunked":
			w.(http.Flusher).Flush()
		case "/long":
			b = []byte(strings.Repeat("x", 40_000))
			w.Header().Set("Content-Length", "40000")
		case "/bad":
			w.WriteHeader(http.StatusTeapot)
		}
		_, _ = w.Write(b)
	})
	c := client.NewHTTP(addr, 3)
	defer c.Close()
	for _, path := range []string{"/", "/chunked", "/long", "/"} {
		a, err := c.Do(client.Request(addr, path, `{"x":1}`, "X-A: b"), time.Now().Add(10*time.Second))
		if err != nil || a.Cookie != "a=1; b=2" {
			t.Fatalf("%s: %v, cookie %q", path, err, a.Cookie)
		}
		if got := string(a.Body); path != "/long" && got != `{"x":1}` || path == "/long" && len(got) != 40_000 {
			t.Errorf("%s: body of %d bytes", path, len(got))
		}
	}
	if _, err := c.Do(client.Request(addr, "/bad", "why"), time.Time{}); err == nil || err.Error() != "status 418: why" {
		t.Error(err)
	}
}

func TestStreamsComeLineByLine(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
		}
	})
	c := client.NewHTTP(addr, 0)
	defer c.Close()
	for range 2 { // the connection is used again
		var got strings.Builder
		if err := c.Stream(client.Request(addr, "/", ""), time.Time{}, func(b []byte) { got.Write(b) }); err != nil {
			t.Fatal(err)
		}
		if got.String() != "data: 0\n\ndata: 1\n\ndata: 2\n\n" {
			t.Errorf("got %q", got.String())
		}
	}
}

func TestClientsComeFromManyNetworks(t *testing.T) {
	seen := map[string]bool{}
	for i := range 10_000 {
		ip := client.Source(i).IP.To4()
		if !ip.IsLoopback() || ip[3] == 0 {
			t.Fatalf("source %v", ip)
		}
		seen[ip.String()] = true
	}
	if len(seen) != 10_000 {
		t.Errorf("%d addresses for 10,000 clients", len(seen))
	}
}

func TestOtherMachinesAreRefused(t *testing.T) {
	if _, err := client.DialWS("192.0.2.1:80", "/", 0); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Error(err)
	}
}

func TestWebsocketMessages(t *testing.T) {
	up := websocket.Upgrader{Subprotocols: []string{"graphql-transport-ws"}, CheckOrigin: func(*http.Request) bool { return true }}
	long := strings.Repeat("y", 70_000)
	addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		expect := func(want string) {
			if _, m, err := c.ReadMessage(); err != nil || string(m) != want {
				t.Errorf("server read %.60q, %v", m, err)
			}
		}
		send := func(s string) { _ = c.WriteMessage(websocket.TextMessage, []byte(s)) }
		expect(`{"type":"connection_init"}`)
		send(`{"type":"connection_ack"}`)
		expect(`{"id":"1","type":"subscribe","payload":{"query":"` + long + `"}}`)
		_ = c.WriteControl(websocket.PingMessage, []byte("p"), time.Now().Add(time.Second))
		send(`{"type":"ping"}`)
		expect(`{"type":"pong"}`)
		send("short")
		send(long)
		parts, _ := c.NextWriter(websocket.TextMessage)
		_, _ = io.WriteString(parts, strings.Repeat("z", 5000)) // longer than the write buffer: fragmented
		_ = parts.Close()
		_ = c.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(4403, "gone"))
	})
	w, err := client.DialWS(addr, "/", 0, "Origin: http://"+addr)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Subscribe(`{"query":"` + long + `"}`); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"short", long, strings.Repeat("z", 5000)} {
		if m, err := w.Read(); err != nil || string(m) != want {
			t.Fatalf("read %.60q, %v", m, err)
		}
	}
	if _, err := w.Read(); err == nil || err.Error() != "closed by the server: 4403 gone" {
		t.Error(err)
	}
}
