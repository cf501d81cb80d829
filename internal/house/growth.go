package house

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2"
	graphql "github.com/vektah/gqlparser/v2/ast"
)

// releasedSchema is the schema of the last release below root: third parties build on it.
func releasedSchema(root string) (*graphql.Schema, error) {
	name := filepath.Join(root, "graph", "released.graphql")
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the released schema: %w", err)
	}
	schema, err := gqlparser.LoadSchema(&graphql.Source{Name: name, Input: string(text)})
	if err != nil {
		return nil, fmt.Errorf("the released schema: %w", err)
	}
	return schema, nil
}

// farewell is how a deprecation speaks: the day from which the thing may be gone, and what
// to use instead.
var farewell = regexp.MustCompile(`^Until (\d{4}-\d{2}-\d{2}): use .+`)

// endOf is the day a deprecation names; false when it doesn't speak as it must.
func endOf(of graphql.DirectiveList) (time.Time, bool) {
	reason := ""
	if a := of.ForName("deprecated").Arguments.ForName("reason"); a != nil {
		reason = a.Value.Raw
	}
	found := farewell.FindStringSubmatch(reason)
	if found == nil {
		return time.Time{}, false
	}
	day, err := time.Parse(time.DateOnly, found[1])
	return day, err == nil
}

// deprecations finds those that don't say until when, or what comes instead.
func deprecations(schema *graphql.Schema) (out []string) {
	check := func(what string, of graphql.DirectiveList) {
		if of.ForName("deprecated") == nil {
			return
		}
		if _, ok := endOf(of); !ok {
			out = append(out, what+" is deprecated without \"Until YYYY-MM-DD: use …\"")
		}
	}
	for _, def := range schema.Types {
		for _, f := range def.Fields {
			check(def.Name+"."+f.Name, f.Directives)
			for _, a := range f.Arguments {
				check(def.Name+"."+f.Name+"("+a.Name+")", a.Directives)
			}
		}
		for _, v := range def.EnumValues {
			check(def.Name+"."+v.Name, v.Directives)
		}
	}
	return out
}

// growth compares a schema with the released one.
type growth struct {
	now   *graphql.Schema
	today time.Time
	out   []string
}

// shrinks finds what a client of the released schema would miss today: what is gone or
// changed without a deprecation whose day has come.
func shrinks(released, now *graphql.Schema, today time.Time) []string {
	g := &growth{now: now, today: today}
	for _, old := range released.Types {
		if old.BuiltIn || strings.HasPrefix(old.Name, "__") {
			continue
		}
		if def := now.Types[old.Name]; def == nil || def.Kind != old.Kind {
			g.say("%s is gone or another kind of type", old.Name)
		} else {
			g.definition(old, def)
		}
	}
	return g.out
}

func (g *growth) say(format string, args ...any) { g.out = append(g.out, fmt.Sprintf(format, args...)) }

// over reports whether a thing was deprecated and its day has come.
func (g *growth) over(of graphql.DirectiveList) bool {
	if of.ForName("deprecated") == nil {
		return false
	}
	day, ok := endOf(of)
	return ok && !g.today.Before(day)
}

func (g *growth) definition(old, def *graphql.Definition) {
	for _, f := range old.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		now := def.Fields.ForName(f.Name)
		switch {
		case now == nil && !g.over(f.Directives):
			g.say("%s.%s is gone", old.Name, f.Name)
		case now == nil:
		case old.Kind == graphql.InputObject && !accepts(now.Type, f.Type), old.Kind != graphql.InputObject && !accepts(f.Type, now.Type):
			g.say("%s.%s was %s and is %s", old.Name, f.Name, f.Type, now.Type)
		default:
			g.arguments(old.Name+"."+f.Name, f, now)
		}
	}
	for _, f := range def.Fields {
		if old.Kind == graphql.InputObject && f.Type.NonNull && f.DefaultValue == nil && old.Fields.ForName(f.Name) == nil {
			g.say("%s.%s is new and must be given", old.Name, f.Name)
		}
	}
	for _, v := range old.EnumValues {
		if def.EnumValues.ForName(v.Name) == nil && !g.over(v.Directives) {
			g.say("%s.%s is gone", old.Name, v.Name)
		}
	}
	for _, name := range append(slices.Clone(old.Types), old.Interfaces...) {
		if !slices.Contains(def.Types, name) && !slices.Contains(def.Interfaces, name) {
			g.say("%s has nothing to do with %s any more", old.Name, name)
		}
	}
}

func (g *growth) arguments(field string, old, now *graphql.FieldDefinition) {
	for _, a := range old.Arguments {
		kept := now.Arguments.ForName(a.Name)
		switch {
		case kept == nil && !g.over(a.Directives):
			g.say("%s(%s) is gone", field, a.Name)
		case kept != nil && !accepts(kept.Type, a.Type):
			g.say("%s(%s) was %s and is %s", field, a.Name, a.Type, kept.Type)
		}
	}
	for _, a := range now.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil && old.Arguments.ForName(a.Name) == nil {
			g.say("%s(%s) is new and must be given", field, a.Name)
		}
	}
}

// accepts reports whether whatever is a value of the one type may stand where the other is
// expected.
func accepts(expected, given *graphql.Type) bool {
	if expected.NonNull && !given.NonNull {
		return false
	}
	if expected.Elem != nil && given.Elem != nil {
		return accepts(expected.Elem, given.Elem)
	}
	return expected.Elem == nil && given.Elem == nil && expected.NamedType == given.NamedType
}
