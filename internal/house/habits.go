package house

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"strings"
)

// unwrittenResolvers finds the bodies that gqlgen writes for what it cannot bind:
// they panic when somebody asks.
func unwrittenResolvers(tree []source) []string {
	var out []string
	for _, s := range tree {
		if !under(s.dir, "resolvers") && !under(s.dir, "graph") {
			continue
		}
		s.inspect(func(n ast.Node) {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return
			}
			if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" && mentions(call, "not implemented") {
				out = append(out, fmt.Sprintf("%s: a resolver is not written: it panics when it is asked", s.at(call)))
			}
		})
	}
	return out
}

// mentions reports whether a string literal below n holds the words.
func mentions(n ast.Node, words string) bool {
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && strings.Contains(strings.ToLower(stringValue(lit)), words) {
			found = true
		}
		return !found
	})
	return found
}

// inlineConditions finds conditions given to gorm's finishers that are not written
// out on the spot: a string there is SQL, whoever wrote it.
func inlineConditions(tree []source) []string {
	finishers := map[string]bool{"First": true, "Last": true, "Take": true, "Find": true, "Delete": true}
	var out []string
	for _, s := range tree {
		if s.test || !importsAny(s, "gorm.io/gorm") {
			continue
		}
		s.inspect(func(n ast.Node) {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 2 || stringValue(call.Args[1]) != "" {
				return
			}
			if sel, ok := call.Fun.(*ast.SelectorExpr); ok && finishers[sel.Sel.Name] {
				out = append(out, fmt.Sprintf("%s: give the condition as a literal: this argument of %s is taken as SQL", s.at(call), sel.Sel.Name))
			}
		})
	}
	return out
}

func importsAny(s source, target string) bool {
	for _, spec := range s.imports() {
		if stringValue(spec.Path) == target {
			return true
		}
	}
	return false
}

// undescribed finds packages without a comment that says what they are for.
func undescribed(tree []source) []string {
	described, first := map[string]bool{}, map[string]string{}
	var order []string
	for _, s := range tree {
		if s.test {
			continue
		}
		if first[s.dir] == "" {
			first[s.dir] = s.path
			order = append(order, s.dir)
		}
		if s.file.Doc != nil && !s.generated {
			described[s.dir] = true
		}
	}
	var out []string
	for _, dir := range order {
		if !described[dir] {
			out = append(out, fmt.Sprintf("%s: the package has no comment that says what it promises", first[dir]))
		}
	}
	return out
}

// sleeps finds tests that wait for time instead of a signal.
func sleeps(tree []source) []string {
	var out []string
	for _, s := range tree {
		if !s.test || importsAny(s, "testing/synctest") {
			continue
		}
		s.inspect(func(n ast.Node) {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok || sel.Sel.Name != "Sleep" {
				return
			}
			if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" {
				out = append(out, fmt.Sprintf("%s: a test sleeps: wait for a signal", s.at(sel)))
			}
		})
	}
	return out
}

// The words are put together so that this file doesn't find itself.
var promise = regexp.MustCompile(`\b(` + "TO" + `DO|FIX` + `ME|XX` + `X)\b`)

// extensions of the files whose comments promisesLeft reads, beside Go's.
var extensions = map[string]bool{".ts": true, ".tsx": true, ".js": true, ".mjs": true, ".css": true, ".sql": true, ".graphqls": true, ".sh": true, ".yml": true}

// promisesLeft finds notes of work still to be done in a file's text; in Go files
// only in comments.
func promisesLeft(name, text string) []string {
	if strings.HasSuffix(name, ".go") || !extensions[path.Ext(name)] {
		return nil
	}
	var out []string
	for i, line := range strings.Split(text, "\n") {
		if word := promise.FindString(line); word != "" {
			out = append(out, fmt.Sprintf("%s:%d: %s: do it or leave it out", name, i+1, word))
		}
	}
	return out
}

// promisesInGo is promisesLeft for the comments of Go files.
func promisesInGo(tree []source) []string {
	var out []string
	for _, s := range tree {
		if s.generated {
			continue
		}
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if word := promise.FindString(c.Text); word != "" {
					out = append(out, fmt.Sprintf("%s: %s: do it or leave it out", s.at(c), word))
				}
			}
		}
	}
	return out
}
