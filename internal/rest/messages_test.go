package rest_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
)

const goodMessage = `{"model":"kimi-k2","max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`

func (f *fixture) message(body string) string {
	f.t.Helper()
	resp := f.do("POST", "/v1/messages", body)
	if resp.Header.Get("Request-Id") != "req_1" {
		f.t.Error("the request has no id")
	}
	return f.text(resp)
}

// Blocks of both sides become messages, calls and results, and nothing else goes on.
func TestWhatAMessageAsksGoesOn(t *testing.T) {
	f := newFixture(t, nil)
	f.message(`{"model":"kimi-k2","max_tokens":100,"top_k":5,"metadata":{"user_id":"u"},"system":[{"type":"text","text":"be brief","cache_control":{"type":"ephemeral"}}],"temperature":1,"top_p":0.5,
		"stop_sequences":["a"],"thinking":{"type":"enabled","budget_tokens":50},"tool_choice":{"type":"any","disable_parallel_tool_use":true},
		"tools":[{"name":"weather","description":"d","input_schema":{"type":"object"}}],"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}},
		"messages":[{"role":"user","content":"hi"},
			{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"look"},{"type":"tool_use","id":"t1","name":"weather","input":{"city": "Rome"}},{"type":"tool_use","id":"t2","name":"weather","input":{}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"rain"},{"type":"tool_result","tool_use_id":"t2","content":[{"type":"text","text":"sun"}],"is_error":false},
				{"type":"text","text":"and?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}}]}]}`)
	half, one, no := 0.5, 1.0, false
	want := inference.Request{MaxOutputTokens: 100, Temperature: &one, TopP: &half, Stop: []string{"a"}, ParallelToolCalls: &no,
		ToolChoice:     inference.ToolChoice{Mode: "required"},
		Tools:          []inference.Tool{{Name: "weather", Description: "d", Parameters: json.RawMessage(`{"type":"object"}`)}},
		ResponseFormat: inference.ResponseFormat{Type: "json_schema", Name: "answer", Schema: json.RawMessage(`{"type":"object"}`)},
		Messages: []inference.Message{{Role: "system", Parts: []inference.Part{{Text: "be brief"}}}, {Role: "user", Text: "hi"},
			{Role: "assistant", Text: "look", Reasoning: "hm", ToolCalls: []inference.ToolCall{{ID: "t1", Name: "weather", Arguments: `{"city":"Rome"}`}, {ID: "t2", Name: "weather", Arguments: "{}"}}},
			{Role: "tool", ToolCallID: "t1", Text: "rain"}, {Role: "tool", ToolCallID: "t2", Parts: []inference.Part{{Text: "sun"}}},
			{Role: "user", Parts: []inference.Part{{Text: "and?"}, {ImageURL: pixel}}}}}
	if got := f.last().Prompt; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := f.last().Route; got != "POST /v1/messages" {
		t.Error(got)
	}
}

// Names of tools are as long as Anthropic's may be, of those that an MCP server gives.
func TestNamesOfToolsAreAsLongAsAnthropics(t *testing.T) {
	f := newFixture(t, nil)
	for n, status := range map[int]int{65: 200, 128: 200, 129: 400} {
		name := "mcp__" + strings.Repeat("a", n-5)
		body := strings.ReplaceAll(`{"model":"kimi-k2","max_tokens":9,"tools":[{"name":"NAME","input_schema":{}}],"tool_choice":{"type":"tool","name":"NAME"},"messages":[{"role":"user","content":"hi"},
			{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"NAME","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]}`, "NAME", name)
		resp := f.do("POST", "/v1/messages", body)
		if text := f.text(resp); resp.StatusCode != status || status == 400 && !strings.Contains(text, "tools[0].name must be 1 to 128") {
			t.Errorf("%d characters: %d %s", n, resp.StatusCode, text)
		}
		if status != 200 {
			continue
		}
		if p := f.last().Prompt; p.Tools[0].Name != name || p.ToolChoice.Function != name || p.Messages[1].ToolCalls[0].Name != name {
			t.Errorf("%d characters: %+v", n, p)
		}
	}
}

func badMessage(fields string) string { return strings.Replace(goodMessage, "{", "{"+fields+",", 1) }

func TestBadMessagesAreRefused(t *testing.T) {
	f := newFixture(t, nil)
	turn := func(content string) string { return strings.Replace(goodMessage, `"hi"`, content, 1) }
	for body, words := range map[string]string{
		``: "not valid JSON",
		`{"model":"kimi-k2","messages":[{"role":"user","content":"hi"}]}`:                                     "max_tokens",
		`{"model":"kimi-k2","max_tokens":5,"messages":[]}`:                                                    "messages",
		`{"model":"kimi-k2","max_tokens":5,"messages":[{"role":"system","content":"hi"}]}`:                    "messages[0].role",
		`{"model":"kimi-k2","max_tokens":5,"messages":[{"role":"assistant","content":"begun"}]}`:              "messages[0]",
		`{"model":"kimi-k2","max_tokens":5,"messages":[{"role":"assistant"},{"role":"user","content":"hi"}]}`: "messages[0].content",
		strings.Replace(goodMessage, "100", "1001", 1):                                                        "max_tokens is 1001",
		strings.Replace(goodMessage, "100", "-1", 1):                                                          "max_tokens",
		badMessage(`"temperature":1.5`):                                                                       "temperature",
		badMessage(`"system":5`):                                                                              "system",
		badMessage(`"thinking":{"type":"enabled","budget_tokens":100}`):                                       "thinking.budget_tokens",
		badMessage(`"thinking":{"type":"maybe"}`):                                                             "thinking.type",
		badMessage(`"stop_sequences":["a","b","c","d","e"]`):                                                  "stop_sequences",
		badMessage(`"tools":[{"type":"web_search_20250305","name":"web_search"}]`):                            "tools[0].type",
		badMessage(`"tools":[{"name":"f"}]`):                                                                  "tools[0].input_schema",
		badMessage(`"tools":[{"name":"f f","input_schema":{}}]`):                                              "tools[0].name",
		badMessage(`"tool_choice":{"type":"any"}`):                                                            "tool_choice",
		badMessage(`"tool_choice":{"type":"tool","name":"f"}`):                                                "tool_choice.name",
		turn(`[]`):                                         "messages[0].content",
		turn(`[{"type":"text","text":""}]`):                "messages[0].content[0].text",
		turn(`[{"type":"document"}]`):                      "messages[0].content[0].type",
		turn(`[{"type":"tool_result","tool_use_id":"x"}]`): "messages[0].content[0].tool_use_id",
		turn(`[{"type":"image","source":{"type":"url","url":"https://a.b"}}]`):                       "messages[0].content[0].source.type",
		turn(`[{"type":"image","source":{"type":"base64","media_type":"text/html","data":"aaaa"}}]`): "messages[0].content[0].source.data",
	} {
		resp := f.do("POST", "/v1/messages", body, "Content-Type", "application/json")
		var e struct {
			Type  string
			Error struct{ Type, Message string }
		}
		if err := json.Unmarshal([]byte(f.text(resp)), &e); err != nil || resp.StatusCode != http.StatusBadRequest || e.Type != "error" || e.Error.Type != "invalid_request_error" || !strings.HasPrefix(e.Error.Message, words) && !strings.Contains(e.Error.Message, "not valid JSON") {
			t.Errorf("%.200s: %d %+v, want %q", body, resp.StatusCode, e, words)
		}
	}
	if len(f.requests) != 0 {
		t.Errorf("%d bad requests went on", len(f.requests))
	}
}

const messageStart = `event: message_start
data: {"type":"message_start","message":{"id":"msg_0123","type":"message","role":"assistant","model":"kimi-k2","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":5,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}

event: ping
data: {"type":"ping"}

`

// Thoughts, text and calls are blocks of their own; thoughts are shown to who asked for them.
func TestAMessageStreamHasItsBlocksInOrder(t *testing.T) {
	f := newFixture(t, nil)
	f.ends(completion.Outcome{FinishReason: "stop", Usage: usage}, nil, inference.Delta{Reasoning: "Hm"}, inference.Delta{Reasoning: "."}, inference.Delta{Text: "Look"},
		inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: 0, ID: "c1", Name: "weather"}}}, inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: 0, Arguments: `{"city":1}`}}},
		inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: 1, ID: "c2", Name: "time", Arguments: "{}"}}})
	const rest = `event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Look"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"c1","name":"weather","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"city\":1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"c2","name":"time","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":7}}

event: message_stop
data: {"type":"message_stop"}

`
	same(t, f.message(badMessage(`"stream":true,"thinking":{"type":"enabled","budget_tokens":50}`)), messageStart+`event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"."}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

`+rest)
	text := f.message(badMessage(`"stream":true`))
	if strings.Contains(text, "thinking") || !strings.Contains(text, `"index":0,"content_block":{"type":"text"`) {
		t.Error(text)
	}
	same(t, f.message(badMessage(`"thinking":{"type":"adaptive"}`)), `{"id":"msg_0123","type":"message","role":"assistant","model":"kimi-k2","content":[{"type":"thinking","thinking":"Hm.","signature":""},{"type":"text","text":"Look"},`+
		`{"type":"tool_use","id":"c1","name":"weather","input":{"city":1}},{"type":"tool_use","id":"c2","name":"time","input":{}}],"stop_reason":"tool_use","stop_sequence":null,`+
		`"usage":{"input_tokens":6,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":7}}`+"\n")
}

// blocks reads a stream as Anthropic's client does: what each block holds at its end, and
// whether all that is said belongs to the block that is open.
func blocks(t *testing.T, text string) (out []string) {
	t.Helper()
	at, open, held := -1, "", ""
	for _, line := range strings.Split(text, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e struct {
			Type  string
			Index int
			Block struct{ Type, ID, Name string } `json:"content_block"`
			Delta struct {
				Text, Thinking string
				Partial        string `json:"partial_json"`
			}
		}
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatal(err)
		}
		begins := e.Type == "content_block_start"
		if strings.HasPrefix(e.Type, "content_block") && ((open == "") != begins || e.Index != at && !begins || begins && e.Index != at+1) {
			t.Fatalf("%s in block %d, open is %q of %d", data, e.Index, open, at)
		}
		switch e.Type {
		case "content_block_start":
			at, open, held = e.Index, e.Block.Type, ""
			if open == "tool_use" {
				open += " " + e.Block.ID + " " + e.Block.Name
			}
		case "content_block_delta":
			held += e.Delta.Text + e.Delta.Thinking + e.Delta.Partial
		case "content_block_stop":
			out, open = append(out, open+" "+held), ""
		}
	}
	return out
}

// Each call is one block however its pieces are mixed with others: what comes between them
// waits for its end.
func TestACallIsOneBlock(t *testing.T) {
	call := func(index int, id, name, arguments string) inference.Delta {
		return inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: index, ID: id, Name: name, Arguments: arguments}}}
	}
	text := func(s string) inference.Delta { return inference.Delta{Text: s} }
	f := newFixture(t, nil)
	for name, c := range map[string]struct {
		said []inference.Delta
		want []string
	}{
		"text between": {[]inference.Delta{call(0, "a", "f", `{"x"`), text("\n"), call(0, "", "", `:"\"}"}`), text("so")}, []string{`tool_use a f {"x":"\"}"}`, "text \nso"}},
		"calls between": {[]inference.Delta{call(0, "a", "f", `{"x":`), call(1, "b", "g", `{`), call(0, "", "", `[1,{}]`), call(1, "", "", `}`), call(0, "", "", `}`)},
			[]string{`tool_use a f {"x":[1,{}]}`, `tool_use b g {}`}},
		"in one piece": {[]inference.Delta{{ToolCalls: []inference.ToolCallDelta{{Index: 0, ID: "a", Name: "f", Arguments: "{"}, {Index: 1, ID: "b", Name: "g", Arguments: "{"}, {Index: 0, Arguments: "}"}, {Index: 1, Arguments: "}"}}}},
			[]string{`tool_use a f {}`, `tool_use b g {}`}},
		"thoughts between":    {[]inference.Delta{call(0, "a", "f", `{`), {Reasoning: "hm"}, call(0, "", "", `}`)}, []string{`tool_use a f {}`, "thinking hm"}},
		"after the end":       {[]inference.Delta{call(0, "a", "f", `{}`), call(0, "", "", ` `), text("so"), call(0, "", "", `{}`)}, []string{`tool_use a f {}`, "text so"}},
		"without arguments":   {[]inference.Delta{call(0, "a", "f", ""), call(1, "b", "g", ""), text("so"), call(2, "c", "h", "{}")}, []string{`tool_use a f `, `tool_use b g `, "text so", `tool_use c h {}`}},
		"which never end":     {[]inference.Delta{call(0, "a", "f", `{"x`), text("\n"), call(1, "b", "g", `{"y`), call(0, "", "", `":1`), call(1, "", "", `":2`)}, []string{`tool_use a f {"x":1`, "text \n", `tool_use b g {"y":2`}},
		"one after the other": {[]inference.Delta{text("Look"), call(0, "a", "f", `{}`), call(1, "b", "g", `{}`)}, []string{"text Look", `tool_use a f {}`, `tool_use b g {}`}},
	} {
		f.ends(completion.Outcome{FinishReason: "tool_calls"}, nil, c.said...)
		got := f.message(badMessage(`"stream":true,"thinking":{"type":"adaptive"}`))
		if held := blocks(t, got); !reflect.DeepEqual(held, c.want) || !strings.Contains(got, `"stop_reason":"tool_use"`) {
			t.Errorf("%s: %q, want %q", name, held, c.want)
		}
		f.ends(completion.Outcome{}, fault.New(fault.UpstreamFailed, "It broke."), c.said...)
		if got := f.message(badMessage(`"stream":true,"thinking":{"type":"adaptive"}`)); strings.Count(got, "event: content_block_start") != len(c.want) || !strings.Contains(got, "event: error") {
			t.Errorf("%s: what came before the failure is not whole: %s", name, got)
		}
	}
}

func TestAMessageStreamThatFails(t *testing.T) {
	f := newFixture(t, nil)
	f.ends(completion.Outcome{}, fault.New(fault.UpstreamStalled, "The engine is silent."), inference.Delta{Text: "a"})
	text := f.message(badMessage(`"stream":true`))
	if !strings.HasSuffix(text, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"The engine is silent.\"}}\n\n") || strings.Contains(text, "message_stop") {
		t.Error(text)
	}
}

func TestStopReasons(t *testing.T) {
	f := newFixture(t, nil)
	for reason, want := range map[string]string{"stop": "end_turn", "": "end_turn", "length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"} {
		f.ends(completion.Outcome{FinishReason: reason}, nil, inference.Delta{Text: "a"})
		if text := f.message(goodMessage); !strings.Contains(text, `"stop_reason":"`+want+`"`) {
			t.Errorf("%s: %s", reason, text)
		}
	}
}

func TestTokensAreCounted(t *testing.T) {
	f := newFixture(t, nil)
	same(t, f.text(f.do("POST", "/v1/messages/count_tokens", `{"model":"kimi-k2","messages":[{"role":"user","content":"hi"}]}`)), `{"input_tokens":5}`+"\n")
	if e := f.record(); e.Route != "POST /v1/messages/count_tokens" || e.Credits != 0 || len(f.requests) != 0 {
		t.Errorf("%+v", e)
	}
}
