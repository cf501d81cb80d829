// Package record tells of GraphQL operations when they are over, on every transport alike.
// It costs nothing where nobody wants to know of an operation.
package record

import (
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// Unknown is the route of what can't be told.
const Unknown = "graphql"

// Operation is one that is over.
type Operation struct {
	// Route is the operation's type and its first field, such as "query viewer", with "…"
	// where there are more: words of the schema, none that a client chose.
	Route string
	// Status is HTTP's; 200 where an operation over a socket or a stream came that far.
	Status   int
	Code     string // of the first error; empty: none
	Took     time.Duration
	Streamed bool
	Socket   bool // it shares its request's id with others
}

// Recorder wants to know of operations. A nil one wants nothing.
type Recorder struct {
	// Wanted reports whether an operation of the context's viewer is to be told of. It is
	// asked for each.
	Wanted func(ctx context.Context) bool
	Done   func(ctx context.Context, op Operation)
}

// Wants reports whether operations of the context are told of.
func (r *Recorder) Wants(ctx context.Context) bool { return r != nil && r.Wanted(ctx) }

// Begin begins to watch an operation; nil, whose methods do nothing, when nobody wants to
// know of it.
func (r *Recorder) Begin(ctx context.Context) *Track {
	if !r.Wants(ctx) {
		return nil
	}
	return &Track{recorder: r, ctx: ctx, watch: clock.StartStopwatch(), op: Operation{Route: Unknown, Status: 200}}
}

// Track is an operation under way. One goroutine uses it.
type Track struct {
	recorder *Recorder
	ctx      context.Context //nolint:containedctx // of the one operation
	watch    clock.Stopwatch
	op       Operation
	over     bool
}

const routeKey = "kimi.route"

// Name notes the route of the operation that ctx belongs to.
func Name(ctx context.Context, route string) {
	if route != "" && graphql.HasOperationContext(ctx) {
		graphql.GetOperationContext(ctx).Stats.SetExtension(routeKey, route)
	}
}

// Prepared takes the route that was noted.
func (t *Track) Prepared(rc *graphql.OperationContext) {
	if t == nil {
		return
	}
	if route, ok := rc.Stats.GetExtension(routeKey).(string); ok {
		t.op.Route = route
	}
}

// Errors notes the first error's code, once.
func (t *Track) Errors(errs gqlerror.List) {
	if t == nil || len(errs) == 0 || t.op.Code != "" {
		return
	}
	if t.op.Code, _ = errs[0].Extensions["code"].(string); t.op.Code == "" {
		t.op.Code = "INTERNAL"
	}
}

// Answered notes the status of HTTP.
func (t *Track) Answered(status int) {
	if t != nil {
		t.op.Status = status
	}
}

// Streams notes that the answer is a stream.
func (t *Track) Streams() {
	if t != nil {
		t.op.Streamed = true
	}
}

// OnSocket notes that the operation shares its connection with others.
func (t *Track) OnSocket() {
	if t != nil {
		t.op.Socket = true
	}
}

// End tells of the operation, once.
func (t *Track) End() {
	if t == nil || t.over {
		return
	}
	t.over, t.op.Took = true, t.watch.Elapsed()
	t.recorder.Done(t.ctx, t.op)
}

// Routes are the routes of a document's operations, by their names. Fields that the schema
// hasn't are not named; where the first is one, the route is Unknown.
func Routes(schema *ast.Schema, doc *ast.QueryDocument) map[string]string {
	out := make(map[string]string, len(doc.Operations))
	for _, op := range doc.Operations {
		out[op.Name] = routeOf(schema, doc, op)
	}
	return out
}

func routeOf(schema *ast.Schema, doc *ast.QueryDocument, op *ast.OperationDefinition) string {
	root := map[ast.Operation]*ast.Definition{ast.Query: schema.Query, ast.Mutation: schema.Mutation, ast.Subscription: schema.Subscription}[op.Operation]
	fields := roots(doc, op.SelectionSet, map[string]bool{}, nil)
	if root == nil || len(fields) == 0 || fields[0] != "__typename" && root.Fields.ForName(fields[0]) == nil {
		return Unknown
	}
	route := string(op.Operation) + " " + fields[0]
	if len(fields) > 1 {
		route += "…"
	}
	return route
}

// roots are the names of the first two fields of an operation, through its fragments,
// which need not be valid.
func roots(doc *ast.QueryDocument, set ast.SelectionSet, seen map[string]bool, fields []string) []string {
	for _, sel := range set {
		if len(fields) > 1 {
			break
		}
		switch x := sel.(type) {
		case *ast.Field:
			fields = append(fields, x.Name)
		case *ast.InlineFragment:
			fields = roots(doc, x.SelectionSet, seen, fields)
		case *ast.FragmentSpread:
			if f := doc.Fragments.ForName(x.Name); f != nil && !seen[x.Name] {
				seen[x.Name] = true
				fields = roots(doc, f.SelectionSet, seen, fields)
			}
		}
	}
	return fields
}
