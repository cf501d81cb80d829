package authz_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

const sdl = `
enum Principal { ANONYMOUS GUEST ACCOUNT ADMIN API_KEY }
enum Scope { CHAT_WRITE CONVERSATIONS_READ }
directive @auth(allow: [Principal!]! = [ANONYMOUS, GUEST, ACCOUNT, API_KEY], scope: Scope, fresh: Boolean! = false) on OBJECT | INTERFACE | FIELD_DEFINITION

interface Node @auth { id: ID! hidden: String @auth(allow: [ADMIN]) }
union Thing = Chat | Vault

type Query {
  open: String @auth
  guests: String @auth(allow: [GUEST])
  own: String @auth(allow: [ACCOUNT])
  admin: String @auth(allow: [ADMIN])
  keys: String @auth(allow: [API_KEY])
  read: Chat @auth(scope: CONVERSATIONS_READ)
  node(id: ID!): Node @auth
  things: [Thing!]! @auth
  nobody: String @auth(allow: [])
  bare: String
}
type Mutation { write(n: Int): Chat @auth(scope: CHAT_WRITE) danger: String @auth(allow: [ACCOUNT], fresh: true) }
type Subscription { events: Chat @auth(scope: CHAT_WRITE) }
type Chat implements Node @auth { id: ID! hidden: String @auth(allow: [ADMIN]) title: String inner: Vault }
type Vault @auth(allow: [ADMIN]) { gold: String free: String @auth }
`

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var principals = map[string]authz.Principal{
	"nobody": {},
	"guest":  {Kind: authz.Guest},
	"user":   {Kind: authz.Account, AuthenticatedAt: now.Add(-10*time.Minute + time.Microsecond)},
	"stale":  {Kind: authz.Account, AuthenticatedAt: now.Add(-10 * time.Minute)},
	"early":  {Kind: authz.Account, AuthenticatedAt: now.Add(time.Hour)}, // the clock was set back
	"admin":  {Kind: authz.Account, Admin: true, AuthenticatedAt: now},
	"key":    {Kind: authz.APIKey, Scopes: []string{"CHAT_WRITE"}},
	"reader": {Kind: authz.APIKey, Scopes: []string{"CONVERSATIONS_READ"}},
	"odd":    {Kind: authz.Guest, Admin: true}, // only accounts are administrators
}

func load(t testing.TB) (*ast.Schema, *authz.Rules) {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
	if err != nil {
		t.Fatal(err)
	}
	return schema, authz.Compile(schema)
}

func demands(t testing.TB, document, operation string) authz.Demands {
	t.Helper()
	schema, compiled := load(t)
	doc, errs := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules())
	if errs != nil {
		t.Fatalf("%s: %v", document, errs)
	}
	return compiled.Demands(doc, doc.Operations.ForName(operation))
}

// R-AUTHZ: each rule against each principal.
func TestRules(t *testing.T) {
	const ok, unauthenticated, forbidden, scope, again = "", "UNAUTHENTICATED", "FORBIDDEN", "SCOPE_MISSING", "REAUTHENTICATION_REQUIRED"
	names := []string{"nobody", "guest", "user", "stale", "early", "admin", "key", "reader", "odd"}
	for document, want := range map[string][]string{
		`{open}`:              {ok, ok, ok, ok, ok, ok, ok, ok, ok},
		`{guests}`:            {forbidden, ok, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, ok},
		`{own}`:               {unauthenticated, unauthenticated, ok, ok, ok, ok, forbidden, forbidden, unauthenticated},
		`{admin}`:             {unauthenticated, unauthenticated, forbidden, forbidden, forbidden, ok, forbidden, forbidden, unauthenticated},
		`{keys}`:              {forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, ok, ok, forbidden},
		`{read{title}}`:       {ok, ok, ok, ok, ok, ok, scope, ok, ok},
		`mutation{write{id}}`: {ok, ok, ok, ok, ok, ok, ok, scope, ok},
		`mutation{danger}`:    {unauthenticated, unauthenticated, ok, again, again, ok, forbidden, forbidden, unauthenticated},
		`subscription{events{title inner{free}}}`: {ok, ok, ok, ok, ok, ok, ok, scope, ok},
		`{nobody}`: {forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden},
		`{bare}`:   {forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden, forbidden},
	} {
		d := demands(t, document, "")
		for i, name := range names {
			got := ""
			if r := d.Check(principals[name], now); r != nil {
				got = string(r.Code)
			}
			if got != want[i] {
				t.Errorf("%s by %s: %q, want %q", document, name, got, want[i])
			}
		}
	}
}

// Wherever a guarded field hides in a document, it counts.
func TestTheWholeOperationCounts(t *testing.T) {
	for document, field := range map[string]string{
		`{open admin}`:    "Query.admin",
		`{open x: admin}`: "Query.admin",
		`query($no: Boolean = false){open admin @include(if: $no)}`: "Query.admin",
		`{open admin @skip(if: true)}`:                              "Query.admin",
		`{... on Query @include(if: false){admin}}`:                 "Query.admin",
		`{...{admin}}`: "Query.admin",
		`{...A} fragment A on Query{...B} fragment B on Query{admin}`: "Query.admin",
		`{open ...A @skip(if: true)} fragment A on Query{admin}`:      "Query.admin",
		`{read{inner{free gold}}}`:                                    "Vault.gold",
		`{node(id: 1){id ... on Chat{hidden}}}`:                       "Chat.hidden",
		`{node(id: 1){hidden}}`:                                       "Node.hidden",
		`{read{... on Node{hidden}}}`:                                 "Node.hidden",
		`{things{__typename ... on Vault{gold}}}`:                     "Vault.gold",
		`{things{...V}} fragment V on Vault{gold}`:                    "Vault.gold",
		`{things{... on Node{... on Chat{inner{gold}}}}}`:             "Vault.gold",
	} {
		r := demands(t, document, "").Check(principals["user"], now)
		if r == nil || r.Code != fault.Forbidden || r.Field != field {
			t.Errorf("%s: %v", document, r)
		} else if !strings.Contains(r.Error(), field) {
			t.Errorf("%q doesn't name %s", r.Error(), field)
		}
		if r := demands(t, document, "").Check(principals["admin"], now); r != nil {
			t.Errorf("%s by admin: %v", document, r)
		}
	}
}

// Only the operation that runs counts, and introspection is free.
func TestWhatDoesNotRunIsFree(t *testing.T) {
	const two = `query Fine{open __typename __schema{types{name}} __type(name: "Vault"){name} node(id: 1){__typename}} query Closed{admin ...C} fragment C on Query{own}`
	if r := demands(t, two, "Fine").Check(authz.Principal{}, now); r != nil {
		t.Error(r)
	}
	if r := demands(t, two, "Closed").Check(authz.Principal{}, now); r == nil {
		t.Error("passed")
	}
	if n := len(demands(t, `{open read{id title inner{free}} node(id: 1){id ... on Chat{title}} a: open b: open}`, "")); n != 2 {
		t.Errorf("%d demands of two different rules", n)
	}
}

// The messages say what to do.
func TestRefusalsSayWhatToDo(t *testing.T) {
	for document, want := range map[string]struct{ who, says string }{
		`{own}`:            {"guest", "Query.own needs an account: sign in first"},
		`{admin}`:          {"user", "you may not use Query.admin: leave it out"},
		`{read{id}}`:       {"key", "Query.read needs an API key with the scope conversations:read: make one that has it"},
		`mutation{danger}`: {"stale", "Mutation.danger needs a fresh proof of who you are: sign in once more, then repeat this within ten minutes"},
	} {
		if r := demands(t, document, "").Check(principals[want.who], now); r == nil || r.Error() != want.says {
			t.Errorf("%s: %v", document, r)
		}
	}
}

func TestASchemaWithoutTheDirectiveHasNoRules(t *testing.T) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: `type Query { open: String }`})
	if err != nil {
		t.Fatal(err)
	}
	compiled := authz.Compile(schema)
	doc, errs := gqlparser.LoadQueryWithRules(schema, `{open}`, rules.NewDefaultRules())
	if compiled != nil || errs != nil || compiled.Demands(doc, doc.Operations[0]).Check(authz.Principal{}, now) != nil {
		t.Error("it has rules")
	}
	if flaws := authz.Flaws(schema); len(flaws) != 1 {
		t.Errorf("%q", flaws)
	}
}

// What an operation costs beyond its execution: its rules are known.
func BenchmarkCheck(b *testing.B) {
	d := demands(b, `query($id: ID!){open own read{id title inner{free}} node(id: $id){id ... on Chat{title}}}`, "")
	p := principals["user"]
	for b.Loop() {
		if r := d.Check(p, now); r != nil {
			b.Fatal(r)
		}
	}
}
