package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/inference/badline"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/realengine"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, badline.Leaks()...) }

// product is the whole server on a port of its own.
type product struct {
	t      *testing.T
	url    string
	server *server
	engine *inferencetest.Engine
	logs   *syncBuffer
	said   *said
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// start runs the product against a database of its own and a scripted engine.
func start(t *testing.T, settings ...string) *product {
	t.Helper()
	p := &product{t: t, engine: inferencetest.New(t), logs: new(syncBuffer), said: newSaid()}
	environ := append([]string{
		"LISTEN_ADDR=127.0.0.1:0", "DATA_DIR=" + t.TempDir(), "DATABASE_URL=" + dbtest.URL(t), "INFERENCE_URL=" + p.engine.URL(),
		"SECRET_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{5}, 32)), "TITLES=off", "SHUTDOWN_TIMEOUT=1s", "STREAMS_PER_GUEST=3",
	}, settings...)
	cfg, _, err := config.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.server, err = build(ctx, cfg, slog.New(slog.NewJSONHandler(p.logs, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		stop()
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- p.server.serve(ctx) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the server does not stop")
		}
		for _, found := range p.said.found(p.logs.String()) {
			t.Error("the log holds", found)
		}
	})
	p.url = p.server.cfg.PublicURL
	return p
}

// browser is a client with cookies.
type browser struct {
	p      *product
	http   *http.Client
	passed bool   // age and policy are settled
	key    string // an API key that it sends
}

func (p *product) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	transport := &http.Transport{}
	p.t.Cleanup(transport.CloseIdleConnections)
	return &browser{p: p, http: &http.Client{Jar: jar, Timeout: patience, Transport: transport}}
}

// authorize adds the browser's API key to a header.
func (b *browser) authorize(h http.Header) http.Header {
	if b.key != "" {
		h.Set("Authorization", "Bearer "+b.key)
	}
	return h
}

func (b *browser) request(accept, query string, variables map[string]any) *http.Response {
	b.p.t.Helper()
	return b.sends(accept, map[string]any{"query": query, "variables": variables})
}

// sends posts a request as it is.
func (b *browser) sends(accept string, request map[string]any) *http.Response {
	b.p.t.Helper()
	b.p.said.hear(request)
	body, err := json.Marshal(request)
	if err != nil {
		b.p.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.p.t.Context(), http.MethodPost, b.p.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		b.p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accept)
	req.Header.Set("Origin", b.p.url)
	b.authorize(req.Header)
	resp, err := b.http.Do(req)
	if err != nil {
		b.p.t.Fatal(err)
	}
	return resp
}

// ask posts a document and decodes the whole answer.
func (b *browser) ask(query string, variables map[string]any) (answer map[string]any) {
	b.p.t.Helper()
	resp := b.request("application/json", query, variables)
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		b.p.t.Fatal(err)
	}
	b.p.said.hear(answer)
	return answer
}

// at walks into an answer: names of fields, numbers of items.
func at(v any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}

// want compares a part of an answer as JSON.
func want(t *testing.T, got any, wantJSON string) {
	t.Helper()
	g, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal([]byte(wantJSON), &v); err != nil {
		t.Fatalf("the test's own JSON: %v", err)
	}
	w, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(g, w) {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

const sendDocument = `mutation Send($input: MessageSendInput!) { messageSend(input: $input) {
  conversation { id title } message { id role text status } reply { id role status lastSeq model { id } engineName }
  viewer { id kind guest { messagesLeft messageLimit } }
  userErrors { __typename code message field ... on GuestLimitError { limit } } } }`

// pass settles age and policy, as everybody must before the first message.
func (b *browser) pass() {
	b.p.t.Helper()
	if b.passed {
		return
	}
	b.passed = true
	want(b.p.t, at(b.ask(`mutation { ageConfirm(input: {birthYear: 1990, birthMonth: 5}) { userErrors { code message } } }`, nil), "data", "ageConfirm", "userErrors"), `[]`)
	version := at(b.ask(`{ policy { version } }`, nil), "data", "policy", "version")
	accepted := b.ask(`mutation($v: String!) { policyAccept(input: {version: $v}) { gate { ageConfirmed policyAccepted } userErrors { code message } } }`, map[string]any{"v": version})
	want(b.p.t, at(accepted, "data", "policyAccept"), `{"gate":{"ageConfirmed":true,"policyAccepted":true},"userErrors":[]}`)
}

// send sends a message of somebody for whom age and policy are settled.
func (b *browser) send(clientID, text string) map[string]any {
	b.p.t.Helper()
	b.pass()
	return b.ask(sendDocument, map[string]any{"input": map[string]any{"clientId": clientID, "text": text}})
}

const eventsDocument = `subscription Events($id: ID!, $after: Int) { replyEvents(replyId: $id, afterSeq: $after) { __typename
  ... on ReplySnapshot { seq text reasoning status } ... on ReplyDelta { seq text } ... on ReplyReasoningDelta { seq text }
  ... on ReplyFinished { seq status usage { outputTokens estimated } credits } ... on ReplyFailed { seq error { code message } } } }`

// socket is a graphql-transport-ws client.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

func (b *browser) socket() *socket {
	b.p.t.Helper()
	d := websocket.Dialer{Jar: b.http.Jar, Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := d.DialContext(b.p.t.Context(), "ws"+strings.TrimPrefix(b.p.url, "http")+"/graphql", b.authorize(http.Header{"Origin": {b.p.url}}))
	if err != nil {
		b.p.t.Fatal(err)
	}
	_ = resp.Body.Close()
	b.p.t.Cleanup(func() { _ = conn.Close() })
	s := &socket{b.p.t, conn}
	s.write(`{"type":"connection_init"}`)
	if got := s.read(); at(got, "type") != "connection_ack" {
		b.p.t.Fatalf("%v", got)
	}
	return s
}

func (s *socket) write(m string) {
	s.t.Helper()
	if err := s.conn.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
		s.t.Fatal(err)
	}
}

// read is the next message that is no ping.
func (s *socket) read() (m map[string]any) {
	s.t.Helper()
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		m = nil
		if err := s.conn.ReadJSON(&m); err != nil {
			s.t.Fatal(err)
		}
		if m["type"] != "ping" {
			return m
		}
	}
}

func (s *socket) subscribe(id, document string, variables map[string]any) {
	s.t.Helper()
	payload, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":%s}`, id, payload))
}

// The main job over the wire: a visitor sends, follows over a websocket, and reads the
// stored reply. P37: nothing is stored and no cookie set before.
func TestAGuestChatsOverTheWire(t *testing.T) {
	p := start(t)
	b := p.browser()
	for _, path := range []string{"/", "/healthz", "/readyz", "/schema.graphql", "/c/x"} {
		resp, err := b.http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if len(resp.Cookies()) > 0 {
			t.Errorf("GET %s sets a cookie", path)
		}
	}
	want(t, b.ask(`{ viewer { id kind guest { messagesLeft messageLimit } conversations { nodes { id } pageInfo { hasNextPage endCursor } } } models { id available } }`, nil)["data"],
		`{"viewer":{"id":null,"kind":"GUEST","guest":{"messagesLeft":10,"messageLimit":10},"conversations":{"nodes":[],"pageInfo":{"hasNextPage":false,"endCursor":null}}},"models":[{"id":"kimi-k2","available":true}]}`)
	var owners int
	if err := p.server.db.Gorm(t.Context()).Raw("SELECT count(*) FROM owners").Scan(&owners).Error; err != nil || owners != 0 {
		t.Fatalf("%d owners before the first message, %v", owners, err)
	}
	release := make(chan struct{})
	p.engine.Queue(inferencetest.Script{inferencetest.Think("hm"), inferencetest.Say("Hello "), inferencetest.Wait(release), inferencetest.Say("you"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()})
	sent := at(b.send("c1", "Hi!"), "data", "messageSend")
	want(t, at(sent, "userErrors"), `[]`)
	want(t, at(sent, "viewer", "guest"), `{"messagesLeft":9,"messageLimit":10}`)
	want(t, at(sent, "reply", "status"), `"PENDING"`)
	reply := at(sent, "reply", "id").(string)

	s := b.socket()
	s.subscribe("1", eventsDocument, map[string]any{"id": reply})
	text, reasoning := "", ""
	for finished := false; !finished; {
		m := s.read()
		e := at(m, "payload", "data", "replyEvents")
		switch at(e, "__typename") {
		case "ReplySnapshot":
			text, reasoning = at(e, "text").(string), at(e, "reasoning").(string)
		case "ReplyDelta":
			text += at(e, "text").(string)
		case "ReplyReasoningDelta":
			reasoning += at(e, "text").(string)
		case "ReplyFinished":
			want(t, e, `{"__typename":"ReplyFinished","seq":11,"status":"COMPLETE","usage":{"outputTokens":3,"estimated":false},"credits":"0"}`)
			finished = true
		default:
			t.Fatalf("%v", m)
		}
		if text == "Hello " && release != nil {
			close(release)
			release = nil
		}
	}
	if text != "Hello you" || reasoning != "hm" {
		t.Errorf("%q %q", text, reasoning)
	}
	want(t, s.read(), `{"id":"1","type":"complete"}`)
	id := at(sent, "conversation", "id").(string)
	got := b.ask(`query($id: ID!, $reply: ID!) { viewer { conversation(id: $id) { title leaf { text } activeReply { id } branch(first: 4) { nodes { role text reasoning status parent { text } siblings { text } children { text } error { code } } pageInfo { hasNextPage } } } }
	  node(id: $reply) { __typename ... on Message { conversation { title } } } none: node(id: "msg_0") { id } }`, map[string]any{"id": id, "reply": reply})
	want(t, got["data"], `{"viewer":{"conversation":{"title":"Hi!","leaf":{"text":"Hello you"},"activeReply":null,"branch":{"nodes":[
	  {"role":"ASSISTANT","text":"Hello you","reasoning":"hm","status":"COMPLETE","parent":{"text":"Hi!"},"siblings":[{"text":"Hello you"}],"children":[],"error":null},
	  {"role":"USER","text":"Hi!","reasoning":"","status":"COMPLETE","parent":null,"siblings":[{"text":"Hi!"}],"children":[{"text":"Hello you"}],"error":null}],"pageInfo":{"hasNextPage":false}}}},
	  "node":{"__typename":"Message","conversation":{"title":"Hi!"}},"none":null}`)
	// Somebody else sees none of it (P42).
	other := p.browser()
	want(t, other.ask(`query($id: ID!, $reply: ID!) { viewer { conversation(id: $id) { id } } node(id: $reply) { id } }`, map[string]any{"id": id, "reply": reply})["data"], `{"viewer":{"conversation":null},"node":null}`)
	o := p.browser()
	o.send("x", "mine")
	os := o.socket()
	os.subscribe("1", eventsDocument, map[string]any{"id": reply})
	if m := os.read(); m["type"] != "next" && m["type"] != "error" || !strings.Contains(fmt.Sprint(m), "NOT_FOUND") {
		t.Errorf("%v", m)
	}
}

// A socket that was opened before the first message can follow what it began.
func TestASocketOpenedByAVisitorFollowsItsFirstReply(t *testing.T) {
	p := start(t)
	b := p.browser()
	b.ask(`{ viewer { id } }`, nil) // brings the cookie
	s := b.socket()
	reply := at(b.send("c1", "Hi!"), "data", "messageSend", "reply", "id")
	s.subscribe("1", eventsDocument, map[string]any{"id": reply})
	if m := s.read(); at(m, "payload", "data", "replyEvents", "__typename") != "ReplySnapshot" {
		t.Errorf("%v", m)
	}
}

// Event streams carry the same subscription where websockets are blocked (F28).
func TestSubscriptionByEventStream(t *testing.T) {
	p := start(t)
	b := p.browser()
	p.engine.Queue(inferencetest.Reply("over ", "SSE"))
	reply := at(b.send("c1", "Hi!"), "data", "messageSend", "reply", "id")
	resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": reply, "after": 0})
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for line := range strings.Lines(string(body)) {
		var m map[string]any
		if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &m) == nil {
			if e := at(m, "data", "replyEvents"); at(e, "__typename") == "ReplyDelta" {
				text += at(e, "text").(string)
			}
		}
	}
	if text != "over SSE" || !strings.Contains(string(body), "ReplyFinished") || !strings.Contains(string(body), "event: complete") {
		t.Errorf("%q in %s", text, body)
	}
}

// Websockets feed replies past the executor: they give what the executor gives, whatever
// the document looks like.
func TestTheFeedGivesWhatTheExecutorGives(t *testing.T) {
	p := start(t)
	b := p.browser()
	p.engine.Queue(
		inferencetest.Script{inferencetest.Think("hm \"\\\n\t\x01 ü"), inferencetest.Say("a\u2028b </script> 词🙂"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()},
		inferencetest.Refuse(429, `{"error":{"message":"slow down"}}`, "Retry-After", "7"),
		inferencetest.Refuse(500, `oops`))
	var replies []any
	for i := range 3 {
		reply := at(b.send(fmt.Sprint("c", i), "Hi!"), "data", "messageSend", "reply", "id")
		resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": reply})
		_, _ = io.ReadAll(resp.Body) // until it has ended
		_ = resp.Body.Close()
		replies = append(replies, reply)
	}
	documents := []string{
		eventsDocument,
		`subscription($id: ID!, $after: Int) { mine: replyEvents(replyId: $id, afterSeq: $after, windowMs: 5) { t: __typename ...All ...on ReplyFinished { usage { __typename p: promptTokens cachedTokens reasoningTokens } } } }
		 fragment All on ReplyEvent { ... on ReplySnapshot { s: status seq r: reasoning } ... on ReplyDelta { text } ... on ReplyReasoningDelta { text } ... on ReplyFailed { error { message retryAfterMs c: code __typename } } ... on ReplyFinished { credits status } }`,
		`subscription($id: ID!, $after: Int, $no: Boolean = false) { replyEvents(replyId: $id, afterSeq: $after) { ... on ReplyDelta @include(if: $no) { text } ... on ReplyFinished { seq @skip(if: $no) usage @include(if: $no) { estimated } } } }`,
	}
	s := b.socket()
	n := 0
	for _, reply := range replies {
		for _, after := range []any{nil, 0, 1, 4} {
			for _, document := range documents {
				vars := map[string]any{"id": reply, "after": after}
				resp := b.request("text/event-stream", document, vars)
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				var executor []any
				for line := range strings.Lines(string(body)) {
					var m any
					if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &m) == nil {
						executor = append(executor, m)
					}
				}
				n++
				id := fmt.Sprint(n)
				s.subscribe(id, document, vars)
				var feed []any
				for m := s.read(); m["type"] == "next"; m = s.read() {
					feed = append(feed, m["payload"])
				}
				w, err := json.Marshal(executor)
				if err != nil {
					t.Fatal(err)
				}
				want(t, feed, string(w))
			}
		}
	}
}

func TestRefusalsComeAsUserErrors(t *testing.T) {
	p := start(t, "GUEST_MESSAGE_LIMIT=1")
	b := p.browser()
	want(t, at(b.send("c1", "  "), "data", "messageSend", "userErrors"), `[{"__typename":"InputError","code":"INVALID","message":"the message is empty: write something","field":["text"]}]`)
	first := b.send("c1", "one")
	want(t, at(first, "data", "messageSend", "userErrors"), `[]`)
	second := at(b.send("c2", "two"), "data", "messageSend")
	if at(second, "userErrors", 0, "code") != "GUEST_LIMIT_REACHED" || at(second, "userErrors", 0, "limit") != 1.0 || at(second, "message") != nil {
		t.Errorf("%v", second)
	}
	want(t, at(second, "viewer", "guest"), `{"messagesLeft":0,"messageLimit":1}`)
	// The same again is the same reply, and costs nothing.
	if again := b.send("c1", "one"); at(again, "data", "messageSend", "reply", "id") != at(first, "data", "messageSend", "reply", "id") {
		t.Errorf("%v", again)
	}
	want(t, at(b.send("c1", "another"), "data", "messageSend", "userErrors", 0, "code"), `"CONFLICT"`)
}

// T30, P20: what is typed and answered shows in no line of the log, and a database that
// breaks shows in no answer (its names and statements do in no case).
func TestNothingLeaks(t *testing.T) {
	p := start(t)
	b := p.browser()
	p.engine.Queue(inferencetest.Reply("canary-answer"))
	sent := b.send("canary-client-id", "canary-question")
	resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": at(sent, "data", "messageSend", "reply", "id")})
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	b.ask(`{ viewer { conversation(id: "canary-id") { id } } nosuchfield_canary }`, nil)
	if err := p.server.db.Gorm(t.Context()).Exec("ALTER TABLE runs RENAME TO canary_table").Error; err != nil {
		t.Fatal(err)
	}
	broken := b.send("c2", "canary-broken")
	answer := fmt.Sprint(broken)
	if at(broken, "errors", 0, "extensions", "code") != "INTERNAL" || strings.Contains(answer, "SQL") || strings.Contains(answer, "relation") || strings.Contains(answer, "runs") {
		t.Errorf("%s", answer)
	}
	if err := p.server.db.Gorm(t.Context()).Exec("ALTER TABLE canary_table RENAME TO runs").Error; err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(p.logs.String(), "\n") {
		if strings.Contains(line, "canary") && !strings.Contains(line, "canary_table") || strings.Contains(line, "guest=") {
			t.Errorf("the log holds %s", line)
		}
	}
	if !strings.Contains(p.logs.String(), "/graphql") {
		t.Error("the log holds no access line at all")
	}
}

// Public clients work with the product and its schema: all audits of graphql-http,
// graphql-ws, graphql-sse, Apollo, urql and relay-compiler.
func TestPublicClientsWorkWithTheProduct(t *testing.T) {
	p := start(t, "SOCKETS_PER_PRINCIPAL=50")
	b := p.browser()
	p.engine.Queue(inferencetest.Reply("done"))
	sent := at(b.send("c", "Hi!"), "data", "messageSend")
	reply := at(sent, "reply", "id")
	resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": reply})
	_, _ = io.ReadAll(resp.Body) // until it has ended
	_ = resp.Body.Close()
	type m = map[string]any
	operations, err := json.Marshal(m{
		"query":        m{"query": "query Models($id: ID!) { models { id } node(id: $id) { id } }", "variables": m{"id": reply}, "data": m{"models": []m{{"id": "kimi-k2"}}, "node": m{"id": reply}}},
		"mutation":     m{"query": "mutation Rename($id: ID!) { conversationUpdate(input: {conversationId: $id, title: \"new\"}) { conversation { title } userErrors { code } } }", "variables": m{"id": at(sent, "conversation", "id")}, "data": m{"conversationUpdate": m{"conversation": m{"title": "new"}, "userErrors": []any{}}}},
		"subscription": m{"query": "subscription Events($id: ID!) { replyEvents(replyId: $id) { ... on ReplySnapshot { text } ... on ReplyFinished { status } } }", "variables": m{"id": reply}, "data": []m{{"replyEvents": m{"text": "done"}}, {"replyEvents": m{"status": "COMPLETE"}}}},
		"endless":      m{"query": "subscription Viewer { viewerEvents { __typename } }"},
		"invalid":      m{"query": "query Wrong { nothing }"},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"operations.json": string(operations), "schema.graphql": graph.SDL()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cookie := ""
	u, err := url.Parse(p.url)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.http.Jar.Cookies(u) {
		cookie = c.Name + "=" + c.Value
	}
	for _, script := range []string{"audits.mjs", "graphql-ws.mjs", "graphql-sse.mjs", "apollo.mjs", "urql.mjs", "relay.mjs"} {
		cmd := exec.CommandContext(t.Context(), "node", script)
		cmd.Dir = "tests/clients"
		cmd.Env = append(os.Environ(), "ENDPOINT="+p.url+"/graphql", "COOKIE="+cookie, "OPERATIONS="+filepath.Join(dir, "operations.json"), "SCHEMA="+filepath.Join(dir, "schema.graphql"))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", script, err, out)
		}
	}
}

// The main job with a real engine: its tokens, its numbers, its reasons; and Stop.
func TestAGuestChatsWithARealEngine(t *testing.T) {
	p := start(t, "INFERENCE_URL="+realengine.Start(t))
	b := p.browser()
	b.pass()
	ask := func(id, model string) any {
		t.Helper()
		answer := b.ask(sendDocument, map[string]any{"input": map[string]any{"clientId": id, "text": "Hello, engine!", "modelId": model}})
		want(t, at(answer, "data", "messageSend", "userErrors"), `[]`)
		return at(answer, "data", "messageSend", "reply", "id")
	}
	const read = `query($id: ID!) { node(id: $id) { ... on Message { text status finishReason engineName lastSeq usage { promptTokens outputTokens estimated } error { code message } } } }`
	short := ask("c1", realengine.Short)
	resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": short})
	events, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || !strings.Contains(string(events), "ReplyFinished") {
		t.Fatalf("%v %s", err, events)
	}
	m := at(b.ask(read, map[string]any{"id": short}), "data", "node")
	if at(m, "status") != "COMPLETE" || at(m, "text") == "" || at(m, "engineName") != "Ollama" || at(m, "usage", "estimated") != false || at(m, "usage", "outputTokens").(float64) < 1 {
		t.Errorf("%v", m)
	}
	endless := ask("c2", realengine.Endless)
	s := b.socket()
	s.subscribe("1", eventsDocument, map[string]any{"id": endless})
	for n := 0; n < 5; n++ {
		s.read()
	}
	stopped := at(b.ask(`mutation($id: ID!) { replyStop(input: {replyId: $id}) { reply { status text } userErrors { code } } }`, map[string]any{"id": endless}), "data", "replyStop", "reply")
	if at(stopped, "status") != "STOPPED" || at(stopped, "text") == "" {
		t.Errorf("%v", stopped)
	}
	if m := at(b.ask(read, map[string]any{"id": endless}), "data", "node"); at(m, "text") != at(stopped, "text") {
		t.Errorf("the text went on after Stop: %v", m)
	}
}

// Other tabs are told of new conversations, titles, ends and deletions.
func TestViewerEventsReachOtherTabs(t *testing.T) {
	p := start(t)
	b := p.browser()
	first := at(b.send("c0", "first"), "data", "messageSend")
	s := b.socket()
	s.subscribe("v", `subscription { viewerEvents { __typename ... on ConversationChanged { conversation { title } } ... on ConversationDeleted { conversationId } ... on ReplyStarted { reply { status } } ... on ReplyEnded { reply { text } } } }`, nil)
	rename := func() {
		b.ask(`mutation($id: ID!) { conversationUpdate(input: {conversationId: $id, title: "renamed"}) { userErrors { code } } }`, map[string]any{"id": at(first, "conversation", "id")})
	}
	rename()
	seen := map[string]bool{}
	until := time.After(patience)
	for !seen["ConversationChanged"] { // the subscription may begin after the first rename
		got := make(chan map[string]any, 1)
		go func() { got <- s.read() }()
		select {
		case m := <-got:
			e := at(m, "payload", "data", "viewerEvents")
			seen[fmt.Sprint(at(e, "__typename"))] = at(e, "conversation", "title") == "renamed"
		case <-time.After(300 * time.Millisecond):
			rename()
			m := <-got
			seen[fmt.Sprint(at(m, "payload", "data", "viewerEvents", "__typename"))] = true
		case <-until:
			t.Fatal("no event")
		}
	}
	b.send("c1", "second")
	b.ask(`mutation($id: ID!) { conversationDelete(input: {conversationId: $id}) { deletedId userErrors { code } } }`, map[string]any{"id": at(first, "conversation", "id")})
	for !seen["ConversationDeleted"] || !seen["ReplyStarted"] || !seen["ReplyEnded"] {
		seen[fmt.Sprint(at(s.read(), "payload", "data", "viewerEvents", "__typename"))] = true
	}
}

func TestServiceDescribesItself(t *testing.T) {
	p := start(t, "SERVICE_NAME=Test House", "SUPPORT_EMAIL=help@example.org")
	b := p.browser()
	got := b.ask(`{ service { name supportEmail version engine { kind name state } } models { id name default trillionMoe price { input cachedInput output } } }`, nil)
	want(t, at(got, "data", "service", "name"), `"Test House"`)
	want(t, at(got, "data", "service", "engine", "kind"), `"LOCAL"`)
	want(t, at(got, "data", "models", 0, "default"), `true`)
	resp, err := b.http.Get(p.url + "/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	sdl, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(sdl), "replyEvents(") || !strings.Contains(string(sdl), "): ReplyEvent!") || strings.Contains(string(sdl), "extend ") {
		t.Errorf("%v %.200s", err, sdl)
	}
}

// A key that was lost or changed stops the start with a clear line and changes nothing.
func TestAChangedKeyIsRefused(t *testing.T) {
	url := dbtest.URL(t)
	p := start(t, "DATABASE_URL="+url)
	p.browser().send("c", "hello")
	cfg, _, err := config.Load([]string{"LISTEN_ADDR=127.0.0.1:0", "DATA_DIR=" + t.TempDir(), "DATABASE_URL=" + url,
		"SECRET_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{6}, 32))})
	if err != nil {
		t.Fatal(err)
	}
	s, err := build(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err == nil {
		s.close(t.Context())
		t.Fatal("started with another key")
	}
	if !strings.Contains(err.Error(), "SECRET_KEY") {
		t.Errorf("%v", err)
	}
}
