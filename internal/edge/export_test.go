package edge

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
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

// NewTestAccess is the check of a document's rules, prepared as gqlgen prepares it.
func NewTestAccess(schema *ast.Schema, query string, p authz.Principal) (func(ctx context.Context) error, error) {
	doc, errs := gqlparser.LoadQueryWithRules(schema, query, rules.NewDefaultRules())
	if errs != nil {
		return nil, errs
	}
	docs := newDocuments(1 << 20)
	docs.Add(context.Background(), query, doc)
	a := &access{rules: authz.Compile(schema), docs: docs, principal: func(context.Context) authz.Principal { return p }, clock: clock.System{}}
	op := &graphql.OperationContext{RawQuery: query, Doc: doc, Operation: doc.Operations[0]}
	return func(ctx context.Context) error {
		if err := a.MutateOperationContext(ctx, op); err != nil {
			return err
		}
		return nil
	}, nil
}
