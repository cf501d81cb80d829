package graph_test

import (
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/graph"
)

// P81: what API keys need stands in the descriptions, which every tool shows.
func TestDescriptionsSayWhatKeysNeed(t *testing.T) {
	schema, err := graph.Schema()
	if err != nil {
		t.Fatal(err)
	}
	for of, want := range map[string]string{
		"Query.models":         "API keys need the scope `models:read`.",
		"Query.node":           "API keys need the scope `conversations:read`.",
		"Mutation.messageSend": "API keys need the scope `chat:write`.",
		"Viewer.apiKeys":       "Not for API keys.",
		"Query.viewer":         "personal.",
	} {
		typ, name, _ := strings.Cut(of, ".")
		if got := schema.Types[typ].Fields.ForName(name).Description; !strings.HasSuffix(got, want) {
			t.Errorf("%s: %q", of, got)
		}
	}
	if !strings.Contains(graph.SDL(), "API keys need the scope `usage:read`.") {
		t.Error("the published schema is silent")
	}
}
