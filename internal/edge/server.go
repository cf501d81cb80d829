// Package edge is where GraphQL requests come in over HTTP: transports of our own
// for JSON and for event streams, a guard against documents that cost too much, the
// check of the schema's rules about who may ask for what, and the presenter that decides what clients see of an error. NewServer wires
// them, and the websockets of internal/wsconn, around an executable schema.
package edge

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// Options say how a server behaves. Zero values take the defaults named.
type Options struct {
	Log *slog.Logger // default slog.Default()
	// RequestID names the request in the log and in the message of an internal
	// error. Nil: a fresh id each time.
	RequestID func(ctx context.Context) string

	Limits Limits
	// Weights are the costs of fields, by "Type.field", that differ from 1 for an
	// object and 0 for a scalar. The items of a connection count `first` times,
	// those of another list 5 times.
	Weights map[string]int
	// Lists are the lengths of lists, by "Type.field", that are longer than that; where
	// nothing but ids is asked of their objects they cost as any other. A document must
	// not ask for one of them inside another.
	Lists map[string]int
	// Spend takes the cost of a document off the caller's budget, or refuses with a
	// fault, and tells how the budget stands in both cases. Nil: no budget.
	Spend func(ctx context.Context, cost int) (Budget, error)
	// Documents are trusted documents by the lower-case SHA-256 of their text, for
	// clients that send `extensions.persistedQuery.sha256Hash` or `documentId`
	// instead of it, or the text itself. The limits apply to them too.
	Documents map[string]string
	// TrustedOnly reports whether the caller may send trusted documents only. Nil:
	// nobody is bound to.
	TrustedOnly func(ctx context.Context) bool
	// DocumentCacheBytes bounds the memory for parsed documents; default 32 MiB.
	DocumentCacheBytes int

	// ResolverTimeout bounds a query or mutation, on every transport; subscriptions
	// are not bound. Default 10 s.
	ResolverTimeout time.Duration
	// MaxBody is the largest request body in bytes; default 2 MiB.
	MaxBody int64
	// NoGET switches off queries by GET, see HTTP.
	NoGET bool
	// CrossOrigin judges the origin of requests; default: the same origin only.
	CrossOrigin *http.CrossOriginProtection

	// Principal is who asks, for the rules of the schema's @auth directives. It is
	// asked for each operation: on sockets and streams it may change. Nil: the
	// context's viewer.
	Principal func(ctx context.Context) authz.Principal
	Clock     clock.Clock // default clock.System

	// Record is told of operations when they are over; give it to the websockets too. Nil:
	// nobody is.
	Record *record.Recorder

	Websocket *wsconn.Transport // nil: none
	Streams   Streams
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return id.New(id.Request) }
	}
	if o.DocumentCacheBytes == 0 {
		o.DocumentCacheBytes = 32 << 20
	}
	if o.ResolverTimeout == 0 {
		o.ResolverTimeout = 10 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 2 << 20
	}
	if o.Principal == nil {
		o.Principal = principal
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.CrossOrigin == nil {
		o.CrossOrigin = http.NewCrossOriginProtection()
	}
	o.Limits = o.Limits.withDefaults()
	return o
}

// NewServer serves the schema on every transport with all limits in force.
func NewServer(es graphql.ExecutableSchema, o Options) *handler.Server {
	o = o.withDefaults()
	s := handler.New(es)
	if o.Websocket != nil {
		s.AddTransport(o.Websocket)
	}
	events := newSSE(o)
	s.AddTransport(events)
	s.AddTransport(newHTTP(o, events))

	docs := newDocuments(o.DocumentCacheBytes)
	s.SetQueryCache(docs)
	s.SetParserTokenLimit(o.Limits.Tokens)
	s.SetDisableSuggestion(true)
	s.SetValidationRulesFn(validationRules)
	s.SetErrorPresenter(ErrorPresenter(o.Log, o.RequestID))
	s.SetRecoverFunc(Recover)
	s.Use(newGuard(es.Schema(), docs, o))
	s.Use(&access{rules: authz.Compile(es.Schema()), docs: docs, principal: o.Principal, clock: o.Clock})
	s.Use(errorLimit{})
	s.Use(deadline(o.ResolverTimeout))
	s.Use(extension.Introspection{})
	return s
}

func newGuard(schema *ast.Schema, docs *documents, o Options) *Guard {
	return &Guard{
		limits:  o.Limits,
		docs:    docs,
		pricing: pricing{schema: schema, weights: o.Weights, lists: o.Lists},
		trusted: o.Documents,
		only:    o.TrustedOnly,
		purse:   purse{o.Spend, o.Principal},
		record:  o.Record,
	}
}

// deadline bounds each answer of a query or mutation.
type deadline time.Duration

// ExtensionName is "Deadline".
func (deadline) ExtensionName() string { return "Deadline" }

// Validate accepts every schema.
func (deadline) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse gives the resolvers a context that ends in time.
func (d deadline) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	rc := graphql.GetOperationContext(ctx)
	if rc.Operation == nil || rc.Operation.Operation == ast.Subscription {
		return next(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(d))
	defer cancel()
	return next(ctx)
}
