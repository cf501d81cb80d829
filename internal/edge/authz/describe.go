package authz

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Describe adds to the descriptions of a schema what API keys need for what carries a rule
// of its own: tools that ask a server for its schema see no directives. It says nothing of
// what is open to all keys without a scope.
func Describe(schema *ast.Schema) {
	declared := schema.Directives[directive]
	if declared == nil {
		return
	}
	for _, def := range schema.Types {
		if !ruled(def) {
			continue
		}
		if d := def.Directives.ForName(directive); d != nil {
			def.Description = joined(def.Description, read(declared, d).forKeys())
		}
		for _, f := range def.Fields {
			if d := f.Directives.ForName(directive); d != nil {
				f.Description = joined(f.Description, read(declared, d).forKeys())
			}
		}
	}
}

// forKeys is the rule as it concerns API keys, "" when any may pass.
func (r Rule) forKeys() string {
	switch {
	case r.Allow&APIKey == 0:
		return "Not for API keys."
	case r.Scope != "":
		return "API keys need the scope `" + WireScope(r.Scope) + "`."
	}
	return ""
}

func joined(description, sentence string) string {
	switch {
	case sentence == "" || strings.HasSuffix(description, sentence):
		return description
	case description == "":
		return sentence
	case strings.Contains(description, "\n"):
		return description + "\n" + sentence
	}
	return description + " " + sentence
}
