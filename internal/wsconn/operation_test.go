package wsconn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

func TestSubscriptionRunsToItsEnd(t *testing.T) {
	c := open(t, edgetest.Start(t))
	c.subscribe("a", "subscription{counter(to:3)}")
	for n := 1; n <= 3; n++ {
		c.expect(fmt.Sprintf(`{"id":"a","type":"next","payload":{"data":{"counter":%d}}}`, n))
	}
	c.expect(`{"id":"a","type":"complete"}`)
}

func TestQueriesAndMutationsRunToo(t *testing.T) {
	s := edgetest.Start(t)
	c := open(t, s)
	c.subscribe("q", "{hello}")
	c.expect(`{"id":"q","type":"next","payload":{"data":{"hello":"hello world"}}}`)
	c.expect(`{"id":"q","type":"complete"}`)
	c.subscribe("m", "mutation{add(n:7)}")
	c.expect(`{"id":"m","type":"next","payload":{"data":{"add":7}}}`)
	c.expect(`{"id":"m","type":"complete"}`)
	if s.Resolver.Sum() != 7 {
		t.Errorf("the sum is %d", s.Resolver.Sum())
	}
}

// Whoever reads the state once a subscription has begun misses nothing of what follows.
func TestWhoAsksIsToldThatASubscriptionHasBegun(t *testing.T) {
	s, source, bells := ringing(t)
	c := open(t, s)
	ask := func(query, wanted string) {
		c.send(`{"id":"a","type":"subscribe","payload":{"query":"` + query + `","extensions":{"acknowledge":` + wanted + `}}}`)
	}
	source <- 1
	ask("subscription{ticks}", `"first <\"1\">"`)
	rung := <-bells
	c.expect(`{"type":"pong","payload":{"begun":"first <\"1\">"}}`)
	rung.Ring()
	c.expect(`{"id":"a","type":"next","payload":{"data":{"ticks":1}}}`)
	c.send(`{"id":"a","type":"complete"}`)
	ask("subscription{counter(to:1)}", `"second"`)
	c.expect(`{"type":"pong","payload":{"begun":"second"}}`)
	c.expect(`{"id":"a","type":"next","payload":{"data":{"counter":1}}}`)
	c.expect(`{"id":"a","type":"complete"}`)
	ask("{hello}", `"an answer is no beginning"`)
	c.expect(`{"id":"a","type":"next","payload":{"data":{"hello":"hello world"}}}`)
	c.expect(`{"id":"a","type":"complete"}`)
	for _, wrong := range []string{"true", `"` + strings.Repeat("x", 65) + `"`} {
		c := open(t, s)
		c.send(`{"id":"a","type":"subscribe","payload":{"query":"{hello}","extensions":{"acknowledge":` + wrong + `}}}`)
		if reason := c.expectClose(wsconn.CloseInvalidMessage); !strings.Contains(reason, "extensions.acknowledge must be a string") {
			t.Errorf("closed with %q", reason)
		}
	}
}

func TestIDsAreEscaped(t *testing.T) {
	c := open(t, edgetest.Start(t))
	c.send(`{"id":"\"\u0000<","type":"subscribe","payload":{"query":"{hello}"}}`)
	c.expect(`{"id":"\"\u0000\u003c","type":"next","payload":{"data":{"hello":"hello world"}}}`)
}

func TestFrameSizes(t *testing.T) {
	c := open(t, edgetest.Start(t))
	for _, n := range []int{1, 60, 65, 66, 67, 125, 65_400, 65_480, 65_536, 300_000} {
		id := fmt.Sprint(n)
		c.subscribe(id, fmt.Sprintf("{letters(count:%d)}", n))
		c.expect(`{"id":"` + id + `","type":"next","payload":{"data":{"letters":"` + strings.Repeat("x", n) + `"}}}`)
		c.expect(`{"id":"` + id + `","type":"complete"}`)
	}
}

func TestErrorsOfTheDocumentEndTheOperationOnly(t *testing.T) {
	c := open(t, edgetest.Start(t))
	for query, code := range map[string]string{
		"{":                                 "GRAPHQL_PARSE_FAILED",
		"{nothing}":                         "GRAPHQL_VALIDATION_FAILED",
		"subscription{a:silence b:silence}": "QUERY_TOO_COSTLY",
	} {
		c.subscribe("x", query)
		c.expectPart(`{"id":"x","type":"error","payload":[{"message":`, code)
	}
	c.subscribe("x", "{hello}") // the id is free again
	c.expectPart(`"type":"next"`)
}

func TestErrorsOfResolvers(t *testing.T) {
	s := edgetest.Start(t)
	c := open(t, s)
	c.subscribe("x", "{fails(how:LIMITED)}")
	c.expect(`{"id":"x","type":"next","payload":{"errors":[{"message":"too many requests: wait a moment","path":["fails"],"locations":[{"line":1,"column":2}],"extensions":{"code":"RATE_LIMITED","retryAfterMs":1500}}],"data":{"fails":null}}}`)
	c.expect(`{"id":"x","type":"complete"}`)
	c.subscribe("x", "subscription{refused(how:FAULT)}")
	c.expectPart(`"type":"next"`, `"code":"CONFLICT"`, `"data":null`)
	c.expect(`{"id":"x","type":"complete"}`)
	for _, q := range []string{"{fails(how:PANIC)}", "{fails(how:INTERNAL)}", "subscription{refused(how:PANIC)}"} {
		c.subscribe("x", q)
		got := c.expectPart(`"code":"INTERNAL"`, "internal error (request ")
		if strings.Contains(got, edgetest.Secret) {
			t.Errorf("%s tells %s", q, got)
		}
		if !strings.Contains(got, `"type":"error"`) {
			c.expect(`{"id":"x","type":"complete"}`)
		}
	}
	if n := strings.Count(s.Log.String(), edgetest.Secret); n < 3 {
		t.Errorf("%d internal errors logged", n)
	}
}

func TestCompleteEndsAnOperation(t *testing.T) {
	s := edgetest.Start(t)
	c := open(t, s)
	c.subscribe("x", "subscription{silence}")
	c.send(`{"id":"x","type":"complete"}`)
	c.send(`{"id":"unknown","type":"complete"}`)
	c.subscribe("x", "{hello}") // the id is free at once
	c.expectPart(`{"id":"x","type":"next"`)
	c.expect(`{"id":"x","type":"complete"}`)
	eventually(t, "the subscription has ended", func() bool { return s.Sockets.Stats().Subscriptions == 0 })
}

// P76: a socket has so many subscriptions at most.
func TestSubscriptionsPerSocket(t *testing.T) {
	s := edgetest.Start(t)
	c := open(t, s)
	for i := range 8 {
		c.subscribe(fmt.Sprint(i), "subscription{silence}")
	}
	c.subscribe("8", "subscription{silence}")
	c.expectPart(`{"id":"8","type":"error","payload":[{"message":"more than 8 operations at once`, `"code":"RATE_LIMITED"`)
	c.send(`{"id":"0","type":"complete"}`)
	c.subscribe("8", "{hello}")
	c.expectPart(`"id":"8","type":"next"`)
	if st := s.Sockets.Stats(); st.Sockets != 1 || st.Subscriptions < 7 {
		t.Errorf("%+v", st)
	}
}

func TestPingIsAnswered(t *testing.T) {
	s := edgetest.Start(t)
	c := dial(t, s)
	c.send(`{"type":"ping","payload":{"at":1}}`)
	c.expect(`{"type":"pong","payload":{"at":1}}`)
	c.send(`{"type":"ping","payload":null}`)
	c.expect(`{"type":"pong"}`)
	c.init()
	c.send(`{"type":"pong"}`)
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`)
}

func TestNothingIsLeft(t *testing.T) {
	s := edgetest.Start(t)
	for range 3 {
		c := open(t, s)
		c.subscribe("1", "subscription{silence}")
		c.subscribe("2", "{slow}")
		c.ws.Close() // without a word
	}
	eventually(t, "all sockets are gone", func() bool { return s.Sockets.Stats() == wsconn.Stats{} })
}

// R-AUTHZ: each operation of a socket is judged by who its viewer is then; the refusal
// is the protocol's error, and no feed is asked.
func TestOperationsAreJudgedByTheViewerOfTheMoment(t *testing.T) {
	became := make(chan context.Context, 1)
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Init = func(ctx context.Context, _ *http.Request, _ json.RawMessage) (context.Context, error) {
			ctx = viewer.With(ctx, viewer.Viewer{Kind: viewer.Visitor})
			became <- ctx
			return ctx, nil
		}
		set.Websocket.Feed = func(_ context.Context, rc *graphql.OperationContext) wsconn.Feed {
			if rc.Operation.Operation == ast.Subscription {
				t.Error("the feed was asked for a refused operation")
			}
			return nil
		}
	})
	c := open(t, s)
	const refused = `,"type":"error","payload":[{"message":"Subscription.secret needs an account: sign in first","extensions":{"code":"UNAUTHENTICATED"}}]}`
	c.subscribe("1", "subscription{secret}")
	c.expect(`{"id":"1"` + refused)
	ctx := <-became
	viewer.Become(ctx, viewer.Viewer{Kind: viewer.Account})
	c.subscribe("2", "{own}")
	c.expectPart(`"own":"yours"`)
	c.expect(`{"id":"2","type":"complete"}`)
	c.subscribe("3", "subscription{secret}")
	c.expectPart(`"error"`, `"FORBIDDEN"`)
	viewer.Become(ctx, viewer.Viewer{Kind: viewer.Guest})
	c.subscribe("1", "subscription{secret}")
	c.expect(`{"id":"1"` + refused)
}
