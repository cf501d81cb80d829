package inference_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

func ptr[T any](v T) *T { return &v }

// weather is a request with a tool.
func weather() inference.Request {
	r := asking("What is the weather in Bern?")
	r.Tools = []inference.Tool{{Name: "weather", Description: "of a town", Parameters: json.RawMessage(`{"type":"object","properties":{"town":{"type":"string"}}}`)}}
	return r
}

// T20: what may be passed on is passed on in our own words; F35: thoughts go back beside
// the calls that they led to, and only there.
func TestToolsAndTheirLikeReachTheEngine(t *testing.T) {
	const head = `{"model":"kimi-k2","messages":[{"role":"user","content":"What is the weather in Bern?"}`
	const tail = `"stream":true,"stream_options":{"include_usage":true},"max_tokens":100`
	const tools = `"tools":[{"type":"function","function":{"name":"weather","description":"of a town","parameters":{"type":"object","properties":{"town":{"type":"string"}}}}}]`
	tests := map[string]struct {
		change func(*inference.Request)
		want   string
	}{
		"tools":        {func(*inference.Request) {}, head + `],` + tail + `,` + tools + `}`},
		"a choice":     {func(r *inference.Request) { r.ToolChoice.Mode, r.ParallelToolCalls = "required", ptr(false) }, head + `],` + tail + `,` + tools + `,"tool_choice":"required","parallel_tool_calls":false}`},
		"a named tool": {func(r *inference.Request) { r.ToolChoice.Function = "weather" }, head + `],` + tail + `,` + tools + `,"tool_choice":{"type":"function","function":{"name":"weather"}}}`},
		"a choice of nothing": {func(r *inference.Request) {
			r.Tools, r.ToolChoice.Mode, r.ParallelToolCalls = nil, "auto", ptr(true)
		}, head + `],` + tail + `}`},
		"sampling": {func(r *inference.Request) {
			r.Tools, r.Model.Sampling.Temperature = nil, ptr(0.6)
			r.Temperature, r.TopP, r.PresencePenalty, r.FrequencyPenalty, r.Stop, r.Seed = ptr(0.0), ptr(0.9), ptr(1.0), ptr(-1.0), []string{"\n\n"}, ptr(int64(7))
		}, head + `],` + tail + `,"temperature":0,"top_p":0.9,"presence_penalty":1,"frequency_penalty":-1,"stop":["\n\n"],"seed":7}`},
		"fixed sampling": {func(r *inference.Request) {
			r.Tools, r.Model.Sampling.Fixed = nil, true
			r.Temperature, r.TopP, r.PresencePenalty, r.FrequencyPenalty, r.Stop, r.Seed = ptr(0.0), ptr(0.9), ptr(1.0), ptr(-1.0), []string{"\n\n"}, ptr(int64(7))
		}, head + `],` + tail + `,"stop":["\n\n"],"seed":7}`},
		"JSON": {func(r *inference.Request) { r.Tools, r.ResponseFormat.Type = nil, "json_object" }, head + `],` + tail + `,"response_format":{"type":"json_object"}}`},
		"a schema": {func(r *inference.Request) {
			r.Tools, r.ResponseFormat = nil, inference.ResponseFormat{Type: "json_schema", Name: "n", Schema: json.RawMessage(`{"type":"object"}`), Strict: ptr(true)}
		}, head + `],` + tail + `,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}}}`},
		"calls and answers": {func(r *inference.Request) {
			r.Tools = nil
			r.Messages = append(r.Messages,
				inference.Message{Role: inference.RoleAssistant, Reasoning: "<hm>", ToolCalls: []inference.ToolCall{{ID: "functions.weather:0", Name: "weather", Arguments: `{"town":"Bern"}`}}},
				inference.Message{Role: inference.RoleTool, ToolCallID: "functions.weather:0", Text: "rain"},
				inference.Message{Role: inference.RoleAssistant, Reasoning: "not again", Text: "It rains."}, inference.Message{Role: inference.RoleDeveloper, Name: "boss", Text: "Go on."})
		}, head + `,{"role":"assistant","content":"","reasoning_content":"<hm>","tool_calls":[{"id":"functions.weather:0","type":"function","function":{"name":"weather","arguments":"{\"town\":\"Bern\"}"}}]},` +
			`{"role":"tool","content":"rain","tool_call_id":"functions.weather:0"},{"role":"assistant","content":"It rains."},{"role":"system","content":"Go on.","name":"boss"}],` + tail + `}`},
		"parts": {func(r *inference.Request) {
			r.Tools = nil
			r.Messages = append(r.Messages, inference.Message{Role: inference.RoleUser, Parts: []inference.Part{{Text: "What is <this>?"}, {ImageURL: "data:image/png;base64,AA==", Detail: "low"}}})
		}, head + `,{"role":"user","content":[{"type":"text","text":"What is <this>?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AA==","detail":"low"}}]}],` + tail + `}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake := inferencetest.New(t)
			r := weather()
			tt.change(&r)
			if _, _, _, err := collected(t.Context(), newEngine(t, fake.URL()), r); err != nil {
				t.Fatal(err)
			}
			if s := strings.TrimSpace(string(fake.Requests()[0].Body)); s != tt.want {
				t.Errorf("sent\n%s, want\n%s", s, tt.want)
			}
		})
	}
}

// called streams r and returns the calls, joined.
func called(t *testing.T, e *inference.Engine, r inference.Request) (calls []inference.ToolCall, reasoning string, result inference.Result, err error) {
	t.Helper()
	result, err = e.Stream(t.Context(), r, func(d inference.Delta) {
		reasoning += d.Reasoning
		for _, c := range d.ToolCalls {
			if c.Index == len(calls) {
				calls = append(calls, inference.ToolCall{ID: c.ID, Name: c.Name})
			}
			calls[c.Index].Arguments += c.Arguments
		}
	})
	return calls, reasoning, result, err
}

// Calls that an engine gives no ids are counted through the conversation, as Kimi K2 does.
func TestIdsOfOurOwnCountThroughTheConversation(t *testing.T) {
	fake := inferencetest.New(t)
	r := weather()
	before := inference.Message{Role: inference.RoleAssistant, ToolCalls: []inference.ToolCall{{ID: "functions.weather:0", Name: "weather"}, {ID: "functions.weather:1", Name: "weather"}}}
	r.Messages = append(r.Messages, before, inference.Message{Role: inference.RoleTool, ToolCallID: "functions.weather:0"}, inference.Message{Role: inference.RoleTool, ToolCallID: "functions.weather:1"})
	const whole = `{"choices":[{"message":{"tool_calls":[{"function":{"name":"weather","arguments":"{}"}},{"function":{"name":"clock","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`
	fake.Queue(inferencetest.Script{inferencetest.ToolCall(0, "", "weather", "{}"), inferencetest.ToolCall(1, "", "clock", "{}"), inferencetest.Finish("tool_calls"), inferencetest.Done()},
		inferencetest.Refuse(200, whole))
	want := []inference.ToolCall{{ID: "functions.weather:2", Name: "weather", Arguments: "{}"}, {ID: "functions.clock:3", Name: "clock", Arguments: "{}"}}
	for _, how := range []string{"a stream", "in one piece"} {
		if calls, _, _, err := called(t, newEngine(t, fake.URL()), r); err != nil || !reflect.DeepEqual(calls, want) {
			t.Errorf("%s: %+v, %v", how, calls, err)
		}
	}
}

// Names and ids come whole, however long Anthropic's clients make them.
func TestLongNamesOfCallsComeWhole(t *testing.T) {
	fake := inferencetest.New(t)
	name := strings.Repeat("n", 128)
	fake.Queue(inferencetest.Script{inferencetest.ToolCall(0, "functions."+name+":100", name, "{}"), inferencetest.ToolCall(1, "functions."+name+":101", name, "{}"), inferencetest.Finish("tool_calls"), inferencetest.Done()})
	want := []inference.ToolCall{{ID: "functions." + name + ":100", Name: name, Arguments: "{}"}, {ID: "functions." + name + ":101", Name: name, Arguments: "{}"}}
	if calls, _, _, err := called(t, newEngine(t, fake.URL()), weather()); err != nil || !reflect.DeepEqual(calls, want) {
		t.Errorf("%+v, %v", calls, err)
	}
}

// F33: an engine that says that it calls tools and names none is asked once more, in one
// piece, unless something was delivered that would come twice.
func TestCallsThatDoNotComeAreAskedForOnceMore(t *testing.T) {
	want := []inference.ToolCall{{ID: "functions.weather:0", Name: "weather", Arguments: `{"town":"Bern"}`}}
	silent := inferencetest.Script{inferencetest.Finish("tool_calls"), inferencetest.Usage(), inferencetest.Done()}
	whole := inferencetest.Script{inferencetest.Think("again"), inferencetest.ToolCall(0, "functions.weather:0", "weather", `{"town"`, `:"Bern"}`), inferencetest.Finish("tool_calls"),
		inferencetest.Usage(openai.Usage{PromptTokens: 5, CompletionTokens: 6})}
	for name, tt := range map[string]struct {
		first     inferencetest.Script
		reasoning string
		asked     int
	}{
		"at once":                   {whole, "again", 1},
		"after nothing":             {silent, "again", 2},
		"after thoughts":            {append(inferencetest.Script{inferencetest.Think("hm<|tool_calls_section_begin|>")}, silent...), "hm", 2},
		"after thoughts, in pieces": {append(inferencetest.Script{inferencetest.Think("h", "m<|tool_calls_sec", "tion_begin|>")}, silent...), "hm", 2},
	} {
		t.Run(name, func(t *testing.T) {
			fake := inferencetest.New(t)
			fake.Queue(tt.first, whole)
			calls, reasoning, result, err := called(t, newEngine(t, fake.URL()), weather())
			if err != nil || !reflect.DeepEqual(calls, want) || reasoning != tt.reasoning || result.FinishReason != "tool_calls" || result.Usage.OutputTokens != 6 {
				t.Errorf("got %+v, %q, %+v, %v", calls, reasoning, result, err)
			}
			asked := fake.Requests()
			if len(asked) != tt.asked || !asked[0].Stream || len(asked) == 2 && asked[1].Stream {
				t.Errorf("asked %d times", len(asked))
			}
		})
	}
	fake := inferencetest.New(t)
	fake.Queue(silent, silent)
	_, _, _, err := called(t, newEngine(t, fake.URL()), weather())
	wantFault(t, err, fault.UpstreamFailed, "named none")
	fake.Queue(append(inferencetest.Script{inferencetest.Say("I shall.")}, silent...))
	if text, _, _, err := collected(t.Context(), newEngine(t, fake.URL()), weather()); err != nil || text != "I shall." || len(fake.Requests()) != 3 {
		t.Errorf("got %q, %v after %d requests", text, err, len(fake.Requests()))
	}
}
