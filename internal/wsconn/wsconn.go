// Package wsconn serves GraphQL over websockets: the graphql-transport-ws protocol
// as a transport of gqlgen, on gorilla/websocket.
//
// A socket costs one goroutine that reads and one per running operation; pings and
// revocation are the work of one goroutine for all sockets. Sockets are detached
// from net/http: the handler returns after the upgrade, so http.Server.Shutdown
// does not wait for them and Transport.Shutdown must be called too.
//
// Every write has a deadline. An operation asks for its next event only after the
// last one was written, so a slow reader slows nobody but itself and sees merged
// events where the source merges them; one that does not read at all is cut.
package wsconn

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
)

// Subprotocol is the only one spoken.
const Subprotocol = "graphql-transport-ws"

// Close codes. Those of 44xx are the protocol's; the others are RFC 6455's and
// mean: CloseRestart, the server goes down and another attempt is welcome;
// CloseSilent, no sign of life for PongWait; CloseBusy, too many sockets of this
// principal or a passing failure, try again later; ClosePolicy, too many messages;
// CloseText, a message that is not UTF-8; CloseTooBig, a message over the limit
// (sent by the websocket library); CloseInternal, a panic. Common clients come back
// by themselves after the first three and after a cut without a code.
const (
	CloseInvalidMessage  = 4400
	CloseUnauthorized    = 4401
	CloseForbidden       = 4403
	CloseSubprotocol     = 4406
	CloseInitTimeout     = 4408
	CloseDuplicateID     = 4409
	CloseTooManyInits    = 4429
	CloseRestart         = websocket.CloseServiceRestart
	CloseSilent          = websocket.CloseGoingAway
	CloseBusy            = websocket.CloseTryAgainLater
	ClosePolicy          = websocket.ClosePolicyViolation
	CloseText            = websocket.CloseInvalidFramePayloadData
	CloseTooBig          = websocket.CloseMessageTooBig
	CloseInternal        = websocket.CloseInternalServerErr
	closeNormal          = websocket.CloseNormalClosure
	defaultSubscriptions = 8
)

// Config says what a Transport allows. Zero values take the defaults named.
type Config struct {
	// Origins decides about the Origin header of an upgrade. Nil: its host must be
	// one of Hosts or, without Hosts, the very host and port of the request. A
	// request without Origin comes from no browser: it may carry no cookie and must
	// bring an Authorization header, or `authorization` in its connection_init.
	Origins func(r *http.Request) bool
	// Hosts are the allowed Host headers, each with or without a port (without: any
	// port). Empty: any loopback name.
	Hosts []string
	// Init checks a connection_init within InitTimeout and returns the context of all
	// operations of the socket, derived from the one it got. A *fault.Fault with code UNAUTHENTICATED closes it with 4401,
	// FORBIDDEN with 4403, any other error with 1013, after which clients try again.
	// Nil accepts everybody. The request must not be kept.
	Init func(ctx context.Context, r *http.Request, payload json.RawMessage) (context.Context, error)
	// Principal is what a socket counts as; asked after Init. "" or nil: only its
	// address counts.
	Principal func(ctx context.Context) string
	// MaxPerPrincipal is the number of sockets of the context's principal,
	// negative for any number. Nil: 5.
	MaxPerPrincipal func(ctx context.Context) int
	// Revoked is a channel that closes when the principal may not go on; the socket
	// is closed with 4403 within a second. It may be nil and may return nil.
	Revoked func(ctx context.Context) <-chan struct{}
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

// Stats are numbers of this moment.
type Stats struct {
	Sockets       int
	Subscriptions int // running operations of all sockets
}

// Transport is the graphql.Transport. Make it with New.
type Transport struct {
	cfg      Config
	upgrader websocket.Upgrader
	running  atomic.Int64

	mu        sync.Mutex
	sockets   map[*socket]struct{}
	upgrading int
	down      bool
	sweeping  bool
	empty     chan struct{} // closed when down and nothing is left
}

var _ graphql.Transport = (*Transport)(nil)

// New makes a transport; without sockets it runs no goroutine.
func New(c Config) *Transport {
	return &Transport{
		cfg: c.withDefaults(),
		upgrader: websocket.Upgrader{
			Subprotocols:    []string{Subprotocol},
			ReadBufferSize:  512,
			WriteBufferSize: 512,
			WriteBufferPool: &sync.Pool{},
			CheckOrigin:     func(*http.Request) bool { return true }, // refusal has looked at it
		},
		sockets: map[*socket]struct{}{},
		empty:   make(chan struct{}),
	}
}

// Supports takes every websocket upgrade, also those that Do will refuse.
func (t *Transport) Supports(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Do upgrades the request and returns; the socket lives on by itself. It refuses
// with 403 (host or origin), 429 (too many from the address) and 503 (full or
// shutting down), the last two with Retry-After.
func (t *Transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	keyless, err := t.admissible(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	pass, err := t.cfg.Gate.Enter(t.cfg.ClientIP(r))
	if err != nil {
		refuse(w, err)
		return
	}
	if !t.begin() {
		pass.Leave()
		refuse(w, &gate.Refusal{Scope: gate.Total, RetryAfter: time.Second})
		return
	}
	ws, err := t.upgrader.Upgrade(w, r, nil)
	if err != nil { // answered by the upgrader
		pass.Leave()
		t.giveUp()
		return
	}
	s := newSocket(t, exec, r, pass, ws)
	s.keyless = keyless
	if t.join(s) {
		s.close(CloseRestart, restarting)
	}
	go s.serve()
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusTooManyRequests
	var full *gate.Refusal
	if errors.As(err, &full) {
		status = full.Status()
		w.Header().Set("Retry-After", strconv.Itoa(int(full.RetryAfter.Seconds())))
	}
	http.Error(w, err.Error(), status)
}

// begin counts an upgrade that is under way; false when the transport goes down.
func (t *Transport) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down {
		return false
	}
	t.upgrading++
	return true
}

// giveUp ends an upgrade that failed.
func (t *Transport) giveUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.upgrading--
	t.closeEmpty()
}

// join makes a socket of an upgrade and reports whether the transport went down
// meanwhile.
func (t *Transport) join(s *socket) (down bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.upgrading--
	t.sockets[s] = struct{}{}
	if !t.sweeping {
		t.sweeping = true
		go t.sweep()
	}
	return t.down
}

func (t *Transport) forget(s *socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sockets, s)
	t.closeEmpty()
}

// closeEmpty announces that nothing is left once the transport goes down; t is
// locked.
func (t *Transport) closeEmpty() {
	if !t.down || t.upgrading > 0 || len(t.sockets) > 0 {
		return
	}
	select {
	case <-t.empty:
	default:
		close(t.empty)
	}
}

const restarting = "the server is restarting"

// Shutdown closes every socket with 1012 and waits until they and their
// operations have ended or ctx is done; new upgrades get 503.
func (t *Transport) Shutdown(ctx context.Context) error {
	t.mu.Lock()
	t.down = true
	t.closeEmpty()
	all := t.list()
	t.mu.Unlock()
	for _, s := range all {
		go s.close(CloseRestart, restarting)
	}
	select {
	case <-t.empty:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// list is all sockets; t is locked.
func (t *Transport) list() []*socket {
	all := make([]*socket, 0, len(t.sockets))
	for s := range t.sockets {
		all = append(all, s)
	}
	return all
}

// Stats counts sockets and operations.
func (t *Transport) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Stats{Sockets: len(t.sockets), Subscriptions: int(t.running.Load())}
}
