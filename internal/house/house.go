// Package house holds the tests that keep the walls of this code base: which room
// may import which, which package owns which table, that no resolver is left
// unwritten and that every package says what it is for. docs/ARCHITECTURE.md tells
// why; the tables in rooms.go are what counts.
//
// Each check reads the source tree and returns what breaks its rule, one line each
// with file and line. A new package or table must be entered in the tables first:
// what is not classified breaks the rule.
package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the import path of the tree's root.
const module = "github.com/kimi-k2/kimi-k2"

// source is one Go file of the tree.
type source struct {
	path      string // slash-separated, from the root
	dir       string // the package's folder, "." for the root
	test      bool
	generated bool
	text      string
	file      *ast.File
	fset      *token.FileSet
}

// at is the place of a node, for a line of a check's answer.
func (s source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.fset.Position(n.Pos()).Line)
}

// imports lists the file's import paths.
func (s source) imports() []*ast.ImportSpec { return s.file.Imports }

// skipped are folders that hold no code of ours.
var skipped = []string{".git", ".cache", "bin", "data", "dist", "node_modules", "testdata"}

// readTree parses all Go files below root.
func readTree(root string) ([]source, error) {
	var out []source
	err := walk(root, func(name string) error {
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		s, err := readSource(root, name)
		if err == nil {
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// walk calls visit with every file below root, slash-separated and relative.
func walk(root string, visit func(name string) error) error {
	return filepath.WalkDir(root, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if full != root && slices.Contains(skipped, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		name, err := filepath.Rel(root, full)
		if err != nil {
			return err
		}
		return visit(filepath.ToSlash(name))
	})
}

func readSource(root, name string) (source, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		return source{}, fmt.Errorf("read source: %w", err)
	}
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source{}, fmt.Errorf("parse source: %w", err)
	}
	return source{
		path: name, dir: path.Dir(name), text: string(text), file: file, fset: fset,
		test: strings.HasSuffix(name, "_test.go"), generated: ast.IsGenerated(file),
	}, nil
}

// inspect calls visit with every node of the file.
func (s source) inspect(visit func(ast.Node)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if n != nil {
			visit(n)
		}
		return true
	})
}

// stringValue is the value of a string literal, "" for other nodes.
func stringValue(n ast.Node) string {
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}
