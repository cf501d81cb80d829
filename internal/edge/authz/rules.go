package authz

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// directive is the name of the rules' directive.
const directive = "auth"

// Rules are the rules of a schema. A nil *Rules has none and lets everybody pass.
type Rules struct {
	schema  *ast.Schema
	byField map[string]map[string]Rule // by type, then by field
}

// Compile reads the rules of a schema: a field's own one, else its type's. It is nil
// for a schema that doesn't declare the directive. Fields without a rule can't be
// asked for by anybody; see Unruled.
func Compile(schema *ast.Schema) *Rules {
	declared := schema.Directives[directive]
	if declared == nil {
		return nil
	}
	r := &Rules{schema: schema, byField: map[string]map[string]Rule{}}
	for name, def := range schema.Types {
		if !ruled(def) {
			continue
		}
		fields := make(map[string]Rule, len(def.Fields))
		for _, f := range def.Fields {
			if d := governing(def, f); d != nil && !strings.HasPrefix(f.Name, "__") {
				fields[f.Name] = read(declared, d)
			}
		}
		r.byField[name] = fields
	}
	return r
}

// ruled reports whether fields of the type have rules: those of introspection are
// free.
func ruled(def *ast.Definition) bool {
	return (def.Kind == ast.Object || def.Kind == ast.Interface) && !strings.HasPrefix(def.Name, "__")
}

// governing is the directive that counts for a field.
func governing(def *ast.Definition, f *ast.FieldDefinition) *ast.Directive {
	if d := f.Directives.ForName(directive); d != nil {
		return d
	}
	return def.Directives.ForName(directive)
}

// read makes a rule of a directive whose arguments left out have the declared
// defaults. What can't be read lets nobody pass.
func read(declared *ast.DirectiveDefinition, d *ast.Directive) (rule Rule) {
	value := func(name string) *ast.Value {
		if a := d.Arguments.ForName(name); a != nil {
			return a.Value
		}
		if a := declared.Arguments.ForName(name); a != nil {
			return a.DefaultValue
		}
		return nil
	}
	if allow := value("allow"); allow != nil {
		for _, item := range allow.Children {
			k, _ := KindOf(item.Value.Raw)
			rule.Allow |= k
		}
	}
	if scope := value("scope"); scope != nil && scope.Kind == ast.EnumValue {
		rule.Scope = scope.Raw
	}
	if fresh := value("fresh"); fresh != nil {
		rule.Fresh = fresh.Raw == "true"
	}
	return rule
}

// Of is the rule of a field and whether it has one.
func (r *Rules) Of(typ, field string) (Rule, bool) {
	rule, ok := r.byField[typ][field]
	return rule, ok
}

// Unruled lists the fields of a schema that have no rule, as "Type.field", and those
// of the operation types that have none of their own, in the schema's order.
func Unruled(schema *ast.Schema) (out []string) {
	for _, def := range sorted(schema) {
		for _, f := range def.Fields {
			own := f.Directives.ForName(directive) != nil
			if strings.HasPrefix(f.Name, "__") || own || !isRoot(schema, def) && def.Directives.ForName(directive) != nil {
				continue
			}
			out = append(out, def.Name+"."+f.Name)
		}
	}
	return out
}

func isRoot(schema *ast.Schema, def *ast.Definition) bool {
	return def == schema.Query || def == schema.Mutation || def == schema.Subscription
}

// String is the rule as the directive spells it.
func (r Rule) String() string {
	s := r.Allow.String()
	if r.Scope != "" {
		s += " scope " + WireScope(r.Scope)
	}
	if r.Fresh {
		s += " fresh"
	}
	return s
}
