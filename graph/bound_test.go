package graph

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// P86: an answer ends at the list that it has no room or no time for, with one error that
// says so.
func TestAnswersAreBounded(t *testing.T) {
	list := make([]*models.Message, 300)
	for i := range list {
		list[i] = &models.Message{ID: "msg_1"}
	}
	for _, c := range []struct {
		name    string
		lists   int
		context func(context.Context) (context.Context, context.CancelFunc)
		is      func(error) bool
	}{
		{"within", MaxElements / len(list), context.WithCancel, nil},
		{"beyond", MaxElements/len(list) + 3, context.WithCancel, func(err error) bool { return fault.Is(err, fault.QueryTooCostly) }},
		{"late", 3, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(0, 0))
		}, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, ec, sel := operation(t, `{viewer{conversations{nodes{branch{nodes{id}}}}}}`, nil, "viewer", "conversations", "nodes", "branch", "nodes")
			ctx, cancel := c.context(ctx)
			defer cancel()
			Bounded(ctx, func(ctx context.Context) *graphql.Response {
				ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{})
				for i := range c.lists {
					whole := c.is == nil || c.name == "beyond" && i < MaxElements/len(list)
					var out strings.Builder
					ec.marshalNMessage2ᚕᚖgithubᚗcomᚋkimiᚑk2ᚋkimiᚑk2ᚋmodelsᚐMessageᚄ(ctx, sel, list).MarshalGQL(&out)
					if (out.String() == "null") == whole {
						t.Fatalf("list %d: %.100s", i, out.String())
					}
				}
				return nil
			})
			errs := graphql.GetErrors(ctx)
			if c.is == nil && len(errs) > 0 || c.is != nil && (len(errs) != 1 || !c.is(errs[0])) {
				t.Errorf("%v", errs)
			}
		})
	}
}
