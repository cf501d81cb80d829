package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
)

const (
	deleteDocument = `mutation($word: String!) { accountDelete(input: {confirmation: $word}) {
	deletion { id ticket state finishedAt askedElsewhere receipt tables { table rows } } receipt userErrors { code field } } }`
	deletionDocument = `query($ticket: String!) { deletion(ticket: $ticket) { state receipt } }`
	checkDocument    = `query($receipt: String!) { deletionReceiptCheck(receipt: $receipt) { valid fault } }`
	deleteAll        = `mutation($word: String!) { conversationDeleteAll(input: {confirmation: $word}) { conversations messages finished userErrors { code field } } }`
)

// P101, P102, P106: whoever deletes its account is gone on every instance within a
// second: sockets, the key of a program, the reply that another instance writes. What it
// cost is settled, and the receipt can be read and checked by whoever has its ticket.
func TestDeletionEndsEverythingEverywhere(t *testing.T) {
	all := instances(t, 2, "RUN_LEASE=60s", "SIGNUP_CREDITS=10", "CHARGE=on")
	ada, other := all[1].signIn("ada"), all[1].signIn("other")
	made := ada.ask(`mutation { apiKeyCreate(input: {name: "k", scopes: ["models:read"]}) { secret } }`, nil)
	program := all[0].browser()
	program.key, _ = at(made, "data", "apiKeyCreate", "secret").(string)
	models := func() string { return class(program.ask(`{ r: models { id } }`, nil)) }
	if models() != "ok" {
		t.Fatal("the key is no good")
	}
	all[1].engine.Queue(inferencetest.Script{inferencetest.Say("some"), inferencetest.Hang()})
	want(t, at(ada.send("deletion", "a long story"), "data", "messageSend", "userErrors"), `[]`)
	select {
	case <-all[1].engine.Started():
	case <-time.After(patience):
		t.Fatal("no request upstream")
	}
	sockets := []<-chan ended{ada.follow(), ada.at(all[0]).follow()}
	kept := other.at(all[0]).follow()
	want(t, at(ada.ask(deleteDocument, map[string]any{"word": "other@example.org"}), "data", "accountDelete"), `{"deletion": null, "receipt": null, "userErrors": [{"code": "INVALID", "field": ["confirmation"]}]}`)
	began := time.Now()
	answer := at(ada.at(all[0]).ask(deleteDocument, map[string]any{"word": "ada@example.org"}), "data", "accountDelete")
	want(t, at(answer, "userErrors"), `[]`)
	for i, socket := range sockets {
		if took := await(t, socket, fmt.Sprint("socket ", i), "4403 session ended").Sub(began); took > time.Second {
			t.Errorf("socket %d ended after %v", i, took)
		}
	}
	select {
	case <-all[1].engine.Cancelled():
	case <-time.After(patience):
		t.Fatal("the engine still writes for who is deleted")
	}
	t.Logf("it was over %v after it was asked for", time.Since(began))
	if code := models(); code != "UNAUTHENTICATED" {
		t.Error("the key is still good:", code)
	}
	select {
	case e := <-kept:
		t.Errorf("somebody else's socket ended: %v", e)
	default:
	}
	if at(answer, "deletion", "state") != "DONE" {
		t.Fatalf("%v", answer)
	}
	stranger := all[1].browser()
	ticket := map[string]any{"ticket": at(answer, "deletion", "ticket")}
	receipt, _ := at(stranger.ask(deletionDocument, ticket), "data", "deletion", "receipt").(string)
	if receipt == "" || receipt != at(answer, "deletion", "receipt") || strings.Contains(receipt, "@") {
		t.Errorf("the receipt is %q", receipt)
	}
	want(t, at(stranger.ask(checkDocument, map[string]any{"receipt": receipt}), "data", "deletionReceiptCheck"), `{"valid": true, "fault": null}`)
	want(t, at(stranger.ask(checkDocument, map[string]any{"receipt": strings.Replace(receipt, `"messages": 2`, `"messages": 3`, 1)}), "data", "deletionReceiptCheck"), `{"valid": false, "fault": "TAMPERED"}`)
	want(t, at(stranger.ask(deletionDocument, map[string]any{"ticket": "ers_1"}), "data"), `{"deletion": null}`)
	all[0].books()
	want(t, at(all[0].signIn("ada").ask(`{ viewer { conversations { nodes { id } } } }`, nil), "data", "viewer", "conversations", "nodes"), `[]`)
}

// P108, T34: what a provider tells of somebody who was deleted, a refund among it, changes
// the books and brings nobody back; a log that comes late is dropped and takes no other
// one along. Nothing of the person is in the database afterwards.
func TestWhatComesLateBringsNobodyBack(t *testing.T) {
	s, _, settings := tills(t)
	p := priced(t, 0, settings...)
	s.SetURL(p.url + "/webhooks/stripe")
	ada, other := p.signIn("ada"), p.signIn("other")
	gone, stays := ada.id(), other.id()
	purchase, page := ada.buy("STRIPE")
	press(t, page)
	if err := s.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	answer := at(ada.ask(deleteDocument, map[string]any{"word": "ada@example.org"}), "data", "accountDelete", "deletion")
	if at(answer, "state") != "DONE" || at(answer, "askedElsewhere") != true {
		t.Fatalf("%v", answer)
	}
	if _, err := s.Refund(purchase, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.server.requests.Record(requestlog.Entry{ID: "req_1", At: time.Now(), OwnerID: gone, KeyID: "key_1", Route: "query viewer", Status: http.StatusOK})
	p.server.requests.Record(requestlog.Entry{ID: "req_2", At: time.Now(), OwnerID: stays, KeyID: "key_2", Route: "query viewer", Status: http.StatusOK})
	deadline := time.Now().Add(patience)
	for n := 0; n == 0; {
		if err := p.server.db.Gorm(t.Context()).Raw(`SELECT count(*) FROM api_request_logs WHERE id = 'req_2'`).Scan(&n).Error; err != nil || time.Now().After(deadline) {
			t.Fatal("the other one's log doesn't come", err)
		}
	}
	p.books()
	var tables []string
	if err := p.server.db.Gorm(t.Context()).Raw(`SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'owner_id'`).Scan(&tables).Error; err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		var n int
		if err := p.server.db.Gorm(t.Context()).Raw("SELECT count(*) FROM "+table+" WHERE owner_id = ?", gone).Scan(&n).Error; err != nil || n != 0 {
			t.Errorf("%s: %d rows, %v", table, n, err)
		}
	}
}

// P106: 10,000 messages are deleted within a minute.
func TestTenThousandMessagesAreDeletedInAMinute(t *testing.T) {
	p := start(t)
	ada := p.signIn("ada")
	for _, seed := range []string{
		`INSERT INTO conversations (owner_id, id, title_sealed, title_source, created_at, updated_at) SELECT ?, 'con_' || n, '\x01', 'OWNER', now(), now() FROM generate_series(1, 100) n`,
		`INSERT INTO messages (owner_id, id, conversation_id, parent_id, role, status, text_sealed, created_at)
			SELECT ?, 'msg_' || c || '_' || m, 'con_' || c, CASE WHEN m > 1 THEN 'msg_' || c || '_' || (m - 1) END, CASE m % 2 WHEN 1 THEN 'USER' ELSE 'ASSISTANT' END, 'COMPLETE', decode(repeat('00', 500), 'hex'), now()
			FROM generate_series(1, 100) c, generate_series(1, 100) m`,
	} {
		if err := p.server.db.Gorm(t.Context()).Exec(seed, ada.id()).Error; err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	answer := at(ada.ask(deleteDocument, map[string]any{"word": "ada@example.org"}), "data", "accountDelete", "deletion")
	ticket := map[string]any{"ticket": at(answer, "ticket")}
	for at(answer, "state") != "DONE" {
		if time.Since(began) > time.Minute {
			t.Fatalf("not over after %v: %v", time.Since(began), answer)
		}
		answer = at(p.browser().ask(deletionDocument, ticket), "data", "deletion")
	}
	t.Logf("10,000 messages took %v", time.Since(began))
	if receipt, _ := at(answer, "receipt").(string); !strings.Contains(receipt, `"messages": 10000`) {
		t.Error(receipt)
	}
}

// P101: all conversations go by the word, for guests too; programs can't.
func TestAllConversationsAreDeletedByTheWord(t *testing.T) {
	p := start(t)
	b := p.browser()
	b.pass()
	b.finished("one")
	b.finished("two")
	want(t, at(b.ask(deleteAll, map[string]any{"word": "no"}), "data", "conversationDeleteAll", "userErrors"), `[{"code": "INVALID", "field": ["confirmation"]}]`)
	want(t, at(b.ask(deleteAll, map[string]any{"word": "DELETE"}), "data", "conversationDeleteAll"), `{"conversations": 2, "messages": 4, "finished": true, "userErrors": []}`)
	want(t, at(b.ask(`{ viewer { kind conversations { nodes { id } } } }`, nil), "data", "viewer"), `{"kind": "GUEST", "conversations": {"nodes": []}}`)
	done := at(b.ask(deleteDocument, map[string]any{"word": "DELETE"}), "data", "accountDelete", "deletion", "state")
	want(t, done, `"DONE"`)
}

// P106: `kimi-k2 verify` tells a genuine receipt from one that was changed.
func TestTheCommandChecksReceipts(t *testing.T) {
	p := start(t)
	b := p.browser()
	b.pass()
	b.finished("one")
	payload := at(b.ask(deleteDocument, map[string]any{"word": "DELETE"}), "data", "accountDelete")
	receipt, _ := at(payload, "deletion", "receipt").(string)
	if same, _ := at(payload, "receipt").(string); same != receipt {
		t.Errorf("the payload's receipt is %q, the deletion's %q", same, receipt)
	}
	check := func(text string) (string, error) {
		path := filepath.Join(t.TempDir(), "receipt.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := verifyFile(t.Context(), p.server.cfg, path, &out)
		return out.String(), err
	}
	if out, err := check(receipt); err != nil || !strings.Contains(out, "genuine and unchanged") {
		t.Error(out, err)
	}
	if _, err := check(strings.Replace(receipt, "GUEST", "ACCOUNT", 1)); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Error(err)
	}
}
