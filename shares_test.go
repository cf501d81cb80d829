package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

const (
	consentDocument = `mutation($kind: ConsentKind!, $granted: Boolean!) { consentSet(input: {kind: $kind, granted: $granted, method: DIALOG}) { userErrors { code } } }`
	shareDocument   = `mutation($i: ConversationShareInput!) { conversationShare(input: $i) { share { id conversationId title url messages reasoning named expiresAt } userErrors { code field } } }`
	revokeDocument  = `mutation($id: ID!) { shareRevoke(input: {shareId: $id}) { revokedId userErrors { code field } } }`
	copyDocument    = `mutation($t: String!) { shareCopy(input: {token: $t}) { conversation { id title branch { nodes { role text } } } viewer { id kind } userErrors { code } } }`
	sharedDocument  = `query($t: String!) { sharedConversation(token: $t) { title by messages { role text reasoning modelId } } }`
)

// link is a share as its owner got it.
type link struct{ id, url string }

// share shares a conversation; more changes how.
func (b *browser) share(conversation string, more map[string]any) link {
	b.p.t.Helper()
	input := map[string]any{"conversationId": conversation}
	for name, value := range more {
		input[name] = value
	}
	made := at(b.ask(shareDocument, map[string]any{"i": input}), "data", "conversationShare")
	id, _ := at(made, "share", "id").(string)
	url, _ := at(made, "share", "url").(string)
	if id == "" || !strings.HasPrefix(url, "/s/") {
		b.p.t.Fatalf("nothing was shared: %v", made)
	}
	return link{id, url}
}

// sharer is an account that has agreed to sharing, with a conversation.
func (p *product) sharer(name, text string) (b *browser, conversation string) {
	p.t.Helper()
	b = p.signIn(name)
	want(p.t, at(b.ask(consentDocument, map[string]any{"kind": "SHARE", "granted": true}), "data", "consentSet", "userErrors"), `[]`)
	conversation, _, _ = b.finished(text)
	return b, conversation
}

// reads is what a reader gets of a link: the statuses of the page and of what it shows.
func (b *browser) reads(l link) (statuses, text string) {
	b.p.t.Helper()
	page, _ := b.fetch(http.MethodGet, l.url, nil)
	shown, raw := b.fetch(http.MethodGet, l.url+"/snapshot", nil)
	for _, resp := range []*http.Response{page, shown} {
		if h := resp.Header; len(resp.Cookies()) != 0 || h.Get("Cache-Control") != "no-store" || h.Get("Referrer-Policy") != "no-referrer" || !strings.Contains(h.Get("X-Robots-Tag"), "noindex") {
			b.p.t.Errorf("%v", h)
		}
	}
	return fmt.Sprint(page.StatusCode, " ", shown.StatusCode), string(raw)
}

// P96, P100, P107, P130: an account shares a branch that strangers read on every instance
// without leaving a trace; taken back, with its conversation deleted, its consent withdrawn
// or its account gone it opens nowhere from then on, and copies of it stay.
func TestASharedConversationIsReadUntilItEnds(t *testing.T) {
	all := instances(t, 2)
	ada, conversation := all[0].sharer("ada", "CANARY how do boats float")
	stranger, bob := all[1].browser(), all[1].signIn("bob")
	for name, end := range map[string]func(l link){
		"revoked": func(l link) {
			want(t, at(ada.ask(revokeDocument, map[string]any{"id": l.id}), "data", "shareRevoke"), fmt.Sprintf(`{"revokedId":%q,"userErrors":[]}`, l.id))
		},
		"conversation deleted": func(link) {
			ada.ask(`mutation($c: ID!) { conversationDelete(input: {conversationId: $c}) { deletedId } }`, map[string]any{"c": conversation})
			conversation, _, _ = ada.finished("CANARY another one")
		},
		"consent withdrawn": func(link) {
			ada.ask(consentDocument, map[string]any{"kind": "SHARE", "granted": false})
			ada.ask(consentDocument, map[string]any{"kind": "SHARE", "granted": true})
		},
	} {
		l := ada.share(conversation, nil)
		if statuses, text := stranger.reads(l); statuses != "200 200" || !strings.Contains(text, "CANARY") {
			t.Errorf("%s: %s %s", name, statuses, text)
		}
		end(l)
		if statuses, text := stranger.reads(l); statuses != "410 410" || strings.Contains(text, "CANARY") {
			t.Errorf("%s: %s %s", name, statuses, text)
		}
	}
	l := ada.share(conversation, map[string]any{"withName": true, "expiresInDays": 7})
	token := map[string]any{"t": strings.TrimPrefix(l.url, "/s/")}
	copied := at(bob.ask(copyDocument, token), "data", "shareCopy")
	want(t, at(copied, "userErrors"), `[]`)
	want(t, at(stranger.ask(sharedDocument, token), "data", "sharedConversation", "by"), `"ada"`)
	want(t, at(ada.ask(`{ viewer { shares { nodes { id title messages named } } } }`, nil), "data", "viewer", "shares", "nodes"), fmt.Sprintf(`[{"id":%q,"title":"CANARY another one","messages":2,"named":true}]`, l.id))

	answer := at(ada.ask(deleteDocument, map[string]any{"word": "ada@example.org"}), "data", "accountDelete", "deletion")
	if at(answer, "state") != "DONE" {
		t.Fatalf("%v", answer)
	}
	if statuses, _ := stranger.reads(l); statuses != "410 410" {
		t.Error("after the account", statuses)
	}
	want(t, at(stranger.ask(sharedDocument, token), "errors", 0, "extensions", "code"), `"GONE"`)
	own := at(bob.ask(`query($c: ID!) { viewer { conversation(id: $c) { title branch { nodes { text } } } } }`, map[string]any{"c": at(copied, "conversation", "id")}), "data", "viewer", "conversation")
	want(t, at(own, "branch", "nodes", 1, "text"), `"CANARY another one"`)
	for _, p := range all {
		for _, secret := range []string{token["t"].(string), "CANARY"} {
			if strings.Contains(p.logs.String(), secret) {
				t.Errorf("a log holds %s", secret)
			}
		}
	}
	if statuses, _ := stranger.reads(link{"", "/s/" + strings.Repeat("A", 32)}); statuses != "404 404" {
		t.Error("a link that was never made", statuses)
	}
}

// P41, P84, P95, P111: guests can't share, nobody shares unasked or what is somebody else's;
// what was shared and revoked stands in the owner's activity, and a share in its export.
func TestSharingIsAnExplicitAct(t *testing.T) {
	p := start(t)
	ada, conversation := p.sharer("ada", "hello")
	bob, guest := p.signIn("bob"), p.browser()
	guest.send("one", "from a guest")
	input := map[string]any{"i": map[string]any{"conversationId": conversation}}
	want(t, at(guest.ask(shareDocument, input), "errors", 0, "extensions", "code"), `"UNAUTHENTICATED"`)
	want(t, at(bob.ask(shareDocument, input), "data", "conversationShare"), `{"share":null,"userErrors":[{"code":"CONSENT_REQUIRED","field":null}]}`)
	bob.ask(consentDocument, map[string]any{"kind": "SHARE", "granted": true})
	want(t, at(bob.ask(shareDocument, input), "data", "conversationShare"), `{"share":null,"userErrors":[{"code":"NOT_FOUND","field":["conversationId"]}]}`)
	l := ada.share(conversation, nil)
	want(t, at(bob.ask(revokeDocument, map[string]any{"id": l.id}), "data", "shareRevoke"), `{"revokedId":null,"userErrors":[{"code":"NOT_FOUND","field":["shareId"]}]}`)
	_, raw := ada.fetch(http.MethodGet, ada.export(), nil)
	if data := dataOf(t, raw); !bytes.Contains(data, []byte(l.id)) || !bytes.Contains(data, []byte(`"snapshot_sealed":{`)) || bytes.Contains(data, []byte(strings.TrimPrefix(l.url, "/s/"))) {
		t.Error("the export doesn't hold the share, or it holds the link")
	}
	ada.ask(revokeDocument, map[string]any{"id": l.id})
	var acts struct{ Data json.RawMessage }
	log, _ := json.Marshal(ada.ask(`{ viewer { accessLog { nodes { act } } } }`, nil))
	if err := json.Unmarshal(log, &acts); err != nil || !bytes.Contains(acts.Data, []byte("CONVERSATION_SHARED")) || !bytes.Contains(acts.Data, []byte("SHARE_REVOKED")) {
		t.Errorf("%s %v", log, err)
	}
	guestCopy := at(guest.ask(copyDocument, map[string]any{"t": strings.TrimPrefix(bob.share(first(bob.finished("from bob")), nil).url, "/s/")}), "data", "shareCopy")
	want(t, at(guestCopy, "conversation", "branch", "nodes", 1), `{"role":"USER","text":"from bob"}`)
	want(t, at(guestCopy, "viewer", "kind"), `"GUEST"`)
}

func first(conversation, _, _ string) string { return conversation }

// SHARES=off: nothing is shared, with a reason that programs can tell, and the page knows.
func TestAnInstallationCanForbidSharing(t *testing.T) {
	p := start(t, "SHARES=off")
	ada, conversation := p.sharer("ada", "hello")
	want(t, at(ada.ask(shareDocument, map[string]any{"i": map[string]any{"conversationId": conversation}}), "data", "conversationShare"), `{"share":null,"userErrors":[{"code":"SHARING_OFF","field":null}]}`)
	want(t, at(ada.ask(`{ service { sharing } }`, nil), "data", "service"), `{"sharing":false}`)
	want(t, at(start(t).browser().ask(`{ service { sharing } }`, nil), "data", "service"), `{"sharing":true}`)
}

// P81, P96: an operator who is told of a link takes it down without looking at whose it is;
// whoever shared it sees that.
func TestAnOperatorTakesALinkDown(t *testing.T) {
	url := dbtest.URL(t)
	p := start(t, "DATABASE_URL="+url)
	ada, conversation := p.sharer("ada", "hello")
	l, kept := ada.share(conversation, nil), ada.share(conversation, nil)
	environ := adminEnvironment("DATABASE_URL="+url, "DATA_DIR="+t.TempDir())
	revoke := func(address string) error {
		return command(t.Context(), []string{"admin", "revoke-link", address}, environ, io.Discard)
	}
	if err := revoke(p.url + l.url); err != nil {
		t.Fatal(err)
	}
	for l, want := range map[link]string{l: "410 410", kept: "200 200"} {
		if statuses, _ := p.browser().reads(l); statuses != want {
			t.Errorf("%s, want %s", statuses, want)
		}
	}
	want(t, at(ada.ask(`{ viewer { accessLog { nodes { act actor } } } }`, nil), "data", "viewer", "accessLog", "nodes", 0), `{"act":"SHARE_REVOKED","actor":"OPERATOR"}`)
	if err := revoke(p.url + l.url); !fault.Is(err, fault.Gone) {
		t.Error("once more:", err)
	}
	if err := revoke(strings.Repeat("A", 32)); !fault.Is(err, fault.NotFound) {
		t.Error("a link that was never made:", err)
	}
}
