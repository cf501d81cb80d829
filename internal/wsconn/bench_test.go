package wsconn

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
)

// pair is the server's end of a websocket whose client reads and forgets.
func pair(b *testing.B) *websocket.Conn {
	b.Helper()
	got := make(chan *websocket.Conn, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u := websocket.Upgrader{ReadBufferSize: 512, WriteBufferSize: 4096}
		ws, err := u.Upgrade(w, r, nil)
		if err != nil {
			b.Error(err)
		}
		got <- ws
	}))
	b.Cleanup(srv.Close)
	c, resp, err := (&websocket.Dialer{}).DialContext(b.Context(), "ws"+strings.TrimPrefix(srv.URL, "http"), nil)
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, c.NetConn())
	}()
	ws := <-got
	b.Cleanup(func() {
		ws.Close()
		c.Close()
		<-drained
	})
	return ws
}

var delta = []byte(`{"replyEvents":{"__typename":"ReplyDelta","seq":1234,"text":" and then some"}}`)

// What a bare handler would pay: a message of the same bytes by the library.
func BenchmarkRawGorilla(b *testing.B) {
	ws := pair(b)
	whole := append(append([]byte(head("a-subscription", "next")+`,"payload":{"data":`), delta...), `}}`...)
	b.ReportAllocs()
	for b.Loop() {
		_ = ws.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if err := ws.WriteMessage(websocket.TextMessage, whole); err != nil {
			b.Fatal(err)
		}
	}
}

// One event of a subscription from the executor's bytes to the kernel.
func BenchmarkNext(b *testing.B) {
	s := benchSocket(pair(b).NetConn())
	prefix := head("a-subscription", "next")
	resp := &graphql.Response{Data: delta}
	b.ReportAllocs()
	for b.Loop() {
		f := newFrame()
		if err := f.next(prefix, resp); err != nil {
			b.Fatal(err)
		}
		if err := s.send(f, frameText); err != nil {
			b.Fatal(err)
		}
	}
}

// The same without the kernel: what is ours.
func BenchmarkNextBuffered(b *testing.B) {
	s := benchSocket(nowhere{})
	prefix := head("a-subscription", "next")
	resp := &graphql.Response{Data: delta}
	b.ReportAllocs()
	for b.Loop() {
		f := newFrame()
		if err := f.next(prefix, resp); err != nil {
			b.Fatal(err)
		}
		if err := s.send(f, frameText); err != nil {
			b.Fatal(err)
		}
	}
}

func benchSocket(nc net.Conn) *socket {
	s := &socket{t: New(Config{}), nc: nc}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s
}

// nowhere is a connection that swallows what is written.
type nowhere struct{ net.Conn }

func (nowhere) Write(p []byte) (int, error)      { return len(p), nil }
func (nowhere) SetWriteDeadline(time.Time) error { return nil }
func (nowhere) Close() error                     { return nil }
