package edge

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// ValidateForTest applies the rules to a document.
func ValidateForTest(schema *ast.Schema, query string) (gqlerror.List, error) {
	doc, err := parser.ParseQuery(&ast.Source{Input: query})
	if err != nil {
		return nil, err
	}
	return validator.ValidateWithRules(schema, doc, validationRules()), nil
}

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
