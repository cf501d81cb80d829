package edge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/edge/request"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// PersistedQueryNotFound is the error code for a hash of no trusted document.
const PersistedQueryNotFound = "PERSISTED_QUERY_NOT_FOUND"

// Limits bound one document before anything of it is executed. Zero values take
// the defaults named.
type Limits struct {
	Bytes      int // of the text; default 16 KiB
	Tokens     int // default 1,000
	Nodes      int // fields and fragments with every spread expanded; default 500
	Depth      int // fields inside fields; a chain of ofType counts once; default 12
	Aliases    int // default 30
	Directives int // default 20
	Cost       int // see Options.Weights; default 1,000
}

func (l Limits) withDefaults() Limits {
	or := func(n *int, v int) {
		if *n == 0 {
			*n = v
		}
	}
	or(&l.Bytes, 16<<10)
	or(&l.Tokens, 1000)
	or(&l.Nodes, 500)
	or(&l.Depth, 12)
	or(&l.Aliases, 30)
	or(&l.Directives, 20)
	or(&l.Cost, 1000)
	return l
}

// Guard refuses documents that cost too much, before gqlgen parses them: gqlgen's
// own limit comes after the validation and expands every fragment spread, so that
// a kilobyte can take seconds. What it has found out about a document is
// remembered, refusals too, so that a known one costs a look into a map.
type Guard struct {
	limits  Limits
	docs    *documents
	pricing pricing
	trusted map[string]string
	only    func(ctx context.Context) bool
	purse
	record *record.Recorder
}

var (
	_ graphql.HandlerExtension          = (*Guard)(nil)
	_ graphql.OperationParameterMutator = (*Guard)(nil)
	_ graphql.ResponseInterceptor       = (*Guard)(nil)
)

// verdict is what is known of a document. Either refused is set, or the document
// may run if its cost allows it; when that depends on variables, tree is set.
type verdict struct {
	refused func() *gqlerror.Error
	cost    int
	tree    *ast.QueryDocument
	routes  map[string]string // by the names of its operations
}

// ExtensionName is "Guard".
func (*Guard) ExtensionName() string { return "Guard" }

// Validate accepts every schema.
func (*Guard) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters puts in the text of a trusted document and refuses
// what is over a limit: with QUERY_TOO_COSTLY and extensions.cost, or with the
// code of a parse or validation error. What it lets through takes its cost off the
// caller's budget, what it refuses to a program 1.
func (g *Guard) MutateOperationParameters(ctx context.Context, p *graphql.RawParams) *gqlerror.Error {
	own, cost, err := g.weigh(ctx, p)
	if err != nil {
		if broke := g.least(ctx); broke != nil {
			return gqlerror.Wrap(broke)
		}
		return err
	}
	g.noteCost(ctx, p, cost)
	if own && g.principal(ctx).Kind != authz.APIKey { // it was weighed when it was written: people who click quickly are no load
		cost = (cost + ownShare - 1) / ownShare
	}
	if broke := g.pay(ctx, cost); broke != nil {
		return gqlerror.Wrap(broke)
	}
	return nil
}

// weigh says what a document costs and whether it is a trusted one, or refuses it.
func (g *Guard) weigh(ctx context.Context, p *graphql.RawParams) (own bool, cost int, err *gqlerror.Error) {
	own, err = g.resolve(ctx, p)
	if err != nil {
		return own, 0, err
	}
	if n := len(p.Query); n > g.limits.Bytes {
		return own, 0, tooCostly("bytes", n, g.limits.Bytes)
	}
	v := g.docs.verdictOn(p.Query)
	if v == nil {
		v = g.examine(p.Query)
		g.docs.judged(p.Query, v)
	}
	if g.record.Wants(ctx) {
		record.Name(ctx, v.route(p.OperationName))
	}
	if v.refused != nil {
		return own, 0, v.refused()
	}
	cost = v.cost
	if v.tree != nil {
		cost = g.pricing.price(v.tree, p.Variables)
	}
	if cost > g.limits.Cost {
		return own, cost, tooCostly("cost", cost, g.limits.Cost)
	}
	return own, cost, nil
}

// ownShare is by how much less a trusted document takes off the caller's budget.
const ownShare = 10

// resolve finds the text that a hash stands for, and says whether it is a trusted document.
func (g *Guard) resolve(ctx context.Context, p *graphql.RawParams) (own bool, err *gqlerror.Error) {
	hash := documentHash(p.Extensions)
	text, known := g.trusted[hash]
	switch {
	case hash == "" && g.bound(ctx) && !g.knows(p.Query):
		return false, withCode(string(fault.Forbidden), "only the documents of this site are accepted here: send the hash of one, or ask with an API key")
	case hash == "":
		return false, nil
	case known:
		p.Query = text
		return true, nil
	case p.Query == "" || g.bound(ctx):
		return false, withCode(PersistedQueryNotFound, "PersistedQueryNotFound")
	case sha(p.Query) != hash:
		return false, withCode(string(fault.Invalid), "the hash does not belong to the query")
	}
	return false, nil
}

// bound reports whether the caller may send trusted documents only.
func (g *Guard) bound(ctx context.Context) bool { return g.only != nil && g.only(ctx) }

// knows reports whether a text is that of a trusted document.
func (g *Guard) knows(text string) bool {
	if len(text) > g.limits.Bytes {
		return false
	}
	_, known := g.trusted[sha(text)]
	return known
}

// documentHash is the lower-case SHA-256 that a request names, as Apollo and Relay
// spell it, "" when there is none.
func documentHash(ext map[string]any) string {
	if id, ok := ext[request.DocumentID].(string); ok {
		return strings.ToLower(strings.TrimPrefix(id, "sha256:"))
	}
	q, ok := ext["persistedQuery"].(map[string]any)
	if !ok {
		return ""
	}
	hash, _ := q["sha256Hash"].(string)
	return strings.ToLower(hash)
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// route is that of the operation with a name, or of the only one.
func (v *verdict) route(name string) string {
	if name == "" && len(v.routes) == 1 {
		for _, route := range v.routes {
			return route
		}
	}
	return v.routes[name]
}

// examine parses a document with the token limit and measures it.
func (g *Guard) examine(query string) *verdict {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, g.limits.Tokens)
	if err != nil {
		return refused(g.unparsable(err))
	}
	v := g.judge(doc)
	if g.record != nil {
		v.routes = record.Routes(g.pricing.schema, doc)
	}
	return v
}

// judge measures a document.
func (g *Guard) judge(doc *ast.QueryDocument) *verdict {
	m := measure(doc)
	l := g.limits
	switch {
	case m.cycle != "":
		return refused(withCode(errcode.ValidationFailed, fmt.Sprintf("fragment %s spreads itself", clip(m.cycle, 64))))
	case m.unknown != "":
		return refused(withCode(errcode.ValidationFailed, fmt.Sprintf("fragment %s is not defined", clip(m.unknown, 64))))
	case m.nodes > l.Nodes:
		return refused(tooCostly("nodes", m.nodes, l.Nodes))
	case m.depth > l.Depth:
		return refused(tooCostly("depth", m.depth, l.Depth))
	case m.aliases > l.Aliases:
		return refused(tooCostly("aliases", m.aliases, l.Aliases))
	case m.directives > l.Directives:
		return refused(tooCostly("directives", m.directives, l.Directives))
	case m.mutations > 1:
		return refused(tooCostly("mutation fields", m.mutations, 1))
	case m.subscriptions > 1:
		return refused(tooCostly("subscription fields", m.subscriptions, 1))
	case g.pricing.nested(doc):
		return refused(tooCostly("long lists inside one another", 2, 1))
	}
	if g.pricing.dynamic(doc) {
		return &verdict{tree: doc}
	}
	return &verdict{cost: g.pricing.price(doc, nil)}
}

func (g *Guard) unparsable(err error) *gqlerror.Error {
	list := gqlerror.List{}
	if e, ok := err.(*gqlerror.Error); ok { //nolint:errorlint // the parser returns it bare
		list = append(list, e)
	}
	if len(list) == 0 {
		return withCode(errcode.ParseFailed, "the document cannot be parsed")
	}
	if strings.HasPrefix(list[0].Message, "exceeded token limit") {
		return tooCostly("tokens", g.limits.Tokens+1, g.limits.Tokens)
	}
	e := withCode(errcode.ParseFailed, list[0].Message)
	e.Locations = list[0].Locations
	return e
}

// refused keeps an error as a recipe: gqlgen writes into the errors it gets.
func refused(e *gqlerror.Error) *verdict {
	return &verdict{refused: func() *gqlerror.Error {
		fresh := *e
		fresh.Extensions = map[string]any{}
		for k, v := range e.Extensions {
			fresh.Extensions[k] = v
		}
		return &fresh
	}}
}

func withCode(code, message string) *gqlerror.Error {
	return &gqlerror.Error{Message: message, Extensions: map[string]any{"code": code}}
}

func tooCostly(what string, requested, limit int) *gqlerror.Error {
	e := withCode(string(fault.QueryTooCostly), fmt.Sprintf("the document is too costly: %s %d, the limit is %d; ask for less or in several requests", what, requested, limit))
	e.Extensions["cost"] = map[string]any{"what": what, "requested": requested, "limit": limit}
	return e
}
