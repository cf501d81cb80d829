package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/seal"
)

// keySettings are the settings of a server with the key of that number, and those before it.
func keySettings(key byte, previous ...byte) []string {
	name := func(n byte) string { return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{n}, 32)) }
	out := []string{"SECRET_KEY=" + name(key)}
	var before []string
	for _, n := range previous {
		before = append(before, name(n))
	}
	if before != nil {
		out = append(out, "SECRET_KEY_PREVIOUS="+strings.Join(before, ","))
	}
	return out
}

func keyID(n byte) string { return seal.KeyID(bytes.Repeat([]byte{n}, 32)) }

// P80: an operator exchanges SECRET_KEY without anybody noticing: sessions, guests, API keys,
// conversations, shared links, cursors and links in mails go on being good on servers with the
// former setting and the new one, during the exchange and after it, with the new key alone.
func TestTheSecretKeyIsExchangedUnnoticed(t *testing.T) {
	url := "DATABASE_URL=" + dbtest.URL(t)
	files := "DATA_DIR=" + t.TempDir()
	with := func(t *testing.T, key byte, previous ...byte) *product {
		return start(t, append(keySettings(key, previous...), url, files)...)
	}
	rekey := func(key byte, previous ...byte) (string, error) {
		var out bytes.Buffer
		environ := append(keySettings(key, previous...), url, files, "PUBLIC_URL=http://localhost:8080", "LOG_LEVEL=error")
		err := command(t.Context(), []string{"rekey"}, environ, &out)
		return out.String(), err
	}
	var ada, guest *browser
	var program *program
	var shared link
	var file, leave, cursor, conversation, receipt, owner string
	// everything is looked at on a server: what was made before is good, and something is made anew.
	everything := func(p *product) {
		t.Helper()
		b, g := ada.at(p), guest.at(p)
		want(t, at(b.ask(`query($c: ID!) { viewer { kind conversation(id: $c) { title } } }`, map[string]any{"c": conversation}), "data", "viewer"), `{"kind":"ACCOUNT","conversation":{"title":"how do boats float"}}`)
		want(t, at(g.ask(`{ viewer { kind conversations { nodes { title } } } }`, nil), "data", "viewer"), `{"kind":"GUEST","conversations":{"nodes":[{"title":"hello"}]}}`)
		if _, answer := program.at(p).post(`{ viewer { kind } }`, nil); at(answer, "data", "viewer", "kind") != "API_KEY" {
			t.Error("the API key:", answer)
		}
		if statuses, text := p.browser().reads(shared); statuses != "200 200" || !strings.Contains(text, "how do boats float") {
			t.Error("the shared link:", statuses)
		}
		if resp, _ := b.fetch(http.MethodGet, file, nil); resp.StatusCode != http.StatusOK {
			t.Error("the export:", resp.Status)
		}
		if err := p.server.policy.CheckUnsubscribe(leave); err != nil {
			t.Error("the link that ends news:", err)
		}
		want(t, at(b.ask(`query($a: String) { viewer { conversations(first: 1, after: $a) { nodes { title } } } }`, map[string]any{"a": cursor}), "data", "viewer", "conversations", "nodes"), `[{"title":"how do boats float"}]`)
		if again := p.signIn("ada"); again.id() != owner {
			t.Error("the address and the way in lead to another account")
		}
		another := b.program(map[string]any{})
		if _, answer := another.post(`{ viewer { kind } }`, nil); at(answer, "data", "viewer", "kind") != "API_KEY" {
			t.Error("a new API key:", answer)
		}
		p.browser().send("new", "hello")
		want(t, at(b.ask(`mutation($c: ID!) { conversationUpdate(input: {conversationId: $c, title: "how do boats float"}) { userErrors { code } } }`, map[string]any{"c": conversation}), "data", "conversationUpdate", "userErrors"), `[]`)
	}
	t.Run("before", func(t *testing.T) {
		p := with(t, 1)
		ada, conversation = p.sharer("ada", "how do boats float")
		owner = ada.id()
		shared = ada.share(conversation, nil)
		ada.finished("another")
		cursor, _ = at(ada.ask(`{ viewer { conversations(first: 1) { pageInfo { endCursor } } } }`, nil), "data", "viewer", "conversations", "pageInfo", "endCursor").(string)
		guest = p.browser()
		guest.send("1", "hello")
		program = ada.program(map[string]any{})
		file = ada.export()
		_, leave, _ = strings.Cut(p.server.policy.UnsubscribePath(owner), "/unsubscribe/")
		leaver := p.browser()
		leaver.pass()
		leaver.finished("one")
		receipt, _ = at(leaver.ask(deleteDocument, map[string]any{"word": "DELETE"}), "data", "accountDelete", "receipt").(string)
		// One server has been restarted with the new key, this one not yet.
		next := with(t, 2, 1)
		everything(next)
		everything(p)
		if out, err := rekey(2, 1); err == nil || !strings.Contains(err.Error(), "nothing was changed") || !strings.Contains(err.Error(), "SECRET_KEY_PREVIOUS") {
			t.Fatal("an instance would be locked out:", out, err)
		}
	})
	t.Run("the exchange", func(t *testing.T) {
		former, next := with(t, 1, 2), with(t, 2, 1)
		everything(former)
		out, err := rekey(2, 1)
		if err != nil || !strings.Contains(out, keyID(1)+" may be dropped") || !strings.Contains(out, "wrapped anew") {
			t.Fatal(out, err)
		}
		everything(former)
		everything(next)
	})
	t.Run("afterwards", func(t *testing.T) {
		p := with(t, 2)
		everything(p)
		verified := func(args ...string) {
			t.Helper()
			var out bytes.Buffer
			environ := append(keySettings(2), url, files, "PUBLIC_URL=http://localhost:8080", "LOG_LEVEL=error")
			if err := command(t.Context(), append([]string{"verify"}, args...), environ, &out); err != nil {
				t.Error(args, out.String(), err)
			}
		}
		verified()
		path := filepath.Join(t.TempDir(), "receipt.json")
		if err := os.WriteFile(path, []byte(receipt), 0o600); err != nil {
			t.Fatal(err)
		}
		verified(path)
		if _, err := rekey(1); err == nil || !strings.Contains(err.Error(), "SECRET_KEY") {
			t.Error("the former key opens it:", err)
		}
		if out, err := rekey(2); err != nil || !strings.Contains(out, "SECRET_KEY_PREVIOUS can be left out") {
			t.Error(out, err)
		}
	})
}

// Dropping the former key too early stops the start, and says what to do.
func TestAKeyThatIsStillNeededIsMissed(t *testing.T) {
	url := dbtest.URL(t)
	t.Run("one key", func(t *testing.T) {
		start(t, append(keySettings(1), "DATABASE_URL="+url)...).browser().send("c", "hello")
	})
	for _, settings := range [][]string{keySettings(2), keySettings(2, 3)} {
		cfg, _, err := config.Load(append(settings, "LISTEN_ADDR=127.0.0.1:0", "DATA_DIR="+t.TempDir(), "DATABASE_URL="+url))
		if err != nil {
			t.Fatal(err)
		}
		s, err := build(t.Context(), cfg, logger(cfg))
		if err == nil {
			s.close(t.Context())
			t.Fatal("it starts")
		}
		if !strings.Contains(err.Error(), "SECRET_KEY") || !strings.Contains(err.Error(), "nothing was changed") {
			t.Error(err)
		}
	}
}
