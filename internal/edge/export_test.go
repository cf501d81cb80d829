package edge

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// NewTestGuard is a guard with the default limits.
func NewTestGuard(schema *ast.Schema) func(ctx context.Context, query string) error {
	o := Options{}.withDefaults()
	g := newGuard(schema, newDocuments(o.DocumentCacheBytes), o)
	return func(ctx context.Context, query string) error {
		if err := g.MutateOperationParameters(ctx, &graphql.RawParams{Query: query}); err != nil {
			return err
		}
		return nil
	}
}
