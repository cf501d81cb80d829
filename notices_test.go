package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	noticeSave   = `mutation($kind: NoticeKind!) { noticeSave(input: {kind: $kind, subject: "What is new", text: "A canary-word."}) { notice { id audience state preview { subject text } } userErrors { code } } }`
	noticeSend   = `mutation($id: ID!) { noticeSend(input: {id: $id}) { notice { state } userErrors { code } } }`
	noticesQuery = `{ operator { notices { nodes { kind state written kept withdrawn } } } }`
	newsOn       = `mutation { consentSet(input: {kind: MARKETING, granted: true, method: SETTINGS}) { userErrors { code } } }`
	newsChoice   = `{ viewer { consents { kind granted } } }`
	openingAsk   = `mutation($account: String!, $conversation: ID!) { openingAsk(input: {account: $account, conversations: [$conversation], reason: "the owner reported it to us"}) { opening { id state } userErrors { code } } }`
	openingOK    = `mutation($id: ID!) { openingApprove(input: {id: $id}) { opening { state } userErrors { code } } }`
	openingRead  = `mutation($id: ID!, $conversation: ID!) { openingRead(input: {id: $id, conversationId: $conversation}) { conversation { messages { role text } } userErrors { code } } }`
	activity     = `{ viewer { accessLog { nodes { act } } } }`
)

// P88, P114: the operator writes to everybody; news goes to who agreed, and the link in it
// ends that without a sign-in.
func TestTheOperatorWritesToEverybody(t *testing.T) {
	p := start(t)
	ada := p.signIn("ada")
	p.signIn("bob")
	want(t, at(ada.ask(newsOn, nil), "data", "consentSet", "userErrors"), `[]`)
	operator := p.operator()
	want(t, at(ada.ask(noticesQuery, nil), "errors", 0, "extensions", "code"), `"FORBIDDEN"`)
	for _, c := range []struct {
		kind  string
		count float64
	}{{"NEWS", 1}, {"INCIDENT", 2}} {
		saved := at(operator.ask(noticeSave, map[string]any{"kind": c.kind}), "data", "noticeSave", "notice")
		if at(saved, "audience") != c.count || !strings.Contains(fmt.Sprint(at(saved, "preview", "text")), "canary-word") {
			t.Errorf("%v", saved)
		}
		want(t, at(operator.ask(noticeSend, map[string]any{"id": at(saved, "id")}), "data", "noticeSend"), `{"notice": {"state": "WRITING"}, "userErrors": []}`)
	}
	for range 2 {
		if _, err := p.server.notices.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want(t, at(operator.ask(noticesQuery, nil), "data", "operator", "notices", "nodes"), `[
		{"kind": "INCIDENT", "state": "DONE", "written": 2, "kept": 2, "withdrawn": 0}, {"kind": "NEWS", "state": "DONE", "written": 1, "kept": 1, "withdrawn": 0}]`)
	link := p.url + p.server.policy.UnsubscribePath(ada.id())
	for range 2 {
		res, err := http.Post(link, "application/x-www-form-urlencoded", strings.NewReader("List-Unsubscribe=One-Click"))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Error(res.Status)
		}
	}
	want(t, at(ada.ask(newsChoice, nil), "data", "viewer", "consents"), `[{"kind": "MARKETING", "granted": false}]`)
}

// P83, P97, T35: over the wire no administrator reads a conversation before another one
// has approved it, and the owner sees that it was read.
func TestAConversationIsReadByTwoAdministratorsOnly(t *testing.T) {
	p := start(t)
	ada := p.signIn("ada")
	want(t, at(ada.send("glass", "a canary-secret"), "data", "messageSend", "userErrors"), `[]`)
	conversation := at(ada.ask(`{ viewer { conversations { nodes { id } } } }`, nil), "data", "viewer", "conversations", "nodes", 0, "id")
	p.session("carol")
	if err := p.server.accounts.GrantAdmin(t.Context(), "carol@example.org"); err != nil {
		t.Fatal(err)
	}
	first, second := p.operator(), p.signIn("carol")
	asked := at(first.ask(openingAsk, map[string]any{"account": "ada@example.org", "conversation": conversation}), "data", "openingAsk", "opening")
	id := map[string]any{"id": at(asked, "id"), "conversation": conversation}
	want(t, at(first.ask(openingRead, id), "data", "openingRead"), `{"conversation": null, "userErrors": [{"code": "FORBIDDEN"}]}`)
	want(t, at(first.ask(openingOK, map[string]any{"id": id["id"]}), "data", "openingApprove"), `{"opening": null, "userErrors": [{"code": "FORBIDDEN"}]}`)
	want(t, at(second.ask(openingOK, map[string]any{"id": id["id"]}), "data", "openingApprove"), `{"opening": {"state": "OPEN"}, "userErrors": []}`)
	want(t, at(second.ask(openingRead, id), "data", "openingRead", "conversation"), `null`)
	read := fmt.Sprint(at(first.ask(openingRead, id), "data", "openingRead", "conversation", "messages", 0))
	if !strings.Contains(read, "canary-secret") {
		t.Error(read)
	}
	seen := fmt.Sprint(at(ada.ask(activity, nil), "data", "viewer", "accessLog", "nodes"))
	for _, act := range []models.AuditAct{models.AuditContentAsked, models.AuditContentApproved, models.AuditContentOpened} {
		if !strings.Contains(seen, string(act)) {
			t.Errorf("%s is not in the owner's activity: %s", act, seen)
		}
	}
	if strings.Contains(p.logs.String(), "canary-secret") {
		t.Error("what was read stands in the log")
	}
}

// P127: who hasn't accepted the version in force sends nothing, by page or program; reading,
// answering about itself and deleting go on, and accepting is enough to send again.
func TestWithoutAcceptanceOnlySendingIsPaused(t *testing.T) {
	all := instances(t, 2)
	ada := all[0].signIn("ada")
	want(t, at(ada.send("before", "hello"), "data", "messageSend", "userErrors"), `[]`)
	secret, _ := at(ada.ask(`mutation { apiKeyCreate(input: {name: "k", scopes: ["chat:write"]}) { secret } }`, nil), "data", "apiKeyCreate", "secret").(string)
	// To an instance that has not seen her, she accepted nothing that counts.
	if err := all[0].server.db.Gorm(t.Context()).Exec(`DELETE FROM policy_acceptances WHERE owner_id = ?`, ada.id()).Error; err != nil {
		t.Fatal(err)
	}
	there := ada.at(all[1])
	want(t, at(there.send("paused", "hello again"), "data", "messageSend", "userErrors", 0, "code"), `"POLICY_ACCEPTANCE_REQUIRED"`)
	program := &program{p: all[1], secret: secret}
	if resp := program.call(t.Context(), "/v1/chat/completions", `{"model":"`+inferencetest.ModelID+`","messages":[{"role":"user","content":"hi"}]}`); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a program: %s", resp.Status)
	}
	mine := at(there.ask(`{ viewer { conversations { nodes { id lastMessage { text } } } } }`, nil), "data", "viewer", "conversations", "nodes")
	if text := fmt.Sprint(at(mine, 0, "lastMessage", "text")); text == "<nil>" {
		t.Errorf("nothing can be read: %v", mine)
	}
	deleted := there.ask(`mutation($id: ID!) { conversationDelete(input: {conversationId: $id}) { deletedId userErrors { code } } }`, map[string]any{"id": at(mine, 0, "id")})
	want(t, at(deleted, "data", "conversationDelete", "userErrors"), `[]`)
	accepted := there.ask(`mutation($v: String!) { policyAccept(input: {version: $v}) { gate { policyAccepted news { version } } userErrors { code } } }`, map[string]any{"v": all[1].server.policy.Current().Version})
	want(t, at(accepted, "data", "policyAccept"), `{"gate": {"policyAccepted": true, "news": null}, "userErrors": []}`)
	want(t, at(there.send("again", "hello once more"), "data", "messageSend", "userErrors"), `[]`)
}
