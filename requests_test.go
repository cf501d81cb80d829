package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

const requestsDocument = `query($f: RequestLogFilter) { viewer { requestLogs(first: 100, filter: $f) { nodes { id keyId route modelId status code promptTokens outputTokens credits latencyMs streamed } } } }`

// requests are what the browser sees of the account's rows, as "route status code", oldest
// first, once there are n.
func (b *browser) requests(n int) (out []string, rows []any) {
	b.p.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		rows, _ = at(b.ask(requestsDocument, nil), "data", "viewer", "requestLogs", "nodes").([]any)
		if len(rows) >= n || time.Now().After(deadline) {
			break
		}
	}
	slices.Reverse(rows)
	for _, row := range rows {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%v %v %v", at(row, "route"), at(row, "status"), at(row, "code")), " <nil>"))
	}
	return out, rows
}

// P69: each GraphQL operation of a key leaves one row, refused ones and those over streams
// and sockets too, and what a reply that it asked for came to; what people do leaves none,
// and nothing that a client chose is in one.
func TestEachOperationOfAKeyLeavesARow(t *testing.T) {
	p := priced(t, 5, "RATE_COST_PER_ACCOUNT=0") // rows are asked for until they are there
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	step := func(n int, wanted string) any {
		t.Helper()
		got, rows := b.requests(n)
		if len(got) != n || got[n-1] != wanted {
			t.Fatalf("row %d: %q, want %s", n, got, wanted)
		}
		return rows[n-1]
	}
	resp, _ := g.post(`query Secret($secret: Boolean = true) { viewer { id mine: kind @include(if: $secret) } }`, nil)
	row := step(1, "query viewer 200")
	if at(row, "id") != resp.Header.Get("X-Request-Id") || at(row, "keyId") != g.id || at(row, "streamed") != false {
		t.Errorf("it is %v, of %s", row, resp.Header.Get("X-Request-Id"))
	}
	g.ask(`{ models { id } viewer { id } }`, nil)
	step(2, "query models… 200")
	g.ask(`{ viewer { `, nil)
	step(3, "graphql 400 INVALID")
	g.ask(`{ secretField }`, nil)
	step(4, "graphql 400 INVALID")
	g.ask(`{ viewer { secretField } }`, nil)
	step(5, "query viewer 400 INVALID")
	g.ask(`{ viewer { conversations { nodes { id } } } }`, nil)
	step(6, "query viewer 403 SCOPE_MISSING")
	g.ask(`fragment F on Query { viewer { requestLogs(first: 100) { nodes { id route keyId status } edges { node { id route keyId status } } } a: requestLogs(first: 100) { nodes { id } } b: requestLogs(first: 100) { nodes { id } } c: requestLogs(first: 100) { nodes { id } } d: requestLogs(first: 100) { nodes { id } } e: requestLogs(first: 100) { nodes { id } } f: requestLogs(first: 100) { nodes { id } } g: requestLogs(first: 100) { nodes { id } } h: requestLogs(first: 100) { nodes { id } } i: requestLogs(first: 100) { nodes { id } } } } query { ...F }`, nil)
	step(7, "query viewer 400 QUERY_TOO_COSTLY")

	p.engine.Queue(inferencetest.Script{inferencetest.Say("Hello"), inferencetest.Finish("stop"), told(100, 0, 10), inferencetest.Done()})
	reply, _ := at(g.ask(paidDocument, map[string]any{"i": map[string]any{"clientId": "1", "text": "hi"}}), "data", "messageSend", "reply", "id").(string)
	b.end(reply)
	got, rows := b.requests(9)
	if slices.Sort(got[7:]); !slices.Equal(got[7:], []string{"mutation messageSend 200", "reply 200"}) {
		t.Fatalf("a message: %q", got[7:])
	}
	for _, row := range rows[7:] {
		if at(row, "route") == "reply" && (at(row, "promptTokens") != 100.0 || at(row, "outputTokens") != 10.0 || at(row, "credits") != "0.00013" || at(row, "modelId") != inferencetest.ModelID) {
			t.Errorf("the reply: %v", row)
		}
	}

	s, err := g.dial(false)
	if err != nil {
		t.Fatal(err)
	}
	s.subscribe("1", eventsDocument, map[string]any{"id": reply})
	if row := step(10, "subscription replyEvents 200"); at(row, "streamed") != true {
		t.Errorf("%v", row)
	}
	s.subscribe("2", `{ viewer { apiKeys { id } } }`, nil)
	step(11, "query viewer 403 FORBIDDEN")
	stream, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/graphql", bytes.NewReader(fmt.Appendf(nil, `{"query":%q,"variables":{"id":%q}}`, eventsDocument, reply)))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer " + g.secret} {
		stream.Header.Set(name, value)
	}
	resp, err = http.DefaultClient.Do(stream)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	step(12, "subscription replyEvents 200")

	want(t, at(b.ask(revokeKey, map[string]any{"id": g.id}), "data", "apiKeyRevoke", "userErrors"), `[]`)
	g.ask(`{ viewer { kind } }`, nil)
	step(13, "graphql 401 KEY_REVOKED")
	_, _ = g.dial(false)
	step(14, "graphql 401 KEY_REVOKED")
	want(t, at(b.ask(`query($from: Time!, $to: Time!) { viewer { requestAnalytics(from: $from, to: $to, by: [KEY]) { total { requests errors credits } groups { keyId key { name } sum { requests promptTokens } } } } }`,
		map[string]any{"from": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "to": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}), "errors", 0, "extensions", "code"), `null`)
	var dump string
	if err := p.server.db.Gorm(t.Context()).Raw(`SELECT string_agg(l::text, ' ') FROM api_request_logs l`).Row().Scan(&dump); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"Secret", "secret", "mine", "Hello", "127.0.0.1", g.secret[:20], g.id, b.id()} {
		if strings.Contains(dump, word) {
			t.Errorf("the rows hold %q", word)
		}
	}
}

// P70, P77: a key with usage:read sees its own rows and their sums, its account all of
// them; they are followed on any instance; others see nothing.
func TestRowsAreTheAccounts(t *testing.T) {
	all := instances(t, 2, "RATE_COST_PER_ACCOUNT=0", "RATE_REQUESTS_PER_KEY=0", "RATE_REQUESTS_PER_ACCOUNT=0")
	b := all[0].signIn("builder")
	g, blind := b.program(map[string]any{"name": "reader"}), b.program(map[string]any{"scopes": []string{"models:read"}})
	if got := code(blind.ask(requestsDocument, nil)); got != "SCOPE_MISSING" {
		t.Errorf("without the scope: %v", got)
	}
	s, err := g.at(all[1]).dial(true)
	if err != nil {
		t.Fatal(err)
	}
	s.subscribe("1", `subscription { requestLogAdded(filter: {route: "query models"}) { route keyId status } }`, nil)
	events := make(chan map[string]any, 1)
	go func() { events <- s.read() }()
	for deadline := time.After(patience); ; { // until the other instance knows of the subscription
		g.ask(`{ models { id } }`, nil)
		select {
		case m := <-events:
			want(t, at(m, "payload", "data", "requestLogAdded"), fmt.Sprintf(`{"route":"query models","keyId":%q,"status":200}`, g.id))
		case <-deadline:
			t.Fatal("no row was followed")
		case <-time.After(50 * time.Millisecond):
			continue
		}
		break
	}
	got, _ := b.requests(2)
	if !slices.Contains(got, "query viewer 403 SCOPE_MISSING") {
		t.Errorf("the account sees %q", got)
	}
	nodes, _ := at(g.ask(requestsDocument, nil), "data", "viewer", "requestLogs", "nodes").([]any)
	for _, row := range nodes {
		if at(row, "keyId") != g.id {
			t.Errorf("a key sees %v", row)
		}
	}
	const sums = `query($from: Time!, $to: Time!) { viewer { requestAnalytics(from: $from, to: $to, by: [ROUTE, KEY], timeZone: "Asia/Kathmandu") { total { requests errors latencyMs { p50 } firstTokenMs { p95 } } groups { keyId key { name } route sum { requests } } } } }`
	window := map[string]any{"from": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "to": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	report := at(b.ask(sums, window), "data", "viewer", "requestAnalytics")
	if at(report, "groups", 0, "key", "name") != "reader" || at(report, "groups", 0, "route") != "query models" || at(report, "total", "errors") != 1.0 || at(report, "total", "firstTokenMs", "p95") != nil {
		t.Errorf("%v", report)
	}
	stranger := all[0].signIn("stranger")
	want(t, at(stranger.ask(requestsDocument, nil), "data", "viewer", "requestLogs"), `{"nodes":[]}`)
	rows, status := b.table("/developers/requests.csv?outcome=REFUSED&timeZone=Asia/Kathmandu")
	if status != http.StatusOK || len(rows) != 1 || rows[0]["code"] != "SCOPE_MISSING" || rows[0]["key"] != blind.id {
		t.Errorf("the table: %d %v", status, rows)
	}
	for query, wanted := range map[string]int{"outcome=GOOD": 400, "outcomes=FAILED": 400, "from=2026-05-02&to=2026-05-01": 400, "timeZone=Mars/Base": 400} {
		if _, status := b.table("/developers/requests.csv?" + query); status != wanted {
			t.Errorf("%s: %d", query, status)
		}
	}
	for _, path := range []string{"/developers/requests.csv"} {
		if _, status := all[0].browser().table(path); status != http.StatusUnauthorized {
			t.Errorf("a visitor gets %d", status)
		}
	}
}

// The analyses that a page asks for in one request are read once, say what they say alone,
// and a refusal names the one that is refused.
func TestAnalysesOfOneRequestAreReadOnce(t *testing.T) {
	p := start(t, "RATE_COST_PER_ACCOUNT=0")
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	g.ask(`{ viewer { id } }`, nil)
	g.ask(`{ models { id } }`, nil)
	b.requests(2)
	window := map[string]any{"from": time.Now().Add(-48 * time.Hour).UTC().Format(time.RFC3339), "to": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
	parts := map[string]string{"byTime": "DAY", "byKey": "KEY", "byModel": "MODEL", "byRoute": "ROUTE"}
	document := func(names ...string) string {
		fields := ""
		for _, name := range names {
			fields += fmt.Sprintf(` %s: requestAnalytics(from: $from, to: $to, by: [%s], timeZone: "Asia/Kathmandu") { total { requests latencyMs { p50 } } groups { keyId modelId route start sum { requests latencyMs { p95 } } } }`, name, parts[name])
		}
		return "query($from: Time!, $to: Time!) { viewer {" + fields + " } }"
	}
	// What else the server does meanwhile asks the database too: the least of some tries counts.
	least := func(names ...string) (asked int64, answer any) {
		asked = 1 << 60
		for range 20 {
			before := p.server.db.Pool().Stat().AcquireCount()
			answer = at(b.ask(document(names...), window), "data", "viewer")
			asked = min(asked, p.server.db.Pool().Stat().AcquireCount()-before)
		}
		return asked, answer
	}
	once, _ := least("byTime")
	four, all := least("byTime", "byKey", "byModel", "byRoute")
	if four > once {
		t.Errorf("one analysis takes %d connections, four take %d", once, four)
	}
	for name := range parts {
		_, alone := least(name)
		wanted, _ := json.Marshal(at(alone, name))
		want(t, at(all, name), string(wanted))
		if at(alone, name, "total", "requests") != 2.0 {
			t.Errorf("%s: %s", name, wanted)
		}
	}
	refused := b.ask(strings.Replace(document("byKey", "byRoute"), `[ROUTE], timeZone: "Asia/Kathmandu"`, `[ROUTE], timeZone: "Mars/Base"`, 1), window)
	if at(refused, "errors", 0, "extensions", "code") != "INVALID" || at(refused, "errors", 0, "path", 1) != "byRoute" || at(refused, "errors", 1) != nil {
		t.Errorf("%v", refused)
	}
}

// P104: when the account is removed, its rows are nobody's at once.
func TestRowsOfARemovedAccount(t *testing.T) {
	p := start(t, "RATE_COST_PER_ACCOUNT=0")
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	g.ask(`{ viewer { id } }`, nil)
	b.requests(1)
	if _, err := p.server.accounts.Remove(context.Background(), b.id()); err != nil {
		t.Fatal(err)
	}
	var rows, led int
	if err := p.server.db.Gorm(t.Context()).Raw(`SELECT (SELECT count(*) FROM api_request_logs), (SELECT count(*) FROM api_request_subjects) + (SELECT count(*) FROM api_request_keys) + (SELECT count(*) FROM api_request_days)`).Row().Scan(&rows, &led); err != nil || rows != 1 || led != 0 {
		t.Errorf("%d rows, %d of which lead somewhere: %v", rows, led, err)
	}
}

// An instance that is told to end writes the rows that wait first.
func TestAnOrderedEndKeepsRows(t *testing.T) {
	url := dbtest.URL(t)
	const asked = 50
	t.Run("until the end", func(t *testing.T) {
		g := start(t, "DATABASE_URL="+url).signIn("builder").program(map[string]any{})
		for range asked {
			g.ask(`{ viewer { id } }`, nil)
		}
	})
	var rows, summed int64
	err := dbtest.Open(t, url).Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM api_request_logs), (SELECT sum(succeeded)::bigint FROM api_request_hours)`).Scan(&rows, &summed)
	if err != nil || rows != asked || summed != asked {
		t.Errorf("%d of %d rows are there, the sum says %d: %v", rows, asked, summed, err)
	}
}

// P6, P72: the logs' end is the policy's; with another one the server doesn't start.
func TestTheLogsEndIsThePolicys(t *testing.T) {
	db := dbtest.New(t)
	for ttl, starts := range map[time.Duration]bool{requestlog.TTL: true, requestlog.TTL + 24*time.Hour: false, requestlog.TTL - 24*time.Hour: false} {
		_, err := policy.New(policy.Config{DB: db, Clock: clock.System{}, Files: policyfiles.Files(), CookieKey: make([]byte, 32), GuestTTL: account.GuestTTL, APILogTTL: ttl})
		if (err == nil) != starts {
			t.Errorf("%v: %v", ttl, err)
		}
	}
}
