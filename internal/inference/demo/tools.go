package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// maxNesting is how deep an example follows a schema.
const maxNesting = 8

// callFor is the call that the demo makes: of the tool that must be called, or of the one
// that the question names. It makes none once a tool has answered. As Kimi K2's, the ids
// count the calls of the whole conversation.
func callFor(req openai.Request) (call openai.ToolCall, ok bool) {
	last := req.Messages[len(req.Messages)-1]
	if last.Role != "user" || len(req.Tools) == 0 {
		return call, false
	}
	wanted, must := "", req.ToolChoice == "required"
	if req.ToolChoice == "none" {
		return call, false
	}
	if named, ok := req.ToolChoice.(map[string]any); ok {
		function, _ := named["function"].(map[string]any)
		wanted, _ = function["name"].(string)
	}
	made := 0
	for _, m := range req.Messages {
		made += len(m.ToolCalls)
	}
	for _, t := range req.Tools {
		name := t.Function.Name
		if name == wanted || wanted == "" && (must || strings.Contains(last.Content, name)) {
			args, err := json.Marshal(example(schemaOf(t.Function.Parameters), last.Content, 0))
			index := 0
			return openai.ToolCall{Index: &index, ID: fmt.Sprintf("functions.%s:%d", name, made), Type: "function", Function: openai.FunctionCall{Name: name, Arguments: string(args)}}, err == nil
		}
	}
	return call, false
}

// toolAnswer is what the demo says once a tool has answered.
func toolAnswer(messages []openai.Message) (text string, ok bool) {
	if len(messages) == 0 || messages[len(messages)-1].Role != "tool" {
		return "", false
	}
	last := messages[len(messages)-1]
	return fmt.Sprintf("The tool answered: %s\n\nThis is the built-in demo, no language model.", last.Content), true
}

// formed is the answer in the form that was asked for; text where none was.
func formed(f *openai.ResponseFormat, text string) string {
	if f == nil || f.Type == "text" {
		return text
	}
	v := any(map[string]any{"answer": text})
	if f.JSONSchema != nil {
		v = example(schemaOf(f.JSONSchema.Schema), text, 0)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "{}"
	}
	return string(b)
}

// schema is as much of JSON Schema as the demo understands.
type schema struct {
	Type       any               `json:"type"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Enum       []any             `json:"enum"`
	Items      *schema           `json:"items"`
}

func schemaOf(raw json.RawMessage) schema {
	s := schema{Type: "object"}
	if len(raw) > 0 && json.Unmarshal(raw, &s) != nil {
		return schema{Type: "object"}
	}
	return s
}

// example is a value that fits a schema; text fills the strings.
func example(s schema, text string, depth int) any {
	if len(s.Enum) > 0 {
		return s.Enum[0]
	}
	kind := s.Type
	if kinds, ok := kind.([]any); ok && len(kinds) > 0 {
		kind = kinds[0]
	}
	switch kind {
	case "string":
		return text
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "array":
		if s.Items != nil && depth < maxNesting {
			return []any{example(*s.Items, text, depth+1)}
		}
		return []any{}
	case "object", nil:
	default:
		return nil
	}
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if depth < maxNesting && (len(s.Required) == 0 || slices.Contains(s.Required, name)) {
			out[name] = example(s.Properties[name], text, depth+1)
		}
	}
	return out
}
