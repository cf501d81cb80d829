package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

const keyDocument = `mutation($i: ApiKeyCreateInput!) { apiKeyCreate(input: $i) { secret apiKey { id name scopes lastFour expiresAt revokedAt lastUsedAt creditLimit spent } userErrors { code field } } }`

// program is a client with an API key.
type program struct {
	p      *product
	id     string
	secret string
}

// program makes an API key of the browser's account.
func (b *browser) program(input map[string]any) *program {
	b.p.t.Helper()
	b.pass()
	if input["name"] == nil {
		input["name"] = "a program"
	}
	made := at(b.ask(keyDocument, map[string]any{"i": input}), "data", "apiKeyCreate")
	secret, _ := at(made, "secret").(string)
	keyID, _ := at(made, "apiKey", "id").(string)
	if secret == "" || keyID == "" {
		b.p.t.Fatalf("no key: %v", made)
	}
	return &program{b.p, keyID, secret}
}

func (g *program) at(p *product) *program { return &program{p, g.id, g.secret} }

// post posts a document with headers in pairs.
func (g *program) post(query string, variables map[string]any, header ...string) (resp *http.Response, answer map[string]any) {
	t := g.p.t
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.p.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+g.secret)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(resp.Status, err)
	}
	g.p.said.hear(variables)
	g.p.said.hear(answer)
	return resp, answer
}

func (g *program) ask(query string, variables map[string]any) map[string]any {
	g.p.t.Helper()
	_, answer := g.post(query, variables)
	return answer
}

// code is the code of an answer's first error.
func code(answer any) any { return at(answer, "errors", 0, "extensions", "code") }

const revokeKey = `mutation($id: ID!) { apiKeyRevoke(input: {apiKeyId: $id}) { apiKey { id revokedAt } userErrors { code } } }`

// P89, P92: a key is shown once, acts for its account within its scopes, pays from its
// wallet, and may not make keys or see what it has no scope for.
func TestAKeyActsForItsAccount(t *testing.T) {
	p := priced(t, 5)
	b := p.signIn("builder")
	g := b.program(map[string]any{"name": "  my bot "})
	want(t, at(g.ask(`{ viewer { id kind guest { messagesLeft } credits { balance } } models { id } }`, nil), "data", "viewer"),
		fmt.Sprintf(`{"id":%q,"kind":"API_KEY","guest":null,"credits":{"balance":"5"}}`, b.id()))
	p.engine.Queue(inferencetest.Script{inferencetest.Say("Hello"), inferencetest.Finish("stop"), told(100, 0, 10), inferencetest.Done()})
	sent := at(g.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "1", "text": "hi"}}), "data", "messageSend")
	reply, _ := at(sent, "reply", "id").(string)
	if reply == "" {
		t.Fatalf("not sent: %v", sent)
	}
	want(t, at(b.end(reply), "credits"), `"0.00013"`)
	want(t, at(b.ask(`{ viewer { apiKeys { name scopes creditLimit spent revokedAt } } }`, nil), "data", "viewer", "apiKeys"),
		`[{"name":"my bot","scopes":["chat:write","models:read","usage:read"],"creditLimit":null,"spent":"0.00013","revokedAt":null}]`)
	var source, key string
	if err := p.server.db.Gorm(t.Context()).Raw(`SELECT source, key_id FROM usage_rows WHERE reply_id = ?`, reply).Row().Scan(&source, &key); err != nil || source != "API_KEY" || key != g.id {
		t.Errorf("the act is of %s %s, %v", source, key, err)
	}
	for query, wanted := range map[string]string{
		`{ viewer { conversations { nodes { id } } } }`:                                                 "SCOPE_MISSING",
		`{ viewer { apiKeys { id } } }`:                                                                 "FORBIDDEN",
		`{ viewer { account { email } } }`:                                                              "FORBIDDEN",
		`{ viewer { sessions { id } } }`:                                                                "FORBIDDEN",
		`{ operator { mails { nodes { id } } } }`:                                                       "FORBIDDEN",
		`mutation { apiKeyCreate(input: {name: "another"}) { secret } }`:                                "FORBIDDEN",
		`mutation { creditCheckoutCreate(input: {packId: "x", provider: STRIPE}) { checkout { id } } }`: "FORBIDDEN",
	} {
		if got := code(g.ask(query, nil)); got != wanted {
			t.Errorf("%s: %v", query, got)
		}
	}
	reader := b.program(map[string]any{"scopes": []string{"conversations:read"}})
	if n, _ := at(reader.ask(`{ viewer { conversations { nodes { id } } } }`, nil), "data", "viewer", "conversations", "nodes").([]any); len(n) != 1 {
		t.Error("a key with the scope sees no conversation")
	}
	if got := code(reader.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "2", "text": "hi"}})); got != "SCOPE_MISSING" {
		t.Errorf("a key without chat:write sends: %v", got)
	}
	p.books()
}

// P89: a key without conversations:read reads nothing that others wrote, by whatever way its
// other scopes lead to a conversation; its own replies it reads, follows and stops.
func TestAKeyWithoutTheScopeReadsNoConversation(t *testing.T) {
	p := start(t)
	b := p.signIn("builder")
	conversation, message, reply := b.finished("a secret")
	scopes := []string{"chat:write", "models:read", "usage:read"}
	g, reader := b.program(map[string]any{"scopes": scopes}), b.program(map[string]any{"scopes": append(scopes, "conversations:read")})
	input := func(of map[string]any) map[string]any { return map[string]any{"i": of} }
	p.engine.Queue(inferencetest.Reply("its own"))
	sent := at(g.ask(`mutation($i: MessageSendInput!) { messageSend(input: $i) { conversation { id pinned archived createdAt updatedAt } message { id text conversation { id } } reply { id text reasoning status } userErrors { code } } }`,
		input(map[string]any{"clientId": "own", "text": "hi"})), "data", "messageSend")
	own, _ := at(sent, "reply", "id").(string)
	if own == "" || at(sent, "message", "text") != "hi" || at(sent, "conversation", "id") == conversation {
		t.Fatalf("it cannot send: %v", sent)
	}
	s, err := g.dial(true)
	if err != nil {
		t.Fatal(err)
	}
	s.subscribe("1", `subscription($id: ID!) { replyEvents(replyId: $id) { __typename ... on ReplySnapshot { text } ... on ReplyDelta { text } } }`, map[string]any{"id": own}) // a snapshot comes first, if at all
	text := ""
	for m := s.read(); m["type"] == "next"; m = s.read() {
		part, _ := at(m, "payload", "data", "replyEvents", "text").(string)
		text += part
	}
	stopped := g.ask(`mutation($i: ReplyStopInput!) { replyStop(input: $i) { reply { id text status } } }`, input(map[string]any{"replyId": own}))
	if text != "its own" || at(stopped, "data", "replyStop", "reply", "text") != "its own" {
		t.Errorf("%q, then %v", text, stopped)
	}
	send := func(n int) map[string]any {
		return input(map[string]any{"clientId": fmt.Sprint("nosy ", n), "text": "hi", "conversationId": conversation})
	}
	// Nor does it have the model tell it.
	nosy := g.ask(`mutation($i: MessageSendInput!) { messageSend(input: $i) { reply { id } userErrors { code } } }`, send(-1))
	want(t, at(nosy, "data", "messageSend"), `{"reply":null,"userErrors":[{"code":"SCOPE_MISSING"}]}`)
	s.subscribe("2", `subscription($id: ID!) { replyEvents(replyId: $id) { __typename ... on ReplySnapshot { text } } }`, map[string]any{"id": reply})
	if m := s.read(); at(m, "payload", "errors", 0, "extensions", "code") != "SCOPE_MISSING" || at(m, "payload", "data") != nil {
		t.Errorf("it follows a reply of the page: %v", m)
	}
	if m := s.read(); m["type"] != "complete" {
		t.Errorf("it goes on: %v", m)
	}
	for n, c := range []struct {
		document  string
		variables func(n int) map[string]any
	}{
		{`mutation($i: MessageSendInput!) { messageSend(input: $i) { conversation { title } } }`, send},
		{`mutation($i: MessageSendInput!) { messageSend(input: $i) { conversation { leaf { id } } } }`, send},
		{`mutation($i: MessageSendInput!) { messageSend(input: $i) { conversation { lastMessage { text } } } }`, send},
		{`mutation($i: MessageSendInput!) { messageSend(input: $i) { conversation { activeReply { id } } } }`, send},
		{`mutation($i: MessageSendInput!) { messageSend(input: $i) { conversation { branch { nodes { text } } } } }`, send},
		{`mutation($i: MessageSendInput!) { messageSend(input: $i) { reply { ...Near } } } fragment Near on Message { conversation { title } }`, send},
		{`mutation($i: MessageSendInput!) { messageSend(input: $i) { message { parent { text reasoning } } } }`, send},
		{`mutation($i: MessageSendInput!) { messageSend(input: $i) { message { children { text } } } }`, send},
		{`mutation($i: MessageEditInput!) { messageEdit(input: $i) { message { siblings { text } } } }`, func(n int) map[string]any {
			return input(map[string]any{"clientId": fmt.Sprint("nosy ", n), "text": "hi", "messageId": message})
		}},
		{`mutation($i: ReplyStopInput!) { replyStop(input: $i) { reply { ... on Node { id ... on Message { parent { text } } } } } }`, func(int) map[string]any {
			return input(map[string]any{"replyId": reply})
		}},
		{`{ viewer { ledgerEntries { nodes { usage { reply { text reasoning } } } } } }`, func(int) map[string]any { return nil }},
	} {
		if answer := g.ask(c.document, c.variables(n)); code(answer) != "SCOPE_MISSING" || at(answer, "errors", 0, "extensions", "scope") != "conversations:read" || at(answer, "data") != nil {
			t.Errorf("%s: %v", c.document, answer)
		}
		if answer := reader.ask(c.document, c.variables(n)); code(answer) != nil {
			t.Errorf("%s by a key that may read: %v", c.document, answer)
		}
	}
	for _, on := range []string{"ConversationChanged { conversation { id } }", "ReplyStarted { reply { id } }", "ReplyStarted { conversationId }", "ReplyEnded { reply { text } }", "ReplyEnded { conversationId }"} {
		document := `subscription { viewerEvents { __typename ... on ` + on + ` } }`
		s.subscribe("event", document, nil)
		if m := s.read(); m["type"] != "error" || at(m, "payload", 0, "extensions", "code") != "SCOPE_MISSING" {
			t.Fatalf("%s: %v", document, m)
		}
	}
}

// P89, P93, T29, T30: neither the database nor the logs hold a key or a part of its secret,
// and no answer but the first shows it.
func TestAKeyIsNowhere(t *testing.T) {
	p := start(t)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	g.ask(`{ viewer { id } }`, nil)
	secret := g.secret[len("k2_live_")+11 : len(g.secret)-6]
	var all bytes.Buffer
	var tables []string
	if err := p.server.db.Gorm(t.Context()).Raw(`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`).Scan(&tables).Error; err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var rows []string
		if err := p.server.db.Gorm(t.Context()).Raw(`SELECT to_jsonb(x)::text FROM "` + table + `" x`).Scan(&rows).Error; err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			all.WriteString(row)
		}
	}
	dump, logs := all.String(), p.logs.String()
	if !strings.Contains(dump, g.id) {
		t.Fatal("the dump doesn't hold the key's row: the test tests nothing")
	}
	listed := fmt.Sprint(b.ask(`{ viewer { apiKeys { id name scopes lastFour } } }`, nil))
	for i := 0; i+12 <= len(secret); i++ {
		for where, text := range map[string]string{"dump": dump, "logs": logs, "list": listed} {
			part := secret[i : i+12]
			if strings.Contains(text, part) || strings.Contains(text, hex.EncodeToString([]byte(part))) { // as bytea is shown
				t.Fatalf("the %s holds a part of the key", where)
			}
		}
	}
}

// T29, P93: what is no key is refused with 401, whatever cookie comes with it; a key in an
// address is refused with advice.
func TestGarbageKeysAreRefused(t *testing.T) {
	p := start(t)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	for _, bad := range []string{"", "k2_live_", g.secret[:len(g.secret)-1], g.secret + "0", strings.ToLower(g.secret), "k2_live_0000000000_" + strings.Repeat("0", 38), strings.Repeat("x", 10_000)} {
		resp, answer := (&program{p, "", bad}).post(`{ viewer { id } }`, nil)
		if resp.StatusCode != http.StatusUnauthorized || code(answer) != "UNAUTHENTICATED" || resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%.60s: %d %v", bad, resp.StatusCode, answer)
		}
	}
	for _, scheme := range []string{"Basic dXNlcjpwYXNz", g.secret, "Token " + g.secret} {
		if resp, _ := g.post(`{ viewer { id } }`, nil, "Authorization", scheme); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%.20s: %d", scheme, resp.StatusCode)
		}
	}
	for _, path := range []string{"/graphql?query={__typename}&api_key=" + g.secret, "/c/" + g.secret, "/healthz?key=" + g.secret,
		"/c/k2%5Flive_" + g.secret[len("k2_live_"):], "/healthz?key=k2%5Flive%5F" + g.secret[len("k2_live_"):], "/healthz?x=1&key=%6B2_live_" + g.secret[len("k2_live_"):],
		"/healthz?x=%zz&key=k2%5flive_" + g.secret[len("k2_live_"):], "/healthz?key=%zz" + g.secret} {
		resp, err := b.http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), "revoke this one") || strings.Contains(string(body), g.secret) {
			t.Errorf("%.20s: %d %s", path, resp.StatusCode, body)
		}
	}
}

// A page of another site may ask with a key, and gets nothing of the browser's cookies.
func TestForeignPagesAskWithAKeyOnly(t *testing.T) {
	p := start(t)
	g := p.signIn("builder").program(map[string]any{})
	foreign := []string{"Origin", "https://other.example", "Sec-Fetch-Site", "cross-site", "Cookie", "session=x"}
	resp, answer := g.post(`{ viewer { kind } }`, nil, foreign...)
	if at(answer, "data", "viewer", "kind") != "API_KEY" || resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%v %v", answer, resp.Header)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, p.url+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Origin": "https://other.example", "Sec-Fetch-Site": "cross-site", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"} {
		req.Header.Set(name, value)
	}
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent || !strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "authorization") || resp.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("the preflight: %d %v", resp.StatusCode, resp.Header)
	}
}

// dial opens a socket with the key in its connection_init, or in its upgrade, and returns
// how it was answered.
func (g *program) dial(upgrade bool) (*socket, error) {
	g.p.t.Helper()
	header, init := http.Header{}, fmt.Sprintf(`{"type":"connection_init","payload":{"authorization":"Bearer %s"}}`, g.secret)
	if upgrade {
		header, init = http.Header{"Authorization": {"Bearer " + g.secret}}, `{"type":"connection_init"}`
	}
	d := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}
	conn, resp, err := d.DialContext(g.p.t.Context(), "ws"+strings.TrimPrefix(g.p.url, "http")+"/graphql", header)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	g.p.t.Cleanup(func() { _ = conn.Close() })
	s := &socket{g.p.t, conn}
	s.write(init)
	var m map[string]any
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	return s, conn.ReadJSON(&m)
}

// P90, P91: within a second of its revocation every instance answers KEY_REVOKED, the
// key's reply is stopped and charged for what it wrote, and its sockets close with 4403.
func TestARevokedKeyIsOverEverywhere(t *testing.T) {
	all := instances(t, 3)
	b := all[0].signIn("builder")
	g, other := b.program(map[string]any{}), b.program(map[string]any{})
	var sockets []*socket
	for i, p := range all {
		s, err := g.at(p).dial(i%2 == 0)
		if err != nil {
			t.Fatal(err)
		}
		s.subscribe("1", viewerEvents, nil)
		sockets = append(sockets, s)
	}
	kept, err := other.at(all[2]).dial(false)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all { // every instance remembers the key now
		want(t, at(g.at(p).ask(`{ viewer { kind } }`, nil), "data", "viewer", "kind"), `"API_KEY"`)
	}
	began := time.Now()
	want(t, at(b.ask(revokeKey, map[string]any{"id": g.id}), "data", "apiKeyRevoke", "userErrors"), `[]`)
	for i, s := range sockets {
		_ = s.conn.SetReadDeadline(time.Now().Add(patience))
		for {
			_, _, err := s.conn.ReadMessage()
			if err == nil {
				continue
			}
			if !websocket.IsCloseError(err, 4403) {
				t.Errorf("socket %d ended with %v", i, err)
			}
			break
		}
	}
	for _, p := range all {
		for time.Since(began) < patience {
			if resp, answer := g.at(p).post(`{ viewer { kind } }`, nil); resp.StatusCode == http.StatusUnauthorized {
				if code(answer) != "KEY_REVOKED" {
					t.Errorf("it is refused with %v", answer)
				}
				break
			}
		}
		if _, err := g.at(p).dial(false); !websocket.IsCloseError(err, 4403) {
			t.Errorf("a new socket: %v", err)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	want(t, at(other.at(all[2]).ask(`{ viewer { kind } }`, nil), "data", "viewer", "kind"), `"API_KEY"`)
	kept.write(`{"type":"ping"}`)
	if m := kept.read(); m["type"] != "pong" {
		t.Errorf("another key's socket: %v", m)
	}
	want(t, at(b.ask(`mutation { apiKeyRevokeAll(input: {}) { revoked } }`, nil), "data", "apiKeyRevokeAll"), `{"revoked":1}`)
	if _, answer := other.post(`{ viewer { kind } }`, nil); code(answer) != "KEY_REVOKED" {
		t.Errorf("the other key: %v", answer)
	}
}

// P90: what is being written for a revoked key stops and is charged for what it wrote;
// what a person asked for goes on.
func TestARevokedKeysReplyStops(t *testing.T) {
	p := priced(t, 5)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	release := make(chan struct{})
	defer close(release)
	p.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return inferencetest.Script{inferencetest.Say(strings.Repeat("word ", 40)), inferencetest.Wait(release), inferencetest.Finish("stop"), inferencetest.Done()}
	})
	reply, _ := at(g.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "1", "text": "m"}}), "data", "messageSend", "reply", "id").(string)
	mine, _ := at(b.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "2", "text": "m"}}), "data", "messageSend", "reply", "id").(string)
	for at(b.ask(costDocument, map[string]any{"id": reply}), "data", "node", "status") == "PENDING" {
	}
	b.ask(revokeKey, map[string]any{"id": g.id})
	ended := b.end(reply)
	want(t, at(ended, "status"), `"STOPPED"`)
	if at(ended, "credits") == "0" {
		t.Errorf("it is not charged: %v", ended)
	}
	if s := at(b.ask(costDocument, map[string]any{"id": mine}), "data", "node", "status"); s == "STOPPED" {
		t.Error("what the person asked for was stopped too")
	}
	b.ask(`mutation($id: ID!) { replyStop(input: {replyId: $id}) { reply { id } } }`, map[string]any{"id": mine})
	b.end(mine)
	p.books()
}

// Whoever holds a key may end it; what is no key of ours can't be ended.
func TestAKeyIsSurrendered(t *testing.T) {
	p := start(t)
	g := p.signIn("builder").program(map[string]any{})
	surrender := func(key string) int {
		resp, err := http.Post(p.url+"/keys/revoke", "application/json", strings.NewReader(fmt.Sprintf(`{"key":%q}`, key)))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	for key, status := range map[string]int{"": 400, "k2_live_x": 404, "k2_live_0000000000_" + strings.Repeat("0", 38): 404} {
		if got := surrender(key); got != status {
			t.Errorf("%q: %d", key, got)
		}
	}
	for range 2 {
		if got := surrender(g.secret); got != http.StatusOK {
			t.Errorf("the key: %d", got)
		}
	}
	if _, answer := g.post(`{ viewer { kind } }`, nil); code(answer) != "KEY_REVOKED" {
		t.Errorf("%v", answer)
	}
}

// P92: what a key may spend is exact: of many messages at once, on two instances, exactly
// those are let in that fit, and a reply that would lead beyond it ends there.
func TestAKeysCreditLimitIsExact(t *testing.T) {
	p := priced(t, 100, "STREAMS_PER_GUEST=1000", "STREAMS_PER_ACCOUNT=1000")
	b := p.signIn("builder")
	g := b.program(map[string]any{"creditLimit": "0.021539"}) // seven holds of 5 + 3×1024 micro-credits
	release := make(chan struct{})
	p.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return inferencetest.Script{inferencetest.Wait(release), inferencetest.Say("Hi"), inferencetest.Finish("stop"), told(5, 0, 1), inferencetest.Done()}
	})
	var wg sync.WaitGroup
	var mu sync.Mutex
	outcomes := map[any]int{}
	for n := range 40 {
		wg.Go(func() {
			sent := at(g.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": fmt.Sprint("c", n), "text": "m"}}), "data", "messageSend")
			mu.Lock()
			defer mu.Unlock()
			outcomes[at(sent, "userErrors", 0, "code")]++
		})
	}
	wg.Wait()
	if outcomes[nil] != 7 || outcomes["KEY_LIMIT_REACHED"] != 33 {
		t.Errorf("%v", outcomes)
	}
	want(t, at(b.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "mine", "text": "m"}}), "data", "messageSend", "userErrors"), `[]`)
	close(release)
	spent := func() any {
		return at(b.ask(`{ viewer { apiKeys { spent } } }`, nil), "data", "viewer", "apiKeys", 0, "spent")
	}
	for deadline := time.Now().Add(patience); spent() != "0.000056" && time.Now().Before(deadline); {
	}
	want(t, spent(), `"0.000056"`)
	changed := b.ask(`mutation($i: ApiKeyUpdateInput!) { apiKeyUpdate(input: $i) { apiKey { creditLimit name } userErrors { code } } }`,
		map[string]any{"i": map[string]any{"apiKeyId": g.id, "creditLimit": "0.000056", "name": "spent"}})
	want(t, at(changed, "data", "apiKeyUpdate"), `{"apiKey":{"creditLimit":"0.000056","name":"spent"},"userErrors":[]}`)
	want(t, at(g.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "over", "text": "m"}}), "data", "messageSend", "userErrors", 0, "code"), `"KEY_LIMIT_REACHED"`)
	p.books()
}

// P92: a limit that a key is given counts on the sockets that it opened before, too.
func TestALimitOfAKeyCountsOnItsOpenSockets(t *testing.T) {
	p := priced(t, 100)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	s, err := g.dial(true)
	if err != nil {
		t.Fatal(err)
	}
	send := func(id string) map[string]any {
		s.subscribe(id, paidDocument, map[string]any{"i": map[string]any{"clientId": id, "text": "m"}})
		answer := s.read()
		if done := s.read(); at(done, "type") != "complete" {
			t.Fatalf("%v", done)
		}
		return answer
	}
	want(t, at(send("1"), "payload", "data", "messageSend", "userErrors"), `[]`)
	changed := b.ask(`mutation($i: ApiKeyUpdateInput!) { apiKeyUpdate(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"apiKeyId": g.id, "creditLimit": "0"}})
	want(t, at(changed, "data", "apiKeyUpdate"), `{"userErrors":[]}`)
	want(t, at(send("2"), "payload", "data", "messageSend", "userErrors", 0, "code"), `"KEY_LIMIT_REACHED"`)
	p.books()
}

// Both reports know the same time zones: what PostgreSQL alone takes for one may lie on
// the other side of the world.
func TestReportsKnowTheSameZones(t *testing.T) {
	b := start(t).signIn("builder")
	for zone, refused := range map[string]bool{"UTC+8": true, "+08:00": true, "Mars/Base": true, "": false, "Asia/Shanghai": false} {
		for _, field := range []string{"usage", "requestAnalytics"} {
			answer := b.ask(`query($z: String) { viewer { `+field+`(from: "2026-05-01T00:00:00Z", to: "2026-05-02T00:00:00Z", by: [DAY], timeZone: $z) { groups { __typename } } } }`, map[string]any{"z": zone})
			if got := at(answer, "errors", 0, "extensions", "code") == "INVALID"; got != refused {
				t.Errorf("%s in %q: %v", field, zone, answer)
			}
		}
	}
}

// What a key can't be is refused, field by field.
func TestKeysThatCannotBe(t *testing.T) {
	p := start(t, "RATE_REQUESTS_PER_KEY=0", "RATE_REQUESTS_PER_ACCOUNT=0", "RATE_COST_PER_ACCOUNT=0") // it asks until the key has expired
	b := p.signIn("builder")
	for _, c := range []struct {
		input map[string]any
		want  string
	}{
		{map[string]any{"name": " "}, `[{"code":"INVALID","field":["name"]}]`},
		{map[string]any{"name": strings.Repeat("x", 101)}, `[{"code":"INVALID","field":["name"]}]`},
		{map[string]any{"name": "x", "scopes": []string{}}, `[{"code":"INVALID","field":["scopes"]}]`},
		{map[string]any{"name": "x", "scopes": []string{"admin"}}, `[{"code":"INVALID","field":["scopes"]}]`},
		{map[string]any{"name": "x", "expiresAt": "2020-01-01T00:00:00Z"}, `[{"code":"INVALID","field":["expiresAt"]}]`},
		{map[string]any{"name": "x", "expiresAt": "2999-01-01T00:00:00Z"}, `[{"code":"INVALID","field":["expiresAt"]}]`},
		{map[string]any{"name": "x", "creditLimit": "-1"}, `[{"code":"INVALID","field":["creditLimit"]}]`},
	} {
		want(t, at(b.ask(keyDocument, map[string]any{"i": c.input}), "data", "apiKeyCreate", "userErrors"), c.want)
	}
	soon := time.Now().Add(1500 * time.Millisecond)
	g := b.program(map[string]any{"expiresAt": soon.UTC().Format(time.RFC3339Nano)})
	want(t, at(g.ask(`{ viewer { kind } }`, nil), "data", "viewer", "kind"), `"API_KEY"`)
	var answer map[string]any
	for answer = g.ask(`{ viewer { kind } }`, nil); code(answer) == nil && time.Since(soon) < patience; {
		answer = g.ask(`{ viewer { kind } }`, nil)
	}
	if code(answer) != "UNAUTHENTICATED" || time.Now().Before(soon) {
		t.Errorf("an expired key: %v", answer)
	}
}

// P89: of a key's use its account sees the day, in UTC, and nothing finer.
func TestTheDayOfAKeysLastUseIsKept(t *testing.T) {
	p := start(t)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	last := func() any {
		return at(b.ask(`{ viewer { apiKeys { lastUsedAt } } }`, nil), "data", "viewer", "apiKeys", 0, "lastUsedAt")
	}
	if got := last(); got != nil {
		t.Errorf("it was used at %v", got)
	}
	before := time.Now().UTC().Format(time.DateOnly)
	g.ask(`{ viewer { kind } }`, nil)
	after := time.Now().UTC().Format(time.DateOnly)
	if got := last(); got != before+"T00:00:00.000000Z" && got != after+"T00:00:00.000000Z" {
		t.Errorf("it was used at %v, today is %s", got, after)
	}
}
