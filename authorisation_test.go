package main

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/graph"
	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
)

// update rewrites the table, in its file and in the paper, with what was found; look at every line of the difference.
var update = flag.Bool("update-authorisation", false, "rewrite "+matrixFile+" and "+matrixDoc)

// The declared table, which docs/AUTHORISATION.md holds too.
const (
	matrixFile = "testdata/authorisation.txt"
	matrixDoc  = "docs/AUTHORISATION.md"
)

// callers are the columns of the table. The ids that a call names are the owner's.
// Those whose names are scopes are API keys of the owner's with this scope alone; key has
// all of them.
var callers = []string{"anonymous", "visitor", "guest", "other", "admin", "stale", "key", "chat:write", "conversations:read", "models:read", "usage:read", "owner"}

// P81, P82, T1, T2, T5: every field of the schema and every route has a line in the
// table, and each call by each caller ends as its line says.
func TestAuthorisation(t *testing.T) {
	_, _, settings := tills(t)
	p := start(t, append(settings, "GUEST_MESSAGE_LIMIT=1000", "SOCKETS_PER_PRINCIPAL=100", "STREAMS_PER_GUEST=100", "STREAMS_PER_ACCOUNT=100", "GOOGLE_CLIENT_ID=id", "GOOGLE_CLIENT_SECRET=secret", "CHARGE=off",
		"RATE_MESSAGES_PER_ACCOUNT=0", "RATE_MESSAGES_PER_GUEST=0", "RATE_COST_PER_ACCOUNT=0", "RATE_COST_PER_GUEST=0", "RATE_REQUESTS_PER_KEY=0", "RATE_REQUESTS_PER_ACCOUNT=0", "RATE_TOKENS_PER_KEY=0", "RATE_TOKENS_PER_ACCOUNT=0")...)
	m := newMatrix(t, p)
	lines := slices.Concat(rules(m.schema), []string{""}, m.operations(), []string{""}, m.below(), []string{""}, m.routes(webRoutes(t)))
	got := "# What each line means stands in " + matrixDoc + ".\n\n" + strings.Join(lines, "\n") + "\n"
	if strings.Contains(got, "INTERNAL") {
		t.Error("a call fails")
	}
	doc, err := os.ReadFile(matrixDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(doc), "```text\n")
	if !ok {
		t.Fatalf("%s has no place for the table", matrixDoc)
	}
	if *update {
		doc = []byte(before + "```text\n" + got + "```\n")
		for name, text := range map[string]string{matrixFile: got, matrixDoc: string(doc)} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range difference(string(want), got) {
		t.Error(line)
	}
	if string(doc) != before+"```text\n"+string(want)+"```\n" {
		t.Errorf("%s doesn't hold the table of %s: copy it there", matrixDoc, matrixFile)
	}
}

// difference is the lines that only one of two texts has.
func difference(want, got string) (out []string) {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, line := range w {
		if !slices.Contains(g, line) {
			out = append(out, "declared: "+line)
		}
	}
	for _, line := range g {
		if !slices.Contains(w, line) {
			out = append(out, "found:    "+line)
		}
	}
	return out
}

// rules lists who may ask for what: a line for each type, one for each field that
// differs from its type.
func rules(schema *ast.Schema) (lines []string) {
	compiled := authz.Compile(schema)
	var names []string
	for name, def := range schema.Types {
		if (def.Kind == ast.Object || def.Kind == ast.Interface) && !strings.HasPrefix(name, "__") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		def := schema.Types[name]
		typ := def.Directives.ForName("auth") != nil
		for i, f := range def.Fields {
			rule, ok := compiled.Of(name, f.Name)
			switch {
			case strings.HasPrefix(f.Name, "__"):
			case !ok:
				lines = append(lines, fmt.Sprintf("rule  %-40s none", name+"."+f.Name))
			case typ && i == 0 && f.Directives.ForName("auth") == nil:
				lines = append(lines, fmt.Sprintf("rule  %-40s %s", name, rule))
			case f.Directives.ForName("auth") != nil:
				lines = append(lines, fmt.Sprintf("rule  %-40s %s", name+"."+f.Name, rule))
			}
		}
	}
	return lines
}

// matrix calls everything as everybody.
type matrix struct {
	t      *testing.T
	p      *product
	schema *ast.Schema

	browsers map[string]*browser
	things   map[string]string // ids of the owner's things of the moment, by what they are
	own      map[string]string // ids of the callers' own conversations
	caller   string            // whose turn it is
	changed  bool              // since they were made
	serial   int
}

// renewKeys ends the owner's keys and makes one that is only spoken of, and those of the
// callers.
func (m *matrix) renewKeys() {
	m.t.Helper()
	const key = `mutation($s: [String!]) { apiKeyCreate(input: {name: "matrix", scopes: $s}) { secret apiKey { id } } }`
	scopes := []string{"chat:write", "conversations:read", "models:read", "usage:read"}
	owner := m.browsers["owner"]
	owner.ask(`mutation { apiKeyRevokeAll(input: {}) { revoked } }`, nil)
	made := func(scopes ...string) (id, secret string) {
		k := at(owner.ask(key, map[string]any{"s": scopes}), "data", "apiKeyCreate")
		id, _ = at(k, "apiKey", "id").(string)
		secret, _ = at(k, "secret").(string)
		if id == "" || secret == "" {
			m.t.Fatalf("no key: %v", k)
		}
		return id, secret
	}
	m.things["apiKey"], _ = made(scopes...)
	for name, scopes := range map[string][]string{"key": scopes, "chat:write": scopes[:1], "conversations:read": scopes[1:2], "models:read": scopes[2:3], "usage:read": scopes[3:]} {
		m.browsers[name] = m.p.browser()
		_, m.browsers[name].key = made(scopes...)
		m.own[name] = m.things["conversation"]
	}
}

func newMatrix(t *testing.T, p *product) *matrix {
	m := &matrix{t: t, p: p, schema: graph.NewExecutableSchema(graph.Config{}).Schema(), browsers: map[string]*browser{}, things: map[string]string{}, own: map[string]string{}, changed: true}
	for _, name := range []string{"guest", "other", "owner"} {
		m.browsers[name] = m.enter(name)
		m.own[name], _, _ = m.browsers[name].finished("something of its own")
	}
	m.things["purchase"], _ = m.browsers["owner"].buy("STRIPE")
	if _, err := p.server.credit.RunCheck(t.Context()); err != nil { // or a list is empty until the job's turn
		t.Fatal(err)
	}
	if _, err := p.server.billing.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.browsers["owner"].ask(`mutation { accountUpdate(input: {email: "new@example.org"}) { userErrors { code } } }`, nil) // a mail goes out
	m.browsers["owner"].ask(consentDocument, map[string]any{"kind": "SHARE", "granted": true})
	return m
}

// renewShare shares the owner's conversation of the moment.
func (m *matrix) renewShare() {
	m.t.Helper()
	owner := m.browsers["owner"]
	if old := m.things["share"]; old != "" {
		owner.ask(revokeDocument, map[string]any{"id": old})
	}
	made := owner.share(m.things["conversation"], nil)
	m.things["share"], m.things["link"] = made.id, strings.TrimPrefix(made.url, "/s/")
}

// enter is a fresh browser of a caller.
func (m *matrix) enter(name string) *browser {
	m.t.Helper()
	b := m.p.browser()
	switch name {
	case "anonymous":
		b.ask(`{ viewer { id } }`, nil) // brings the cookie
	case "visitor", "guest":
		b.pass()
	case "other":
		b.enter(m.p.session("other"))
	case "admin":
		return m.p.operator()
	case "owner":
		b.enter(m.p.session("owner"))
	case "stale":
		e := m.p.session("owner")
		m.p.age(e, time.Hour)
		b.enter(e)
	}
	return b
}

// as is the browser of a caller. Those of whom nothing is stored are fresh each time.
func (m *matrix) as(name string) *browser {
	if b := m.browsers[name]; b != nil {
		return b
	}
	return m.enter(name)
}

// renew makes what calls may destroy: sessions, and the owner's conversation with its
// finished reply.
func (m *matrix) renew() {
	m.t.Helper()
	for _, name := range []string{"owner", "stale", "other", "admin"} {
		m.browsers[name] = m.enter(name)
	}
	m.things["conversation"], m.things["message"], m.things["reply"] = m.browsers["owner"].finished("a question")
	m.own["owner"], m.own["stale"] = m.things["conversation"], m.things["conversation"]
	m.things["session"] = m.p.session("owner").Viewer.SessionID
	m.renewKeys()
	m.renewShare()
	account := m.browsers["owner"].ask(`{ viewer { account { identities { id } } } }`, nil)
	m.things["identity"], _ = at(account, "data", "viewer", "account", "identities", 0, "id").(string)
	var mail string
	if err := m.p.server.db.Gorm(m.t.Context()).Raw("SELECT id FROM mails ORDER BY id LIMIT 1").Scan(&mail).Error; err != nil {
		m.t.Fatal(err)
	}
	m.things["mail"] = mail
	if slices.Contains([]string{m.things["identity"], m.things["mail"]}, "") {
		m.t.Fatalf("no identity or no mail: %v", account)
	}
}
