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

	"github.com/kimi-k2/kimi-k2/internal/edge"
	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/edge/live"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// Every close code of the protocol, R-WS.
func TestInvalidMessagesClose(t *testing.T) {
	s := edgetest.Start(t)
	for name, tc := range map[string]struct {
		send string
		code int
	}{
		"not JSON":                {`hello`, wsconn.CloseInvalidMessage},
		"an array":                {`[]`, wsconn.CloseInvalidMessage},
		"nothing":                 {``, wsconn.CloseInvalidMessage},
		"two objects":             {`{"type":"ping"}{}`, wsconn.CloseInvalidMessage},
		"no type":                 {`{}`, wsconn.CloseInvalidMessage},
		"unknown type":            {`{"type":"start","id":"1"}`, wsconn.CloseInvalidMessage},
		"type of the wrong type":  {`{"type":1}`, wsconn.CloseInvalidMessage},
		"id of the wrong type":    {`{"type":"subscribe","id":1,"payload":{"query":"{hello}"}}`, wsconn.CloseInvalidMessage},
		"no id":                   {`{"type":"subscribe","payload":{"query":"{hello}"}}`, wsconn.CloseInvalidMessage},
		"a long id":               {`{"type":"subscribe","id":"` + strings.Repeat("i", 300) + `","payload":{"query":"{hello}"}}`, wsconn.CloseInvalidMessage},
		"no payload":              {`{"type":"subscribe","id":"1"}`, wsconn.CloseInvalidMessage},
		"null payload":            {`{"type":"subscribe","id":"1","payload":null}`, wsconn.CloseInvalidMessage},
		"payload without a query": {`{"type":"subscribe","id":"1","payload":{}}`, wsconn.CloseInvalidMessage},
		"a batch":                 {`{"type":"subscribe","id":"1","payload":[{"query":"{hello}"}]}`, wsconn.CloseInvalidMessage},
		"query of the wrong type": {`{"type":"subscribe","id":"1","payload":{"query":{}}}`, wsconn.CloseInvalidMessage},
		"variables wrong":         {`{"type":"subscribe","id":"1","payload":{"query":"{hello}","variables":[]}}`, wsconn.CloseInvalidMessage},
		"second init":             {`{"type":"connection_init"}`, wsconn.CloseTooManyInits},
		"invalid UTF-8":           {"{\"type\":\"ping\",\"x\":\"\xff\"}", wsconn.CloseText},
		"too big":                 {`{"type":"ping","payload":{"x":"` + strings.Repeat("x", 64<<10) + `"}}`, wsconn.CloseTooBig},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, s)
			c.send(tc.send)
			c.expectClose(tc.code)
		})
	}
}

// The code arrives although the server has not read everything that was sent.
func TestCloseCodeSurvivesUnreadData(t *testing.T) {
	c := open(t, edgetest.Start(t))
	huge := `{"type":"ping","payload":{"x":"` + strings.Repeat("x", 4<<20) + `"}}`
	c.send(huge)
	c.expectClose(wsconn.CloseTooBig)
}

func TestBinaryMessageCloses(t *testing.T) {
	c := open(t, edgetest.Start(t))
	if err := c.ws.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	c.expectClose(wsconn.CloseInvalidMessage)
}

// T12: nothing runs before the socket is initialised.
func TestSubscribeBeforeInitIsUnauthorized(t *testing.T) {
	s := edgetest.Start(t)
	c := dial(t, s)
	c.subscribe("1", "{hello}")
	c.expectClose(wsconn.CloseUnauthorized)
	if n := s.Resolver.Executed.Load(); n != 0 {
		t.Errorf("%d resolvers ran", n)
	}
}

// T12: other subprotocols are closed at once.
func TestOtherSubprotocolsAreNotAcceptable(t *testing.T) {
	s := edgetest.Start(t)
	for _, sub := range [][]string{nil, {"graphql-ws"}, {"soap", "graphql-ws"}} {
		ws, _, err := dialWith(s, sameOrigin(s), sub...)
		if err != nil {
			t.Fatal(err)
		}
		c := &client{t: t, ws: ws}
		_ = ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_init"}`))
		c.expectClose(wsconn.CloseSubprotocol)
		ws.Close()
	}
}

// P76: a socket that does not say who it is is closed.
func TestInitTimeout(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) { set.Websocket.InitTimeout = 50 * time.Millisecond })
	c := dial(t, s)
	c.send(`{"type":"ping"}`) // other messages do not extend it
	c.expect(`{"type":"pong"}`)
	c.expectClose(wsconn.CloseInitTimeout)
}

func TestInitThatHangsTimesOut(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.InitTimeout = 50 * time.Millisecond
		set.Websocket.Init = func(ctx context.Context, _ *http.Request, _ json.RawMessage) (context.Context, error) {
			<-ctx.Done()
			return ctx, ctx.Err()
		}
	})
	c := dial(t, s)
	c.send(`{"type":"connection_init"}`)
	c.expectClose(wsconn.CloseInitTimeout)
}

func TestInitRefusals(t *testing.T) {
	var answer error
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Init = func(ctx context.Context, _ *http.Request, _ json.RawMessage) (context.Context, error) {
			return ctx, answer
		}
	})
	for _, tc := range []struct {
		err  error
		code int
	}{
		{fault.New(fault.Unauthenticated, "this key is unknown"), wsconn.CloseUnauthorized},
		{fault.New(fault.Forbidden, "not from here"), wsconn.CloseForbidden},
		{fault.New(fault.RateLimited, "too often: %s", strings.Repeat("ü", 200)), wsconn.CloseBusy},
		{fault.New(fault.StorageUnavailable, "try again"), wsconn.CloseBusy},
		{errors.New(edgetest.Secret), wsconn.CloseBusy},
	} {
		answer = tc.err
		c := dial(t, s)
		c.send(`{"type":"connection_init"}`)
		if text := c.expectClose(tc.code); strings.Contains(text, edgetest.Secret) {
			t.Errorf("%q tells too much", text)
		}
	}
	if !strings.Contains(s.Log.String(), edgetest.Secret) {
		t.Error("the internal error was not logged")
	}
}

func TestInitContextReachesResolvers(t *testing.T) {
	type key struct{}
	got := make(chan any, 1)
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Init = func(ctx context.Context, r *http.Request, payload json.RawMessage) (context.Context, error) {
			return context.WithValue(ctx, key{}, r.Header.Get("X-Who")+string(payload)), nil
		}
		set.Edge.Spend = func(ctx context.Context, _ int) (edge.Budget, error) {
			got <- ctx.Value(key{})
			return edge.Budget{}, nil
		}
	})
	h := sameOrigin(s)
	h.Set("X-Who", "me")
	ws, _, err := dialWith(s, h, wsconn.Subprotocol)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	c := &client{t: t, ws: ws}
	c.send(`{"type":"connection_init","payload":{"a":1}}`)
	c.expect(`{"type":"connection_ack"}`)
	c.subscribe("1", "{hello}")
	c.expectPart(`"data":{"hello":"hello world"}`)
	if v := <-got; v != `me{"a":1}` {
		t.Errorf("context holds %v", v)
	}
}

// P76: an id that is in use closes the socket with 4409.
func TestDuplicateIDs(t *testing.T) {
	c := open(t, edgetest.Start(t))
	c.subscribe("same", "subscription{silence}")
	c.subscribe("same", "subscription{silence}")
	if text := c.expectClose(wsconn.CloseDuplicateID); text != "Subscriber for same already exists" {
		t.Error(text)
	}
}

// P76: messages beyond the rate close the socket.
func TestMessagesOverTheRateClose(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) { set.Websocket.MessagesPerMinute = 10 })
	c := open(t, s)
	for range 9 {
		c.send(`{"type":"ping"}`)
		c.expect(`{"type":"pong"}`)
	}
	c.send(`{"type":"ping"}`)
	c.expectClose(wsconn.ClosePolicy)
}

func TestControlFramesCountToo(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) { set.Websocket.MessagesPerMinute = 10 })
	c := open(t, s)
	for range 10 {
		if err := c.ws.WriteControl(websocket.PingMessage, []byte("hi"), time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
	}
	c.expectClose(wsconn.ClosePolicy)
}

func TestShutdownClosesWithRestart(t *testing.T) {
	s := edgetest.Start(t)
	a, b := open(t, s), dial(t, s)
	a.subscribe("1", "subscription{silence}")
	eventually(t, "the subscription runs", func() bool { return s.Sockets.Stats().Subscriptions == 1 })
	done := make(chan error)
	go func() { done <- s.Sockets.Shutdown(t.Context()) }()
	a.expectClose(wsconn.CloseRestart)
	b.expectClose(wsconn.CloseRestart)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if st := s.Sockets.Stats(); st != (wsconn.Stats{}) {
		t.Errorf("%+v left", st)
	}
	_, resp, err := dialWith(s, sameOrigin(s), wsconn.Subprotocol)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("after the shutdown: %v %v", err, resp)
	}
}

func TestShutdownGivesUpWithItsContext(t *testing.T) {
	s := edgetest.Start(t)
	c := open(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Sockets.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	c.expectClose(wsconn.CloseRestart)
}

type whose struct{}

// T3, P15: revoking ends the sockets of the principal at once, and no others.
func TestRevocationClosesThePrincipalsSockets(t *testing.T) {
	connections := live.New(live.Config{})
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Live = connections
		set.Websocket.Init = func(ctx context.Context, _ *http.Request, payload json.RawMessage) (context.Context, error) {
			return context.WithValue(ctx, whose{}, string(payload)), nil
		}
	})
	mine, other := dial(t, s), dial(t, s)
	mine.send(`{"type":"connection_init","payload":"mine"}`)
	mine.expect(`{"type":"connection_ack"}`)
	other.send(`{"type":"connection_init","payload":"other"}`)
	other.expect(`{"type":"connection_ack"}`)
	mine.subscribe("1", "subscription{silence}")
	eventually(t, "the subscription runs", func() bool { return s.Sockets.Stats().Subscriptions == 1 })
	start := time.Now()
	if n := connections.Revoke(func(ctx context.Context) bool { return ctx.Value(whose{}) == `"mine"` }); n != 1 {
		t.Errorf("%d sockets matched", n)
	}
	mine.expectClose(wsconn.CloseForbidden)
	if d := time.Since(start); d > time.Second {
		t.Errorf("closed after %v", d)
	}
	eventually(t, "nothing of it runs", func() bool { return s.Sockets.Stats() == wsconn.Stats{Sockets: 1} })
	other.subscribe("1", "{hello}")
	other.expectPart(`"next"`)
	if n := connections.Len(); n != 1 {
		t.Errorf("%d connections are known", n)
	}
}

// T3: a socket whose session ended while it was opened, or of whose revocation nobody
// told this instance, is found by asking.
func TestASocketOfADeadSessionIsClosed(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Live = live.New(live.Config{Tick: time.Millisecond, Alive: func(context.Context) (bool, error) { return false, nil }})
	})
	open(t, s).expectClose(wsconn.CloseForbidden)
}

func TestClientCloseIsAnswered(t *testing.T) {
	s := edgetest.Start(t)
	for _, code := range []int{websocket.CloseNormalClosure, websocket.CloseGoingAway, 4499} {
		c := open(t, s)
		c.subscribe("1", "subscription{silence}")
		if err := c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		c.expectClose(code)
	}
	eventually(t, "all sockets are gone", func() bool { return s.Sockets.Stats() == wsconn.Stats{} })
}
