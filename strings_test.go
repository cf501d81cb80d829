package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/graph"
)

// nasty are texts that are something else to whoever takes them for code, or for bytes.
var nasty = map[string]string{
	"a quote":         `'`,
	"another end":     `' OR '1'='1' --`,
	"a statement":     `'; DROP TABLE owners; SELECT '`,
	"numbers":         `1 OR 1=1`,
	"a parameter":     `$1 ? @owner :id`,
	"wildcards":       `%_%\`,
	"dollars":         `$$; DELETE FROM owners; $$`,
	"a nul":           "a\x00b",
	"a json":          `{"$ne": null}`,
	"no text":         "",
	"other letters":   "ʼ＇‘\u202e😀",
	"an id of ours":   "own_00000000000000000000000000000000",
	"a cursor":        "MDAwMA",
	"a long one":      strings.Repeat("x'", 4000),
	"half of a rune":  "\xf0\x9f",
	"a comment":       `/*`,
	"another comment": `--`,
}

// filled is a value of a type in which every text is the same.
func filled(schema *ast.Schema, typ *ast.Type, text string, deep int) any {
	if typ.Elem != nil {
		return []any{filled(schema, typ.Elem, text, deep)}
	}
	switch def := schema.Types[typ.Name()]; {
	case typ.Name() == "Int":
		return 1
	case typ.Name() == "Float":
		return 1.5
	case typ.Name() == "Boolean":
		return false
	case typ.Name() == "Time":
		return "2026-01-31T12:00:00.000000Z"
	case typ.Name() == "Credits":
		return "1"
	case def.Kind == ast.Enum:
		return def.EnumValues[0].Name
	case def.Kind == ast.InputObject && deep > 0:
		out := map[string]any{}
		for _, f := range def.Fields {
			out[f.Name] = filled(schema, f.Type, text, deep-1)
		}
		return out
	case def.Kind == ast.InputObject:
		return map[string]any{}
	}
	return text // String, ID
}

// fills asks for a field with every text in its arguments the same, but for cursors where they
// are left out, and gives the codes of the errors.
func (b *browser) fills(schema *ast.Schema, wrap string, f *ast.FieldDefinition, text string, cursors bool) string {
	var declared, passed []string
	variables := map[string]any{}
	for _, a := range f.Arguments {
		declared, passed = append(declared, "$"+a.Name+": "+a.Type.String()), append(passed, a.Name+": $"+a.Name)
		if !cursors && a.Name == "after" {
			continue
		}
		variables[a.Name] = filled(schema, a.Type, text, 3)
	}
	body := ""
	if kind := schema.Types[f.Type.Name()].Kind; kind != ast.Scalar && kind != ast.Enum {
		body = " { __typename }"
	}
	answer := b.ask(fmt.Sprintf(wrap, "("+strings.Join(declared, ", ")+")", f.Name+"("+strings.Join(passed, ", ")+")"+body), variables)
	var codes []string
	errors, _ := answer["errors"].([]any)
	for _, e := range errors {
		codes = append(codes, fmt.Sprint(at(e, "extensions", "code"), " ", at(e, "message")))
	}
	return strings.Join(codes, "; ")
}

// T19, T18: whatever text stands in any argument of any field, for an administrator and for a
// guest, is data: it is answered or refused, nothing fails inside, and nobody else loses anything.
func TestEveryTextOfEveryArgumentIsData(t *testing.T) {
	p := start(t, "RATE_COST_PER_ACCOUNT=0", "RATE_COST_PER_GUEST=0", "RATE_MESSAGES_PER_ACCOUNT=0", "RATE_MESSAGES_PER_GUEST=0", "GUEST_MESSAGE_LIMIT=1000", "STREAMS_PER_GUEST=1000", "STREAMS_PER_ACCOUNT=1000")
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	bystander := p.signIn("bystander")
	bystander.finished("what stays")
	before := bystander.held("messages", nil)
	asked := 0
	for name, b := range map[string]*browser{"operator": p.operator(), "guest": p.browser()} {
		b.send("first", "hello")
		for _, root := range []struct {
			def  *ast.Definition
			wrap string
		}{{schema.Query, "query%s { r: %s }"}, {schema.Types["Viewer"], "query%s { viewer { r: %s } }"}, {schema.Types["Operator"], "query%s { operator { r: %s } }"}, {schema.Mutation, "mutation%s { r: %s }"}} {
			for _, f := range root.def.Fields {
				if strings.HasPrefix(f.Name, "__") || len(f.Arguments) == 0 {
					continue
				}
				for what, text := range nasty {
					for _, cursors := range []bool{true, false} {
						asked++
						if codes := b.fills(schema, root.wrap, f, text, cursors); strings.Contains(codes, "INTERNAL") || strings.Contains(codes, "STORAGE") {
							t.Errorf("%s, %s.%s with %s: %s", name, root.def.Name, f.Name, what, codes)
						}
					}
				}
			}
		}
	}
	if asked < 2000 {
		t.Errorf("only %d were asked", asked)
	}
	if after := bystander.held("messages", nil); fmt.Sprint(after) != fmt.Sprint(before) || countOf(after, "messages") == nil {
		t.Errorf("the bystander had %v and has %v", before, after)
	}
	p.books()
}
