package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

const limitsDocument = `{ rateLimit { limits { name scope limit remaining resetAt } } }`

// limit is one of the limits that rateLimit tells.
func limit(t *testing.T, answer any, scope, name string) map[string]any {
	t.Helper()
	all, _ := at(answer, "data", "rateLimit", "limits").([]any)
	for _, l := range all {
		if at(l, "scope") == scope && at(l, "name") == name {
			return l.(map[string]any)
		}
	}
	t.Fatalf("no limit on %s of %s: %v", name, scope, answer)
	return nil
}

// P75: a key's answers tell its limits in headers, the refusal is a 429 that says when to
// come again in the header and in the error, and the query tells the same figures.
func TestAKeyIsToldItsLimits(t *testing.T) {
	p := start(t)
	b := p.signIn("builder")
	g := b.program(map[string]any{"requestsPerMinute": 5, "tokensPerMinute": 1000})
	resp, answer := g.post(`{ viewer { kind } }`, nil)
	h := resp.Header
	if resp.StatusCode != http.StatusOK || h.Get("X-RateLimit-Limit") != "5" || h.Get("X-RateLimit-Remaining") != "4" || h.Get("X-RateLimit-Reset") != "12" || h.Get("X-RateLimit-Resource") != "requests" {
		t.Errorf("%d %v %v", resp.StatusCode, h, answer)
	}
	resp, answer = g.post(limitsDocument, nil)
	if l := limit(t, answer, "KEY", "REQUESTS"); l["limit"] != 5.0 || fmt.Sprint(l["remaining"]) != resp.Header.Get("X-RateLimit-Remaining") {
		t.Errorf("%v, in the header %s", l, resp.Header.Get("X-RateLimit-Remaining"))
	}
	if l := limit(t, answer, "KEY", "TOKENS"); l["limit"] != 1000.0 || l["remaining"] != 1000.0 {
		t.Errorf("%v", l)
	}
	if l := limit(t, answer, "ACCOUNT", "COST"); l["limit"] != 20000.0 || l["remaining"].(float64) >= 20000 {
		t.Errorf("%v", l)
	}
	for range 3 {
		g.ask(`{ viewer { kind } }`, nil)
	}
	resp, answer = g.post(`{ viewer { kind } }`, nil)
	wait, _ := at(answer, "errors", 0, "extensions", "retryAfterMs").(float64)
	seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	if resp.StatusCode != http.StatusTooManyRequests || code(answer) != "RATE_LIMITED" || wait <= 0 || wait > 12_000 || seconds < 1 || seconds > 12 || resp.Header.Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("%d %v %v", resp.StatusCode, resp.Header, answer)
	}
	if words, _ := at(answer, "errors", 0, "message").(string); !strings.Contains(words, "this API key may send 5 requests a minute: try again in") {
		t.Error(words)
	}
	events, _ := g.post(`subscription { viewerEvents { __typename } }`, nil, "Accept", "text/event-stream")
	if events.StatusCode != http.StatusTooManyRequests || events.Header.Get("Retry-After") == "" {
		t.Errorf("an event stream: %d %v", events.StatusCode, events.Header)
	}
	s, err := g.dial(true)
	if err != nil {
		t.Fatal(err)
	}
	s.subscribe("1", `{ viewer { kind } }`, nil)
	if m := s.read(); m["type"] != "error" || at(m, "payload", 0, "extensions", "code") != "RATE_LIMITED" || at(m, "payload", 0, "extensions", "retryAfterMs") == nil {
		t.Errorf("over a websocket: %v", m)
	}
	// The account's page is not the key's.
	if got := b.ask(limitsDocument, nil); limit(t, got, "ACCOUNT", "REQUESTS")["remaining"] != 60.0 {
		t.Errorf("%v", got)
	}
	resp = b.request("application/json", `{ viewer { kind } }`, nil)
	_ = resp.Body.Close()
	if resp.Header.Get("X-RateLimit-Limit") != "" {
		t.Error("a page is told headers that are for programs")
	}
}

// P74: a key's limit is exact over three instances, whatever it sends; what is over it
// never reaches the engine.
func TestAKeysLimitIsExactOverInstances(t *testing.T) {
	all := instances(t, 3)
	b := all[0].signIn("builder")
	g := b.program(map[string]any{"requestsPerMinute": 20})
	var passed, refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			resp, _ := g.at(all[i%3]).post(`{ viewer { kind } }`, nil)
			switch resp.StatusCode {
			case http.StatusOK:
				passed.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	// Less than the three seconds in which one comes back go by, or a few more pass.
	if n := passed.Load(); n < 20 || n > 22 || n+refused.Load() != 60 {
		t.Errorf("%d passed, %d were refused", n, refused.Load())
	}
	for _, p := range all {
		if n := len(p.engine.Requests()); n != 0 {
			t.Errorf("%d requests reached the engine", n)
		}
	}
}

const keyUpdate = `mutation($i: ApiKeyUpdateInput!) { apiKeyUpdate(input: $i) { apiKey { name requestsPerMinute tokensPerMinute } userErrors { field code } } }`

// P74: a key's own limits can be changed and taken away, and what can't be a limit is refused.
func TestAKeysOwnLimitsAreChanged(t *testing.T) {
	p := start(t)
	b := p.signIn("builder")
	g := b.program(map[string]any{"requestsPerMinute": 5, "tokensPerMinute": 100})
	update := func(in map[string]any) any {
		in["apiKeyId"] = g.id
		return at(b.ask(keyUpdate, map[string]any{"i": in}), "data", "apiKeyUpdate")
	}
	want(t, update(map[string]any{"tokensPerMinute": 7}), `{"apiKey":{"name":"a program","requestsPerMinute":5,"tokensPerMinute":7},"userErrors":[]}`)
	want(t, update(map[string]any{"requestsPerMinute": 0, "name": "b"}), `{"apiKey":{"name":"b","requestsPerMinute":null,"tokensPerMinute":7},"userErrors":[]}`)
	want(t, update(map[string]any{"requestsPerMinute": -1, "tokensPerMinute": 1000000001}), `{"apiKey":null,"userErrors":[{"field":["requestsPerMinute"],"code":"INVALID"},{"field":["tokensPerMinute"],"code":"INVALID"}]}`)
	made := at(b.ask(keyDocument, map[string]any{"i": map[string]any{"name": "x", "requestsPerMinute": 0}}), "data", "apiKeyCreate")
	want(t, at(made, "userErrors"), `[{"code":"INVALID","field":["requestsPerMinute"]}]`)
	if resp, _ := g.post(`{ viewer { kind } }`, nil); resp.Header.Get("X-RateLimit-Limit") != "600" {
		t.Errorf("told %v", resp.Header)
	}
}

// T9: a key is narrowed and renamed at any time; to let it spend or do more needs a fresh
// proof of who asks for it, as making one does.
func TestToWidenAKeyNeedsAFreshProof(t *testing.T) {
	p := start(t)
	fresh := p.signIn("builder")
	g := fresh.program(map[string]any{"requestsPerMinute": 5, "tokensPerMinute": 100, "creditLimit": "10"})
	free := fresh.program(map[string]any{})
	e := p.session("builder")
	p.age(e, time.Hour)
	stale := p.browser()
	stale.enter(e)
	update := func(b *browser, id string, in map[string]any) any {
		in["apiKeyId"] = id
		return at(b.ask(keyUpdate, map[string]any{"i": in}), "data", "apiKeyUpdate", "userErrors")
	}
	wider := []map[string]any{{"requestsPerMinute": 6}, {"requestsPerMinute": 0}, {"tokensPerMinute": 101}, {"tokensPerMinute": 0}, {"creditLimit": "10.000001"}, {"unlimited": true},
		{"name": "c", "creditLimit": "1", "tokensPerMinute": 101}}
	for _, in := range wider {
		want(t, update(stale, g.id, in), `[{"field":null,"code":"REAUTHENTICATION_REQUIRED"}]`)
	}
	for _, in := range []map[string]any{{"name": "b"}, {"requestsPerMinute": 5}, {"requestsPerMinute": 4, "tokensPerMinute": 99, "creditLimit": "9"}} {
		want(t, update(stale, g.id, in), `[]`)
	}
	want(t, update(stale, free.id, map[string]any{"requestsPerMinute": 4, "tokensPerMinute": 4, "creditLimit": "1"}), `[]`) // it had no limits
	want(t, at(stale.ask(`{ viewer { apiKeys { name creditLimit requestsPerMinute } } }`, nil), "data", "viewer", "apiKeys", 1), `{"creditLimit":"9","name":"b","requestsPerMinute":4}`)
	for _, in := range wider {
		want(t, update(fresh, g.id, in), `[]`)
	}
}

// P74: messages count against the tokens of a key and the messages of a guest; beyond them
// nothing reaches the engine or is written, and the refusal says when to come again.
func TestMessagesAreLimited(t *testing.T) {
	p := start(t, "RATE_MESSAGES_PER_GUEST=2", "RATE_TOKENS_PER_KEY=1100")
	b := p.browser()
	for i := range 3 {
		p.engine.Queue(inferencetest.Reply("Hello"))
		b.send(strconv.Itoa(i), "hi")
	}
	refused := at(b.ask(`mutation($i: MessageSendInput!) { messageSend(input: $i) { message { id } userErrors { code message ... on RateLimitError { retryAfterMs } } } }`,
		map[string]any{"i": map[string]any{"clientId": "9", "text": "hi"}}), "data", "messageSend")
	wait, _ := at(refused, "userErrors", 0, "retryAfterMs").(float64)
	if at(refused, "userErrors", 0, "code") != "RATE_LIMITED" || at(refused, "message") != nil || wait <= 0 {
		t.Errorf("a guest's: %v", refused)
	}
	before := len(p.engine.Requests())
	a := p.signIn("builder")
	g := a.program(map[string]any{})
	send := func(clientID string) any {
		p.engine.Queue(inferencetest.Reply("Hello"))
		return at(g.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": clientID, "text": "hi"}}), "data", "messageSend")
	}
	first := send("1")
	if at(first, "reply", "id") == nil {
		t.Fatalf("%v", first)
	}
	// The guess of a reply's tokens leaves no room for a second one until it has ended.
	reply, _ := at(first, "reply", "id").(string)
	a.end(reply)
	for n := 2; ; n++ {
		l := limit(t, g.ask(limitsDocument, nil), "KEY", "TOKENS")
		if l["remaining"].(float64) > 1060 { // a few were used, not 1,024
			break
		}
		if n > 500 {
			t.Fatalf("never corrected: %v", l)
		}
	}
	if second := send("2"); at(second, "reply", "id") == nil {
		t.Errorf("the second: %v", second)
	}
	third := send("3")
	refusedThird := at(third, "userErrors", 0, "code") == "RATE_LIMITED"
	if !refusedThird && at(third, "reply", "id") == nil {
		t.Errorf("the third: %v", third)
	}
	if n := len(p.engine.Requests()) - before; refusedThird && n > 3 {
		t.Errorf("%d requests reached the engine", n)
	}
}

// P74, R-LIMIT: a reply that a key has written in a conversation is one of its streams, like a
// completion: of many on three instances exactly so many begin, the page's don't count, a
// request that is sent again finds its reply, and each end frees one place.
func TestAKeysRepliesAreItsStreams(t *testing.T) {
	all := instances(t, 3, "RATE_STREAMS_PER_KEY=7", "STREAMS_PER_GUEST=1000", "STREAMS_PER_ACCOUNT=1000")
	b := all[0].signIn("builder")
	g := b.program(map[string]any{})
	release := make(chan struct{})
	for _, p := range all {
		p.engine.Answer(func(inferencetest.Request) inferencetest.Script {
			return inferencetest.Script{inferencetest.Say("Hi"), inferencetest.Wait(release), inferencetest.Finish("stop"), inferencetest.Done()}
		})
	}
	var mu sync.Mutex
	replies, refused, streams := map[string]string{}, 0, 0
	sendAs := func(g *program, i int, clientID string) (reply, refusal string) {
		sent := at(g.at(all[i%3]).ask(paidDocument, map[string]any{"i": map[string]any{"clientId": clientID, "text": "m"}}), "data", "messageSend")
		reply, _ = at(sent, "reply", "id").(string)
		refusal, _ = at(sent, "userErrors", 0, "code").(string)
		return reply, refusal
	}
	storm := func(n int, name string) {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if i%4 == 0 {
					resp := g.at(all[i%3]).call(t.Context(), "/v1/chat/completions", asking("m", `,"stream":true`))
					mu.Lock()
					defer mu.Unlock()
					if resp.StatusCode == http.StatusOK {
						streams++
					} else if refused++; resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
						t.Errorf("a completion: %d %v", resp.StatusCode, resp.Header)
					}
					return
				}
				clientID := fmt.Sprint(name, i)
				reply, refusal := sendAs(g, i, clientID)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case reply != "":
					replies[clientID] = reply
				case refusal == "RATE_LIMITED":
					refused++
				default:
					t.Errorf("refused for %q", refusal)
				}
			})
		}
		wg.Wait()
	}
	storm(40, "a")
	if n := len(replies) + streams; n != 7 || refused != 33 {
		t.Fatalf("%d replies and %d streams began, %d were refused", len(replies), streams, refused)
	}
	asked := 0
	for _, p := range all {
		asked += len(p.engine.Requests())
	}
	if asked > 7 {
		t.Errorf("%d requests reached the engine", asked)
	}
	if len(replies) == 0 {
		t.Fatal("no reply is among them") // 30 of 40 asked for one
	}
	for clientID, reply := range replies {
		if again, refusal := sendAs(g, 1, clientID); again != reply {
			t.Errorf("sent again: %q %s, not %s", again, refusal, reply)
		}
	}
	other := b.program(map[string]any{})
	if reply, refusal := sendAs(other, 0, "other"); reply == "" {
		t.Errorf("another key: %s", refusal)
	}
	if sent := b.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "mine", "text": "m"}}); at(sent, "data", "messageSend", "reply", "id") == nil {
		t.Errorf("the page: %v", sent)
	}
	for _, reply := range replies {
		b.ask(`mutation($i: ReplyStopInput!) { replyStop(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"replyId": reply}})
		break
	}
	began := len(replies) + streams
	for deadline := time.Now().Add(patience); len(replies)+streams == began && time.Now().Before(deadline); { // a place is freed with the next batch
		storm(9, fmt.Sprint("b", time.Now().UnixNano()))
	}
	storm(20, "c")
	if n := len(replies) + streams; n != began+1 {
		t.Errorf("%d began for one that was stopped", n-began)
	}
	close(release)
}

const queuedDocument = `subscription($id: ID!) { replyEvents(replyId: $id) { __typename ... on ReplySnapshot { seq text } ... on ReplyDelta { seq text }
  ... on ReplyQueued { seq position } ... on ReplyFinished { status } ... on ReplyFailed { error { code } } } }`

// R-LIMIT: a reply that waits for the engine shows its place, over websockets and event
// streams, on its instance and on another, and is written when its turn comes; one that
// is stopped while it waits leaves the line and costs nothing.
func TestAWaitingReplyShowsItsPlace(t *testing.T) {
	all := instances(t, 2, "ENGINE_STREAMS=1")
	p := all[0]
	release := make(chan struct{})
	p.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return inferencetest.Script{inferencetest.Wait(release), inferencetest.Say("Hello"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()}
	})
	hog, small := p.browser(), p.browser()
	hog.send("1", "one")
	inferencetest.Await(t, p.engine.Started(), "the first reply")
	hog.send("2", "two")
	reply, _ := at(small.send("1", "mine"), "data", "messageSend", "reply", "id").(string)
	stopped, _ := at(hog.send("3", "three"), "data", "messageSend", "reply", "id").(string)

	here, there := small.socket(), small.at(all[1]).socket()
	here.subscribe("1", queuedDocument, map[string]any{"id": reply})
	there.subscribe("1", queuedDocument, map[string]any{"id": reply})
	events := func(s *socket) func() any {
		return func() any { return at(s.read(), "payload", "data", "replyEvents") }
	}
	next := map[string]func() any{"a socket": events(here), "another instance": events(there)}
	for where, event := range next {
		want(t, event(), `{"__typename":"ReplySnapshot","seq":0,"text":""}`)
		if e := event(); at(e, "__typename") != "ReplyQueued" || at(e, "seq") != 0.0 || at(e, "position") != 2.0 {
			t.Errorf("%s: %v", where, e)
		}
	}
	want(t, at(hog.ask(`mutation($id: ID!) { replyStop(input: {replyId: $id}) { reply { status usage { outputTokens } credits } userErrors { code } } }`, map[string]any{"id": stopped}), "data", "replyStop"),
		`{"reply":{"status":"STOPPED","usage":{"outputTokens":0},"credits":"0"},"userErrors":[]}`)
	close(release)
	for where, event := range next {
		text, places := "", []any{}
		for done := false; !done; {
			switch e := event(); at(e, "__typename") {
			case "ReplyQueued":
				places = append(places, at(e, "position"))
			case "ReplyDelta":
				text += at(e, "text").(string)
			case "ReplyFinished":
				done = true
			default:
				t.Fatalf("%s: %v", where, e)
			}
		}
		if text != "Hello" {
			t.Errorf("%s: %q, places %v", where, text, places)
		}
	}
	if n := len(p.engine.Requests()); n != 3 {
		t.Errorf("%d requests reached the engine, one of them was stopped before", n)
	}
}

// R-LIMIT: an engine that is too busy at first is asked again, and the reply is whole.
func TestABusyEngineIsWaitedFor(t *testing.T) {
	p := start(t)
	b := p.browser()
	p.engine.Queue(inferencetest.Refuse(http.StatusTooManyRequests, `{"error":{"message":"overloaded"}}`, "Retry-After", "0.2"), inferencetest.Reply("Hello"))
	reply, _ := at(b.send("1", "hi"), "data", "messageSend", "reply", "id").(string)
	s := b.socket()
	s.subscribe("1", queuedDocument, map[string]any{"id": reply})
	for deadline := time.Now().Add(patience); ; {
		e := at(s.read(), "payload", "data", "replyEvents")
		if at(e, "__typename") == "ReplyFinished" {
			break
		}
		if at(e, "__typename") == "ReplyFailed" || time.Now().After(deadline) {
			t.Fatalf("%v", e)
		}
	}
	if n := len(p.engine.Requests()); n != 2 {
		t.Errorf("asked %d times", n)
	}
}
