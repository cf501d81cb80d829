package demo_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// A question that names a tool has it called, and its answer is told.
func TestDemoCallsToolsAndWritesJSON(t *testing.T) {
	e, m := start(t, fast())
	ask := func(r inference.Request) (text string, calls []inference.ToolCallDelta, finish string) {
		r.Model = m
		res, err := e.Stream(t.Context(), r, func(d inference.Delta) { text += d.Text; calls = append(calls, d.ToolCalls...) })
		if err != nil {
			t.Fatal(err)
		}
		return text, calls, res.FinishReason
	}
	tools := []inference.Tool{{Name: "clock"}, {Name: "weather", Parameters: json.RawMessage(`{"type":"object","properties":{"town":{"type":"string"},"days":{"type":"integer"},"unit":{"enum":["C","F"]}},"required":["town","unit"]}`)}}
	question := "Use weather for Bern"
	_, calls, finish := ask(inference.Request{Messages: turns(question), Tools: tools})
	if len(calls) != 1 || calls[0].Name != "weather" || calls[0].Arguments != `{"town":"Use weather for Bern","unit":"C"}` || finish != "tool_calls" {
		t.Errorf("called %+v, finished with %q", calls, finish)
	}
	if _, calls, _ := ask(inference.Request{Messages: turns("hello"), Tools: tools, ToolChoice: inference.ToolChoice{Function: "clock"}}); len(calls) != 1 || calls[0].Name != "clock" {
		t.Errorf("called %+v instead of the clock", calls)
	}
	if text, calls, finish := ask(inference.Request{Messages: turns(question), Tools: tools, ToolChoice: inference.ToolChoice{Mode: "none"}}); len(calls) != 0 || text == "" || finish != "stop" {
		t.Errorf("called %+v", calls)
	}
	answered := append(turns(question), inference.Message{Role: inference.RoleAssistant, ToolCalls: []inference.ToolCall{{ID: calls[0].ID, Name: "weather", Arguments: "{}"}}},
		inference.Message{Role: inference.RoleTool, ToolCallID: calls[0].ID, Text: "17 degrees"})
	if text, calls, _ := ask(inference.Request{Messages: answered, Tools: tools}); !strings.Contains(text, "17 degrees") || len(calls) != 0 {
		t.Errorf("said %q", text)
	}
	if _, again, _ := ask(inference.Request{Messages: append(answered, turns(question)...), Tools: tools}); len(again) != 1 || calls[0].ID != "functions.weather:0" || again[0].ID != "functions.weather:1" {
		t.Errorf("called %+v after %+v", again, calls)
	}
	text, _, _ := ask(inference.Request{Messages: turns("hello"), ResponseFormat: inference.ResponseFormat{Type: "json_schema", Name: "n", Schema: json.RawMessage(`{"type":"object","properties":{"ok":{"type":"boolean"}}}`)}})
	if text != `{"ok":true}` {
		t.Errorf("wrote %q", text)
	}
	if text, _, _ := ask(inference.Request{Messages: turns("hello"), ResponseFormat: inference.ResponseFormat{Type: "json_object"}}); !json.Valid([]byte(text)) {
		t.Errorf("wrote %q", text)
	}
}
