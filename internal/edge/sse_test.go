package edge_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge/bell"
	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
	"github.com/kimi-k2/kimi-k2/internal/edge/live"
)

// patience is how long a test waits for what must happen.
const patience = 5 * time.Second

// events is an open event stream.
type events struct {
	t    *testing.T
	resp *http.Response
	r    *bufio.Reader
}

// subscribe opens an event stream.
func subscribe(t *testing.T, s *edgetest.Server, query string) *events {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader(document(t, query, "")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &events{t, resp, bufio.NewReader(resp.Body)}
}

// next reads one event, comments included, without the empty line.
func (e *events) next() (string, error) {
	var b strings.Builder
	for {
		line, err := e.r.ReadString('\n')
		if err != nil {
			return b.String() + line, err
		}
		if line == "\n" {
			return strings.TrimSuffix(b.String(), "\n"), nil
		}
		b.WriteString(line)
	}
}

func (e *events) expect(want string) {
	e.t.Helper()
	got, err := e.next()
	if err != nil || got != want {
		e.t.Fatalf("got  %q, %v\nwant %q", got, err, want)
	}
}

// ended reads the end of the stream.
func (e *events) ended() {
	e.t.Helper()
	if got, err := e.next(); !errors.Is(err, io.EOF) || got != "" {
		e.t.Fatalf("got %q, %v after the end", got, err)
	}
}

func TestEventStream(t *testing.T) {
	e := subscribe(t, edgetest.Start(t), "subscription{counter(to:2)}")
	for k, v := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
	} {
		if e.resp.Header.Get(k) != v {
			t.Errorf("%s: %s", k, e.resp.Header.Get(k))
		}
	}
	e.expect(":")
	e.expect("event: next\ndata: {\"data\":{\"counter\":1}}")
	e.expect("event: next\ndata: {\"data\":{\"counter\":2}}")
	e.expect("event: complete\ndata: ")
	e.ended()
}

// Whoever reads the state once a stream has begun misses nothing: no byte comes before.
func TestAnEventStreamBeginsWithItsSubscription(t *testing.T) {
	s := edgetest.Start(t)
	called, proceed := make(chan struct{}), make(chan struct{})
	s.Resolver.Bell = func(b *bell.Bell) {
		b.Decline()
		close(called)
		<-proceed
	}
	var has atomic.Bool
	begun := make(chan bool, 1)
	go func() {
		defer close(begun)
		e := subscribe(t, s, "subscription{ticks}")
		e.expect(":")
		begun <- has.Load()
	}()
	<-called
	select {
	case <-begun:
	case <-time.After(50 * time.Millisecond):
		has.Store(true)
		close(proceed)
		if <-begun {
			return
		}
	}
	t.Error("the stream began before its subscription")
}

func TestEventStreamOfQueriesAndErrors(t *testing.T) {
	s := edgetest.Start(t)
	for query, part := range map[string]string{
		"{hello}":                          `{"data":{"hello":"hello world"}}`,
		"mutation{add(n:3)}":               `{"data":{"add":3}}`,
		"{nothing}":                        `"code":"GRAPHQL_VALIDATION_FAILED"`,
		"subscription{refused(how:FAULT)}": `"code":"CONFLICT"`,
		"subscription{refused(how:PANIC)}": `"code":"INTERNAL"`,
	} {
		e := subscribe(t, s, query)
		got, err := e.next()
		if got == ":" { // not before what was refused unseen
			got, err = e.next()
		}
		if err != nil || !strings.HasPrefix(got, "event: next\ndata: {") || !strings.Contains(got, part) || strings.Contains(got, edgetest.Secret) {
			t.Errorf("%s: %q, %v", query, got, err)
		}
		e.expect("event: complete\ndata: ")
		e.ended()
	}
}

func TestEventsAreFlushedAtOnceAndHeartbeats(t *testing.T) {
	ticks := make(chan int)
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Streams.Heartbeat = 20 * time.Millisecond
		set.Resolver.Source = ticks
	})
	e := subscribe(t, s, "subscription{ticks}")
	e.expect(":")
	e.expect(":") // a heartbeat
	ticks <- 7
	got := ":"
	for got == ":" {
		var err error
		if got, err = e.next(); err != nil {
			t.Fatal(err)
		}
	}
	if got != "event: next\ndata: {\"data\":{\"ticks\":7}}" {
		t.Error(got)
	}
}

func TestEventStreamCaps(t *testing.T) {
	g := gate.New(gate.Limits{Total: 3, PerIP: 2})
	from := netip.MustParseAddr("192.0.2.1")
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Streams.Gate = g
		set.Edge.Streams.ClientIP = func(*http.Request) netip.Addr { return from }
	})
	refusedWith := func(status int) {
		t.Helper()
		e := subscribe(t, s, "subscription{silence}")
		b, _ := io.ReadAll(e.resp.Body)
		if e.resp.StatusCode != status || e.resp.Header.Get("Retry-After") == "" || !strings.Contains(string(b), "retryAfterMs") {
			t.Errorf("%d %v %s", e.resp.StatusCode, e.resp.Header, b)
		}
	}
	subscribe(t, s, "subscription{silence}").expect(":")
	second := subscribe(t, s, "subscription{silence}")
	second.expect(":")
	refusedWith(http.StatusTooManyRequests)
	from = netip.MustParseAddr("192.0.2.2")
	subscribe(t, s, "subscription{silence}").expect(":")
	refusedWith(http.StatusServiceUnavailable)
	second.resp.Body.Close()
	for limit := time.After(patience); g.Open() != 2; {
		select {
		case <-limit:
			t.Fatal("the place is not free")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestEventStreamsPerPrincipal(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Streams.Principal = func(context.Context) string { return "somebody" }
		set.Edge.Streams.MaxPerPrincipal = func(context.Context) int { return 1 }
	})
	subscribe(t, s, "subscription{silence}").expect(":")
	if e := subscribe(t, s, "subscription{silence}"); e.resp.StatusCode != http.StatusTooManyRequests {
		t.Errorf("status %d", e.resp.StatusCode)
	}
}

// T3, P15: a revoked principal's stream ends with a reason.
func TestRevocationEndsEventStreams(t *testing.T) {
	connections := live.New(live.Config{})
	s := edgetest.Start(t, func(set *edgetest.Setup) { set.Edge.Streams.Live = connections })
	e := subscribe(t, s, "subscription{silence}")
	e.expect(":")
	for connections.Revoke(func(context.Context) bool { return true }) == 0 { // it is entered right after its first bytes
		runtime.Gosched()
	}
	e.expect("event: next\ndata: {\"errors\":[{\"message\":\"the session has ended: begin again, or sign in\",\"extensions\":{\"code\":\"UNAUTHENTICATED\"}}]}")
	e.expect("event: complete\ndata: ")
	e.ended()
	if n := connections.Len(); n != 0 {
		t.Errorf("%d connections are known", n)
	}
}

// Without `complete` clients know that they have to come back.
func TestStopEndsEventStreamsWithoutComplete(t *testing.T) {
	stop := make(chan struct{})
	s := edgetest.Start(t, func(set *edgetest.Setup) { set.Edge.Streams.Stop = stop })
	e := subscribe(t, s, "subscription{silence}")
	e.expect(":")
	close(stop)
	e.ended()
	if e := subscribe(t, s, "subscription{silence}"); e.resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", e.resp.StatusCode)
	}
}

// T16: a client that does not read is cut at the write deadline.
func TestEventStreamReaderThatDoesNotReadIsCut(t *testing.T) {
	const limit = 300 * time.Millisecond
	g := gate.New(gate.Limits{})
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Streams.Gate = g
		set.Edge.Streams.WriteTimeout = limit
		set.Edge.Streams.Heartbeat = 20 * time.Millisecond
	})
	nc, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	body := document(t, "subscription{flood(letters:60000,count:1000000)}", "")
	_, err = io.WriteString(nc, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\nContent-Length: "+
		strconv.Itoa(len(body))+"\r\n\r\n"+body)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	seen := false
	for !seen || g.Open() > 0 {
		seen = seen || g.Open() > 0
		select {
		case <-t.Context().Done():
			t.Fatal("never cut")
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(start) > patience {
			t.Fatal("never cut")
		}
	}
}
