package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/signin"
	"github.com/kimi-k2/kimi-k2/models"
)

// lock is what keeps a way in, as internal/web asks it, and what opens it.
type lock struct {
	name  string
	opens func(credential string) bool
	good  string // what does open it
}

// used is a product in which everything that lets somebody in was made and used, and left good.
func used(t *testing.T, databaseURL string) (p *product, doors []lock, publicIDs []string) {
	t.Helper()
	p = start(t, "DATABASE_URL="+databaseURL, "GITHUB_CLIENT_ID=id", "GITHUB_CLIENT_SECRET=secret", "RATE_COST_PER_ACCOUNT=0", "RATE_BAD_KEYS_PER_ADDRESS=0")
	ada, conversation := p.sharer("ada", "how do boats float")
	p.session("ada") // another device
	shared := ada.share(conversation, nil)
	link := strings.TrimPrefix(shared.url, "/s/")
	if statuses, _ := p.browser().reads(shared); statuses != "200 200" {
		t.Fatal(statuses)
	}
	program, gone := ada.program(map[string]any{}), ada.program(map[string]any{})
	program.ask(`{ viewer { kind } }`, nil)
	if socket, err := program.dial(false); err != nil {
		t.Fatal(err)
	} else {
		_ = socket.conn.Close()
	}
	p.engine.Queue(inferencetest.Reply("Hello"))
	if resp := program.call(t.Context(), "/v1/chat/completions", asking("hi", ""), "Idempotency-Key", "once"); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	if err := p.server.keys.Surrender(t.Context(), gone.secret, netip.Addr{}); err != nil {
		t.Fatal(err)
	}
	gone.post(`{ viewer { kind } }`, nil)
	file := strings.TrimPrefix(ada.export(), "/exports/")
	if resp, _ := ada.fetch(http.MethodGet, "/exports/"+file, nil); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	want(t, at(ada.ask(`mutation { accountUpdate(input: {email: "another@example.org"}) { userErrors { code } } }`, nil), "data", "accountUpdate", "userErrors"), `[]`)
	operator, err := p.server.accounts.OperatorLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	guest := p.browser()
	guest.send("1", "hello")
	begun := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := begun.Get(strings.Replace(p.url, "127.0.0.1", "localhost", 1) + "/auth/github?return=/")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	provider, err := url.Parse(resp.Header.Get("Location"))
	if err != nil || provider.Query().Get("state") == "" {
		t.Fatal(resp.Status, provider, err)
	}
	exporter, owner := p.session("ada").Viewer, ada.id()
	publicIDs = []string{program.secret[len(apikey.Prefix):][:10], gone.secret[len(apikey.Prefix):][:10]}
	_, leave, _ := strings.Cut(p.server.policy.UnsubscribePath(owner), "/unsubscribe/")
	doors = []lock{
		{"an API key", func(c string) bool {
			_, err := p.server.keys.Authenticate(t.Context(), c, netip.Addr{})
			return err == nil
		}, program.secret},
		{"a session's cookie", func(c string) bool {
			v, err := p.server.accounts.SessionViewer(t.Context(), c)
			return err == nil && v.Kind != ""
		}, ada.cookies()["sid"]},
		{"a guest's cookie", func(c string) bool {
			v, err := p.server.accounts.Viewer(t.Context(), c)
			return err == nil && v.IsOwner()
		}, guest.cookies()["guest"]},
		{"a share's link", func(c string) bool { _, err := p.server.shares.Read(t.Context(), c); return err == nil }, link},
		{"an export's link, to its owner", func(c string) bool {
			f, err := p.server.exports.Open(t.Context(), exporter, c)
			if err == nil {
				_ = f.Close()
			}
			return err == nil
		}, file},
		{"a link that ends news", func(c string) bool { return p.server.policy.CheckUnsubscribe(c) == nil }, leave},
		{"a link that confirms an address", func(c string) bool { return p.server.accounts.ConfirmEmail(t.Context(), c) == nil }, ""},
		{"a sign-in under way", func(c string) bool {
			_, err := p.server.signIns.Complete(t.Context(), signin.Callback{Provider: models.ProviderGitHub, Query: url.Values{"state": {c}, "code": {"x"}}, Browser: c, From: p.passed()})
			return err == nil
		}, ""},
		{"the operator's link", func(c string) bool {
			_, err := p.server.accounts.RedeemOperatorLink(t.Context(), c, p.passed(), account.ParseDevice(firefox))
			return err == nil
		}, operator},
	}
	return p, doors, publicIDs
}

var clean = regexp.MustCompile(`^[!-:<-~]+$`)

// forms are how a value of a dump may be shown as a credential.
func forms(value []byte) []string {
	out := []string{hex.EncodeToString(value), strings.ToUpper(hex.EncodeToString(value)), base64.RawURLEncoding.EncodeToString(value), base64.StdEncoding.EncodeToString(value)}
	text := string(value)
	if !clean.MatchString(text) {
		return out
	}
	out = append(out, text, apikey.Prefix+text)
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.RawURLEncoding.DecodeString, base64.StdEncoding.DecodeString} {
		if raw, err := decode(text); err == nil && len(raw) > 0 {
			out = append(out, string(raw), hex.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw))
		}
	}
	return out
}

// asKeys are keys of the right form whose secret a form is, for each public id.
func asKeys(form string, publicIDs []string) (out []string) {
	letters := regexp.MustCompile(`[^0-9A-Za-z]`).ReplaceAllString(form, "")
	if len(letters) < 32 {
		return nil
	}
	for _, id := range publicIDs {
		for _, secret := range []string{letters[:32], letters[len(letters)-32:]} {
			out = append(out, summed(apikey.Prefix+id+"_"+secret))
		}
	}
	return out
}

var words = regexp.MustCompile(`[0-9A-Za-z_\-+/=.]{8,}`)

// T29, T30, P89, P93: after everything that lets somebody in was made and used, no value of the
// database's tables, and no word of the log, opens anything: as it is, in hex or base64, or as
// the secret of a key whose other parts are known.
func TestADumpAuthenticatesNothing(t *testing.T) {
	p, doors, publicIDs := used(t, dbtest.URL(t))
	for _, d := range doors[:len(doors)-1] { // the last is good once
		if d.good != "" && (!d.opens(d.good) || d.opens(d.good+"x")) {
			t.Fatalf("%s: what opens it doesn't, or anything does", d.name)
		}
	}
	tried := map[string]bool{}
	add := func(value []byte) {
		if len(value) > 512 { // longer than any credential
			return
		}
		for _, f := range forms(value) {
			if len(f) >= 4 && len(f) <= 1024 {
				tried[f] = true
			}
		}
	}
	all := append(dbtest.Values(t, p.server.db), []byte(p.logs.String()))
	for _, value := range all {
		add(value)
		for _, word := range words.FindAll(value, -1) { // of JSON, of lists and of lines
			add(word)
		}
	}
	if len(tried) < 1000 {
		t.Fatalf("only %d values", len(tried))
	}
	next := make(chan string)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for form := range next {
				for _, d := range doors {
					if d.opens(form) {
						t.Errorf("%q opens the door of %s", form, d.name)
					}
				}
				for _, key := range asKeys(form, publicIDs) {
					if _, err := p.server.keys.Authenticate(t.Context(), key, netip.Addr{}); !fault.Is(err, fault.Unauthenticated) {
						t.Errorf("%q is a key's secret: %v", form, err)
					}
				}
			}
		})
	}
	for form := range tried {
		next <- form
	}
	close(next)
	wg.Wait()
	t.Logf("%d forms were tried", len(tried))
	// Whoever shows the state of a sign-in, or the token of a mail, uses it up: they are there.
	for _, table := range []string{"sign_ins", "email_changes"} {
		var n int
		if err := p.server.db.Gorm(t.Context()).Raw("SELECT count(*) FROM " + table).Scan(&n).Error; err != nil || n != 1 {
			t.Errorf("%d rows of %s are left: %v", n, table, err)
		}
	}
	if last := doors[len(doors)-1]; !last.opens(last.good) || last.opens(last.good) {
		t.Error("the operator's link is not good once")
	}
}

// T29, P89: with another SECRET_KEY no server starts on the database, and no key is good for
// who checks digests with another secret, though the owners' keys open.
func TestAnotherSecretAcceptsNothing(t *testing.T) {
	databaseURL := dbtest.URL(t)
	p := start(t, "DATABASE_URL="+databaseURL)
	g := p.signIn("ada").program(map[string]any{})
	if _, answer := g.post(`{ viewer { kind } }`, nil); at(answer, "data", "viewer", "kind") != "API_KEY" {
		t.Fatal(answer)
	}
	other := []byte(strings.Repeat("another ", 4))
	cfg, _, err := config.Load([]string{"LISTEN_ADDR=127.0.0.1:0", "DATA_DIR=" + t.TempDir(), "DATABASE_URL=" + databaseURL, "INFERENCE_URL=" + p.engine.URL(),
		"SECRET_KEY=" + base64.StdEncoding.EncodeToString(other)})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := build(context.WithoutCancel(t.Context()), cfg, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "another key") {
		if err == nil {
			s.close(context.WithoutCancel(t.Context()))
		}
		t.Errorf("it starts: %v", err)
	}
	for name, secret := range map[string][]byte{"the same": p.server.secrets.Root, "the key": []byte(strings.Repeat("\x05", 32)), "another": other} {
		keys := apikey.New(apikey.Config{DB: p.server.db, Owners: p.server.accounts, Clock: p.server.clock, Log: slog.New(slog.DiscardHandler), Secret: secret})
		_, err := keys.Authenticate(t.Context(), g.secret, netip.Addr{})
		if good := err == nil; good != (name == "the same") || !good && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("with %s secret: %v", name, err)
		}
	}
}
