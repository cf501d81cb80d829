package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

const (
	ageDocument    = `mutation($y: Int!, $m: Int!) { ageConfirm(input: {birthYear: $y, birthMonth: $m}) { gate { ageConfirmed ageRefused minimumAge } userErrors { code field } } }`
	acceptDocument = `mutation($v: String!) { policyAccept(input: {version: $v, method: COMPOSER}) { gate { policyAccepted policyVersion } userErrors { code field } } }`
	gateDocument   = `{ viewer { gate { ageConfirmed ageRefused policyAccepted } consents { kind granted } policyAcceptances { version method } } }`
	plainSend      = `mutation($i: MessageSendInput!) { messageSend(input: $i) { reply { id } userErrors { code } } }`
)

func (b *browser) plainSend(clientID, text string) any {
	b.p.t.Helper()
	return at(b.ask(plainSend, map[string]any{"i": map[string]any{"clientId": clientID, "text": text}}), "data", "messageSend")
}

// owners counts everybody of whom something is stored.
func (p *product) owners() (n int) {
	p.t.Helper()
	if err := p.server.db.Gorm(p.t.Context()).Raw("SELECT count(*) FROM owners").Scan(&n).Error; err != nil {
		p.t.Fatal(err)
	}
	return n
}

func (b *browser) cookies() map[string]string {
	u, err := url.Parse(b.p.url)
	if err != nil {
		b.p.t.Fatal(err)
	}
	names := map[string]string{}
	for _, c := range b.http.Jar.Cookies(u) {
		names[c.Name] = c.Value
	}
	return names
}

// P7, P37, P121: before age and policy are settled nothing is stored and nobody is
// asked upstream; the same message goes through afterwards.
func TestAFirstMessageWaitsForAgeAndPolicy(t *testing.T) {
	p := start(t)
	b := p.browser()
	p.engine.Queue(inferencetest.Reply("hello"))
	want(t, b.plainSend("c1", "Hi!"), `{"reply":null,"userErrors":[{"code":"AGE_CONFIRMATION_REQUIRED"}]}`)
	want(t, at(b.ask(ageDocument, map[string]any{"y": 1990, "m": 13}), "data", "ageConfirm", "userErrors"), `[{"code":"INVALID","field":["birthMonth"]}]`)
	want(t, at(b.ask(ageDocument, map[string]any{"y": 1990, "m": 12}), "data", "ageConfirm"), `{"gate":{"ageConfirmed":true,"ageRefused":false,"minimumAge":13},"userErrors":[]}`)
	want(t, b.plainSend("c1", "Hi!"), `{"reply":null,"userErrors":[{"code":"POLICY_ACCEPTANCE_REQUIRED"}]}`)
	want(t, at(b.ask(acceptDocument, map[string]any{"v": "1999-01-01.1"}), "data", "policyAccept", "userErrors"), `[{"code":"INVALID","field":["version"]}]`)
	want(t, at(b.ask(acceptDocument, map[string]any{"v": "2025-01-01.1"}), "data", "policyAccept"), `{"gate":{"policyAccepted":true,"policyVersion":"2025-01-01.1"},"userErrors":[]}`)
	want(t, at(b.ask(gateDocument, nil), "data", "viewer"), `{"gate":{"ageConfirmed":true,"ageRefused":false,"policyAccepted":true},"consents":[],"policyAcceptances":[{"version":"2025-01-01.1","method":"COMPOSER"}]}`)
	if n := p.owners(); n != 0 || len(p.engine.Requests()) != 0 {
		t.Errorf("%d owners and %d requests upstream before the gate", n, len(p.engine.Requests()))
	}
	if b.cookies()["gate"] == "" {
		t.Errorf("no gate cookie: %v", b.cookies())
	}
	first := b.plainSend("c1", "Hi!")
	want(t, at(first, "userErrors"), `[]`)
	if _, ok := b.cookies()["gate"]; ok {
		t.Error("the gate cookie is still there")
	}
	want(t, at(b.ask(gateDocument, nil), "data", "viewer"), `{"gate":{"ageConfirmed":true,"ageRefused":false,"policyAccepted":true},"consents":[],"policyAcceptances":[{"version":"2025-01-01.1","method":"COMPOSER"}]}`)
	if again := b.plainSend("c1", "Hi!"); at(again, "reply", "id") != at(first, "reply", "id") {
		t.Errorf("%v, then %v", first, again)
	}
}

// P121: under 13 is a polite stop: 0 rows, and a cookie that answers for a day.
func TestUnderThirteenNothingIsStored(t *testing.T) {
	p := start(t)
	b := p.browser()
	want(t, at(b.ask(ageDocument, map[string]any{"y": p.server.clock.Now().Year() - 10, "m": 1}), "data", "ageConfirm"),
		`{"gate":{"ageConfirmed":false,"ageRefused":true,"minimumAge":13},"userErrors":[{"code":"AGE_REFUSED","field":null}]}`)
	want(t, at(b.ask(ageDocument, map[string]any{"y": 1980, "m": 1}), "data", "ageConfirm", "userErrors"), `[{"code":"AGE_REFUSED","field":null}]`)
	want(t, b.plainSend("c1", "Hi!"), `{"reply":null,"userErrors":[{"code":"AGE_REFUSED"}]}`)
	want(t, at(b.ask(gateDocument, nil), "data", "viewer", "gate"), `{"ageConfirmed":false,"ageRefused":true,"policyAccepted":false}`)
	if n := p.owners(); n != 0 || len(p.engine.Requests()) != 0 {
		t.Errorf("%d owners, %d requests upstream", n, len(p.engine.Requests()))
	}
}

// P5, P121: the month of birth is in no log, no cookie and no table.
func TestTheMonthOfBirthLeavesNoTrace(t *testing.T) {
	p := start(t)
	b := p.browser()
	b.ask(ageDocument, map[string]any{"y": 1947, "m": 11})
	if strings.Contains(p.logs.String(), "1947") {
		t.Error("the log holds the year")
	}
	var columns []string
	if err := p.server.db.Gorm(t.Context()).Raw(`SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema()`).Scan(&columns).Error; err != nil {
		t.Fatal(err)
	}
	for _, c := range columns {
		if strings.Contains(c, "birth") || strings.Contains(c, "dob") {
			t.Errorf("column %s", c)
		}
	}
	// The same signed cookie comes of another month.
	other := p.browser()
	other.ask(ageDocument, map[string]any{"y": 1988, "m": 2})
	if len(b.cookies()["gate"]) != len(other.cookies()["gate"]) {
		t.Error("the cookie depends on the answer")
	}
}

// A guest of whom nothing is settled can do nothing that asks the engine, by whatever
// mutation; reading and deleting go on (P115).
func TestTheGateStandsBeforeEveryReply(t *testing.T) {
	p := start(t)
	b := p.browser()
	p.engine.Queue(inferencetest.Script{inferencetest.Say("half"), inferencetest.Cut()})
	sent := at(b.send("c1", "Hi!"), "data", "messageSend")
	reply, message, conversation := at(sent, "reply", "id"), at(sent, "message", "id"), at(sent, "conversation", "id")
	resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": reply})
	_ = drain(t, resp)
	for _, statement := range []string{"DELETE FROM age_confirmations", "DELETE FROM policy_acceptances"} {
		if err := p.server.db.Gorm(t.Context()).Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	before := len(p.engine.Requests())
	for document, variables := range map[string]map[string]any{
		`mutation($i: MessageSendInput!) { act: messageSend(input: $i) { userErrors { code } } }`:         {"clientId": "c2", "text": "again", "conversationId": conversation},
		`mutation($i: MessageEditInput!) { act: messageEdit(input: $i) { userErrors { code } } }`:         {"clientId": "c3", "text": "again", "messageId": message},
		`mutation($i: ReplyRegenerateInput!) { act: replyRegenerate(input: $i) { userErrors { code } } }`: {"clientId": "c4", "replyId": reply},
		`mutation($i: ReplyContinueInput!) { act: replyContinue(input: $i) { userErrors { code } } }`:     {"replyId": reply},
	} {
		got := b.ask(document, map[string]any{"i": variables})
		want(t, at(got, "data", "act", "userErrors"), `[{"code":"AGE_CONFIRMATION_REQUIRED"}]`)
	}
	if n := len(p.engine.Requests()); n != before {
		t.Errorf("%d requests upstream", n-before)
	}
	gone := b.ask(`mutation($id: ID!) { conversationDelete(input: {conversationId: $id}) { deletedId } }`, map[string]any{"id": conversation})
	want(t, at(gone, "data", "conversationDelete", "deletedId"), fmt.Sprintf("%q", conversation))
}

// drain is all of an answer.
func drain(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// A visitor's socket can't keep what it says; a guest's can.
func TestAVisitorsSocketCannotConfirm(t *testing.T) {
	p := start(t)
	b := p.browser()
	b.ask(`{ viewer { id } }`, nil) // brings the cookie
	s := b.socket()
	s.subscribe("1", ageDocument, map[string]any{"y": 1990, "m": 5})
	want(t, at(s.read(), "payload", "data", "ageConfirm", "userErrors"), `[{"code":"UNAUTHENTICATED","field":null}]`)
	resp := b.request("text/event-stream", ageDocument, map[string]any{"y": 1990, "m": 5})
	if got := drain(t, resp); !strings.Contains(got, "UNAUTHENTICATED") || len(resp.Cookies()) != 0 {
		t.Errorf("%s %v", got, resp.Cookies())
	}
}

// P1: the policy can be read without signing in, and what is shown is what was hashed.
func TestPolicyIsPublic(t *testing.T) {
	p := start(t)
	b := p.browser()
	const document = `query($v: String) { policy(version: $v) { version effectiveAt publishedAt hash significant text } }`
	got := at(b.ask(document, nil), "data", "policy")
	raw, err := os.ReadFile("policy/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	if at(got, "hash") != hex.EncodeToString(sum[:]) || at(got, "text") != string(raw) || at(got, "effectiveAt") != "2025-01-01T00:00:00.000000Z" {
		t.Errorf("%.300v", got)
	}
	if again := at(b.ask(document, map[string]any{"v": at(got, "version")}), "data", "policy", "hash"); again != at(got, "hash") {
		t.Errorf("%v", again)
	}
	want(t, at(b.ask(document, map[string]any{"v": "1999-01-01.1"}), "errors", 0, "extensions", "code"), `"NOT_FOUND"`)
}

// P33, P130: a visitor's choice about cookies is kept and can be withdrawn, and the
// cookie that it was about goes with it.
func TestACookieChoiceIsKeptAndWithdrawn(t *testing.T) {
	p := start(t)
	b := p.browser()
	const document = `mutation($g: Boolean!) { consentSet(input: {kind: PREFERENCES_COOKIE, granted: $g, method: BANNER}) { consent { kind granted provider policyVersion } userErrors { code } } }`
	for _, granted := range []bool{true, false} {
		got := b.ask(document, map[string]any{"g": granted})
		want(t, at(got, "data", "consentSet"), fmt.Sprintf(`{"consent":{"kind":"PREFERENCES_COOKIE","granted":%v,"provider":"","policyVersion":"2025-01-01.1"},"userErrors":[]}`, granted))
		want(t, at(b.ask(gateDocument, nil), "data", "viewer", "consents"), fmt.Sprintf(`[{"kind":"PREFERENCES_COOKIE","granted":%v}]`, granted))
	}
	if p.owners() != 0 {
		t.Error("a choice is stored for nobody")
	}
	b.send("c1", "Hi!") // the choice becomes a row
	want(t, at(b.ask(gateDocument, nil), "data", "viewer", "consents"), `[{"kind":"PREFERENCES_COOKIE","granted":false}]`)
	resp := b.request("application/json", document, map[string]any{"g": false})
	_ = drain(t, resp)
	gone := false
	for _, c := range resp.Cookies() {
		gone = gone || c.Name == "prefs" && c.MaxAge < 0
	}
	if !gone {
		t.Errorf("withdrawing leaves the cookie: %v", resp.Cookies())
	}
	want(t, at(p.browser().ask(`mutation { consentSet(input: {kind: MARKETING, granted: true}) { consent { kind } userErrors { code field } } }`, nil), "data", "consentSet"),
		`{"consent":null,"userErrors":[{"code":"FORBIDDEN","field":["kind"]}]}`)
}
