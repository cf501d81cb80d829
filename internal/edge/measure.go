package edge

import "github.com/vektah/gqlparser/v2/ast"

// saturated stands for every larger number, so that nothing overflows.
const saturated = 1 << 30

// size is the extent of a document or of a part of it.
type size struct{ nodes, depth int }

func (s size) plus(o size) size {
	return size{nodes: min(s.nodes+o.nodes, saturated), depth: max(s.depth, o.depth)}
}

// measured is what a document holds, all its operations together.
type measured struct {
	size
	aliases, directives, mutations, subscriptions int
	cycle                                         string // a fragment that spreads itself
	unknown                                       string // a spread of no fragment
}

// surveyor walks every selection once: fragments are measured where they are first
// met, and their size is added wherever they are spread.
type surveyor struct {
	doc   *ast.QueryDocument
	known map[string]size
	busy  map[string]bool
	found measured
}

func measure(doc *ast.QueryDocument) measured {
	s := &surveyor{doc: doc, known: map[string]size{}, busy: map[string]bool{}}
	var total size
	for _, op := range doc.Operations {
		s.found.directives += len(op.Directives)
		for _, v := range op.VariableDefinitions {
			s.found.directives += len(v.Directives)
		}
		total = total.plus(s.selections(op.SelectionSet))
		switch op.Operation {
		case ast.Mutation:
			s.found.mutations = max(s.found.mutations, s.roots(op.SelectionSet))
		case ast.Subscription:
			s.found.subscriptions = max(s.found.subscriptions, s.roots(op.SelectionSet))
		case ast.Query:
		}
	}
	for _, f := range doc.Fragments { // also those that nobody spreads
		s.fragment(f.Name)
	}
	s.found.size = total
	return s.found
}

func (s *surveyor) selections(set ast.SelectionSet) (sum size) {
	for _, sel := range set {
		switch x := sel.(type) {
		case *ast.Field:
			sum = sum.plus(s.field(x))
		case *ast.InlineFragment:
			s.found.directives += len(x.Directives)
			in := s.selections(x.SelectionSet)
			in.nodes++
			sum = sum.plus(in)
		case *ast.FragmentSpread:
			s.found.directives += len(x.Directives)
			in := s.fragment(x.Name)
			in.nodes++
			sum = sum.plus(in)
		}
	}
	return sum
}

func (s *surveyor) field(f *ast.Field) size {
	s.found.directives += len(f.Directives)
	if f.Alias != "" && f.Alias != f.Name {
		s.found.aliases++
	}
	in := s.selections(f.SelectionSet)
	in.nodes++
	if f.Name != "ofType" {
		in.depth++
	}
	return in
}

func (s *surveyor) fragment(name string) size {
	if known, ok := s.known[name]; ok {
		return known
	}
	if s.busy[name] {
		s.found.cycle = name
		return size{}
	}
	f := s.doc.Fragments.ForName(name)
	if f == nil {
		s.found.unknown = name
		return size{}
	}
	s.busy[name] = true
	in := s.selections(f.SelectionSet)
	s.found.directives += len(f.Directives)
	s.busy[name] = false
	s.known[name] = in
	return in
}

// roots counts the root fields of an operation through its fragments, each of
// which is looked into once: that is enough to tell one from several.
func (s *surveyor) roots(set ast.SelectionSet) int {
	seen := map[string]bool{}
	var count func(set ast.SelectionSet) int
	count = func(set ast.SelectionSet) (n int) {
		for _, sel := range set {
			switch x := sel.(type) {
			case *ast.Field:
				if x.Name != "__typename" {
					n++
				}
			case *ast.InlineFragment:
				n += count(x.SelectionSet)
			case *ast.FragmentSpread:
				if f := s.doc.Fragments.ForName(x.Name); f != nil && !seen[x.Name] {
					seen[x.Name] = true
					n += count(f.SelectionSet)
				}
			}
		}
		return n
	}
	return count(set)
}
