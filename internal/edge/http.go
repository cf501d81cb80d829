package edge

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/edge/request"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Media types of answers.
const (
	typeJSON    = "application/json"
	typeGraphQL = "application/graphql-response+json"
)

// HTTP is the transport for single answers, as the GraphQL over HTTP
// specification describes it. It takes every request that no other transport
// took, to refuse it properly.
//
// Foreign pages get nowhere: POST takes application/json alone, which a page of
// another origin cannot send without a preflight that nobody answers; GET runs
// queries only, which change nothing, and is refused when the browser says that
// another site sends it, or when it brings cookies without saying whence.
// Options.NoGET switches GET off altogether.
type HTTP struct {
	maxBody     int64
	get         bool
	crossOrigin *http.CrossOriginProtection
	events      *SSE
	record      *record.Recorder
	purse       purse
}

var _ graphql.Transport = (*HTTP)(nil)

func newHTTP(o Options, events *SSE) *HTTP {
	return &HTTP{maxBody: o.MaxBody, get: !o.NoGET, crossOrigin: o.CrossOrigin, events: events, record: o.Record, purse: purse{o.Spend, o.Principal}}
}

// Supports takes every request.
func (*HTTP) Supports(*http.Request) bool { return true }

// Do answers one request.
func (t *HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	a := &answer{w: w, mediaType: negotiate(r.Header.Values("Accept")), track: t.record.Begin(r.Context())}
	defer a.track.End()
	a.unread = func() error { return t.purse.unread(a, r) }
	if a.mediaType == "" {
		a.mediaType = typeJSON
		a.refuse(http.StatusNotAcceptable, "answers come as %s or %s", typeJSON, typeGraphQL)
		return
	}
	start := graphql.Now()
	params, ok := t.params(a, r)
	if !ok {
		return
	}
	a.unread = nil
	params.Headers = r.Header
	params.ReadTime = graphql.TraceTiming{Start: start, End: graphql.Now()}
	t.execute(a, r, exec, params)
}

func (t *HTTP) params(a *answer, r *http.Request) (*graphql.RawParams, bool) {
	switch {
	case r.Method == http.MethodPost:
		return readPost(a, r, t.maxBody, t.crossOrigin)
	case r.Method == http.MethodGet && t.get:
		return t.readGet(a, r)
	case r.Method == http.MethodOptions:
		a.w.Header().Set("Allow", t.methods())
		a.w.WriteHeader(http.StatusNoContent)
		return nil, false
	}
	a.w.Header().Set("Allow", t.methods())
	a.refuse(http.StatusMethodNotAllowed, "send a POST request")
	return nil, false
}

func (t *HTTP) methods() string {
	if t.get {
		return "GET, POST, OPTIONS"
	}
	return "POST, OPTIONS"
}

// readPost reads a POST body within all limits; false when it has answered.
func readPost(a *answer, r *http.Request, maxBody int64, crossOrigin *http.CrossOriginProtection) (*graphql.RawParams, bool) {
	if err := crossOrigin.Check(r); err != nil {
		a.fail(http.StatusForbidden, fault.New(fault.Forbidden, "requests from other sites are not accepted"))
		return nil, false
	}
	if !isJSON(r) {
		a.w.Header().Set("Accept-Post", typeJSON)
		a.refuse(http.StatusUnsupportedMediaType, "send the request as %s in UTF-8, not compressed", typeJSON)
		return nil, false
	}
	buf := newBody()
	defer freeBody(buf)
	if err := readBody(buf, r, maxBody); err != nil {
		a.unreadable(r, err, maxBody)
		return nil, false
	}
	params, err := request.Parse(buf.Bytes())
	if err != nil {
		a.fail(http.StatusBadRequest, err)
		return nil, false
	}
	return params, true
}

// bodies hold requests while they are read and answers while they are built.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func newBody() *bytes.Buffer {
	b := bodies.Get().(*bytes.Buffer)
	b.Reset()
	return b
}

// freeBody gives a buffer back unless it has grown large.
func freeBody(b *bytes.Buffer) {
	if b.Cap() <= 64<<10 {
		bodies.Put(b)
	}
}

var errTooLarge = errors.New("the body is over the limit")

// readBody reads at most limit bytes into buf.
func readBody(buf *bytes.Buffer, r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return errTooLarge
	}
	n, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1))
	if n > limit {
		return errTooLarge
	}
	return err
}

// unreadable answers a body that could not be read.
func (a *answer) unreadable(r *http.Request, err error, limit int64) {
	if !errors.Is(err, errTooLarge) {
		a.refuse(http.StatusBadRequest, "the request could not be read to its end")
		return
	}
	if r.Header.Get("Expect") == "" {
		// Clients that send first and read later would see a reset instead of this.
		_, _ = io.CopyN(io.Discard, r.Body, 4*limit)
	}
	a.w.Header().Set("Connection", "close")
	a.refuse(http.StatusRequestEntityTooLarge, "the request is larger than %d bytes", limit)
}

// isJSON reports whether the body claims to be plain JSON in UTF-8.
func isJSON(r *http.Request) bool {
	if ce := r.Header.Get("Content-Encoding"); ce != "" && !strings.EqualFold(ce, "identity") {
		return false
	}
	if len(r.Header.Values("Content-Type")) != 1 {
		return false
	}
	mt, p, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := p["charset"]
	return err == nil && mt == typeJSON && (charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8"))
}

// readGet reads a query from the URL; false when it has answered.
func (t *HTTP) readGet(a *answer, r *http.Request) (*graphql.RawParams, bool) {
	if !t.mayGet(r) {
		a.fail(http.StatusForbidden, fault.New(fault.Forbidden, "requests from other sites are not accepted"))
		return nil, false
	}
	q := r.URL.Query()
	p := &graphql.RawParams{Query: q.Get("query"), OperationName: q.Get("operationName")}
	var err error
	if p.Variables, err = request.Object("variables", q.Get("variables")); err != nil {
		a.fail(http.StatusBadRequest, err)
		return nil, false
	}
	if p.Extensions, err = request.Object("extensions", q.Get("extensions")); err != nil {
		a.fail(http.StatusBadRequest, err)
		return nil, false
	}
	if p.Query == "" && p.Extensions["persistedQuery"] == nil {
		a.fail(http.StatusBadRequest, fault.On("query", fault.Invalid, "the request has no query"))
		return nil, false
	}
	return p, true
}

// mayGet reports whether no foreign page can be behind a GET. Where cookies are
// involved the browser must have said where it comes from.
func (t *HTTP) mayGet(r *http.Request) bool {
	h := r.Header
	if h.Get("Cookie") != "" && h.Get("Sec-Fetch-Site") == "" && h.Get("Origin") == "" {
		return false
	}
	asked := *r
	asked.Method = http.MethodPost // the check passes every GET
	return t.crossOrigin.Check(&asked) == nil
}

func (t *HTTP) execute(a *answer, r *http.Request, exec graphql.GraphExecutor, params *graphql.RawParams) {
	ctx, spent := withReceipt(r.Context())
	rc, errs := exec.CreateOperationContext(ctx, params)
	spent.tell(a.w.Header())
	a.track.Prepared(rc)
	if len(errs) > 0 {
		resp := exec.DispatchError(graphql.WithOperationContext(ctx, rc), errs)
		status := a.statusOf(resp.Errors)
		if spent.over() {
			status = http.StatusTooManyRequests
		}
		a.errors(status, resp.Errors)
		return
	}
	switch op := rc.Operation.Operation; {
	case r.Method == http.MethodGet && op != ast.Query:
		a.w.Header().Set("Allow", http.MethodPost)
		a.refuse(http.StatusMethodNotAllowed, "GET runs queries only: send a POST request")
		return
	case op == ast.Subscription && acceptsEvents(r):
		t.events.serve(a, r, exec, rc, nil)
		return
	case op == ast.Subscription:
		a.refuse(http.StatusBadRequest, "subscriptions need a websocket or Accept: text/event-stream")
		return
	}
	responses, ctx := exec.DispatchOperation(ctx, rc)
	resp := responses(ctx)
	if resp == nil { // the client is gone
		return
	}
	a.data(resp)
}

// statusOf is the status of a request that was not executed. Clients of plain JSON
// expect 200 for a well-formed request whatever became of it.
func (a *answer) statusOf(errs gqlerror.List) int {
	if a.mediaType == typeGraphQL || malformed(errs) {
		return http.StatusBadRequest
	}
	return http.StatusOK
}
