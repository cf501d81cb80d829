package house

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

// tableOwners finds rows that are built, and tables that are named in SQL, outside
// the package that owns them. The database's own package may name none either.
func tableOwners(tree []source) []string {
	var out []string
	for _, s := range tree {
		if k := kindOf(s.dir); s.test || s.generated || k == outside || k == testOnly {
			continue
		}
		s.inspect(func(n ast.Node) {
			names, deed := touches(n)
			for _, table := range names {
				if ownerOf(table) != s.dir {
					out = append(out, fmt.Sprintf("%s: %s %s the table %s, which %s owns", s.at(n), s.dir, deed, table, ownerOf(table)))
				}
			}
		})
	}
	return out
}

func ownerOf(table string) string {
	for _, t := range tables {
		if t.name == table {
			return t.owner
		}
	}
	return ""
}

// touches names the tables that a node builds a row of or speaks SQL to.
func touches(n ast.Node) (names []string, deed string) {
	switch n := n.(type) {
	case *ast.CompositeLit:
		if table := tableOfModel(n.Type); table != "" {
			return []string{table}, "builds a row of"
		}
	case *ast.CallExpr:
		if sel, ok := n.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "Table" && len(n.Args) > 0 {
			name, _, _ := strings.Cut(strings.TrimSpace(stringValue(n.Args[0])), " ")
			if ownerOf(name) != "" {
				return []string{name}, "queries"
			}
		}
	case *ast.BasicLit:
		return tablesInSQL(stringValue(n)), "speaks SQL to"
	}
	return nil, ""
}

// tableOfModel is the table of a composite literal of type models.X, []models.X or
// []*models.X; "" for others. An empty slice builds no row, but is rare enough.
func tableOfModel(t ast.Expr) string {
	if array, ok := t.(*ast.ArrayType); ok {
		t = array.Elt
	}
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	sel, ok := t.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	if pkg, ok := sel.X.(*ast.Ident); !ok || pkg.Name != "models" {
		return ""
	}
	for _, table := range tables {
		if table.model == sel.Sel.Name {
			return table.name
		}
	}
	return ""
}

var (
	writes = regexp.MustCompile(`(?i)\b(?:insert\s+into|update(?:\s+only)?|delete\s+from|truncate(?:\s+table)?|copy|lock\s+table)\s+"?([a-z_]+)`)
	reads  = regexp.MustCompile(`(?i)\b(?:from|join)\s+"?([a-z_]+)`)
	query  = regexp.MustCompile(`(?is)\bselect\b.+\bfrom\b`)
)

// tablesInSQL lists the known tables that a text of SQL names. Plain sentences
// rarely say "update messages" in a literal.
func tablesInSQL(text string) []string {
	matches := writes.FindAllStringSubmatch(text, -1)
	if query.MatchString(text) {
		matches = append(matches, reads.FindAllStringSubmatch(text, -1)...)
	}
	var names []string
	for _, m := range matches {
		if name := strings.ToLower(m[1]); ownerOf(name) != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

var created = regexp.MustCompile(`(?i)\bcreate\s+(?:unlogged\s+)?table\s+(?:if\s+not\s+exists\s+)?"?([a-z_]+)`)

// unownedTables finds tables of the migrations (name → SQL) without an owner, and
// owners of tables that no migration makes.
func unownedTables(migrations map[string]string) []string {
	var out []string
	made := map[string]bool{}
	for _, file := range sortedNames(migrations) {
		for _, m := range created.FindAllStringSubmatch(migrations[file], -1) {
			made[m[1]] = true
			if ownerOf(m[1]) == "" {
				out = append(out, fmt.Sprintf("%s: the table %s has no owner: enter it in internal/house/rooms.go", file, m[1]))
			}
		}
	}
	for _, t := range tables {
		if !made[t.name] {
			out = append(out, fmt.Sprintf("internal/house/rooms.go: no migration makes the table %s", t.name))
		}
	}
	return out
}

func sortedNames(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
