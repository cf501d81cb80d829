package wsconn_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 5 * time.Second

// client is one socket of a test.
type client struct {
	t  *testing.T
	ws *websocket.Conn
}

func sameOrigin(s *edgetest.Server) http.Header { return http.Header{"Origin": {s.URL}} }

// dial opens a socket as a page of the server does.
func dial(t *testing.T, s *edgetest.Server) *client {
	t.Helper()
	ws, resp, err := dialWith(s, sameOrigin(s), wsconn.Subprotocol)
	if err != nil {
		t.Fatalf("dial: %v (%v)", err, resp)
	}
	t.Cleanup(func() { ws.Close() })
	return &client{t: t, ws: ws}
}

func dialWith(s *edgetest.Server, h http.Header, subprotocols ...string) (*websocket.Conn, *http.Response, error) {
	d := websocket.Dialer{Subprotocols: subprotocols}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, resp, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(s.URL, "http")+"/graphql", h)
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	return ws, resp, err
}

// open dials and initialises.
func open(t *testing.T, s *edgetest.Server) *client {
	t.Helper()
	c := dial(t, s)
	c.init()
	return c
}

func (c *client) init() {
	c.t.Helper()
	c.send(`{"type":"connection_init"}`)
	c.expect(`{"type":"connection_ack"}`)
}

func (c *client) send(message string) {
	c.t.Helper()
	if err := c.ws.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		c.t.Fatalf("send %.80s: %v", message, err)
	}
}

// subscribe starts an operation.
func (c *client) subscribe(id, query string) {
	c.t.Helper()
	p, err := json.Marshal(map[string]string{"query": query})
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(`{"id":"` + id + `","type":"subscribe","payload":` + string(p) + `}`)
}

func (c *client) receive() (string, error) {
	_ = c.ws.SetReadDeadline(time.Now().Add(patience))
	_, b, err := c.ws.ReadMessage()
	return string(b), err
}

// expect reads one message that is exactly want.
func (c *client) expect(want string) {
	c.t.Helper()
	got, err := c.receive()
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", want, err)
	}
	if got != want {
		c.t.Fatalf("got  %s\nwant %s", got, want)
	}
}

// expectPart reads one message that holds all parts.
func (c *client) expectPart(parts ...string) string {
	c.t.Helper()
	got, err := c.receive()
	if err != nil {
		c.t.Fatalf("waiting for %q: %v", parts, err)
	}
	for _, p := range parts {
		if !strings.Contains(got, p) {
			c.t.Fatalf("got %s\nwithout %s", got, p)
		}
	}
	return got
}

// expectClose skips messages until the server closes, with code.
func (c *client) expectClose(code int) string {
	c.t.Helper()
	for {
		_, err := c.receive()
		if err == nil {
			continue
		}
		var closed *websocket.CloseError
		if !errors.As(err, &closed) {
			c.t.Fatalf("waiting for close %d: %v", code, err)
		}
		if closed.Code != code {
			c.t.Fatalf("closed with %d %q, want %d", closed.Code, closed.Text, code)
		}
		return closed.Text
	}
}

// eventually waits until what is true.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !is() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
