package edge

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/internal/page"
)

// listSize is what a list without a `first` argument is taken for.
const listSize = 5

// pricing knows what fields cost: an object 1, a scalar nothing, others by their
// weight; inside a connection every item counts, `first` times.
type pricing struct {
	schema  *ast.Schema
	weights map[string]int // by "Type.field"
	lists   map[string]int // as well: lists that are longer than listSize
}

// dynamic reports whether the price depends on variables.
func (p pricing) dynamic(doc *ast.QueryDocument) bool {
	var in func(set ast.SelectionSet) bool
	in = func(set ast.SelectionSet) bool {
		for _, sel := range set {
			switch x := sel.(type) {
			case *ast.Field:
				if usesVariable(x) || in(x.SelectionSet) {
					return true
				}
			case *ast.InlineFragment:
				if in(x.SelectionSet) {
					return true
				}
			case *ast.FragmentSpread: // its definition is looked into below
			}
		}
		return false
	}
	for _, op := range doc.Operations {
		if in(op.SelectionSet) {
			return true
		}
	}
	for _, f := range doc.Fragments {
		if in(f.SelectionSet) {
			return true
		}
	}
	return false
}

func usesVariable(f *ast.Field) bool {
	for _, name := range [...]string{"first", "last"} {
		if a := f.Arguments.ForName(name); a != nil && a.Value != nil && a.Value.Kind == ast.Variable {
			return true
		}
	}
	return false
}

// price is the cost of the dearest operation of a document that is free of cycles
// and has few nodes: spreads are walked as often as they occur.
func (p pricing) price(doc *ast.QueryDocument, variables map[string]any) int {
	most := 0
	for _, op := range doc.Operations {
		t := &till{pricing: p, doc: doc, op: op, variables: variables}
		most = max(most, t.selections(op.SelectionSet, p.root(op.Operation), 0))
	}
	return most
}

func (p pricing) root(op ast.Operation) *ast.Definition {
	switch op {
	case ast.Mutation:
		return p.schema.Mutation
	case ast.Subscription:
		return p.schema.Subscription
	case ast.Query:
	}
	return p.schema.Query
}

// till adds up one operation.
type till struct {
	pricing
	doc       *ast.QueryDocument
	op        *ast.OperationDefinition
	variables map[string]any
}

// selections adds up a selection set; items is the page size inside a connection,
// 0 elsewhere.
func (t *till) selections(set ast.SelectionSet, parent *ast.Definition, items int) (sum int) {
	for _, sel := range set {
		switch x := sel.(type) {
		case *ast.Field:
			sum += t.field(x, parent, items)
		case *ast.InlineFragment:
			on := parent
			if x.TypeCondition != "" {
				on = t.schema.Types[x.TypeCondition]
			}
			sum += t.selections(x.SelectionSet, on, items)
		case *ast.FragmentSpread:
			if f := t.doc.Fragments.ForName(x.Name); f != nil {
				sum += t.selections(f.SelectionSet, t.schema.Types[f.TypeCondition], items)
			}
		}
		sum = min(sum, saturated)
	}
	return sum
}

func (t *till) field(f *ast.Field, parent *ast.Definition, items int) int {
	def := t.definition(f.Name, parent)
	if def == nil || def.Type == nil {
		return 1 // unknown: the validation refuses it
	}
	typ := t.schema.Types[def.Type.Name()]
	own := t.weight(parent, f, typ)
	size := 0
	if isConnection(typ) {
		size = t.pageSize(f, def)
	}
	inside := t.selections(f.SelectionSet, typ, size)
	switch {
	case items > 0 && f.Name == "edges":
		return times(items, inside)
	case items > 0 && f.Name == "nodes":
		return times(items, own+inside)
	case def.Type.Elem != nil && (own+inside) > 0 && !strings.HasPrefix(typ.Name, "__"):
		return times(t.listLength(f, parent, def), own+inside)
	}
	return min(own+inside, saturated)
}

func (t *till) weight(parent *ast.Definition, f *ast.Field, typ *ast.Definition) int {
	if parent != nil && t.weights != nil {
		if w, ok := t.weights[parent.Name+"."+f.Name]; ok {
			return w
		}
	}
	if typ == nil || typ.IsLeafType() {
		return 0
	}
	return 1
}

func (t *till) definition(name string, parent *ast.Definition) *ast.FieldDefinition {
	switch name {
	case "__typename":
		return &ast.FieldDefinition{Name: name, Type: ast.NonNullNamedType("String", nil)}
	case "__schema":
		return &ast.FieldDefinition{Name: name, Type: ast.NonNullNamedType("__Schema", nil)}
	case "__type":
		return &ast.FieldDefinition{Name: name, Type: ast.NamedType("__Type", nil)}
	}
	if parent == nil {
		return nil
	}
	return parent.Fields.ForName(name)
}

func isConnection(typ *ast.Definition) bool {
	return typ != nil && strings.HasSuffix(typ.Name, "Connection")
}

func (t *till) listLength(f *ast.Field, parent *ast.Definition, def *ast.FieldDefinition) int {
	if def.Arguments.ForName("first") != nil {
		return t.pageSize(f, def)
	}
	if n, long := t.lists[parent.Name+"."+f.Name]; long && !t.idsOnly(f.SelectionSet) {
		return n
	}
	return listSize
}

// idsOnly reports whether nothing but ids is asked of objects.
func (t *till) idsOnly(set ast.SelectionSet) bool {
	for _, sel := range set {
		switch x := sel.(type) {
		case *ast.Field:
			if x.Name != "id" && x.Name != "__typename" {
				return false
			}
		case *ast.InlineFragment:
			if !t.idsOnly(x.SelectionSet) {
				return false
			}
		case *ast.FragmentSpread:
			if f := t.doc.Fragments.ForName(x.Name); f == nil || !t.idsOnly(f.SelectionSet) {
				return false
			}
		}
	}
	return true
}

// nested reports whether a document asks for one of the long lists inside another, at any
// depth: what is asked for would grow with a power of their length. Of the document holds
// what is said at price.
func (p pricing) nested(doc *ast.QueryDocument) bool {
	for _, op := range doc.Operations {
		t := &till{pricing: p, doc: doc, op: op}
		if t.nests(op.SelectionSet, p.root(op.Operation), false) {
			return true
		}
	}
	return false
}

func (t *till) nests(set ast.SelectionSet, parent *ast.Definition, inside bool) bool {
	for _, sel := range set {
		found := false
		switch x := sel.(type) {
		case *ast.Field:
			found = t.nestsIn(x, parent, inside)
		case *ast.InlineFragment:
			on := parent
			if x.TypeCondition != "" {
				on = t.schema.Types[x.TypeCondition]
			}
			found = t.nests(x.SelectionSet, on, inside)
		case *ast.FragmentSpread:
			if f := t.doc.Fragments.ForName(x.Name); f != nil {
				found = t.nests(f.SelectionSet, t.schema.Types[f.TypeCondition], inside)
			}
		}
		if found {
			return true
		}
	}
	return false
}

func (t *till) nestsIn(f *ast.Field, parent *ast.Definition, inside bool) bool {
	def := t.definition(f.Name, parent)
	if def == nil || def.Type == nil {
		return false // unknown: the validation refuses it
	}
	if parent != nil {
		if _, long := t.lists[parent.Name+"."+f.Name]; long {
			if inside {
				return true
			}
			inside = true
		}
	}
	return t.nests(f.SelectionSet, t.schema.Types[def.Type.Name()], inside)
}

// pageSize is the number of items that `first` or `last` ask for, 1 to the largest
// page: the services refuse anything beyond.
func (t *till) pageSize(f *ast.Field, def *ast.FieldDefinition) int {
	for _, name := range [...]string{"first", "last"} {
		if a := f.Arguments.ForName(name); a != nil {
			if n, ok := t.number(a.Value); ok {
				return max(1, min(n, page.MaxSize))
			}
		}
		if d := def.Arguments.ForName(name); d != nil && d.DefaultValue != nil {
			if n, ok := t.number(d.DefaultValue); ok {
				return max(1, min(n, page.MaxSize))
			}
		}
	}
	return page.DefaultSize
}

func (t *till) number(v *ast.Value) (int, bool) {
	if v == nil {
		return 0, false
	}
	switch v.Kind {
	case ast.IntValue:
		return wholeNumber(v.Raw), true
	case ast.Variable:
		if given, ok := t.variables[v.Raw]; ok && given != nil {
			return variableNumber(given), true
		}
		if d := t.op.VariableDefinitions.ForName(v.Raw); d != nil && d.DefaultValue != nil && d.DefaultValue.Kind == ast.IntValue {
			return wholeNumber(d.DefaultValue.Raw), true
		}
	default:
	}
	return 0, false
}

// variableNumber reads a decoded JSON number; anything else counts as the most.
func variableNumber(v any) int {
	switch n := v.(type) {
	case json.Number:
		return wholeNumber(n.String())
	case float64:
		return wholeNumber(strconv.FormatFloat(n, 'f', 0, 64))
	case int:
		return n
	case int64:
		return int(n)
	}
	return page.MaxSize
}

func wholeNumber(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return page.MaxSize
	}
	return n
}

func times(n, each int) int {
	if each > saturated/max(n, 1) {
		return saturated
	}
	return n * each
}
