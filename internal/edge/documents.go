package edge

import (
	"container/list"
	"context"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
)

// treeWeight is how many bytes of memory the tree of a parsed document takes per
// byte of its text, generously.
const treeWeight = 24

// documents remembers what is known of the documents seen last: the guard's verdict
// and, for accepted ones, the tree that gqlgen has validated and who may run it. It holds at
// most limit bytes, whatever documents are sent.
type documents struct {
	limit int

	mu    sync.Mutex
	byKey map[string]*list.Element
	order *list.List // of *document, the latest first
	size  int
}

type document struct {
	query   string
	verdict *verdict
	tree    *ast.QueryDocument
	demands []operationDemands
	weight  int
}

// operationDemands is what one operation of a document demands of who sends it.
type operationDemands struct {
	op      *ast.OperationDefinition
	demands authz.Demands
}

var _ graphql.Cache[*ast.QueryDocument] = (*documents)(nil)

func newDocuments(limit int) *documents {
	return &documents{limit: limit, byKey: map[string]*list.Element{}, order: list.New()}
}

// Get is gqlgen's look-up of a validated tree.
func (d *documents) Get(_ context.Context, query string) (*ast.QueryDocument, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byKey[query]
	if !ok {
		return nil, false
	}
	tree := e.Value.(*document).tree
	return tree, tree != nil
}

// Add keeps a validated tree.
func (d *documents) Add(_ context.Context, query string, tree *ast.QueryDocument) {
	d.change(query, func(doc *document) { doc.tree, doc.demands = tree, nil })
}

// demandsOf is what was kept of an operation; false when nothing was.
func (d *documents) demandsOf(query string, op *ast.OperationDefinition) (authz.Demands, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byKey[query]
	if !ok {
		return nil, false
	}
	for _, known := range e.Value.(*document).demands {
		if known.op == op {
			return known.demands, true
		}
	}
	return nil, false
}

// demanded keeps the demands of an operation of a tree that is kept.
func (d *documents) demanded(query string, op *ast.OperationDefinition, demands authz.Demands) {
	d.change(query, func(doc *document) {
		known := slices.ContainsFunc(doc.demands, func(o operationDemands) bool { return o.op == op })
		if !known && doc.tree != nil && slices.Contains(doc.tree.Operations, op) {
			doc.demands = append(doc.demands, operationDemands{op, demands})
		}
	})
}

// verdictOn is what the guard has said before; nil for an unknown document.
func (d *documents) verdictOn(query string) *verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byKey[query]
	if !ok {
		return nil
	}
	d.order.MoveToFront(e)
	return e.Value.(*document).verdict
}

func (d *documents) judged(query string, v *verdict) {
	d.change(query, func(doc *document) { doc.verdict = v })
}

func (d *documents) change(query string, set func(*document)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byKey[query]
	if !ok {
		e = d.order.PushFront(&document{query: query})
		d.byKey[query] = e
	}
	doc := e.Value.(*document)
	set(doc)
	d.size -= doc.weight
	doc.weight = doc.weigh()
	d.size += doc.weight
	for d.size > d.limit && d.order.Len() > 0 {
		d.drop(d.order.Back())
	}
}

func (d *documents) drop(e *list.Element) {
	doc := d.order.Remove(e).(*document)
	delete(d.byKey, doc.query)
	d.size -= doc.weight
}

// weigh estimates the memory of a document in bytes.
func (doc *document) weigh() int {
	const entry = 512
	w := entry + len(doc.query)
	if doc.tree != nil {
		w += treeWeight * len(doc.query)
	}
	if doc.verdict != nil && doc.verdict.tree != nil {
		w += treeWeight * len(doc.query)
	}
	const demand = 48
	for _, o := range doc.demands {
		w += demand * (1 + len(o.demands))
	}
	return w
}
