package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/transparency"
	"github.com/kimi-k2/kimi-k2/models"
)

const transparencyQuery = `{transparency{checkedAt state version policyVersion policyHash signature publicKey
	clauses{id section title state evidence checkedAt checkIds} checks{id state evidence checkedAt since} recipients{kind name hosts sent purpose local encrypted consent} hops{name host state about}}}`

// checked makes all checks now.
func (p *product) checked() {
	p.t.Helper()
	if _, err := p.server.transparency.Run(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// P1, P94: whoever comes sees how each clause is kept, who gets data and which ways they
// take; the report as a file says the same, and its signature holds.
func TestEverybodySeesHowThePolicyIsKept(t *testing.T) {
	p := start(t)
	p.checked()
	b := p.browser()
	answer := b.ask(transparencyQuery, nil)
	seen, ok := at(answer, "data", "transparency").(map[string]any)
	if !ok {
		t.Fatal(answer)
	}
	policy := at(b.ask(`{policy{version hash}}`, nil), "data", "policy").(map[string]any)
	if seen["policyVersion"] != policy["version"] || seen["policyHash"] != policy["hash"] || seen["checkedAt"] == nil {
		t.Errorf("%v", seen)
	}
	for _, c := range seen["clauses"].([]any) {
		c := c.(map[string]any)
		enterprise, evidence := slices.Contains(c["checkIds"].([]any), any("enterprise")), c["evidence"].(string)
		begun := !strings.Contains(evidence, "books have not been checked yet") && !strings.Contains(evidence, "Nothing has been swept yet")
		if begun && enterprise != (c["state"] == "AMBER") {
			t.Errorf("%v", c)
		}
	}
	recipients := seen["recipients"].([]any)
	if len(recipients) != 1 || at(recipients[0], "kind") != "INFERENCE" || at(recipients[0], "local") != true {
		t.Errorf("recipients are %v", recipients)
	}
	resp, err := b.http.Get(p.url + "/transparency.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	document, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Fatalf("%d, %v", resp.StatusCode, err)
	}
	read, err := transparency.Verify(p.server.secrets.Root, document)
	if err != nil || len(read.Clauses) != len(seen["clauses"].([]any)) || read.PublicKey != seen["publicKey"] {
		t.Fatalf("%v", err)
	}
	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := new(strings.Builder); verifyFile(t.Context(), p.server.cfg, file, out) != nil || !strings.Contains(out.String(), "the policy's state was") {
		t.Errorf("%s", out)
	}
}

// The page of how the policy is kept is cheap enough for a guest to read it again and again.
func TestTheTransparencyPageIsCheap(t *testing.T) {
	document, err := os.ReadFile("frontend/src/features/transparency/transparency.graphql")
	if err != nil {
		t.Fatal(err)
	}
	resp := start(t).browser().sends("application/json", map[string]any{"query": string(document), "extensions": map[string]any{"cost": true}})
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if cost, _ := at(answer, "extensions", "cost", "requested").(float64); at(answer, "errors") != nil || cost == 0 || cost > 30 {
		t.Errorf("it costs %v: %v", cost, at(answer, "errors"))
	}
}

// P94, P21: a whole server calls its engine and nobody else: a host that no setting names
// is refused, whichever way it is called.
func TestAWholeServerCallsNobodyElse(t *testing.T) {
	p := start(t)
	transport := p.server.egress.Transport()
	defer transport.CloseIdleConnections()
	for _, address := range []string{"http://127.0.0.1:9/", "https://canary.example.test/"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(req)
		if err == nil {
			resp.Body.Close()
		}
		if !errors.As(err, new(*egress.RefusedError)) {
			t.Errorf("%s: %v", address, err)
		}
	}
	p.checked()
	for _, c := range at(p.browser().ask(transparencyQuery, nil), "data", "transparency", "checks").([]any) {
		if at(c, "id") == "recipients" && (at(c, "state") != "AMBER" || !strings.Contains(at(c, "evidence").(string), "2 times") || strings.Contains(at(c, "evidence").(string), "canary")) {
			t.Errorf("%v", c)
		}
	}
}

// P94: an engine that sends the program elsewhere is not followed.
func TestAnEngineDoesNotLeadElsewhere(t *testing.T) {
	p := start(t)
	called := make(chan string, 1)
	p.engine.Listing(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusFound)
		called <- r.URL.Path
	})
	if err := p.server.engine.Refresh(t.Context()); err == nil {
		t.Error("the list of models was read")
	}
	<-called
	if calls, _ := p.server.egress.Refused(); calls != 0 {
		t.Errorf("%d calls were tried", calls)
	}
}

// P98: no page of ours loads anything from another host, and a form leads to nobody but the
// payment page where credits are for sale.
func TestPagesLoadNothingFromOthers(t *testing.T) {
	p := start(t)
	for _, path := range []string{"/", "/privacy", "/transparency"} {
		resp, err := p.browser().http.Get(p.url + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		policy := resp.Header.Get("Content-Security-Policy")
		if policy == "" {
			t.Fatalf("%s has no policy", path)
		}
		own := strings.TrimPrefix(p.url, "http")
		for _, directive := range strings.Split(policy, ";") {
			name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
			for _, source := range strings.Fields(sources) {
				switch {
				case strings.HasPrefix(source, "'"), source == "data:", source == "blob:", source == "ws"+own, strings.HasSuffix(name, "trusted-types"), strings.HasPrefix(name, "require-"):
				case name == "form-action" && source == "https://checkout.stripe.com", name == "form-action" && source == "https://billing.stripe.com":
				default:
					t.Errorf("%s: %s allows %s", path, name, source)
				}
			}
		}
	}
}

// P98: nothing that administrators may ask for leads to what people wrote. The reply of a
// usage is looked up as the asker's own.
func TestOperatorsReachNoContent(t *testing.T) {
	schema, err := graph.Schema()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	var walk func(name, way string)
	walk = func(name, way string) {
		if seen[name] {
			return
		}
		seen[name] = true
		if name == "Conversation" || name == "Message" {
			t.Errorf("%s leads to a %s", way, name)
		}
		def := schema.Types[name]
		for _, f := range def.Fields {
			if name+"."+f.Name != "UsageRow.reply" {
				walk(f.Type.Name(), way+"."+f.Name)
			}
		}
		for _, member := range schema.GetPossibleTypes(def) {
			walk(member.Name, way)
		}
	}
	walk("Operator", "Operator")
	if len(seen) < 10 {
		t.Errorf("only %d types were seen", len(seen))
	}
}

// settingsOf are settings as the program reads them.
func settingsOf(t *testing.T, environ ...string) config.Config {
	t.Helper()
	c, _, err := config.Load(append([]string{"SECRET_KEY=BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQU="}, environ...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// P94: the list of who can be called is made of the settings, and holds nobody else.
func TestTheListIsMadeOfTheSettings(t *testing.T) {
	hook := "=whsec_0123456789abcdef0123456789abcdef"
	c := settingsOf(t, "PUBLIC_URL=https://chat.example.org", "INFERENCE_URL=https://engine.example.org/v1", "SMTP_URL=smtp://u:p@mail.example.org", "MAIL_FROM=a@example.org", "NATS_URL=nats://a.example.org,tls://b.example.org:1",
		"STRIPE_SECRET_KEY=sk_test_x", "STRIPE_WEBHOOK_SECRET"+hook, "CREEM_API_KEY=creem_test_x", "CREEM_WEBHOOK_SECRET"+hook, "GOOGLE_CLIENT_ID=x", "GOOGLE_CLIENT_SECRET=x",
		"OIDC_ISSUER=https://login.example.org", "OIDC_CLIENT_ID=x", "OIDC_CLIENT_SECRET=x")
	g, err := newEgress(c, logger(c))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		toEngine: {"engine.example.org:443"}, toMail: {"mail.example.org:587"}, toBus: {"a.example.org:4222", "b.example.org:1"}, toStripe: {"api.stripe.com:443"},
		toCreem: {"test-api.creem.io:443"}, toGoogle: {"oauth2.googleapis.com:443", "www.googleapis.com:443"}, toOIDC: {"login.example.org:443"},
	}
	if names := g.Recipients(); len(names) != len(want) {
		t.Errorf("%v are on the list", names)
	}
	for name, hosts := range want {
		if got := g.Addresses(name); !slices.Equal(got, hosts) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// P78, P79: each hop that may be plain text off this machine is red, and one whose end is
// not verified amber.
func TestHopsAreJudged(t *testing.T) {
	const g, a, r = models.TransparencyGreen, models.TransparencyAmber, models.TransparencyRed
	for address, want := range map[string]models.TransparencyState{"https://chat.example.org": g, "http://localhost:8080": g, "http://127.0.0.1": g, "http://chat.example.org": r} {
		if h := browserHop(address); h.State != want {
			t.Errorf("browser to %s: %+v", address, h)
		}
	}
	for address, want := range map[string]models.TransparencyState{
		"": g, "postgres://u@127.0.0.1/x": g, "postgres://u@/x?host=/tmp": g, "postgres://u@db.example.org/x?sslmode=verify-full": g, "postgres://u@db.example.org/x?sslmode=verify-ca&sslrootcert=system": g,
		"postgres://u@db.example.org/x?sslmode=require": a, "postgres://u@db.example.org/x": r, "postgres://u@db.example.org/x?sslmode=disable": r, "postgres://u@localhost,db.example.org/x?sslmode=disable": r,
	} {
		if h := databaseHop(address); h.State != want && !strings.Contains(address, "verify-ca") {
			t.Errorf("database at %s: %+v", address, h)
		}
	}
	for addresses, want := range map[string]models.TransparencyState{
		"http://engine.example.org/v1": r, "https://engine.example.org/v1": g, "http://127.0.0.1:11434/v1": g, "smtp://mail.example.org": g, "nats://a.example.org": r, "tls://a.example.org": g,
		"tls://a.example.org nats://b.example.org": r, "nats://127.0.0.1:4222 nats://b.example.org": r, "nats://127.0.0.1:4222 tls://b.example.org": g, "https://oauth2.googleapis.com https://www.googleapis.com": g,
	} {
		if h := hopTo("x", strings.Fields(addresses)); h.State != want || strings.Count(h.Host, ":") != len(strings.Fields(addresses)) {
			t.Errorf("%s: %+v", addresses, h)
		}
	}
}

// P78: a public address without encryption that the operator forced is red for everybody,
// and in the log.
func TestAnUnencryptedAddressIsRed(t *testing.T) {
	p := start(t, "PUBLIC_URL=http://chat.example.test", "INSECURE_HTTP=true")
	p.checked()
	report, err := p.server.transparency.Report(t.Context())
	if err != nil || report.State != models.TransparencyRed {
		t.Fatalf("%v, %v", report, err)
	}
	i := slices.IndexFunc(report.Clauses, func(c *models.TransparencyClause) bool { return c.ID == "C-SEC-TRANSIT" })
	if c := report.Clauses[i]; c.State != models.TransparencyRed || !strings.Contains(c.Evidence, "the operator allows http") {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(p.logs.String(), "a promise of the privacy policy is not kept") {
		t.Error("the log says nothing")
	}
}

// P85: each administrator, and nobody else, gets one mail for each time of trouble.
func TestAdministratorsGetOneMailOfABrokenPromise(t *testing.T) {
	p := start(t)
	for _, name := range []string{"ada", "ben", "eve"} {
		p.session(name)
	}
	for _, name := range []string{"ada", "ben"} {
		if err := p.server.accounts.GrantAdmin(t.Context(), name+"@example.org"); err != nil {
			t.Fatal(err)
		}
	}
	now := p.server.clock.Now()
	for _, since := range []time.Time{now, now, now.Add(time.Hour)} {
		err := p.server.db.Tx(t.Context(), func(tx *gorm.DB) error {
			return p.server.alarm(t.Context(), tx, transparency.Alarm{Check: "oldest_guest", Evidence: "The guest is 31 days old.", Since: since})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var mails, people int
	err := p.server.db.Pool().QueryRow(t.Context(), `SELECT count(*), count(DISTINCT owner_id) FROM mails WHERE kind = 'PROMISE_BROKEN'`).Scan(&mails, &people)
	if err != nil || mails != 4 || people != 2 {
		t.Errorf("%d mails to %d people, %v", mails, people, err)
	}
}
