package edge_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge"
	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// P86: every limit holds at its number and refuses one more (R-GQL).
func TestLimits(t *testing.T) {
	s := edgetest.Start(t)
	repeat := func(n int, part string) string { return strings.Repeat(part, n) }
	aliases := func(n int) (q string) {
		for i := range n {
			q += fmt.Sprintf(" a%d:hello", i)
		}
		return "{" + q + "}"
	}
	depth := func(n int) string { return "{me" + repeat(n-2, "{friend") + "{id}" + repeat(n-2, "}") + "}" }
	for what, tc := range map[string]struct{ within, beyond, message string }{
		"bytes":       {"{hello}" + repeat(16<<10-7, " "), "{hello}" + repeat(16<<10-6, " "), "bytes 16385, the limit is 16384"},
		"tokens":      {"{me{" + repeat(400, "id ") + "}}", "{me{" + repeat(1200, "id ") + "}}", "tokens 1001, the limit is 1000"},
		"nodes":       {"{me{" + repeat(499, "id ") + "}}", "{me{" + repeat(500, "id ") + "}}", "nodes 501, the limit is 500"},
		"spreads":     {"{me{...A ...A}} fragment A on User{" + repeat(248, "id ") + "}", "{me{...A ...A}} fragment A on User{" + repeat(249, "id ") + "}", "nodes 501, the limit is 500"},
		"depth":       {depth(12), depth(13), "depth 13, the limit is 12"},
		"aliases":     {aliases(30), aliases(31), "aliases 31, the limit is 30"},
		"directives":  {"{" + repeat(20, "hello @include(if:true) ") + "}", "{" + repeat(21, "hello @include(if:true) ") + "}", "directives 21, the limit is 20"},
		"mutations":   {"mutation{add(n:1) __typename}", "mutation{a:add(n:1) b:add(n:1)}", "mutation fields 2, the limit is 1"},
		"cost":        {"{users(first:100){nodes{friends(first:7){nodes{id}}}}}", "{users(first:100){nodes{friends(first:8){nodes{id}}}}}", "cost 1001, the limit is 1000"},
		"cost, edges": {"{users(first:100){edges{node{friends(first:6){pageInfo{endCursor} nodes{id}}}}}}", "{users(first:100){edges{node{friends(first:7){pageInfo{endCursor} nodes{id}}}}}}", "cost 1001"},
	} {
		t.Run(what, func(t *testing.T) {
			r := ask(t, s, tc.within, "")
			if r.status != http.StatusOK || strings.Contains(r.body, "TOO_COSTLY") {
				t.Errorf("within the limit: %d %.300s", r.status, r.body)
			}
			for range 2 { // the second answer comes from memory
				ask(t, s, tc.beyond, "").want(t, http.StatusOK, `"code":"QUERY_TOO_COSTLY"`, tc.message, `"limit":`, `"requested":`)
			}
		})
	}
}

func TestCostDependsOnVariables(t *testing.T) {
	s := edgetest.Start(t)
	const query = `query($n:Int=100){users(first:$n){nodes{friends(first:50){nodes{id}}}}}`
	for variables, cost := range map[string]string{
		`{"n":19}`:             "",
		`{"n":20}`:             "cost 1041", // 1 + 20 × (1 + 1 + 50)
		`{}`:                   "cost 5201",
		`{"n":99999999999999}`: "cost 5201",
		`{"n":"garbage"}`:      "cost 5201",
		`{"n":{"a":1}}`:        "cost 5201",
		`{"n":-5}`:             "",
		`{"n":1.5e300}`:        "cost 5201",
		`{"n":null}`:           "cost 5201",
	} {
		r := ask(t, s, query, variables)
		if got := strings.Contains(r.body, "QUERY_TOO_COSTLY"); got != (cost != "") || !strings.Contains(r.body, cost) {
			t.Errorf("%s: %.200s", variables, r.body)
		}
	}
}

func TestWeightsAndBudget(t *testing.T) {
	var spent atomic.Int64
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Weights = map[string]int{"Query.hello": 40, "User.friend": 7}
		set.Edge.Spend = func(_ context.Context, cost int) (edge.Budget, error) {
			if spent.Add(int64(cost)) > 100 {
				f := fault.New(fault.RateLimited, "your budget is used up: wait a minute")
				f.RetryAfter = time.Minute
				return edge.Budget{}, f
			}
			return edge.Budget{}, nil
		}
	})
	ask(t, s, "{hello me{id friend{id}} things{... on User{id}}}", "").want(t, http.StatusOK, `"data"`)
	if got := spent.Load(); got != 40+1+7+5 {
		t.Errorf("cost %d", got)
	}
	ask(t, s, "{hello}", "").want(t, http.StatusOK, `"data"`)
	ask(t, s, "{hello}", "").want(t, http.StatusOK, `"code":"RATE_LIMITED"`, `"retryAfterMs":60000`)
}

// P86, R-GQL: long lists count with their length unless only ids are asked of them, and none
// may stand inside another, whatever is between them.
func TestLongLists(t *testing.T) {
	var spent atomic.Int64
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Lists = map[string]int{"User.tags": 100, "User.friends": 100}
		set.Edge.Spend = func(_ context.Context, cost int) (edge.Budget, error) {
			spent.Store(int64(cost))
			return edge.Budget{}, nil
		}
	})
	for query, cost := range map[string]int64{
		"{me{tags{word}}}": 1 + 100,
		"{me{...F}} fragment F on User{tags{...on Tag{word}}}": 1 + 100,
		"{me{tags{__typename}}}":                               1 + 5,
		"{me{...F}} fragment F on User{tags{...on Tag{__typename ...G}}} fragment G on Tag{__typename}": 1 + 5,
		"{me{tags{__typename} friends(first:3){nodes{id}} friend{tags{__typename}}}}":                   1 + 5 + 1 + 3 + 1 + 5,
	} {
		ask(t, s, query, "").want(t, http.StatusOK, `"data":{"me"`)
		if got := spent.Load(); got != cost {
			t.Errorf("%s costs %d, not %d", query, got, cost)
		}
	}
	s.Resolver.Executed.Store(0)
	for _, query := range []string{
		"{me{friends(first:1){nodes{friends(first:1){nodes{id}}}}}}",
		"{me{friends(first:1){nodes{tags{__typename}}}}}",
		"{me{friends(first:1){edges{node{friend{friend{x:tags{word}}}}}}}}",
		"{me{...F}} fragment F on User{friends(first:1){...G}} fragment G on UserConnection{nodes{...on User{...H}}} fragment H on User{tags{word}}",
		"query A{hello} query B($n:Int=1){users(first:$n){nodes{friends(first:$n){nodes{tags{word}}}}}}",
		"{things{...on User{friends(first:1){nodes{...on User{tags{word}}}}}}}",
	} {
		for range 2 { // the second answer comes from memory
			ask(t, s, query, "").want(t, http.StatusOK, `"code":"QUERY_TOO_COSTLY"`, `long lists inside one another 2, the limit is 1`, `"cost":{"limit":1,"requested":2,"what":`)
		}
	}
	if n := s.Resolver.Executed.Load(); n != 0 {
		t.Errorf("%d resolvers ran", n)
	}
}

// R-GQL: a trusted document takes a tenth off the budget.
func TestTrustedDocumentsTakeLittleOffTheBudget(t *testing.T) {
	const query = "{hello me{id}}"
	sum := sha256.Sum256([]byte(query))
	hash := hex.EncodeToString(sum[:])
	var spent atomic.Int64
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Weights = map[string]int{"Query.hello": 40}
		set.Edge.Documents = map[string]string{hash: query}
		set.Edge.Spend = func(_ context.Context, cost int) (edge.Budget, error) {
			spent.Store(int64(cost))
			return edge.Budget{}, nil
		}
	})
	ask(t, s, query, "").want(t, http.StatusOK, `"data"`)
	if got := spent.Load(); got != 41 {
		t.Errorf("as a text it takes %d", got)
	}
	post(t, s, `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}}`).want(t, http.StatusOK, `"data"`)
	if got := spent.Load(); got != 5 {
		t.Errorf("by its hash it takes %d", got)
	}
}

// P74: a document that is refused to a program takes one off its budget, also where there is
// none to look at; people's takes nothing.
func TestRefusedDocumentsTakeOneOffTheBudget(t *testing.T) {
	var spent, left atomic.Int64
	var who atomic.Pointer[authz.Principal]
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.MaxBody = 2000
		set.Edge.Principal = func(context.Context) authz.Principal { return *who.Load() }
		set.Edge.Spend = func(_ context.Context, cost int) (edge.Budget, error) {
			spent.Add(int64(cost))
			b := edge.Budget{Resource: "requests", Limit: 60, Remaining: left.Load(), Strict: who.Load().Kind == authz.APIKey}
			if left.Add(-1) < 0 {
				f := fault.New(fault.RateLimited, "wait")
				f.RetryAfter = time.Second
				return b, f
			}
			return b, nil
		}
	})
	for what, c := range map[string]struct {
		body, code string
		status     int
	}{
		"malformed JSON":   {`{"query"`, "INVALID", 400},
		"a batch":          {`[{"query":"{hello}"}]`, "INVALID", 400},
		"no query":         {`{}`, "INVALID", 400},
		"too large":        {`{"query":"{hello` + strings.Repeat(" ", 2000) + `}"}`, "INVALID", 413},
		"no GraphQL":       {`{"query":"{"}`, "GRAPHQL_PARSE_FAILED", 200},
		"no such fragment": {`{"query":"{...A}"}`, "GRAPHQL_VALIDATION_FAILED", 200},
		"no such field":    {`{"query":"{nothing}"}`, "GRAPHQL_VALIDATION_FAILED", 200},
		"too costly":       {`{"query":"{users(first:100){nodes{friends(first:8){nodes{id}}}}}"}`, "QUERY_TOO_COSTLY", 200},
		"an unknown hash":  {`{"documentId":"` + strings.Repeat("0", 64) + `"}`, "PERSISTED_QUERY_NOT_FOUND", 200},
	} {
		for _, kind := range []authz.Kind{authz.APIKey, authz.Account} {
			for _, over := range []bool{false, true} {
				who.Store(&authz.Principal{Kind: kind})
				spent.Store(0)
				left.Store(1)
				status, code, wanted := c.status, c.code, int64(1)
				if kind != authz.APIKey {
					wanted = 0
					if what == "no such field" { // the guard weighs it before it is validated
						continue
					}
				}
				if over {
					left.Store(0)
					if kind == authz.APIKey {
						status, code = 429, "RATE_LIMITED"
					}
				}
				r := post(t, s, c.body)
				if n := spent.Load(); what != "no such field" && n != wanted || n == 0 && wanted > 0 || r.status != status || !strings.Contains(r.body, code) || (r.header.Get("Retry-After") == "1") != (status == 429) {
					t.Errorf("%s of %v, over the limit %v: took %d off, answered %d %.200s", what, kind, over, n, r.status, r.body)
				}
			}
		}
	}
}

// P75: programs are told their budget in headers, with whole seconds rounded up, and are
// refused with 429; others get the answers they always got.
func TestProgramsAreToldTheirBudget(t *testing.T) {
	var strict, over atomic.Bool
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Spend = func(context.Context, int) (edge.Budget, error) {
			b := edge.Budget{Resource: "requests", Limit: 60, Remaining: 7, Reset: 2001 * time.Millisecond, Strict: strict.Load()}
			if !over.Load() {
				return b, nil
			}
			f := fault.New(fault.RateLimited, "wait")
			f.RetryAfter = 10 * time.Millisecond
			return b, f
		}
	})
	for _, c := range []struct {
		strict, over bool
		status       int
		limit, retry string
	}{{false, false, 200, "", ""}, {false, true, 200, "", ""}, {true, false, 200, "60 7 3 requests", ""}, {true, true, 429, "60 7 3 requests", "1"}} {
		strict.Store(c.strict)
		over.Store(c.over)
		r := ask(t, s, "{hello}", "")
		h := r.header
		told := strings.TrimSpace(strings.Join([]string{h.Get("X-RateLimit-Limit"), h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Reset"), h.Get("X-RateLimit-Resource")}, " "))
		if r.status != c.status || told != c.limit || h.Get("Retry-After") != c.retry {
			t.Errorf("%+v: %d, %q, again after %q", c, r.status, told, h.Get("Retry-After"))
		}
	}
}

// The schema is public: the usual tools can ask for all of it.
func TestIntrospection(t *testing.T) {
	s := edgetest.Start(t)
	r := ask(t, s, introspection, "")
	r.want(t, http.StatusOK, `"data":{"__schema"`, `"name":"User"`)
	if strings.Contains(r.body, `"errors"`) {
		t.Errorf("%.500s", r.body)
	}
}

func TestValidationErrors(t *testing.T) {
	s := edgetest.Start(t)
	for query, parts := range map[string][]string{
		"{":                                   {"GRAPHQL_PARSE_FAILED", `"locations":[{"line":1`},
		"":                                    {"INVALID"},
		"{helo}":                              {"GRAPHQL_VALIDATION_FAILED", "helo"},
		"{hello(nme:1)}":                      {"GRAPHQL_VALIDATION_FAILED"},
		"{... on Usr{id}}":                    {"GRAPHQL_VALIDATION_FAILED"},
		"{fails(how:FALT)}":                   {"GRAPHQL_VALIDATION_FAILED"},
		"{me}":                                {"GRAPHQL_VALIDATION_FAILED"},
		"{me{...A}} fragment A on User{...A}": {"GRAPHQL_VALIDATION_FAILED", "A spreads itself"},
		"{me{...A}}":                          {"GRAPHQL_VALIDATION_FAILED", "A is not defined"},
		"fragment A on User{id}":              {"GRAPHQL_VALIDATION_FAILED"},
		"{number(n:1.5)}":                     {"GRAPHQL_VALIDATION_FAILED"},
	} {
		r := ask(t, s, query, "")
		r.want(t, r.status, append(parts, `{"errors":[`)...)
		if strings.Contains(r.body, "Did you mean") || strings.Contains(r.body, `"data"`) {
			t.Errorf("%s: %s", query, r.body)
		}
	}
	many := ask(t, s, "{"+strings.Repeat("nothing ", 100)+"}", "")
	if n := strings.Count(many.body, `"message"`); n != 5 {
		t.Errorf("%d errors: %.300s", n, many.body)
	}
}

func TestValidationStopsWriting(t *testing.T) {
	schema := edgetest.NewExecutableSchema(edgetest.Config{Resolvers: &edgetest.Resolver{}}).Schema()
	errs, err := edge.ValidateForTest(schema, "{"+strings.Repeat("nothing ", 500)+"}")
	if err != nil || len(errs) != 5 {
		t.Errorf("%d errors, %v", len(errs), err)
	}
}

func TestTrustedDocuments(t *testing.T) {
	const query = "query($n:String){hello(name:$n)}"
	sum := sha256.Sum256([]byte(query))
	hash := hex.EncodeToString(sum[:])
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Documents = map[string]string{hash: query}
		set.Edge.TrustedOnly = func(ctx context.Context) bool { return ctx.Value(http.ServerContextKey) == nil }
	})
	known := `"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}`
	for body, part := range map[string]string{
		`{` + known + `,"variables":{"n":"you"}}`:                                 "hello you",
		`{"documentId":"sha256:` + hash + `"}`:                                    `hello world`,
		`{"documentId":"` + strings.ToUpper(hash) + `","variables":{"n":"me"}}`:   "hello me",
		`{"documentId":"sha256:00"}`:                                              edge.PersistedQueryNotFound,
		`{"extensions":{"persistedQuery":{"sha256Hash":"00"}}}`:                   edge.PersistedQueryNotFound,
		`{"extensions":{"persistedQuery":{"sha256Hash":1}}}`:                      `"errors"`,
		`{"extensions":{"persistedQuery":7}}`:                                     `"errors"`,
		`{"query":"{hello}","extensions":{"persistedQuery":{"sha256Hash":"00"}}}`: `"code":"INVALID"`,
		`{"query":"{hello}"}`:                                                     "hello world",
	} {
		r := post(t, s, body)
		r.want(t, http.StatusOK, part)
	}
	r := do(t, http.MethodGet, s.URL+`/?extensions={"persistedQuery":{"sha256Hash":"`+hash+`"}}&variables={"n":"you"}`, "", nil)
	r.want(t, http.StatusOK, "hello you")
}

func TestTrustedDocumentsOnly(t *testing.T) {
	const query = "{hello}"
	sum := sha256.Sum256([]byte(query))
	hash := hex.EncodeToString(sum[:])
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Documents = map[string]string{hash: query}
		set.Edge.TrustedOnly = func(context.Context) bool { return true }
	})
	post(t, s, `{"query":"{hello }"}`).want(t, http.StatusOK, `"code":"FORBIDDEN"`)
	post(t, s, `{"query":"{hello}"}`).want(t, http.StatusOK, "hello world") // its own text, as those send it who can't hash
	post(t, s, `{"documentId":"`+hash+`"}`).want(t, http.StatusOK, "hello world")
	post(t, s, `{"query":"{me{id}}","documentId":"00"}`).want(t, http.StatusOK, edge.PersistedQueryNotFound)
	r := do(t, http.MethodPost, s.URL, `{"documentId":"00"}`, http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}})
	r.want(t, http.StatusBadRequest, edge.PersistedQueryNotFound)
	if n := s.Resolver.Executed.Load(); n != 2 {
		t.Errorf("%d resolvers ran", n)
	}
}

// introspection is what graphql-js 16 asks with all its options.
const introspection = `query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
 types { ...FullType } directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue }
 type { ...TypeRef } isDeprecated deprecationReason } inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
 enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
 ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }`

// A known document costs little more than a look into a map.
func BenchmarkGuard(b *testing.B) {
	run := edge.NewTestGuard(edgetest.NewExecutableSchema(edgetest.Config{Resolvers: &edgetest.Resolver{}}).Schema())
	for name, query := range map[string]string{"known": introspection, "dynamic": `query($n:Int){users(first:$n){nodes{id name}}}`} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := run(b.Context(), query); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
