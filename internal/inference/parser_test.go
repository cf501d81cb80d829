package inference

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// parsed is all that a parser made of a stream.
type parsed struct {
	Text, Reasoning string
	Result          Result
	Err             string
	Calls           []ToolCall
}

func parse(t testing.TB, r io.Reader, maxLine, maxOutput int) parsed {
	t.Helper()
	p := newParser(r, maxLine, maxOutput)
	var text, reasoning strings.Builder
	var calls []ToolCall
	err := p.run(func(d Delta) {
		if s := d.Text + d.Reasoning; !utf8.ValidString(s) || strings.Contains(s, "\x00") {
			t.Fatalf("delta %q is not clean", s)
		}
		text.WriteString(d.Text)
		reasoning.WriteString(d.Reasoning)
		calls = collect(t, calls, d.ToolCalls)
	})
	out := parsed{Text: text.String(), Reasoning: reasoning.String(), Result: p.result(), Calls: calls}
	if err != nil {
		out.Err = err.Error()
	}
	return out
}

// collect joins the pieces of calls as every client does.
func collect(t testing.TB, calls []ToolCall, pieces []ToolCallDelta) []ToolCall {
	t.Helper()
	for _, d := range pieces {
		if s := d.ID + d.Name + d.Arguments; !utf8.ValidString(s) || strings.Contains(s, "\x00") || s == "" {
			t.Fatalf("the piece of a call %q is not clean", s)
		}
		switch {
		case d.Index < len(calls) && d.Name == "" && d.ID == "":
			calls[d.Index].Arguments += d.Arguments
		case d.Index == len(calls) && d.Name != "" && d.ID != "":
			calls = append(calls, ToolCall{d.ID, d.Name, d.Arguments})
		default:
			// A call whose name came late may follow one with a higher number.
			for d.Index > len(calls) {
				calls = append(calls, ToolCall{})
			}
			if d.Index == len(calls) {
				calls = append(calls, ToolCall{})
			}
			if calls[d.Index].Name != "" || d.Name == "" {
				t.Fatalf("the piece %+v of a call that has begun, or has no name", d)
			}
			calls[d.Index] = ToolCall{d.ID, d.Name, d.Arguments}
		}
	}
	return calls
}

func parseString(t testing.TB, s string) parsed {
	t.Helper()
	return parse(t, strings.NewReader(s), 1<<20, 4<<20)
}

func event(content string) string {
	b, _ := json.Marshal(content)
	return `data: {"choices":[{"index":0,"delta":{"content":` + string(b) + "}}]}\n\n"
}

const finished = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"

func TestParserReadsTheStreamsOfRealEngines(t *testing.T) {
	want := map[string]parsed{
		"moonshot": {Text: "你好，世界！", Reasoning: "The user greets.", Result: Result{"stop", &Usage{PromptTokens: 19, CachedTokens: 7, OutputTokens: 13}, "kimi-k2.6", nil}},
		"vllm":     {Text: "\"Hi\"\n\t\\ / 😀", Reasoning: "Hm, 世", Result: Result{"length", &Usage{PromptTokens: 21, CachedTokens: 16, OutputTokens: 9, ReasoningTokens: 4}, "kimi-k2", nil}},
		"sglang":   {Text: "a < b", Reasoning: "Let me call nothing", Result: Result{"stop", &Usage{PromptTokens: 12, OutputTokens: 8, ReasoningTokens: 5}, "moonshotai/Kimi-K2-Thinking", nil}},
		"ollama":   {Text: "Hello there", Reasoning: "Short", Result: Result{"stop", &Usage{PromptTokens: 26, OutputTokens: 3}, "kimi-k2:1t-cloud", nil}},
		"llamacpp": {Text: "One two", Result: Result{"stop", &Usage{PromptTokens: 8, OutputTokens: 2}, "gpt-3.5-turbo", nil}},
		"router":   {Text: "Split event", Result: Result{"stop", &Usage{PromptTokens: 10, OutputTokens: 2}, "moonshotai/kimi-k2", nil}},
	}
	for name, w := range want {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", "streams", name+".sse"))
			if err != nil {
				t.Fatal(err)
			}
			for how, stream := range map[string][]byte{"LF": b, "CRLF": bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))} {
				if got := parse(t, bytes.NewReader(stream), 1<<20, 4<<20); !reflect.DeepEqual(got, w) {
					t.Errorf("%s: got %+v, want %+v", how, got, w)
				}
				if got := parse(t, iotest.OneByteReader(bytes.NewReader(stream)), 1<<20, 4<<20); !reflect.DeepEqual(got, w) {
					t.Errorf("%s byte by byte: got %+v, want %+v", how, got, w)
				}
			}
		})
	}
}

func TestParserForgives(t *testing.T) {
	tests := map[string]struct{ stream, text, reasoning, finish, err string }{
		"comments and unknown fields":      {stream: ": ping\nevent: x\nid: 7\nretry: 1\nnonsense\n" + event("a") + finished, text: "a", finish: "stop"},
		"a byte order mark":                {stream: "\ufeff" + event("a") + finished, text: "a", finish: "stop"},
		"no space after the colon":         {stream: strings.ReplaceAll(event("a")+finished, "data: ", "data:"), text: "a", finish: "stop"},
		"no blank lines":                   {stream: strings.ReplaceAll(event("a")+event("b")+finished, "\n\n", "\n"), text: "ab", finish: "stop"},
		"garbage between events":           {stream: event("a") + "data: {\"choices\":[{\"del\n\n" + "\x00\xff\xfe\n" + event("b") + finished, text: "ab", finish: "stop"},
		"garbage before an event":          {stream: "data: {broken\n" + event("a") + finished, text: "a", finish: "stop"},
		"no [DONE] after the finish":       {stream: event("a") + finished, text: "a", finish: "stop"},
		"[DONE] without a finish reason":   {stream: event("a") + "data: [DONE]\n\n", text: "a", finish: "stop"},
		"nothing after [DONE] counts":      {stream: event("a") + "data: [DONE]\n\n" + event("b"), text: "a", finish: "stop"},
		"the last line without its end":    {stream: event("a") + strings.TrimSpace(finished), text: "a", finish: "stop"},
		"cut in the middle of the answer":  {stream: event("a") + event("b"), text: "ab", err: errCut.Error()},
		"cut in the middle of an event":    {stream: event("a") + event("b")[:20], text: "a", err: errCut.Error()},
		"an empty stream":                  {err: errCut.Error()},
		"only garbage":                     {stream: strings.Repeat("data: garbage\n\n", 100), err: errCut.Error()},
		"NUL is dropped":                   {stream: event("a\x00b") + finished, text: "ab", finish: "stop"},
		"bytes that are not UTF-8":         {stream: strings.Replace(event("a@b"), "@", "\xff", 1) + finished, text: "a\ufffdb", finish: "stop"},
		"a rune cut in two":                {stream: strings.Replace(event("a@"), "@", "\xe4\xbd", 1) + strings.Replace(event("@b"), "@", "\xa0", 1) + finished, text: "a你b", finish: "stop"},
		"a rune cut off at the end":        {stream: strings.Replace(event("a@"), "@", "\xe4\xbd", 1) + finished, text: "a\ufffd\ufffd", finish: "stop"},
		"a surrogate pair cut in two":      {stream: strings.Replace(event("a@"), "@", `\ud83d`, 1) + strings.Replace(event("@b"), "@", `\ude00`, 1) + finished, text: "a😀b", finish: "stop"},
		"a single surrogate":               {stream: strings.Replace(event("a@b"), "@", `\ud83d`, 1) + finished, text: "a\ufffdb", finish: "stop"},
		"a single low surrogate":           {stream: strings.Replace(event("a@b"), "@", `\ude00`, 1) + finished, text: "a\ufffdb", finish: "stop"},
		"null everywhere":                  {stream: `data: {"choices":null,"usage":null,"error":null,"model":null}` + "\n\n" + `data: {"choices":[{"delta":null,"finish_reason":null}]}` + "\n\n" + event("a") + finished, text: "a", finish: "stop"},
		"content of another kind":          {stream: `data: {"choices":[{"delta":{"content":[{"type":"text"}]}}]}` + "\n\n" + event("a") + finished, text: "a", finish: "stop"},
		"a second choice is not ours":      {stream: `data: {"choices":[{"delta":{"content":"a"}},{"delta":{"content":"x"}}]}` + "\n\n" + finished, text: "a", finish: "stop"},
		"the whole message once more":      {stream: event("a") + `data: {"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}` + "\n\n", text: "a", finish: "stop"},
		"the whole message only":           {stream: `data: {"choices":[{"message":{"content":"a","reasoning":"r"},"finish_reason":"stop"}]}` + "\n\n", text: "a", reasoning: "r", finish: "stop"},
		"a finish reason of its own":       {stream: event("a") + `data: {"choices":[{"finish_reason":"Content_Filter\u0000 "}]}` + "\n\n", text: "a", finish: "content_filter"},
		"leaked tool marks (F33)":          {stream: event("x<|tool_call_begin|>y") + event("<|tool_calls_section") + event("_end|>z") + finished, text: "xyz", finish: "stop"},
		"the singular spelling (F33)":      {stream: event("x<|tool_call_section_begin|>y") + finished, text: "xy", finish: "stop"},
		"a mark that does not come":        {stream: event("x<|tool_cal") + event("ling") + finished, text: "x<|tool_calling", finish: "stop"},
		"a mark that is cut off":           {stream: event("x<|tool_cal") + finished, text: "x<|tool_cal", finish: "stop"},
		"other marks stay":                 {stream: event("<|im_end|> <div> a<b") + finished, text: "<|im_end|> <div> a<b", finish: "stop"},
		"held reasoning comes before text": {stream: `data: {"choices":[{"delta":{"reasoning_content":"r<"}}]}` + "\n\n" + event("a") + finished, text: "a", reasoning: "r<", finish: "stop"},
		"thinking in the text":             {stream: event("<think>\nhm <b>") + event("\n</think>\n\na") + event("b") + finished, text: "ab", reasoning: "hm <b>\n", finish: "stop"},
		"thinking in pieces":               {stream: event(" <th") + event("ink>r</th") + event("ing></thi") + event("nk>") + event("\n") + event("a") + finished, text: "a", reasoning: "r</thing>", finish: "stop"},
		"thinking of nothing":              {stream: event("<think>\n\n</think>\n\na") + finished, text: "a", finish: "stop"},
		"thinking without an end":          {stream: event("<think>r</thi") + finished, reasoning: "r</thi", finish: "stop"},
		"a mark in the middle is text":     {stream: event("a <think>b</think>") + finished, text: "a <think>b</think>", finish: "stop"},
		"a second thought is text":         {stream: event("<think>r</think>a<think>b</think>") + finished, text: "a<think>b</think>", reasoning: "r", finish: "stop"},
		"a mark that is another":           {stream: event(" <thi") + event("s>") + finished, text: " <this>", finish: "stop"},
		"a mark beside told reasoning":     {stream: `data: {"choices":[{"delta":{"reasoning_content":"r"}}]}` + "\n\n" + event("<think>a</think>") + finished, text: "<think>a</think>", reasoning: "r", finish: "stop"},
		"an error in the middle":           {stream: event("a") + `data: {"error":{"message":"boom","code":500}}` + "\n\n", text: "a", err: engineError{}.Error()},
		"an error as text":                 {stream: event("a") + `data: {"error":"boom"}` + "\n\n", text: "a", err: engineError{}.Error()},
		"an error outside any event":       {stream: event("a") + `{"error":{"message":"boom"}}` + "\n", text: "a", err: engineError{}.Error()},
		"an old vLLM error":                {stream: event("a") + `data: {"object":"error","message":"boom","code":400}` + "\n\n", text: "a", err: engineError{}.Error()},
		"a line over the limit":            {stream: event("a") + "data: " + strings.Repeat("x", 1<<20) + "\n\n" + event("b") + finished, text: "a", err: errLineTooLong.Error()},
		"a comment over the limit":         {stream: event("a") + ": " + strings.Repeat("x", 3<<20) + "\n\n" + event("b") + finished, text: "ab", finish: "stop"},
		"many data lines over the limit":   {stream: event("a") + strings.Repeat("data: "+strings.Repeat("[", 1000)+"\n", 1200) + "\n", text: "a", err: errLineTooLong.Error()},
		"nesting without end":              {stream: `data: {"a":` + strings.Repeat("[", 100000) + "\n\n" + event("a") + finished, text: "a", finish: "stop"},
		"a long line within the limit":     {stream: event(strings.Repeat("y", 900<<10)) + finished, text: strings.Repeat("y", 900<<10), finish: "stop"},
		"usage before the text":            {stream: `data: {"usage":{"prompt_tokens":1,"completion_tokens":1}}` + "\n\n" + event("a") + finished, text: "a", finish: "stop"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := parseString(t, tt.stream)
			if got.Text != tt.text || got.Reasoning != tt.reasoning || got.Result.FinishReason != tt.finish || got.Err != tt.err {
				t.Errorf("got %.200q, %q, %q, %q", got.Text, got.Reasoning, got.Result.FinishReason, got.Err)
			}
		})
	}
}

// calls is a chunk for each piece of a call.
func calls(pieces ...string) (stream string) {
	for _, p := range pieces {
		stream += `data: {"choices":[{"index":0,"delta":{"tool_calls":[` + p + "]}}]}\n\n"
	}
	return stream
}

// F33, and what engines are known to do with calls.
func TestParserJoinsTheCallsOfTools(t *testing.T) {
	ended := strings.Replace(finished, "stop", "tool_calls", 1)
	f, g := ToolCall{"functions.f:0", "f", `{"a":1}`}, ToolCall{"functions.g:1", "g", `{}`}
	tests := map[string]struct {
		stream string
		want   []ToolCall
		text   string
	}{
		"in pieces": {calls(`{"index":0,"id":"functions.f:0","type":"function","function":{"name":"f","arguments":""}}`, `{"index":0,"function":{"arguments":"{\"a\""}}`,
			`{"index":0,"function":{"arguments":":1}"}}`, `{"index":1,"id":"functions.g:1","function":{"name":"g","arguments":"{}"}}`) + ended, []ToolCall{f, g}, ""},
		"two at once":                {calls(`{"index":0,"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\":1}"}},{"index":1,"id":"functions.g:1","function":{"name":"g","arguments":"{}"}}`) + ended, []ToolCall{f, g}, ""},
		"interleaved":                {calls(`{"index":0,"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\""}},{"index":1,"id":"functions.g:1","function":{"name":"g","arguments":"{"}}`, `{"index":1,"function":{"arguments":"}"}},{"index":0,"function":{"arguments":":1}"}}`) + ended, []ToolCall{f, g}, ""},
		"after text":                 {event("Let me see. ") + calls(`{"index":0,"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\":1}"}}`) + ended, []ToolCall{f}, "Let me see. "},
		"without numbers":            {calls(`{"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\""}}`, `{"function":{"arguments":":1}"}}`, `{"id":"functions.g:1","function":{"name":"g","arguments":"{}"}}`) + ended, []ToolCall{f, g}, ""},
		"all numbered 0":             {calls(`{"index":0,"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\":1}"}}`, `{"index":0,"id":"functions.g:1","function":{"name":"g","arguments":"{"}}`, `{"index":0,"function":{"arguments":"}"}}`) + ended, []ToolCall{f, g}, ""},
		"numbered from 5":            {calls(`{"index":5,"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\":1}"}}`) + ended, []ToolCall{f}, ""},
		"without ids":                {calls(`{"index":0,"function":{"name":"f","arguments":"{\"a\":1}"}}`, `{"index":1,"function":{"name":"g","arguments":"{}"}}`) + ended, []ToolCall{f, g}, ""},
		"arguments as an object":     {calls(`{"index":0,"function":{"name":"f","arguments":{"a":1}}}`) + ended, []ToolCall{f}, ""},
		"names and ids repeated":     {calls(`{"index":0,"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\""}}`, `{"index":0,"id":"functions.f:0","function":{"name":"f","arguments":":1}"}}`) + ended, []ToolCall{f}, ""},
		"arguments before the name":  {calls(`{"index":0,"function":{"arguments":"{\"a\""}}`, `{"index":0,"function":{"name":"f","arguments":":1}"}}`) + ended, []ToolCall{f}, ""},
		"a call without a name":      {calls(`{"index":0,"function":{"arguments":"{}"}}`) + ended, nil, ""},
		"empty lists and null":       {calls(``, `null`) + `data: {"choices":[{"delta":{"tool_calls":null,"content":"a"}}]}` + "\n\n" + ended, nil, "a"},
		"marks in the arguments":     {calls(`{"index":0,"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\":1}<|tool_call_end|>"}}`) + ended, []ToolCall{f}, ""},
		"a finish that says nothing": {calls(`{"index":0,"function":{"name":"f","arguments":"{\"a\":1}"}}`) + finished, []ToolCall{f}, ""},
		"the whole message only":     {`data: {"choices":[{"message":{"content":null,"tool_calls":[{"id":"functions.f:0","function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}]}` + "\n\n", []ToolCall{f}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{"whole": strings.NewReader(tt.stream), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.stream))} {
				got := parse(t, r, 1<<20, 4<<20)
				if !reflect.DeepEqual(got.Calls, tt.want) || got.Text != tt.text || got.Result.FinishReason != "tool_calls" || got.Err != "" {
					t.Errorf("%s: got %+v", how, got)
				}
			}
		})
	}
}

func TestParserGivesEachChunkBeforeTheNextComes(t *testing.T) {
	r, w := io.Pipe()
	got := make(chan Delta)
	ended := make(chan error, 1)
	go func() { ended <- newParser(r, 1<<20, 1<<20).run(func(d Delta) { got <- d }) }()
	for _, piece := range []string{"one", " two", " three"} {
		if _, err := io.WriteString(w, strings.TrimSuffix(event(piece), "\n")); err != nil {
			t.Fatal(err)
		}
		if d := <-got; d.Text != piece {
			t.Errorf("got %q, want %q", d.Text, piece)
		}
	}
	_ = w.Close()
	if err := <-ended; !errors.Is(err, errCut) {
		t.Errorf("ended with %v", err)
	}
}

func TestReasoningThatWasHeldBackComesBeforeTheText(t *testing.T) {
	stream := `data: {"choices":[{"delta":{"reasoning_content":"r<"}}]}` + "\n\n" + event("a") + event("b") + finished
	var got []Delta
	err := newParser(iotest.OneByteReader(strings.NewReader(stream)), 1<<20, 1<<20).run(func(d Delta) {
		if !d.IsEmpty() {
			got = append(got, d)
		}
	})
	if want := []Delta{{Reasoning: "r"}, {Reasoning: "<", Text: "a"}, {Text: "b"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// What arrived together is given on together, but never reordered.
func TestChunksThatArriveTogetherMakeOneDelta(t *testing.T) {
	thought := func(s string) string {
		return `data: {"choices":[{"delta":{"reasoning_content":"` + s + `"}}]}` + "\n\n"
	}
	reads := []string{thought("r") + event("a") + event("b") + event("c")[:20], event("c")[20:] + thought("s"), event("d") + finished + "data: [DONE]\n\n"}
	var readers []io.Reader
	for _, r := range reads {
		readers = append(readers, strings.NewReader(r))
	}
	var got []Delta
	err := newParser(io.MultiReader(readers...), 1<<20, 1<<20).run(func(d Delta) { got = append(got, d) })
	if want := []Delta{{Reasoning: "r", Text: "ab"}, {Text: "c"}, {Reasoning: "s"}, {Text: "d"}}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestParserCapsTheOutputBetweenRunes(t *testing.T) {
	stream := event("ab") + event("你好") + event("c") + finished
	got := parse(t, strings.NewReader(stream), 1<<20, 6)
	if got.Text != "ab你" || got.Result.FinishReason != "length" || got.Err != "" {
		t.Errorf("got %+v", got)
	}
}

func TestUsageIsReadWhereverItStandsAndNonsenseIsRefused(t *testing.T) {
	tests := map[string]*Usage{
		`{"prompt_tokens":10,"completion_tokens":4}`:                                                     {PromptTokens: 10, OutputTokens: 4},
		`{"prompt_tokens":10,"completion_tokens":4,"cached_tokens":6}`:                                   {PromptTokens: 10, OutputTokens: 4, CachedTokens: 6},
		`{"prompt_tokens":10,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":6}}`:         {PromptTokens: 10, OutputTokens: 4, CachedTokens: 6},
		`{"prompt_tokens":10,"completion_tokens":4,"prompt_cache_hit_tokens":6}`:                         {PromptTokens: 10, OutputTokens: 4, CachedTokens: 6},
		`{"prompt_tokens":10,"completion_tokens":4,"completion_tokens_details":{"reasoning_tokens":3}}`:  {PromptTokens: 10, OutputTokens: 4, ReasoningTokens: 3},
		`{"prompt_tokens":10,"completion_tokens":4,"completion_tokens_details":{"reasoning_tokens":30}}`: {PromptTokens: 10, OutputTokens: 4, ReasoningTokens: 4},
		`{"prompt_tokens":10.0,"completion_tokens":"4"}`:                                                 {PromptTokens: 10, OutputTokens: 4},
		`{"prompt_tokens":-10,"completion_tokens":4}`:                                                    nil, // F12
		`{"prompt_tokens":10,"completion_tokens":-4}`:                                                    nil,
		`{"prompt_tokens":10,"completion_tokens":4,"cached_tokens":-1}`:                                  nil,
		`{"prompt_tokens":10,"completion_tokens":4,"cached_tokens":11}`:                                  nil,
		`{"prompt_tokens":1e18,"completion_tokens":4}`:                                                   nil,
		`{"prompt_tokens":"many","completion_tokens":4}`:                                                 nil,
		`{"prompt_tokens":0,"completion_tokens":0}`:                                                      nil,
		`[1]`: nil,
		``:    nil,
	}
	for raw, want := range tests {
		if got, _ := parseUsage([]byte(raw)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", raw, got, want)
		}
	}
}

// reference reads a chunk with encoding/json, slowly and surely.
func reference(b []byte) (text, reasoning, finish string, ok bool) {
	var c struct {
		Choices []struct {
			Delta struct {
				Content   any `json:"content"`
				Reasoning any `json:"reasoning_content"`
			} `json:"delta"`
			Finish any `json:"finish_reason"`
		} `json:"choices"`
	}
	if json.Unmarshal(b, &c) != nil || len(c.Choices) == 0 {
		return "", "", "", false
	}
	str := func(v any) string { s, _ := v.(string); return s }
	return str(c.Choices[0].Delta.Content), str(c.Choices[0].Delta.Reasoning), str(c.Choices[0].Finish), true
}

func TestScannerAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		chunk := map[string]any{
			"id": rapid.String().Draw(rt, "id"), "extra": rapid.SliceOf(rapid.Float64()).Draw(rt, "extra"),
			"choices": []any{map[string]any{
				"index": 0, "logprobs": map[string]any{"a": []any{nil, true, rapid.String().Draw(rt, "logprob")}},
				"delta": map[string]any{
					"content":           rapid.String().Draw(rt, "content"),
					"reasoning_content": rapid.String().Draw(rt, "reasoning"),
				},
				"finish_reason": rapid.SampledFrom([]any{nil, "stop", "length"}).Draw(rt, "finish"),
			}},
		}
		b, err := json.Marshal(chunk)
		if rapid.Bool().Draw(rt, "indented") {
			b, err = json.MarshalIndent(chunk, "", "\t")
		}
		if err != nil {
			rt.Fatal(err)
		}
		text, reasoning, finish, _ := reference(b)
		var s scanner
		c, ok := s.scan(b)
		if !ok || string(c.text) != text || string(c.reasoning) != reasoning || string(c.finish) != finish {
			rt.Fatalf("%s: got %q %q %q %v", b, c.text, c.reasoning, c.finish, ok)
		}
	})
}

// pieces cuts b at random places.
func pieces(rt *rapid.T, b []byte) [][]byte {
	var out [][]byte
	for len(b) > 0 {
		n := rapid.IntRange(1, len(b)).Draw(rt, "cut")
		out = append(out, b[:n])
		b = b[n:]
	}
	return out
}

func TestCleanerDoesNotDependOnTheCuts(t *testing.T) {
	parts := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) []byte { return []byte(s) }),
		rapid.SliceOfN(rapid.Byte(), 0, 5),
		rapid.Map(rapid.SampledFrom(append([]string{"<", "<|", "<|tool_", "|>", "\xed\xa0\xbd", "\xed\xb8\x80", "\xed\xb8", "\xed", "\xe4\xbd", "\xa0", "\x00", "\xf0\x9f"}, leaks...)), func(s string) []byte { return []byte(s) }),
	)
	rapid.Check(t, func(rt *rapid.T) {
		b := bytes.Join(rapid.SliceOf(parts).Draw(rt, "parts"), nil)
		var whole, cut cleaner
		want := whole.add(b) + whole.flush()
		got := ""
		for _, p := range pieces(rt, b) {
			got += cut.add(bytes.Clone(p))
		}
		got += cut.flush()
		if got != want {
			rt.Fatalf("%q: got %q, want %q", b, got, want)
		}
		if !utf8.ValidString(want) || strings.Contains(want, "\x00") {
			rt.Fatalf("%q is not clean", want)
		}
		if plain := string(b); utf8.ValidString(plain) && !strings.ContainsAny(plain, "<\x00") && plain != want {
			rt.Fatalf("%q was changed to %q", plain, want)
		}
	})
}

// chunkReader gives its bytes in pieces whose lengths come from sizes.
type chunkReader struct {
	b     []byte
	sizes []byte
	i     int
}

func (r *chunkReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := 1
	if len(r.sizes) > 0 {
		n = 1 + int(r.sizes[r.i%len(r.sizes)])
		r.i++
	}
	n = copy(p, r.b[:min(n, len(r.b))])
	r.b = r.b[n:]
	return n, nil
}

func FuzzParser(f *testing.F) {
	files, _ := filepath.Glob("testdata/streams/*.sse")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, []byte{0, 3, 17})
	}
	f.Add([]byte(strings.Replace(event("a@"), "@", "\xe4\xbd", 1)+strings.Replace(event("@b"), "@", "\xa0", 1)), []byte{1})
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"\\ud83d\"}}]}\n\n"+finished), []byte{200})
	f.Add([]byte(calls(`{"index":1,"id":"a","function":{"name":"f","arguments":"{\"x\":\"\u4f60\ud83d"}}`, `{"index":1,"function":{"arguments":"\ude00\"}<|tool_call_end|>"}}`, `{"function":{"name":"g","arguments":{"y":[1]}}}`)+finished), []byte{2, 9})
	f.Add([]byte(calls(`{"index":0,"function":{"arguments":"early"}}`, `{"index":0,"function":{"name":"f"}}`, `{"index":0,"id":"b","function":{"name":"g"}}`)+event("text")+finished), []byte{5})
	f.Add([]byte("data: {\ndata: }\n\n:\n\r\n{\"error\":1}\n"), []byte{0})
	f.Fuzz(func(t *testing.T, stream, sizes []byte) {
		whole := parse(t, bytes.NewReader(stream), 1<<12, 1<<10)
		cut := parse(t, &chunkReader{b: stream, sizes: sizes}, 1<<12, 1<<10)
		if !reflect.DeepEqual(whole, cut) {
			t.Fatalf("whole %+v, cut %+v", whole, cut)
		}
		n := len(whole.Text) + len(whole.Reasoning)
		for _, c := range whole.Calls {
			n += len(c.ID) + len(c.Name) + len(c.Arguments)
		}
		if n > 1<<10 {
			t.Fatalf("%d bytes of output are over the cap", n)
		}
	})
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte(`{"choices":[{"delta":{"content":"a\u00e9\n"},"finish_reason":"stop"}]}`))
	f.Add([]byte(`{"choices":[{"delta":{"content":null,"reasoning_content":"x"}}],"usage":{"a":[1,-2.5e+3,true]}}`))
	f.Add([]byte(`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},null,{"index":-1.5,"function":null}]}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s scanner
		_, ok := s.scan(b)
		object := len(bytes.TrimSpace(b)) > 0 && bytes.TrimSpace(b)[0] == '{'
		if json.Valid(b) && object && !ok && !deep(b) {
			t.Fatalf("%q is JSON but was refused", b)
		}
	})
}

// deep reports whether b may nest deeper than the scanner follows.
func deep(b []byte) bool { return bytes.Count(b, []byte("["))+bytes.Count(b, []byte("{")) > maxNesting }

func BenchmarkChunk(b *testing.B) {
	line := []byte(`data: {"id":"chatcmpl-9b1c4ff0a1f94f5c8f1d","object":"chat.completion.chunk","created":1751490000,"model":"kimi-k2","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}` + "\n\n")
	stream := bytes.Repeat(line, 1000)
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for i := 0; i < b.N; i += 1000 {
		p := newParser(bytes.NewReader(stream), 1<<20, 1<<30)
		_ = p.run(func(Delta) {})
	}
}
