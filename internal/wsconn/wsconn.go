// Package wsconn serves GraphQL over websockets: the graphql-transport-ws protocol
// as a transport of gqlgen, on gorilla/websocket.
//
// A socket costs one goroutine that reads and one per running operation, but none for a
// subscription whose source rings for its events (see package bell); pings are the work of
// one goroutine for all sockets. Sockets are detached from net/http: the handler returns after the upgrade, so http.Server.Shutdown
// does not wait for them and Transport.Shutdown must be called too.
//
// Every write has a deadline. An operation asks for its next event only after the
// last one was written, so a slow reader slows nobody but itself and sees merged
// events where the source merges them; one that does not read at all is cut.
package wsconn

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

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

// Reasons of closes that come from outside a socket.
const (
	restarting   = "the server is restarting"
	sessionEnded = "session ended"
)

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
