package edge_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/edge"
	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// as starts a server at noon whose callers are what who says.
func as(t *testing.T, who func(context.Context) authz.Principal) *edgetest.Server {
	t.Helper()
	return edgetest.Start(t, func(set *edgetest.Setup) {
		set.Edge.Principal, set.Edge.Clock = who, clock.Func(func() time.Time { return noon })
		set.Websocket.Feed = func(context.Context, *graphql.OperationContext) wsconn.Feed {
			t.Error("a refused operation was offered to the feed")
			return nil
		}
	})
}

const ownRefused = `[{"message":"Query.own needs an account: sign in first","extensions":{"code":"UNAUTHENTICATED"}}]`

// R-AUTHZ: a refused operation runs nowhere, not even its allowed parts, on any
// transport.
func TestRefusalsBeforeAnythingRuns(t *testing.T) {
	s := as(t, nil) // nobody: the context has no viewer
	const document = `{"query":"{hello own}"}`
	got := post(t, s, document)
	if got.status != http.StatusOK || got.body != `{"errors":`+ownRefused+`}` {
		t.Errorf("HTTP: %d %s", got.status, got.body)
	}
	got = do(t, http.MethodPost, s.URL, document, http.Header{"Content-Type": {"application/json"}, "Accept": {"application/graphql-response+json"}})
	if got.status != http.StatusBadRequest || got.body != `{"errors":`+ownRefused+`}` {
		t.Errorf("HTTP: %d %s", got.status, got.body)
	}
	if got = do(t, http.MethodGet, s.URL+"?query={own}", "", nil); got.body != `{"errors":`+ownRefused+`}` {
		t.Errorf("GET: %d %s", got.status, got.body)
	}
	got = do(t, http.MethodPost, s.URL, document, http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}})
	if !strings.Contains(got.body, `data: {"errors":`+ownRefused+`}`) || strings.Contains(got.body, "hello") {
		t.Errorf("event stream: %s", got.body)
	}
	got = post(t, s, `{"query":"mutation M{add(n: 1)} mutation N{addFreshly(n: 1)}","operationName":"N"}`)
	if !strings.Contains(got.body, "UNAUTHENTICATED") || s.Resolver.Executed.Load() != 0 {
		t.Errorf("%d ran: %s", s.Resolver.Executed.Load(), got.body)
	}
}

// T4: a key needs the scope on every transport; the answer names it.
func TestAKeyWithoutTheScopeIsRefused(t *testing.T) {
	s := as(t, func(context.Context) authz.Principal { return authz.Principal{Kind: authz.APIKey} })
	const refused = `{"errors":[{"message":"Subscription.scoped needs an API key with the scope chat:write: make one that has it","extensions":{"code":"SCOPE_MISSING","scope":"chat:write"}}]}`
	e := subscribe(t, s, "subscription{scoped}")
	e.expect("event: next\ndata: " + refused)
	if got := post(t, s, `{"query":"subscription{scoped}"}`); got.body != refused {
		t.Errorf("%s", got.body)
	}
	if got := post(t, s, `{"query":"{own}"}`); !strings.Contains(got.body, "FORBIDDEN") {
		t.Errorf("%s", got.body)
	}
}

// What was decided once isn't kept: the same document is judged for each sender and
// at each moment.
func TestEachSendingIsJudged(t *testing.T) {
	var who atomic.Pointer[authz.Principal]
	s := as(t, func(context.Context) authz.Principal { return *who.Load() })
	for _, step := range []struct {
		who  authz.Principal
		want string
	}{
		{authz.Principal{}, "UNAUTHENTICATED"},
		{authz.Principal{Kind: authz.Account, AuthenticatedAt: noon}, `{"data":{"addFreshly":1}}`},
		{authz.Principal{Kind: authz.Account, AuthenticatedAt: noon.Add(-time.Hour)}, "REAUTHENTICATION_REQUIRED"},
		{authz.Principal{Kind: authz.Account, Admin: true, AuthenticatedAt: noon.Add(-time.Minute)}, `{"data":{"addFreshly":2}}`},
		{authz.Principal{Kind: authz.Guest}, "UNAUTHENTICATED"},
	} {
		who.Store(&step.who)
		if got := post(t, s, `{"query":"mutation{addFreshly(n: 1)}"}`); !strings.Contains(got.body, step.want) {
			t.Errorf("%+v: %s", step.who, got.body)
		}
	}
}

func TestTheContextsViewerIsJudged(t *testing.T) {
	for kind, want := range map[viewer.Kind]string{
		"": "UNAUTHENTICATED", viewer.Visitor: "UNAUTHENTICATED", viewer.Guest: "UNAUTHENTICATED", viewer.Account: `{"data":{"own":"yours"}}`, viewer.System: "UNAUTHENTICATED",
	} {
		s := edgetest.Start(t, func(set *edgetest.Setup) {
			set.Context = func(ctx context.Context) context.Context { return viewer.With(ctx, viewer.Viewer{Kind: kind}) }
		})
		if got := post(t, s, `{"query":"{own}"}`); !strings.Contains(got.body, want) {
			t.Errorf("%q: %s", kind, got.body)
		}
	}
}

// What the rules add to each operation whose document is known.
func BenchmarkAuthz(b *testing.B) {
	schema := edgetest.NewExecutableSchema(edgetest.Config{Resolvers: &edgetest.Resolver{}}).Schema()
	for name, query := range map[string]string{"small": `{hello own}`, "large": `{own ` + strings.Repeat("me{id friend{name friends{nodes{id name}}}} users{edges{node{name}}} ", 50) + `}`} {
		b.Run(name, func(b *testing.B) {
			run, err := edge.NewTestAccess(schema, query, authz.Principal{Kind: authz.Account})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := run(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
