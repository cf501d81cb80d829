package edge

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
	"github.com/kimi-k2/kimi-k2/internal/edge/live"
	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// typeEvents is the media type of event streams.
const typeEvents = "text/event-stream"

// Streams say how operations by event stream are bound. Zero values take the
// defaults named; the functions mean the same as in wsconn.Config.
type Streams struct {
	Gate            *gate.Gate // share it with the websockets; nil: one with default limits
	ClientIP        func(r *http.Request) netip.Addr
	Principal       func(ctx context.Context) string
	MaxPerPrincipal func(ctx context.Context) int
	Live            *live.Registry // share it with the websockets; nil: no stream is ended
	// Stop ends all streams when it closes, without their `complete`, so that
	// clients come back to another instance. Nil: never.
	Stop <-chan struct{}

	Heartbeat    time.Duration // between comments on a silent stream; default 15 s
	WriteTimeout time.Duration // for one write; default 10 s
}

func (c Streams) withDefaults() Streams {
	if c.Gate == nil {
		c.Gate = gate.New(gate.Limits{})
	}
	if c.ClientIP == nil {
		c.ClientIP = peer
	}
	if c.Principal == nil {
		c.Principal = func(context.Context) string { return "" }
	}
	if c.MaxPerPrincipal == nil {
		c.MaxPerPrincipal = func(context.Context) int { return 5 }
	}
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 10 * time.Second
	}
	return c
}

func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr()
}

// SSE is the transport for operations by event stream: GraphQL over server-sent
// events in its "distinct connections mode", by POST with Accept:
// text/event-stream. It serves where websockets are blocked.
type SSE struct {
	cfg         Streams
	maxBody     int64
	crossOrigin *http.CrossOriginProtection
	record      *record.Recorder
	purse       purse
}

var _ graphql.Transport = (*SSE)(nil)

func newSSE(o Options) *SSE {
	return &SSE{cfg: o.Streams.withDefaults(), maxBody: o.MaxBody, crossOrigin: o.CrossOrigin, record: o.Record, purse: purse{o.Spend, o.Principal}}
}

// Supports takes POST requests that accept an event stream and no plain answer.
// Those that accept both get a stream for a subscription only, through HTTP.
func (*SSE) Supports(r *http.Request) bool {
	return r.Method == http.MethodPost && acceptsEvents(r) && !acceptsAnswer(r)
}

// Do streams one operation to its end. Refusals before the stream begins are
// plain JSON answers with a status, and so is a program's spent budget; other errors of the document come as an event.
func (t *SSE) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	a := &answer{w: w, mediaType: typeJSON, track: t.record.Begin(r.Context())}
	defer a.track.End()
	a.unread = func() error { return t.purse.unread(a, r) }
	start := graphql.Now()
	params, ok := readPost(a, r, t.maxBody, t.crossOrigin)
	if !ok {
		return
	}
	a.unread = nil
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	ctx, spent := withReceipt(r.Context())
	rc, errs := exec.CreateOperationContext(ctx, params)
	a.track.Prepared(rc)
	spent.tell(w.Header())
	if spent.over() {
		a.errors(http.StatusTooManyRequests, exec.DispatchError(graphql.WithOperationContext(ctx, rc), errs).Errors)
		return
	}
	if unknownDocument(errs) { // there is nothing to stream: the client sends the text next
		resp := exec.DispatchError(graphql.WithOperationContext(ctx, rc), errs)
		a.errors(http.StatusBadRequest, resp.Errors)
		return
	}
	t.serve(a, r, exec, rc, errs)
}

func unknownDocument(errs gqlerror.List) bool {
	return len(errs) == 1 && errs[0].Extensions["code"] == PersistedQueryNotFound
}

// serve streams an operation, or the errors of its document.
func (t *SSE) serve(a *answer, r *http.Request, exec graphql.GraphExecutor, rc *graphql.OperationContext, errs gqlerror.List) {
	pass, err := t.enter(r)
	if err != nil {
		a.full(err)
		return
	}
	defer pass.Leave()
	ctx, cancel := context.WithCancelCause(r.Context())
	a.track.Streams()
	s := &stream{cfg: t.cfg, w: a.w, rc: http.NewResponseController(a.w), cancel: cancel, track: a.track}
	s.open()
	defer t.cfg.Live.Add(ctx, func() { cancel(errRevoked) }).Remove()
	var beats sync.WaitGroup
	beats.Go(func() { s.watch(ctx) })
	defer beats.Wait() // nothing may write after the handler has returned
	defer cancel(errEnded)
	s.run(ctx, exec, rc, errs)
}

func (t *SSE) enter(r *http.Request) (*gate.Pass, error) {
	select {
	case <-t.cfg.Stop:
		return nil, &gate.Refusal{Scope: gate.Total, RetryAfter: time.Second}
	default:
	}
	pass, err := t.cfg.Gate.Enter(t.cfg.ClientIP(r))
	if err != nil {
		return nil, err
	}
	ctx := r.Context()
	if err := pass.Claim(t.cfg.Principal(ctx), t.cfg.MaxPerPrincipal(ctx)); err != nil {
		pass.Leave()
		return nil, err
	}
	return pass, nil
}

// full answers a refusal of the gate.
func (a *answer) full(err error) {
	status, f := http.StatusServiceUnavailable, fault.New(fault.RateLimited, "%s", err.Error())
	var r *gate.Refusal
	if errors.As(err, &r) {
		status, f.RetryAfter = r.Status(), r.RetryAfter
		a.w.Header().Set("Retry-After", strconv.Itoa(int(r.RetryAfter.Seconds())))
	}
	a.fail(status, f)
}

var (
	errEnded   = errors.New("the stream has ended")
	errRevoked = errors.New("the session has ended")
	errStopped = errors.New("the server is restarting")
)
