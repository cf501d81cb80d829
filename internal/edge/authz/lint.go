package authz

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Flaws lists what is wrong with the rules of a schema, one line each: fields without
// a rule, acts that are open to every API key, fields that are narrower than the
// interface's through which they can be read, and fields that lead to where those who
// may ask for them may read nothing.
func Flaws(schema *ast.Schema) []string {
	r := Compile(schema)
	if r == nil {
		return []string{"the schema declares no @" + directive}
	}
	var out []string
	for _, f := range Unruled(schema) {
		out = append(out, f+" has no rule: give it or its type @"+directive+", a field of an operation type one of its own")
	}
	for _, def := range sorted(schema) {
		for _, f := range def.Fields {
			rule, ok := r.Of(def.Name, f.Name)
			if !ok {
				continue
			}
			out = append(out, r.openAct(def, f, rule)...)
			out = append(out, r.narrower(def, f, rule)...)
			out = append(out, r.deadEnd(def, f, rule)...)
		}
	}
	return out
}

// openAct finds what API keys may do without any scope.
func (r *Rules) openAct(def *ast.Definition, f *ast.FieldDefinition, rule Rule) []string {
	if def != r.schema.Mutation && def != r.schema.Subscription || rule.Allow&APIKey == 0 || rule.Scope != "" {
		return nil
	}
	return []string{fmt.Sprintf("%s.%s is open to every API key: name a scope or leave API_KEY out", def.Name, f.Name)}
}

// narrower finds fields that the interface would give to those who may not have them.
func (r *Rules) narrower(def *ast.Definition, f *ast.FieldDefinition, rule Rule) (out []string) {
	for _, name := range def.Interfaces {
		wide, ok := r.Of(name, f.Name)
		if ok && (wide.Allow&^rule.Allow != 0 || rule.Scope != "" && wide.Scope != rule.Scope || rule.Fresh && !wide.Fresh) {
			out = append(out, fmt.Sprintf("%s.%s is narrower than %s.%s, through which it can be read", def.Name, f.Name, name, f.Name))
		}
	}
	return out
}

// deadEnd finds kinds that may ask for a field and for nothing below it.
func (r *Rules) deadEnd(def *ast.Definition, f *ast.FieldDefinition, rule Rule) []string {
	below := r.schema.Types[f.Type.Name()]
	if below == nil || !below.IsCompositeType() {
		return nil
	}
	var may Kind
	for _, d := range append(slices.Clone(r.schema.PossibleTypes[below.Name]), below) {
		for _, x := range r.byField[d.Name] {
			may |= x.Allow
		}
	}
	if may&Account != 0 {
		may |= Admin
	}
	if missing := rule.Allow &^ may; missing != 0 {
		return []string{fmt.Sprintf("%s.%s admits %s, but nothing of %s does", def.Name, f.Name, missing, below.Name)}
	}
	return nil
}

// sorted is the types that have rules, by name.
func sorted(schema *ast.Schema) (out []*ast.Definition) {
	for _, def := range schema.Types {
		if ruled(def) {
			out = append(out, def)
		}
	}
	slices.SortFunc(out, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return out
}
