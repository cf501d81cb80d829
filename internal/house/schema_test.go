package house

import (
	"slices"
	"strings"
	"testing"

	graphql "github.com/vektah/gqlparser/v2/ast"
)

// schemaChecks are the rules about the schema, by the name of their bad tree.
var schemaChecks = map[string]func(*graphql.Schema, []source) []string{
	"access-rules":    func(schema *graphql.Schema, _ []source) []string { return accessRules(schema) },
	"exposed-secrets": exposedSecrets,
}

// P81: a field without a rule fails the build; T5: so does one that shows a secret.
func TestTheSchemaKeepsTheRules(t *testing.T) {
	schema, tree := schemaOf(t, root), theTree(t)
	for name, check := range schemaChecks {
		t.Run(name, func(t *testing.T) {
			for _, line := range check(schema, tree) {
				t.Error(line)
			}
		})
	}
	if len(secretColumns(tree)["Session"]) == 0 {
		t.Error("no secret column of models.Session was found")
	}
}

func TestEachSchemaRuleIsSeenToFail(t *testing.T) {
	for name, check := range schemaChecks {
		t.Run(name, func(t *testing.T) {
			dir, want := badTree(t, name)
			tree, err := readTree(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := check(schemaOf(t, dir), tree)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

// The schema itself is seen to fail when any one of its rules is left out.
func TestEveryRuleOfTheSchemaIsNeeded(t *testing.T) {
	schema := schemaOf(t, root)
	for _, def := range schema.Types {
		if def.Directives.ForName("auth") == nil || def == schema.Query || def == schema.Mutation || def == schema.Subscription {
			continue
		}
		kept := def.Directives
		def.Directives = nil
		if len(accessRules(schema)) == 0 {
			t.Errorf("%s does without its rule", def.Name)
		}
		def.Directives = kept
	}
	for _, def := range []*graphql.Definition{schema.Query, schema.Mutation, schema.Subscription} {
		for _, f := range def.Fields {
			kept := f.Directives
			f.Directives = nil
			if !strings.HasPrefix(f.Name, "__") && len(accessRules(schema)) == 0 {
				t.Errorf("%s.%s does without its rule", def.Name, f.Name)
			}
			f.Directives = kept
		}
	}
}

func schemaOf(t *testing.T, root string) *graphql.Schema {
	t.Helper()
	schema, err := readSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}
