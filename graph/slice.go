package graph

import (
	"context"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// resolved are the fields that a resolver answers, as type.field in lower case.
var resolved = resolvedFields()

func resolvedFields() map[string]bool {
	fields := map[string]bool{}
	root := reflect.TypeFor[ResolverRoot]()
	for i := range root.NumMethod() {
		of := root.Method(i)
		for resolver, j := of.Type.Out(0), 0; j < resolver.NumMethod(); j++ {
			fields[strings.ToLower(of.Name+"."+resolver.Method(j).Name)] = true
		}
	}
	return fields
}

// marshalSlice marshals a list by a plan where it has one, else its elements one after the
// other where all that is asked of them is at hand, and side by side where some of it has to
// be fetched. The executor's own way, a goroutine with a stack of its own for each element,
// costs a list of plain rows more than all its fields do. A list that the answer has no room
// for is missing.
func marshalSlice[T any](ctx context.Context, sel ast.SelectionSet, list []T, limit int64, bare bool, element func(ctx context.Context, i int) graphql.Marshaler) graphql.Array {
	if !hasRoom(ctx, len(list)) {
		return graphql.Array{graphql.Null}
	}
	if out := plainly(ctx, sel, list); out != nil {
		return out
	}
	return marshalEach(ctx, sel, len(list), limit, bare, element)
}

func marshalEach(ctx context.Context, sel ast.SelectionSet, length int, limit int64, bare bool, element func(ctx context.Context, i int) graphql.Marshaler) graphql.Array {
	if length < 2 || !atHand(sel) {
		return graphql.MarshalSliceConcurrently(ctx, length, limit, bare, element)
	}
	out := make(graphql.Array, length)
	for i := range out {
		out[i] = marshalElement(graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i}), i, element)
	}
	return out
}

// marshalElement turns a panic into an error of the element, as the executor does.
func marshalElement(ctx context.Context, i int, element func(ctx context.Context, i int) graphql.Marshaler) (m graphql.Marshaler) {
	defer func() {
		if r := recover(); r != nil {
			graphql.AddError(ctx, graphql.Recover(ctx, r))
			m = graphql.Null
		}
	}()
	return element(ctx, i)
}

// atHand reports whether no resolver answers any of the selected fields.
func atHand(sel ast.SelectionSet) bool {
	for _, s := range sel {
		switch s := s.(type) {
		case *ast.Field:
			if s.ObjectDefinition != nil && resolved[strings.ToLower(s.ObjectDefinition.Name+"."+s.Name)] || !atHand(s.SelectionSet) {
				return false
			}
		case *ast.InlineFragment:
			if !atHand(s.SelectionSet) {
				return false
			}
		case *ast.FragmentSpread:
			if s.Definition == nil || !atHand(s.Definition.SelectionSet) {
				return false
			}
		}
	}
	return true
}
