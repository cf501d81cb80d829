package load_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/bench/internal/engine"
	"github.com/kimi-k2/kimi-k2/bench/internal/floor"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// product is the least that speaks like the product: messages order replies, which
// sockets follow. The first event is a snapshot, deltas carry up to three tokens.
type product struct {
	mu     sync.Mutex
	orders map[string]wire.Order
	starts map[string]time.Time
	lose   bool // swallow one delta
	repeat bool // send every delta twice
	fail   bool // end with ReplyFailed
}

func (p *product) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if websocket.IsWebSocketUpgrade(r) {
		p.socket(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if strings.Contains(string(body), "conversations(") {
		if r.Header.Get("Cookie") != "guest=g" {
			http.Error(w, "whose?", http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"data":{"viewer":{"conversations":{"nodes":[{"id":"c","lastMessage":{"id":"m"}}]}}}}`)
		return
	}
	if p.settles(w, string(body)) {
		return
	}
	if r.Header.Get("Cookie") != "gate=settled" {
		http.Error(w, "age and policy first", http.StatusForbidden)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := fmt.Sprintf("msg_%d", len(p.orders))
	p.orders[id], p.starts[id] = wire.ParseOrder(body, wire.Order{}), time.Now()
	http.SetCookie(w, &http.Cookie{Name: "guest", Value: "g"})
	http.SetCookie(w, &http.Cookie{Name: "gate", MaxAge: -1})
	fmt.Fprintf(w, `{"data":{"messageSend":{"reply":{"id":%q},"userErrors":[]}}}`, id)
}

// settles answers what comes before a first message.
func (p *product) settles(w http.ResponseWriter, body string) bool {
	answers := map[string]string{"{policy{": `{"data":{"policy":{"version":"v1"}}}`,
		"ageConfirm": `{"data":{"ageConfirm":{"userErrors":[]}}}`, `"v":"v1"`: `{"data":{"policyAccept":{"userErrors":[]}}}`}
	for mark, answer := range answers {
		if strings.Contains(body, mark) {
			http.SetCookie(w, &http.Cookie{Name: "guest", Value: "visitor"})
			http.SetCookie(w, &http.Cookie{Name: "gate", Value: "settled"})
			_, _ = io.WriteString(w, answer)
			return true
		}
	}
	return false
}

func (p *product) socket(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{Subprotocols: []string{"graphql-transport-ws"}}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	send := func(format string, args ...any) bool {
		return conn.WriteMessage(websocket.TextMessage, fmt.Appendf(nil, format, args...)) == nil
	}
	var m struct {
		Payload struct{ Variables struct{ R string } }
	}
	for _, answer := range []string{`{"type":"connection_ack"}`, ""} {
		_, b, err := conn.ReadMessage()
		if err != nil || json.Unmarshal(b, &m) != nil || answer != "" && !send("%s", answer) {
			return
		}
	}
	if id := m.Payload.Variables.R; id != "" {
		p.tell(id, send)
	}
	_, _, _ = conn.ReadMessage() // until the client closes
}

func (p *product) tell(id string, send func(string, ...any) bool) {
	next := func(event string, args ...any) bool {
		return send(`{"id":"1","type":"next","payload":{"data":{"replyEvents":{`+event+`}}}}`, args...)
	}
	p.mu.Lock()
	o, pacer := p.orders[id], wire.NewPacer(p.starts[id], p.orders[id])
	p.mu.Unlock()
	var text, all []byte
	for i := range o.Tokens {
		due, now := pacer.Wait()
		text, all = wire.Append(text, due, now), wire.Append(all, due, now)
		switch {
		case i == 0 || i == 5:
			next(`"__typename":"ReplySnapshot","seq":1,"text":%q`, all)
		case i%3 != 0 && i != o.Tokens-1:
			continue
		case i > 8 && p.lose:
			p.lose = false
		default:
			next(`"__typename":"ReplyDelta","seq":2,"text":%q`, text)
			if p.repeat {
				next(`"__typename":"ReplyDelta","seq":2,"text":%q`, text)
			}
		}
		text = nil
	}
	if p.fail {
		next(`"__typename":"ReplyFailed","seq":3,"error":{"code":"UPSTREAM_FAILED"}`)
		return
	}
	next(`"__typename":"ReplyFinished","seq":3,"status":"COMPLETE"`)
	send(`{"id":"1","type":"complete"}`)
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func newProduct(t *testing.T, p *product) string {
	p.orders, p.starts = map[string]wire.Order{}, map[string]time.Time{}
	return serve(t, p)
}

func relay(t *testing.T) string {
	t.Helper()
	return relayWith(t, nil, nil)
}

// relayWith is a relay that asks for keys and charges.
func relayWith(t *testing.T, keys map[string]int, charge func(int) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- engine.Serve(l) }()
	h := floor.NewRelay(&url.URL{Scheme: "http", Host: l.Addr().String()})
	h.Keys, h.Charge = keys, charge
	t.Cleanup(func() {
		h.Close()
		_ = l.Close()
		<-ended
	})
	return serve(t, h)
}

const ms = time.Millisecond

func streamsSpec(addr string) load.Spec {
	return load.Spec{Kind: load.Streams, Addr: addr, N: 4, Rate: 100, Ramp: 50 * ms, Warm: 250 * ms, Window: 300 * ms,
		Probes: 3, Spread: 50 * ms, Watch: map[string][]int{"self": {os.Getpid()}}}
}

func run(t *testing.T, s load.Spec) load.Result {
	t.Helper()
	r, err := load.Run(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestStreamsAreTimedTokenByToken(t *testing.T) {
	t.Parallel()
	for name, addr := range map[string]string{"product": newProduct(t, &product{}), "floor": relay(t)} {
		s := streamsSpec(addr)
		s.Floor = name == "floor"
		r := run(t, s)
		if r.Errors != 0 || r.Lost != 0 {
			t.Errorf("%s: %d errors (%s), %d tokens lost", name, r.Errors, r.Error, r.Lost)
		}
		// How many tokens fall into the window is up to how busy the machine is.
		if r.All == 0 || r.Tokens > r.All || float64(r.Tokens) != r.Added.N {
			t.Errorf("%s: %d tokens of %d in the window, %v timed", name, r.Tokens, r.All, r.Added.N)
		}
		if r.Tokens > 0 && (r.Added.P50 <= 0 || r.Late.P99 < r.Added.P50) || r.First.N != 3 {
			t.Errorf("%s: %+v", name, r)
		}
		if _, ok := r.CPU["self"]; !ok || r.Seconds <= 0 {
			t.Errorf("%s: CPU was not sampled: %+v", name, r)
		}
	}
}

func TestALostTokenIsCounted(t *testing.T) {
	t.Parallel()
	s := streamsSpec(newProduct(t, &product{lose: true}))
	s.N, s.Probes = 1, 0
	if r := run(t, s); r.Lost == 0 || r.Lost > 3 {
		t.Errorf("%d lost", r.Lost)
	}
}

func TestARepeatedTokenIsCounted(t *testing.T) {
	t.Parallel()
	s := streamsSpec(newProduct(t, &product{repeat: true}))
	s.N, s.Probes = 1, 0
	if r := run(t, s); r.Extra == 0 || r.Lost != 0 || r.Extra > r.All {
		t.Errorf("%d too many, %d lost of %d", r.Extra, r.Lost, r.All)
	}
}

func TestAFailedReplyIsAnError(t *testing.T) {
	t.Parallel()
	s := streamsSpec(newProduct(t, &product{fail: true}))
	if r := run(t, s); r.Errors != 7 || !strings.Contains(r.Error, "UPSTREAM_FAILED") {
		t.Errorf("%d errors: %s", r.Errors, r.Error)
	}
	s.Addr = "127.0.0.1:1" // nobody listens
	if _, err := load.Run(s); err == nil {
		t.Error("a load on nobody")
	}
	s.Floor = true
	if r := run(t, s); r.Errors != 7 || r.Lost == 0 {
		t.Errorf("%d errors: %s", r.Errors, r.Error)
	}
}

func TestManySubscriptionsFollowFewReplies(t *testing.T) {
	t.Parallel()
	for name, addr := range map[string]string{"product": newProduct(t, &product{}), "floor": serve(t, http.HandlerFunc(floor.Push))} {
		s := load.Spec{Kind: load.Fan, Addr: addr, Floor: name == "floor", N: 30, Replies: 3, Rate: 50, Ramp: 100 * ms, Settle: 100 * ms, Warm: 100 * ms, Window: 200 * ms}
		r := run(t, s)
		if r.Errors != 0 || r.Lost != 0 || r.Extra != 0 || r.All != 30*40 {
			t.Errorf("%s: %+v", name, r)
		}
		s.Cut = true
		if r := run(t, s); r.Errors != 0 || r.All > 30*40 {
			t.Errorf("%s, cut: %+v", name, r)
		}
	}
}

func TestSocketsAreHeldAndClosed(t *testing.T) {
	t.Parallel()
	for name, addr := range map[string]string{"product": newProduct(t, &product{}), "floor": serve(t, http.HandlerFunc(floor.Push))} {
		for _, idle := range []bool{true, false} {
			r := run(t, load.Spec{Kind: load.Sockets, Addr: addr, Floor: name == "floor", Idle: idle, N: 20, Replies: 2, Rate: 20,
				Ramp: 100 * ms, Settle: 100 * ms, Window: 600 * ms, Watch: map[string][]int{"self": {os.Getpid()}}})
			if r.Errors != 0 || r.Opened <= 0 || idle && r.All > 0 {
				t.Errorf("%s, idle %v: %+v", name, idle, r)
			}
			if _, ok := r.Memory["self"]; !ok {
				t.Errorf("%s: memory was not sampled", name)
			}
		}
	}
}

func TestListsInBothLoops(t *testing.T) {
	t.Parallel()
	s := load.Spec{Kind: load.Lists, Addr: newProduct(t, &product{}), N: 3, Warm: 20 * ms, Window: 500 * ms, Cookies: []string{"guest=g"}}
	if r := run(t, s); r.Errors != 0 || r.Asked == 0 || r.Added.P99 <= 0 {
		t.Errorf("closed: %+v", r)
	}
	s.Rate = 100
	if r := run(t, s); r.Errors != 0 || r.Asked > 51 {
		t.Errorf("open: %+v", r)
	}
	s.Cookies = []string{"guest=forged"}
	if r := run(t, s); r.Errors != 3 || !strings.Contains(r.Error, "401") {
		t.Errorf("refused: %+v", r)
	}
}

// Programs get whole answers and streams under their keys, and each is charged once, to
// the account of its key.
func TestProgramsAskUnderTheirKeys(t *testing.T) {
	t.Parallel()
	var charged [2]atomic.Int64
	addr := relayWith(t, map[string]int{"one": 0, "two": 1}, func(account int) error { charged[account].Add(1); return nil })
	s := load.Spec{Kind: load.Wholes, Addr: addr, N: 3, Warm: 20 * ms, Window: 300 * ms, Rate: 50, Keys: []string{"one", "two"}}
	r := run(t, s)
	if r.Errors != 0 || r.Asked == 0 || charged[0].Load() == 0 || charged[1].Load() == 0 {
		t.Errorf("whole: %+v, charged %d and %d", r, charged[0].Load(), charged[1].Load())
	}
	before := charged[0].Load() + charged[1].Load()
	streams := streamsSpec(addr)
	streams.Keys = s.Keys
	r = run(t, streams)
	if n := charged[0].Load() + charged[1].Load() - before; r.Errors != 0 || r.Lost != 0 || n != 7 {
		t.Errorf("streams: %+v, %d charges", r, n)
	}
	if _, ok := r.Memory["self"]; !ok {
		t.Error("memory was not sampled")
	}
	s.Keys = []string{"forged"}
	if r := run(t, s); r.Errors != 3 || !strings.Contains(r.Error, "401") {
		t.Errorf("refused: %+v", r)
	}
}

// An answer that could not be charged never ends well.
func TestAnAnswerThatIsNotChargedIsAnError(t *testing.T) {
	t.Parallel()
	addr := relayWith(t, map[string]int{"one": 0}, func(int) error { return errors.New("no database") })
	if r := run(t, load.Spec{Kind: load.Wholes, Addr: addr, N: 1, Window: 50 * ms, Keys: []string{"one"}}); r.Errors != 1 || !strings.Contains(r.Error, "no database") {
		t.Errorf("whole: %+v", r)
	}
	s := streamsSpec(addr)
	s.Keys = []string{"one"}
	if r := run(t, s); r.Errors != 7 || r.Lost != 0 {
		t.Errorf("streams: %+v", r)
	}
}

func TestSpecsWithoutBoundsAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []load.Spec{{}, {Kind: load.Streams}, {Kind: load.Streams, N: 1}, {Kind: load.Fan, N: 1, Rate: 1},
		{Kind: load.Sockets, N: 1, Idle: true}, {Kind: load.Lists, N: 1}, {Kind: load.Wholes, N: 1}, {Kind: "other", N: 1}} {
		if _, err := load.Run(s); err == nil {
			t.Errorf("%+v ran", s)
		}
	}
}
