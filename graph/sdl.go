package graph

import "strings"

// SDL is the schema as third parties get it: all files of graph/schema in one text.
func SDL() string {
	var b strings.Builder
	for _, s := range sources {
		if !s.BuiltIn {
			b.WriteString(strings.TrimSpace(s.Input))
			b.WriteString("\n\n")
		}
	}
	return b.String()
}
