package wsconn_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"

	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// T16: floods of sockets end at the caps, and a closed socket makes room.
func TestSocketsPerAddressAndInTotal(t *testing.T) {
	from := netip.MustParseAddr("192.0.2.1")
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Gate = gate.New(gate.Limits{Total: 3, PerIP: 2})
		set.Websocket.ClientIP = func(*http.Request) netip.Addr { return from }
	})
	first := open(t, s)
	open(t, s)
	refusedWith := func(status int) {
		t.Helper()
		_, resp, err := dialWith(s, sameOrigin(s), wsconn.Subprotocol)
		if err == nil || resp.StatusCode != status || resp.Header.Get("Retry-After") == "" {
			t.Errorf("got %v %v, want %d", err, resp, status)
		}
	}
	refusedWith(http.StatusTooManyRequests)
	from = netip.MustParseAddr("192.0.2.2")
	open(t, s)
	refusedWith(http.StatusServiceUnavailable)
	first.ws.Close()
	eventually(t, "the place is free", func() bool { return s.Sockets.Stats().Sockets == 2 })
	open(t, s)
}

// P76: nobody has more sockets than its share.
func TestSocketsPerPrincipal(t *testing.T) {
	type who struct{}
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Init = func(ctx context.Context, _ *http.Request, p json.RawMessage) (context.Context, error) {
			return context.WithValue(ctx, who{}, string(p)), nil
		}
		set.Websocket.Principal = func(ctx context.Context) string { return ctx.Value(who{}).(string) }
		set.Websocket.MaxPerPrincipal = func(ctx context.Context) int {
			if ctx.Value(who{}) == `"guest"` {
				return 2
			}
			return 5
		}
	})
	enter := func(name string) *client {
		c := dial(t, s)
		c.send(`{"type":"connection_init","payload":"` + name + `"}`)
		return c
	}
	admitted := func(name string) *client {
		t.Helper()
		c := enter(name)
		c.expect(`{"type":"connection_ack"}`)
		return c
	}
	first := admitted("guest")
	admitted("guest")
	enter("guest").expectClose(wsconn.CloseBusy)
	for range 5 {
		admitted("account")
	}
	enter("account").expectClose(websocket.CloseTryAgainLater)
	first.ws.Close()
	eventually(t, "the place is free", func() bool { return s.Sockets.Stats().Sockets == 6 })
	admitted("guest")
}
