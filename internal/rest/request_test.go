package rest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

func itoa(n int) string { return strconv.Itoa(n) }

const pixel = "data:image/png;base64,iVBORw0KGgo="

// T5, T20: exactly the fields that are named go on, and nothing else.
func TestWhatIsAskedGoesOnAndNothingElse(t *testing.T) {
	f := newFixture(t, nil)
	resp := f.chat(`{"model":"moonshotai/Kimi-K2-Instruct","api_base":"http://evil.example","MODEL":"x","user":"u","metadata":{"a":1},"store":true,"n":1,"logprobs":false,"max_completion_tokens":50,"temperature":0.5,"top_p":1,
		"presence_penalty":-1,"frequency_penalty":2,"seed":-7,"stop":["a","b"],"parallel_tool_calls":false,"tool_choice":{"type":"function","function":{"name":"weather"}},
		"tools":[{"type":"function","x":1,"function":{"name":"weather","description":"d","parameters":{"type": "object", "properties": {"city": {"type":"string"}}},"strict":true}}],
		"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"},"strict":true}},
		"messages":[{"role":"system","content":"be brief"},{"role":"developer","content":[{"type":"text","text":"be kind"}]},
			{"role":"user","name":"ann","content":[{"type":"text","text":"what is it?"},{"type":"image_url","image_url":{"url":"` + pixel + `","detail":"low"}}]},
			{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{}"}}]},
			{"role":"tool","tool_call_id":"c1","content":"rain"}]}`)
	if resp.StatusCode != http.StatusOK {
		t.Fatal(f.text(resp))
	}
	half, one, minus, two, no, yes, seed := 0.5, 1.0, -1.0, 2.0, false, true, int64(-7)
	want := inference.Request{MaxOutputTokens: 50, Temperature: &half, TopP: &one, PresencePenalty: &minus, FrequencyPenalty: &two, Seed: &seed, Stop: []string{"a", "b"}, ParallelToolCalls: &no,
		ToolChoice:     inference.ToolChoice{Function: "weather"},
		Tools:          []inference.Tool{{Name: "weather", Description: "d", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}}}`), Strict: &yes}},
		ResponseFormat: inference.ResponseFormat{Type: "json_schema", Name: "s", Schema: json.RawMessage(`{"type":"object"}`), Strict: &yes},
		Messages: []inference.Message{{Role: "system", Text: "be brief"}, {Role: "developer", Parts: []inference.Part{{Text: "be kind"}}},
			{Role: "user", Name: "ann", Parts: []inference.Part{{Text: "what is it?"}, {ImageURL: pixel, Detail: "low"}}},
			{Role: "assistant", Reasoning: "hm", ToolCalls: []inference.ToolCall{{ID: "c1", Name: "weather", Arguments: "{}"}}}, {Role: "tool", ToolCallID: "c1", Text: "rain"}}}
	got := f.last()
	if got.ModelID != "moonshotai/Kimi-K2-Instruct" || !reflect.DeepEqual(got.Prompt, want) {
		t.Errorf("got  %+v\nwant %+v", got.Prompt, want)
	}
}

// What was given out is taken back: engines count the ids of their calls anew in each
// answer, so that two answers may have the same ones. Within one message they differ.
func TestCallsOfSeveralTurnsAreTakenBack(t *testing.T) {
	f := newFixture(t, nil)
	turn := `{"role":"assistant","tool_calls":[{"id":"functions.f:0","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"functions.f:0","content":"1"}`
	turns := `{"role":"user","content":"a"},` + turn + `,` + turn
	if resp := f.chat(messages(turns)); resp.StatusCode != http.StatusOK || len(f.last().Prompt.Messages) != 5 {
		t.Error(f.text(resp))
	}
	double := strings.Replace(turns, `}}]`, `}},{"id":"functions.f:0","function":{"name":"f"}}]`, 1)
	if e := f.refusal(f.chat(messages(double))).Error; e.Param != "messages[1].tool_calls[1].id" {
		t.Errorf("%+v", e)
	}

	turn = `{"role":"assistant","content":[{"type":"tool_use","id":"functions.f:0","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"functions.f:0","content":"1"}]}`
	turns = `{"role":"user","content":"a"},` + turn + `,` + turn
	if resp := f.do("POST", "/v1/messages", strings.Replace(messages(turns), "{", `{"max_tokens":9,`, 1)); resp.StatusCode != http.StatusOK || len(f.last().Prompt.Messages) != 5 {
		t.Error(f.text(resp))
	}
	double = strings.Replace(turns, `}}]`, `}},{"type":"tool_use","id":"functions.f:0","name":"f"}]`, 1)
	if text := f.text(f.do("POST", "/v1/messages", strings.Replace(messages(double), "{", `{"max_tokens":9,`, 1))); !strings.Contains(text, "messages[1].content[1].id") {
		t.Error(text)
	}
}

// What a model called is taken back even if no tool could have that name.
func TestCallsOfNoToolAreTakenBack(t *testing.T) {
	f := newFixture(t, nil)
	for name, status := range map[string]int{"functions.weather": 200, strings.Repeat("ü", 200): 200, strings.Repeat("a", 201): 400} {
		chat := f.chat(messages(`{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"` + name + `"}}]},{"role":"tool","tool_call_id":"a","content":"no such tool"}`))
		message := f.do("POST", "/v1/messages", strings.Replace(messages(`{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"`+name+`","input":{}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"no such tool","is_error":true}]}`), "{", `{"max_tokens":9,`, 1))
		if chat.StatusCode != status || message.StatusCode != status {
			t.Errorf("%s: %s %s", name, f.text(chat), f.text(message))
		}
	}
}

// An answer without words is taken back too, as it was given out: by a model that only
// thought, or said nothing at all.
func TestAnswersWithoutWordsAreTakenBack(t *testing.T) {
	f := newFixture(t, nil)
	for _, said := range []inference.Delta{{Reasoning: "Hm."}, {}} {
		f.says(said)
		var chat struct {
			Choices []struct{ Message json.RawMessage }
		}
		if err := json.Unmarshal([]byte(f.text(f.chat(goodChat))), &chat); err != nil {
			t.Fatal(err)
		}
		if resp := f.chat(messages(`{"role":"user","content":"a"},` + string(chat.Choices[0].Message) + `,{"role":"user","content":"b"}`)); resp.StatusCode != http.StatusOK {
			t.Error(f.text(resp))
		} else if m := f.last().Prompt.Messages; len(m) != 3 || m[1].Text != "" || m[1].Reasoning != said.Reasoning {
			t.Errorf("%+v", m)
		}
		var message struct{ Content json.RawMessage }
		if err := json.Unmarshal([]byte(f.message(badMessage(`"thinking":{"type":"adaptive"}`))), &message); err != nil {
			t.Fatal(err)
		}
		turns := `{"role":"user","content":"a"},{"role":"assistant","content":` + string(message.Content) + `},{"role":"user","content":"b"}`
		if resp := f.do("POST", "/v1/messages", strings.Replace(messages(turns), "{", `{"max_tokens":9,`, 1)); resp.StatusCode != http.StatusOK {
			t.Error(f.text(resp))
		} else if m := f.last().Prompt.Messages; len(m) != 3 || m[1].Text != "" || m[1].Reasoning != said.Reasoning {
			t.Errorf("%+v", m)
		}
	}
	if resp := f.chat(messages(`{"role":"user","content":"a"},{"role":"assistant","content":null,"reasoning_content":"Hm."},{"role":"user","content":"b"}`)); resp.StatusCode != http.StatusOK {
		t.Error(f.text(resp))
	}
}

// bad makes a chat request with more fields.
func bad(fields string) string { return strings.Replace(goodChat, "{", "{"+fields+",", 1) }

func messages(list string) string { return `{"model":"kimi-k2","messages":[` + list + `]}` }

func tool(function string) string {
	return bad(`"tools":[{"type":"function","function":` + function + `}]`)
}

func TestBadChatsAreRefusedWithTheirParameter(t *testing.T) {
	f := newFixture(t, nil)
	for body, param := range map[string]string{
		``:                          "",
		`[]`:                        "",
		`{`:                         "",
		"{\"model\":\"\xff\"}":      "",
		strings.Repeat("[", 100000): "",
		bad(`"x":` + strings.Repeat("[", 70) + strings.Repeat("]", 70)): "",
		`{"messages":[{"role":"user","content":"hi"}]}`:                 "model",
		`{"model":5,"messages":[{"role":"user","content":"hi"}]}`:       "model",
		`{"model":"kimi-k2"}`:                                          "messages",
		messages(``):                                                   "messages",
		`{"model":"kimi-k2","messages":{}}`:                            "messages",
		messages(`5`):                                                  "messages[0]",
		messages(`{"content":"hi"}`):                                   "messages[0].role",
		messages(`{"role":"wizard","content":"hi"}`):                   "messages[0].role",
		messages(`{"role":"user"}`):                                    "messages[0].content",
		messages(`{"role":"user","content":""}`):                       "messages[0].content",
		messages(`{"role":"user","content":5}`):                        "messages[0].content",
		messages(`{"role":"user","content":[]}`):                       "messages[0].content",
		messages(`{"role":"user","content":[{"type":"input_audio"}]}`): "messages[0].content[0].type",
		messages(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a.b/c"}}]}`):                  "messages[0].content[0].image_url.url",
		messages(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"file:///etc"}}]}`):                    "messages[0].content[0].image_url.url",
		messages(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/svg+xml;base64,aaaa"}}]}`): "messages[0].content[0].image_url.url",
		messages(`{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,!"}}]}`):        "messages[0].content[0].image_url.url",
		messages(`{"role":"system","content":[{"type":"image_url","image_url":{"url":"` + pixel + `"}}]}`):                "messages[0].content[0].type",
		messages(`{"role":"assistant"}`):                                                           "messages[0].content",
		messages(`{"role":"assistant","content":null,"reasoning_content":""}`):                     "messages[0].content",
		messages(`{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}`):                  "messages[0].tool_calls[0].id",
		messages(`{"role":"user","content":"a"},{"role":"tool","content":"b"}`):                    "messages[1].tool_call_id",
		messages(`{"role":"user","content":"a"},{"role":"tool","content":"b","tool_call_id":"c"}`): "messages[1].tool_call_id",
		bad(`"stream":"yes"`):                                     "stream",
		bad(`"stream_options":{"include_usage":true}`):            "stream_options",
		bad(`"stream":true,"stream_options":{"include_usage":1}`): "stream_options.include_usage",
		bad(`"n":2`):                                    "n",
		bad(`"n":0`):                                    "n",
		bad(`"max_tokens":-1`):                          "max_tokens",
		bad(`"max_tokens":0`):                           "max_tokens",
		bad(`"max_tokens":1.5`):                         "max_tokens",
		bad(`"max_tokens":"5"`):                         "max_tokens",
		bad(`"max_tokens":1e99`):                        "max_tokens",
		bad(`"max_tokens":1001`):                        "max_tokens",
		bad(`"max_completion_tokens":1001`):             "max_completion_tokens",
		bad(`"max_tokens":5,"max_completion_tokens":6`): "max_tokens",
		bad(`"max_tokens":5,"max_tokens":6`):            "max_tokens",
		bad(`"temperature":2.1`):                        "temperature",
		bad(`"temperature":-0.1`):                       "temperature",
		bad(`"temperature":"1"`):                        "temperature",
		bad(`"temperature":1e999`):                      "temperature",
		bad(`"top_p":1.1`):                              "top_p",
		bad(`"presence_penalty":3`):                     "presence_penalty",
		bad(`"frequency_penalty":-3`):                   "frequency_penalty",
		bad(`"seed":1.5`):                               "seed",
		bad(`"stop":["a","b","c","d","e"]`):             "stop",
		bad(`"stop":[""]`):                              "stop[0]",
		bad(`"stop":5`):                                 "stop",
		bad(`"user":5`):                                 "user",
		bad(`"logprobs":true`):                          "logprobs",
		bad(`"logit_bias":{"5":1}`):                     "logit_bias",
		bad(`"audio":{"voice":"x"}`):                    "audio",
		bad(`"modalities":["text","audio"]`):            "modalities[1]",
		bad(`"functions":[{}]`):                         "functions",
		bad(`"response_format":"json"`):                 "response_format",
		bad(`"response_format":{"type":"xml"}`):         "response_format.type",
		bad(`"response_format":{"type":"json_schema"}`): "response_format.json_schema",
		bad(`"response_format":{"type":"json_schema","json_schema":{"name":"a b"}}`):           "response_format.json_schema.name",
		bad(`"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":[]}}`): "response_format.json_schema.schema",
		bad(`"tools":{}`):                                  "tools",
		bad(`"tools":[{"type":"retrieval"}]`):              "tools[0].type",
		bad(`"tools":[{"type":"function"}]`):               "tools[0].function",
		tool(`{"name":"no spaces"}`):                       "tools[0].function.name",
		tool(`{"name":"` + strings.Repeat("a", 65) + `"}`): "tools[0].function.name",
		tool(`{"name":"f","parameters":"{}"}`):             "tools[0].function.parameters",
		tool(`{"name":"f","parameters":{"type":5}}`):       "tools[0].function.parameters.type",
		bad(`"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]`): "tools",
		bad(`"tools":[` + strings.TrimSuffix(strings.Repeat(`{},`, 129), ",") + `]`):                             "tools",
		bad(`"tool_choice":"required"`):                                  "tool_choice",
		bad(`"tool_choice":"sometimes"`):                                 "tool_choice",
		bad(`"tool_choice":{"type":"function","function":{"name":"f"}}`): "tool_choice.function.name",
		bad(`"parallel_tool_calls":true`):                                "parallel_tool_calls",
	} {
		resp := f.chat(body, "Content-Type", "application/json")
		e := f.refusal(resp).Error
		if resp.StatusCode != http.StatusBadRequest || e.Type != "invalid_request_error" || e.Param != param || e.Message == "" || len(e.Message) > 500 {
			t.Errorf("%.200s: %d %+v, want the parameter %q", body, resp.StatusCode, e, param)
		}
		if resp.Header.Get("X-Should-Retry") != "false" {
			t.Errorf("%.200s: is to be repeated", body)
		}
	}
	if len(f.requests) != 0 {
		t.Errorf("%d bad requests went on", len(f.requests))
	}
}

// T15: a body beyond the limit is not read.
func TestBodiesBeyondTheLimit(t *testing.T) {
	f := newFixture(t, nil)
	for size, status := range map[int]int{4 << 20: 200, 4<<20 + 1: 413} {
		fill := size - len(bad(`"x":""`))
		resp := f.chat(bad(fmt.Sprintf(`"x":%q`, strings.Repeat("a", fill))))
		if resp.StatusCode != status {
			t.Errorf("%d bytes: %d", size, resp.StatusCode)
		}
	}
	resp := f.chat(goodChat, "Content-Type", "text/plain")
	if e := f.refusal(resp).Error; resp.StatusCode != http.StatusUnsupportedMediaType || e.Type != "invalid_request_error" {
		t.Error(resp.StatusCode, e)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	f := newFixture(t, nil)
	for key, status := range map[string]int{"abc": 200, strings.Repeat("k", 255): 200, strings.Repeat("k", 256): 400, "a b": 400, "ä": 400} {
		if resp := f.chat(goodChat, "Idempotency-Key", key); resp.StatusCode != status {
			t.Errorf("%q: %d", key, resp.StatusCode)
		} else if status == 200 && f.last().IdempotencyKey != key {
			t.Errorf("%q went on as %q", key, f.last().IdempotencyKey)
		}
	}
	if f.chat(goodChat); f.last().Fingerprint != [32]byte{} {
		t.Error("a fingerprint was taken that nobody needs")
	}
	f.chat(goodChat, "Idempotency-Key", "abc")
	first := f.last().Fingerprint
	f.chat(goodChat, "Idempotency-Key", "abc")
	if f.last().Fingerprint != first || first == [32]byte{} {
		t.Error("the same request has another fingerprint")
	}
	if !f.last().Whole {
		t.Error("a whole answer is to be charged like a stream")
	}
	if f.chat(bad(`"stream":true`)); f.last().Whole {
		t.Error("a stream is to be charged like a whole answer")
	}
	f.chat(bad(`"seed":1`), "Idempotency-Key", "abc")
	if f.last().Fingerprint == first {
		t.Error("another request has the same fingerprint")
	}
}
