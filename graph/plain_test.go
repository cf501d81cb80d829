package graph

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/models"
)

// operation is a document's operation as the executor holds it, and the selection of
// the last field on the path of names.
func operation(t *testing.T, query string, variables map[string]any, path ...string) (context.Context, *executionContext, ast.SelectionSet) {
	t.Helper()
	es, ok := NewExecutableSchema(Config{}).(*executableSchema)
	if !ok {
		t.Fatal("the schema is of another type")
	}
	doc, errs := gqlparser.LoadQueryWithRules(es.Schema(), query, nil)
	if errs != nil {
		t.Fatalf("%s: %v", query, errs)
	}
	op := &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: variables, RecoverFunc: graphql.DefaultRecover,
		ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) }}
	ctx := graphql.WithResponseContext(graphql.WithOperationContext(t.Context(), op), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	sel := op.Operation.SelectionSet
	for _, name := range path {
		for _, f := range graphql.CollectFields(op, sel, nil) {
			if f.Name == name {
				sel = f.Selections
			}
		}
	}
	return ctx, newExecutionContext(op, es, nil), sel
}

func someConversations() []*models.Conversation {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.FixedZone("", 3600))
	return []*models.Conversation{
		{ID: "con_1", Title: "plain", CreatedAt: at, UpdatedAt: at.Add(time.Hour), LastMessage: &models.Message{ID: "msg_1", Role: models.RoleUser, Status: models.MessageComplete, Text: "hi", CreatedAt: at}},
		{ID: "con_2", Title: "", Pinned: true},
		{ID: "con_3", Title: "\"\\\n\r\t\x00\x1f\x7f </script> \u2028 词🙂", Archived: true,
			LastMessage: &models.Message{ID: "msg_3", Role: models.RoleAssistant, Status: models.MessageStopped, Text: strings.Repeat("\x01ü\n", 2000), Reasoning: "hm", LastSeq: 1<<31 - 1, DroppedMessages: 7}},
	}
}

// A plan writes byte for byte what the executor writes, whatever the document looks like.
func TestAPlanGivesWhatTheExecutorGives(t *testing.T) {
	list := someConversations()
	var edges []*ConversationEdge
	for _, c := range list {
		edges = append(edges, &ConversationEdge{Cursor: "Yz\"" + c.ID, Node: c})
	}
	const head = `query($yes:Boolean=true,$no:Boolean=false){viewer{conversations{pageInfo{endCursor @include(if:$yes) startCursor @skip(if:$no)}`
	vars := map[string]any{"yes": true, "no": false}
	for _, document := range []string{
		`{id title pinned archived createdAt updatedAt lastMessage{id role status text reasoning lastSeq droppedMessages createdAt}}`,
		`{t:title title __typename a:lastMessage{__typename t:text text} lastMessage{id}}`,
		`{lastMessage{id} ...F id ...on Conversation{title lastMessage{role ...M}}...on Node{id}} fragment F on Conversation{lastMessage{text createdAt} updatedAt id} fragment M on Message{status ...on Node{i:id}}`,
		`{id title @include(if:$no) pinned @skip(if:$no) lastMessage @include(if:$yes){id text @skip(if:$yes) ...on Message @include(if:$no){role}}}`,
		`{lastMessage{...on Message @skip(if:$yes){id}}}`,
	} {
		node, fragments, _ := strings.Cut(document, " fragment ")
		if fragments != "" {
			fragments = " fragment " + fragments
		}
		ctx, ec, sel := operation(t, head+`nodes`+node+`}}}`+fragments, vars, "viewer", "conversations", "nodes")
		same(t, document, plainly(ctx, sel, list), graphql.MarshalSliceConcurrently(ctx, len(list), 0, false, func(ctx context.Context, i int) graphql.Marshaler {
			return ec._Conversation(ctx, sel, list[i])
		}))
		ctx, ec, sel = operation(t, head+`edges{c:cursor node`+node+` cursor t:__typename}}}}`+fragments, vars, "viewer", "conversations", "edges")
		same(t, document, plainly(ctx, sel, edges), graphql.MarshalSliceConcurrently(ctx, len(edges), 0, false, func(ctx context.Context, i int) graphql.Marshaler {
			return ec._ConversationEdge(ctx, sel, edges[i])
		}))
	}
}

func same(t *testing.T, document string, plan, executor graphql.Array) {
	t.Helper()
	if plan == nil {
		t.Errorf("%s: it has no plan", document)
		return
	}
	var got, want bytes.Buffer
	got.WriteString("before ")
	want.WriteString("before ")
	plan.MarshalGQL(&got)
	executor.MarshalGQL(&want)
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%s:\ngot  %s\nwant %s", document, &got, &want)
	}
	var b strings.Builder // no bytes.Buffer
	plan.MarshalGQL(&b)
	if "before "+b.String() != want.String() {
		t.Errorf("%s: another writer got %s", document, &b)
	}
}

func TestWhatIsNotPlainIsLeftToTheExecutor(t *testing.T) {
	for _, rest := range []string{`id leaf{id}`, `activeReply{id}`, `lastMessage{id parent{id}}`, `lastMessage{usage{promptTokens}}`, `lastMessage{engineName}`, `...on Conversation{branch{nodes{id}}}`} {
		ctx, _, sel := operation(t, `{viewer{conversations{nodes{`+rest+`}}}}`, nil, "viewer", "conversations", "nodes")
		if plainly(ctx, sel, someConversations()) != nil {
			t.Errorf("%s has a plan", rest)
		}
	}
	ctx, _, sel := operation(t, `{viewer{conversations{nodes{id}}}}`, nil, "viewer", "conversations", "nodes")
	if plainly(ctx, sel, []*models.Conversation{nil}) != nil || plainly(ctx, sel, []string{""}) != nil {
		t.Error("a missing element, or another list, has a plan")
	}
	ctx, _, sel = operation(t, `{viewer{conversations{edges{match{start}}}}}`, nil, "viewer", "conversations", "edges")
	if plainly(ctx, sel, []*ConversationEdge{{}}) != nil {
		t.Error("a match has a plan")
	}
}
