// Command printschema prints GraphQL schema files as one document, types in the
// order of their names, with what API keys need in the descriptions: for tools that read a
// single file, and for what the server says of its schema.
package main

import (
	"fmt"
	"os"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "printschema:", err)
		os.Exit(1)
	}
}

// run prints the schema that the files make together.
func run(files []string) error {
	var sources []*ast.Source
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read schema: %w", err)
		}
		sources = append(sources, &ast.Source{Name: name, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		return fmt.Errorf("parse schema: %w", err)
	}
	authz.Describe(schema)
	formatter.NewFormatter(os.Stdout, formatter.WithIndent("  ")).FormatSchema(schema)
	return nil
}
