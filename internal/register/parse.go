package register

import (
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// file is the register as it is written.
type file struct {
	Version string          `yaml:"version"`
	Groups  inOrder[Group]  `yaml:"groups"`
	Clauses inOrder[Clause] `yaml:"clauses"`
	Tables  inOrder[table]  `yaml:"tables"`
}

// table is a Table as it is written.
type table struct {
	Table   `yaml:",inline"`
	Columns inOrder[column] `yaml:"columns"`
}

// column is a Column as it is written: a category alone, or all of it.
type column struct{ Column }

// UnmarshalYAML reads both forms.
func (c *column) UnmarshalYAML(node ast.Node) error {
	c.Store = Plain
	if text, ok := node.(*ast.StringNode); ok {
		c.Category = text.Value
		return nil
	}
	return yaml.NodeToValue(node, &c.Column, yaml.Strict()) //nolint:wrapcheck // says line and field
}

// named is one entry of a mapping.
type named[T any] struct {
	name  string
	value T
}

// inOrder is a mapping whose order counts.
type inOrder[T any] []named[T]

// UnmarshalYAML reads the entries one after the other and refuses unknown fields.
func (o *inOrder[T]) UnmarshalYAML(node ast.Node) error {
	entries, ok := node.(ast.MapNode)
	if !ok {
		return fmt.Errorf("%s: a mapping is expected", node.GetPath())
	}
	for it := entries.MapRange(); it.Next(); {
		var n named[T]
		if err := yaml.NodeToValue(it.Key(), &n.name); err != nil {
			return fmt.Errorf("%s: %w", node.GetPath(), err)
		}
		if err := yaml.NodeToValue(it.Value(), &n.value, yaml.Strict()); err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		*o = append(*o, n)
	}
	return nil
}

// parse reads and checks a register.
func parse(raw []byte) (*Register, error) {
	var f file
	if err := yaml.UnmarshalWithOptions(raw, &f, yaml.Strict()); err != nil {
		return nil, err //nolint:wrapcheck // says line and field
	}
	r := &Register{Version: f.Version}
	for _, g := range f.Groups {
		g.value.Name = g.name
		r.Groups = append(r.Groups, g.value)
	}
	for _, c := range f.Clauses {
		c.value.ID = c.name
		r.Clauses = append(r.Clauses, c.value)
	}
	for _, t := range f.Tables {
		t.value.Name = t.name
		for _, c := range t.value.Columns {
			c.value.Name = c.name
			t.value.Table.Columns = append(t.value.Table.Columns, c.value.Column)
		}
		r.Tables = append(r.Tables, t.value.Table)
	}
	return r, r.check()
}
