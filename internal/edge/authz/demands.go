package authz

import (
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Demands are the different rules that an operation must pass, each with the field
// that names it first.
type Demands []demand

type demand struct {
	rule  Rule
	field string // "Type.field"
}

// Check refuses a principal that may not run the operation, with a *Refusal; nil
// when it may.
func (d Demands) Check(p Principal, now time.Time) *Refusal {
	for _, x := range d {
		switch code := x.rule.judge(p, now); code {
		case "":
		case fault.ScopeMissing:
			return &Refusal{Code: code, Field: x.field, Scope: x.rule.Scope}
		default:
			return &Refusal{Code: code, Field: x.field}
		}
	}
	return nil
}

// Demands collects what an operation of a valid document asks for, through all of
// its fragments.
func (r *Rules) Demands(doc *ast.QueryDocument, op *ast.OperationDefinition) Demands {
	if r == nil {
		return nil
	}
	c := &collector{rules: r, doc: doc, spread: map[string]bool{}}
	c.selections(op.SelectionSet, r.root(op.Operation))
	return slices.Clip(c.found)
}

func (r *Rules) root(op ast.Operation) string {
	def := r.schema.Query
	switch op {
	case ast.Mutation:
		def = r.schema.Mutation
	case ast.Subscription:
		def = r.schema.Subscription
	case ast.Query:
	}
	if def == nil {
		return ""
	}
	return def.Name
}

// collector walks an operation; each fragment once, for where it is spread doesn't
// change its type.
type collector struct {
	rules  *Rules
	doc    *ast.QueryDocument
	spread map[string]bool
	found  Demands
}

func (c *collector) selections(set ast.SelectionSet, typ string) {
	for _, sel := range set {
		switch x := sel.(type) {
		case *ast.Field:
			c.field(x, typ)
		case *ast.InlineFragment:
			on := typ
			if x.TypeCondition != "" {
				on = x.TypeCondition
			}
			c.selections(x.SelectionSet, on)
		case *ast.FragmentSpread:
			if f := c.doc.Fragments.ForName(x.Name); f != nil && !c.spread[x.Name] {
				c.spread[x.Name] = true
				c.selections(f.SelectionSet, f.TypeCondition)
			}
		}
	}
}

// field takes the rule of one field and looks below it. A field that is not in the
// schema has the rule that lets nobody pass.
func (c *collector) field(f *ast.Field, typ string) {
	if strings.HasPrefix(f.Name, "__") { // introspection is free, and all below it
		return
	}
	rule, _ := c.rules.Of(typ, f.Name)
	if !slices.ContainsFunc(c.found, func(d demand) bool { return d.rule == rule }) {
		c.found = append(c.found, demand{rule: rule, field: typ + "." + f.Name})
	}
	if def := c.rules.schema.Types[typ]; def != nil {
		if fd := def.Fields.ForName(f.Name); fd != nil {
			c.selections(f.SelectionSet, fd.Type.Name())
		}
	}
}
