package register

import (
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// file is the register as it is written.
type file struct {
	Version    string             `yaml:"version"`
	Groups     inOrder[Group]     `yaml:"groups"`
	Clauses    inOrder[Clause]    `yaml:"clauses"`
	Tables     inOrder[table]     `yaml:"tables"`
	LogFields  inOrder[field]     `yaml:"log_fields"`
	Metrics    inOrder[field]     `yaml:"metrics"`
	Mails      inOrder[letter]    `yaml:"mails"`
	Recipients inOrder[recipient] `yaml:"recipients"`
	Files      inOrder[Place]     `yaml:"files"`
	Backups    inOrder[Place]     `yaml:"backups"`
	Open       inOrder[string]    `yaml:"open"`
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

// field is a Field as it is written: a category alone, or with words about it.
type field struct{ Field }

// UnmarshalYAML reads both forms.
func (f *field) UnmarshalYAML(node ast.Node) error {
	if text, ok := node.(*ast.StringNode); ok {
		f.Category = text.Value
		return nil
	}
	return yaml.NodeToValue(node, &f.Field, yaml.Strict()) //nolint:wrapcheck // says line and field
}

// letter is a Mail as it is written.
type letter struct {
	About  string         `yaml:"about"`
	Clause string         `yaml:"clause"`
	OptOut bool           `yaml:"opt_out"`
	Facts  inOrder[field] `yaml:"facts"`
}

// recipient is a Recipient as it is written.
type recipient struct {
	About   string         `yaml:"about"`
	Clause  string         `yaml:"clause"`
	Consent bool           `yaml:"consent"`
	Fields  inOrder[field] `yaml:"fields"`
}

// fieldsOf are fields with their names.
func fieldsOf(all inOrder[field]) (out []Field) {
	for _, f := range all {
		f.value.Name = f.name
		out = append(out, f.value.Field)
	}
	return out
}

// placesOf are places with their names.
func placesOf(all inOrder[Place]) (out []Place) {
	for _, p := range all {
		p.value.Name = p.name
		out = append(out, p.value)
	}
	return out
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

// parse reads a register.
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
	f.sections(r)
	return r, nil
}

// sections are those beside groups, clauses and tables.
func (f file) sections(r *Register) {
	r.LogFields, r.Metrics = fieldsOf(f.LogFields), fieldsOf(f.Metrics)
	r.Files, r.Backups = placesOf(f.Files), placesOf(f.Backups)
	for _, o := range f.Open {
		r.Open = append(r.Open, Open{Promise: o.name, Why: o.value})
	}
	for _, m := range f.Mails {
		r.Mails = append(r.Mails, Mail{Kind: m.name, About: m.value.About, Clause: m.value.Clause, OptOut: m.value.OptOut, Facts: fieldsOf(m.value.Facts)})
	}
	for _, x := range f.Recipients {
		r.Recipients = append(r.Recipients, Recipient{Kind: x.name, About: x.value.About, Clause: x.value.Clause, Consent: x.value.Consent, Fields: fieldsOf(x.value.Fields)})
	}
}
