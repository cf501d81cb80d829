package wsconn_test

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// Whatever is sent, the socket is either closed with a code or goes on.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"ping"}`, `{"type":"pong"}`, `{"type":"connection_init"}`, `{"type":"complete","id":"1"}`, `[]`, `{}`, "\xff",
		`{"type":"subscribe","id":"1","payload":{"query":"subscription{counter(to:3)}"}}`,
		`{"type":"subscribe","id":"\ud800","payload":{"query":"{hello}","variables":{"a":[1e999]}}}`,
		`{"type":"subscribe","id":"1","payload":{"documentId":"sha256:0"}}`,
	} {
		f.Add([]byte(seed), false)
	}
	s := edgetest.Start(f, func(set *edgetest.Setup) {
		set.Websocket.Gate = gate.New(gate.Limits{Total: -1, PerIP: -1})
	})
	f.Fuzz(func(t *testing.T, message []byte, binary bool) {
		c := open(t, s)
		defer c.ws.Close()
		kind := websocket.TextMessage
		if binary {
			kind = websocket.BinaryMessage
		}
		if err := c.ws.WriteMessage(kind, message); err != nil {
			t.Fatal(err)
		}
		_ = c.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping","payload":{"last":true}}`))
		for {
			got, err := c.receive()
			var closed *websocket.CloseError
			switch {
			case errors.As(err, &closed) && closed.Code == wsconn.CloseInternal:
				t.Fatalf("an internal error: %q", closed.Text)
			case errors.As(err, &closed):
				return
			case err != nil:
				t.Fatal(err)
			case got == `{"type":"pong","payload":{"last":true}}`:
				return
			}
		}
	})
}

// Many clients doing everything at once, and a shutdown in the middle of it, leave
// nothing behind.
func TestConcurrentClientsAndShutdown(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Gate = gate.New(gate.Limits{Total: -1, PerIP: -1})
		set.Websocket.MessagesPerMinute = -1
	})
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for seed := range 8 {
		clients.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(seed)))
			for {
				select {
				case <-stop:
					return
				default:
					romp(s, r)
				}
			}
		})
	}
	time.AfterFunc(300*time.Millisecond, func() { close(stop) })
	<-stop
	if err := s.Sockets.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	clients.Wait()
	if st := s.Sockets.Stats(); st != (wsconn.Stats{}) {
		t.Errorf("%+v left", st)
	}
}

// romp opens a socket, sends some random messages and goes, politely or not.
func romp(s *edgetest.Server, r *rand.Rand) {
	ws, _, err := dialWith(s, sameOrigin(s), wsconn.Subprotocol)
	if err != nil {
		return // the shutdown has begun
	}
	defer ws.Close()
	_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init"}`))
	operations := []string{"subscription{counter(to:50)}", "subscription{silence}", "{hello}", "mutation{add(n:1)}", "{", "subscription{refused(how:PANIC)}"}
	for range r.IntN(12) {
		id := strconv.Itoa(r.IntN(6))
		message := `{"id":"` + id + `","type":"complete"}`
		if r.IntN(3) > 0 {
			message = `{"id":"` + id + `","type":"subscribe","payload":{"query":"` + operations[r.IntN(len(operations))] + `"}}`
		}
		if ws.WriteMessage(websocket.TextMessage, []byte(message)) != nil {
			return
		}
		if r.IntN(2) == 0 {
			_ = ws.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			if _, _, err := ws.ReadMessage(); err != nil {
				return
			}
		}
	}
	if r.IntN(2) == 0 {
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	}
}
