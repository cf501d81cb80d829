package graph

import (
	_ "embed"
	"fmt"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed schema.graphql
var sdl string

// SDL is the schema as third parties get it: all files of graph/schema merged into one
// document without extensions, which not every tool understands.
func SDL() string { return sdl }

// Schema is the schema with the descriptions that SDL has, for Config.Schema: they say what
// API keys need, which introspection wouldn't show otherwise.
func Schema() (*ast.Schema, error) {
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: sdl})
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return schema, nil
}
