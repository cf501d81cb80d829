package house

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2"
	graphql "github.com/vektah/gqlparser/v2/ast"

	"github.com/kimi-k2/kimi-k2/internal/edge/authz"
)

// readSchema puts the files of graph/schema below root together.
func readSchema(root string) (*graphql.Schema, error) {
	names, err := filepath.Glob(filepath.Join(root, "graph", "schema", "*.graphqls"))
	if err != nil {
		return nil, fmt.Errorf("look for the schema: %w", err)
	}
	sources := make([]*graphql.Source, len(names))
	for i, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
		sources[i] = &graphql.Source{Name: name, Input: string(text)}
	}
	schema, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		return nil, fmt.Errorf("the schema: %w", err)
	}
	return schema, nil
}

// accessRules finds what is wrong with the rules about who may ask for what.
func accessRules(schema *graphql.Schema) []string { return authz.Flaws(schema) }

// exposedSecrets finds fields that are bound to a column which the models keep to
// themselves: gqlgen binds by name, whatever the column holds.
func exposedSecrets(schema *graphql.Schema, tree []source) (out []string) {
	for typ, secrets := range secretColumns(tree) {
		def := schema.Types[typ]
		if def == nil || def.Kind == graphql.InputObject {
			continue
		}
		for _, f := range def.Fields {
			if column, ok := secrets[strings.ToLower(f.Name)]; ok {
				out = append(out, fmt.Sprintf("%s.%s would show models.%s.%s, which is a secret", typ, f.Name, typ, column))
			}
		}
	}
	return out
}

// secretColumns are the fields of the models that are tagged `json:"-"`: by struct,
// then by name in lower case.
func secretColumns(tree []source) map[string]map[string]string {
	out := map[string]map[string]string{}
	for _, s := range tree {
		if s.dir != "models" || s.test {
			continue
		}
		s.inspect(func(n ast.Node) {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return
			}
			if st, ok := spec.Type.(*ast.StructType); ok {
				out[spec.Name.Name] = secretsOf(st)
			}
		})
	}
	return out
}

func secretsOf(st *ast.StructType) map[string]string {
	out := map[string]string{}
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag, err := strconv.Unquote(f.Tag.Value)
		if err != nil || reflect.StructTag(tag).Get("json") != "-" {
			continue
		}
		for _, name := range f.Names {
			out[strings.ToLower(name.Name)] = name.Name
		}
	}
	return out
}
