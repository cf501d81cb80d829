package wsconn

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
	"github.com/kimi-k2/kimi-k2/internal/edge/live"
	"github.com/kimi-k2/kimi-k2/internal/edge/record"
)

// Config says what a Transport allows. Zero values take the defaults named.
type Config struct {
	// Origins decides about the Origin header of an upgrade. Nil: it must name the very
	// host and port of the request. A request without Origin comes from no browser: it may carry no cookie and must
	// bring an Authorization header, or `authorization` in its connection_init.
	Origins func(r *http.Request) bool
	// Hosts are the allowed Host headers, each with or without a port (without: any
	// port). Empty: any loopback name.
	Hosts []string
	// Init checks a connection_init within InitTimeout and returns the context of all
	// operations of the socket, derived from the one it got. A *fault.Fault with code UNAUTHENTICATED closes it with 4401,
	// FORBIDDEN and KEY_REVOKED with 4403, any other error with 1013, after which clients try again.
	// Nil accepts everybody. The request must not be kept.
	Init func(ctx context.Context, r *http.Request, payload json.RawMessage) (context.Context, error)
	// Principal is what a socket counts as; asked after Init. "" or nil: only its
	// address counts.
	Principal func(ctx context.Context) string
	// MaxPerPrincipal is the number of sockets of the context's principal,
	// negative for any number. Nil: 5.
	MaxPerPrincipal func(ctx context.Context) int
	// Live ends sockets whose principal may not go on, with 4403. They are in it with
	// the context of their operations, from the acknowledgement on. Nil: none is ended.
	Live *live.Registry
	// Feed may take a subscription, already validated and paid for, out of the
	// executor's hands: one whose events come so often that resolving each field anew
	// costs more than sending it. Nil, or a nil Feed: the executor runs it.
	Feed func(ctx context.Context, rc *graphql.OperationContext) Feed
	// FeedExtensions are the response extensions that the first event of a Feed carries, a
	// JSON object or nothing. Nil: nothing.
	FeedExtensions func(rc *graphql.OperationContext) []byte
	// Record is told of operations when they are over. Nil: nobody is.
	Record *record.Recorder
	// ClientIP is the caller's address. Nil: the peer of the TCP connection.
	ClientIP func(r *http.Request) netip.Addr
	// Gate counts sockets in total and per address. Nil: one of its own with the
	// default limits.
	Gate *gate.Gate

	InitTimeout       time.Duration // until connection_init; default 3 s
	PingInterval      time.Duration // default 20 s
	PongWait          time.Duration // silence that ends a socket; default 2.5 × PingInterval
	WriteTimeout      time.Duration // for one write to make its way; default 10 s
	ReadLimit         int64         // bytes of one message; default 64 KiB
	MessagesPerMinute int           // also the burst; default 60, negative: any number
	MaxSubscriptions  int           // running operations of one socket; default 8

	Log   *slog.Logger // default slog.Default()
	Clock clock.Clock  // default clock.System
}

// Feed yields the events of one subscription. Its methods are never called at the same
// time, but Wait, beside which there may be calls of Poll.
type Feed interface {
	// Step appends the response data of the next event, a JSON object, if there is one.
	Step(ctx context.Context, dst []byte) (data []byte, event bool)
	// Wait waits until Step may have an event. more is false when the subscription or
	// ctx has ended.
	Wait(ctx context.Context) (more bool)
	// Push is called before the first Step: the feed may from now on call push, on
	// whatever goroutine, when Poll may have an event. push sends what Poll gives as far
	// as that needs no waiting. When it says false, Wait must return.
	Push(push func() bool)
	// Poll is Step for events that are there now and can be had without waiting; more
	// means that it has another.
	Poll(dst []byte) (data []byte, more, event bool)
	// Close is called once, after all others.
	Close()
}

func (c Config) withDefaults() Config {
	or := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	or(&c.InitTimeout, 3*time.Second)
	or(&c.PingInterval, 20*time.Second)
	or(&c.PongWait, c.PingInterval*5/2)
	or(&c.WriteTimeout, 10*time.Second)
	if c.ReadLimit == 0 {
		c.ReadLimit = 64 << 10
	}
	if c.MessagesPerMinute == 0 {
		c.MessagesPerMinute = 60
	}
	if c.MaxSubscriptions == 0 {
		c.MaxSubscriptions = defaultSubscriptions
	}
	if c.Gate == nil {
		c.Gate = gate.New(gate.Limits{})
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.ClientIP == nil {
		c.ClientIP = peer
	}
	return c
}

// peer is the address of the TCP connection.
func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}
