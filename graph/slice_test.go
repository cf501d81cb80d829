package graph

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// selectionOf is the selection set of the last field on the path of names.
func selectionOf(t *testing.T, query string, path ...string) ast.SelectionSet {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(NewExecutableSchema(Config{}).Schema(), query, nil)
	if errs != nil {
		t.Fatal(errs)
	}
	sel := doc.Operations[0].SelectionSet
	for _, name := range path {
		for _, s := range sel {
			if f, ok := s.(*ast.Field); ok && f.Name == name {
				sel = f.SelectionSet
			}
		}
	}
	return sel
}

func TestOnlyWhatIsAtHandIsMarshalledInPlace(t *testing.T) {
	for query, want := range map[string]bool{
		`{viewer{conversations{nodes{id title lastMessage{id text status}}}}}`:                                      true,
		`{viewer{conversations{nodes{id ... on Conversation{title} ...f}}}} fragment f on Conversation {updatedAt}`: true,
		`{viewer{conversations{nodes{id activeReply{id}}}}}`:                                                        false,
		`{viewer{conversations{nodes{id lastMessage{id model{name}}}}}}`:                                            false,
		`{viewer{conversations{nodes{id ... on Conversation{branch{nodes{id}}}}}}}`:                                 false,
		`{viewer{conversations{nodes{id ...f}}}} fragment f on Conversation {lastMessage{parent{id}}}`:              false,
	} {
		if got := atHand(selectionOf(t, query, "viewer", "conversations", "nodes")); got != want {
			t.Errorf("%s: at hand %v", query, got)
		}
	}
}

func TestListsKeepTheirOrderAndSurviveAPanic(t *testing.T) {
	for _, query := range []string{`{viewer{conversations{nodes{id}}}}`, `{viewer{conversations{nodes{id activeReply{id}}}}}`} {
		ctx := graphql.WithResponseContext(context.Background(), graphql.DefaultErrorPresenter, func(context.Context, any) error { return errors.New("caught") })
		got := marshalEach(ctx, selectionOf(t, query, "viewer", "conversations", "nodes"), 4, 0, false, func(_ context.Context, i int) graphql.Marshaler {
			if i == 2 {
				panic("broken element")
			}
			return graphql.MarshalInt(i)
		})
		var b strings.Builder
		got.MarshalGQL(&b)
		if b.String() != "[0,1,null,3]" || len(graphql.GetErrors(ctx)) != 1 {
			t.Errorf("%s: %s, %v", query, b.String(), graphql.GetErrors(ctx))
		}
	}
}
