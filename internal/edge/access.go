package edge

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// access refuses operations that ask for what their sender may not have. gqlgen asks
// it at the end of every operation's preparation, where all transports meet, and so
// before anything is executed or followed.
type access struct {
	rules     *authz.Rules
	docs      *documents
	principal func(ctx context.Context) authz.Principal
	clock     clock.Clock
}

var (
	_ graphql.HandlerExtension        = (*access)(nil)
	_ graphql.OperationContextMutator = (*access)(nil)
)

// ExtensionName is "Access".
func (*access) ExtensionName() string { return "Access" }

// Validate accepts every schema.
func (*access) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses with the code of an authz.Refusal, and the missing
// scope in extensions.scope.
func (a *access) MutateOperationContext(ctx context.Context, op *graphql.OperationContext) *gqlerror.Error {
	if a.rules == nil {
		return nil
	}
	refusal := a.demands(op.RawQuery, op.Doc, op.Operation).Check(a.principal(ctx), a.clock.Now())
	if refusal == nil {
		return nil
	}
	e := withCode(string(refusal.Code), refusal.Error())
	if refusal.Scope != "" {
		e.Extensions["scope"] = authz.WireScope(refusal.Scope)
	}
	return e
}

// demands are remembered with the document.
func (a *access) demands(query string, doc *ast.QueryDocument, op *ast.OperationDefinition) authz.Demands {
	if known, ok := a.docs.demandsOf(query, op); ok {
		return known
	}
	d := a.rules.Demands(doc, op)
	a.docs.demanded(query, op, d)
	return d
}

// principal is the viewer as the rules know it. Whoever nothing is stored of is
// anonymous.
func principal(ctx context.Context) authz.Principal {
	switch v := viewer.From(ctx); v.Kind {
	case viewer.Guest:
		return authz.Principal{Kind: authz.Guest}
	case viewer.Account:
		return authz.Principal{Kind: authz.Account, Admin: v.Admin, AuthenticatedAt: v.AuthenticatedAt}
	case viewer.APIKey:
		return authz.Principal{Kind: authz.APIKey, Scopes: v.Scopes}
	case viewer.Visitor, viewer.System:
	}
	return authz.Principal{Kind: authz.Anonymous}
}
