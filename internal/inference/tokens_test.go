package inference_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tiktoken-go/tokenizer/codec"

	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
	"github.com/kimi-k2/kimi-k2/internal/inference/vocabulary"
)

// libraryCount is what the library makes of texts.
func libraryCount(t testing.TB, texts ...string) (n int) {
	t.Helper()
	c := codec.NewO200kBase()
	for _, s := range texts {
		one, err := c.Count(s)
		if err != nil {
			t.Fatal(err)
		}
		n += one
	}
	return n
}

// gpt is a model whose vocabulary is loaded.
func gpt() inference.Model {
	vocabulary.Load(inference.TokenizerO200k)
	return inference.Model{ID: "gpt-oss:20b", Tokenizer: inference.TokenizerO200k}
}

// The catalogue says which tokenizer a model has, or its family does, or its name where the
// catalogue lacks it.
func TestTokenizersOfModels(t *testing.T) {
	c, err := catalogueOf(t, `{"models": [
		{"id": "house", "tokenizer": "cl100k_base", "contextTokens": 100, "maxOutputTokens": 10},
		{"id": "relative", "family": "gpt-oss", "contextTokens": 100, "maxOutputTokens": 10},
		{"id": "gpt-4-plain", "tokenizer": "none", "contextTokens": 100, "maxOutputTokens": 10},
		{"id": "kimi", "family": "kimi-k2", "contextTokens": 100, "maxOutputTokens": 10}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"house": "cl100k_base", "relative": "o200k_base", "gpt-4-plain": "", "kimi": "",
		"gpt-oss:20b": "o200k_base", "openai/gpt-oss-120b": "o200k_base", "GPT-4o-mini": "o200k_base", "gpt-4.1": "o200k_base", "gpt-5-nano": "o200k_base", "o3-mini": "o200k_base",
		"gpt-4": "cl100k_base", "gpt-4-turbo": "cl100k_base", "gpt-3.5-turbo": "cl100k_base",
		"gpt-oss2": "", "o1x": "", "olmo": "", "my-gpt-4": "", "llama3.1:8b": "", "gpt-": "", "/": ""}
	fake := inferencetest.New(t)
	var infos []openai.ModelInfo
	for _, id := range slices.Sorted(maps.Keys(want)) {
		infos = append(infos, openai.ModelInfo{ID: id, Object: "model"})
	}
	fake.ModelInfos(infos...)
	e, err := inference.New(inference.Config{BaseURL: fake.URL(), Catalogue: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, tokenizer := range want {
		if m, err := e.Resolve(id); err != nil || m.Tokenizer != tokenizer {
			t.Errorf("%s: %q, want %q (%v)", id, m.Tokenizer, tokenizer, err)
		}
	}
}

// A model of the catalogue's "unknown" entry takes that one's tokenizer.
func TestTokenizersOfModelsThatTheCatalogueLacks(t *testing.T) {
	for tokenizer, want := range map[string]string{"": "o200k_base", "none": "", "cl100k_base": "cl100k_base"} {
		c, err := catalogueOf(t, `{"models": [{"id": "a", "contextTokens": 100, "maxOutputTokens": 10}], "unknown": {"contextTokens": 100, "maxOutputTokens": 10, "tokenizer": "`+tokenizer+`"}}`)
		if err != nil {
			t.Fatal(err)
		}
		fake := inferencetest.New(t)
		fake.Models("gpt-oss:20b")
		e, err := inference.New(inference.Config{BaseURL: fake.URL(), Catalogue: c})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(e.Close)
		if err := e.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if m, err := e.Resolve("gpt-oss:20b"); err != nil || m.Tokenizer != want {
			t.Errorf("%q: %q, want %q (%v)", tokenizer, m.Tokenizer, want, err)
		}
	}
}

// Models without a tokenizer are counted as before, those with one as the library does.
func TestCountsAreTheModels(t *testing.T) {
	const text = "Count 3.14159265358979 of these, 今天天气很好。"
	if got := inference.CountTokens(inference.Model{}, text); got != inference.EstimateTokens(text) {
		t.Errorf("the estimate is %d, not %d", got, inference.EstimateTokens(text))
	}
	// So are those whose vocabulary isn't loaded.
	if got := inference.CountTokens(inference.Model{Tokenizer: "none that is there"}, text); got != inference.EstimateTokens(text) {
		t.Errorf("without a vocabulary it is %d, not %d", got, inference.EstimateTokens(text))
	}
	want := libraryCount(t, text)
	if want == inference.EstimateTokens(text) {
		t.Fatal("this text shows nothing")
	}
	if got := inference.CountTokens(gpt(), text); got != want {
		t.Errorf("%d, the library says %d", got, want)
	}
	c := gpt().Counter()
	if c.Tokens() != 0 {
		t.Errorf("nothing takes %d", c.Tokens())
	}
	c.Add(text)
	if f := c.Fresh(); f.Tokens() != 0 || c.Tokens() != int64(want) {
		t.Errorf("%d and %d", f.Tokens(), c.Tokens())
	}
	c.End()
	c.Add(text)
	if c.Tokens() != int64(2*want) {
		t.Errorf("two texts take %d, not %d", c.Tokens(), 2*want)
	}
	if got := c.Message(inference.Message{Text: text, Reasoning: "hm"}); c.Tokens() != int64(2*want+got) || got < want+5 {
		t.Errorf("a message takes %d of %d", got, c.Tokens())
	}
}

// A program's prompt is counted with all that the engine reads of it.
func TestPromptsAreTheModels(t *testing.T) {
	r := inference.Request{Messages: []inference.Message{
		{Role: inference.RoleSystem, Text: "Answer 12345678 times."},
		{Role: inference.RoleUser, Name: "ann", Parts: []inference.Part{{Text: "What is in 987654?"}, {ImageURL: "data:"}}},
		{Role: inference.RoleAssistant, Reasoning: "I look it up.", ToolCalls: []inference.ToolCall{{Name: "look", Arguments: `{"up":987654}`}}},
	}, Tools: []inference.Tool{{Name: "look", Description: "Looks up.", Parameters: json.RawMessage(`{"type":"object"}`)}},
		ResponseFormat: inference.ResponseFormat{Schema: json.RawMessage(`{"type":"string"}`)}}
	texts := []string{"Answer 12345678 times.", "ann", "What is in 987654?", "I look it up.", "look", `{"up":987654}`, "look", "Looks up.", `{"type":"object"}`, `{"type":"string"}`}
	const added = 3*4 + 4 + 4 + 1024
	estimated := added
	for _, s := range texts {
		estimated += inference.EstimateTokens(s)
	}
	if got := inference.CountPrompt(r); got != estimated {
		t.Errorf("the estimate is %d, not %d", got, estimated)
	}
	r.Model = gpt()
	if got, want := inference.CountPrompt(r), libraryCount(t, texts...)+added; got != want {
		t.Errorf("%d, the library says %d", got, want)
	}
}

// T24: what a program can write into a request and the engine may read is counted, wherever
// it stands: it would be read for nothing.
func TestNoPlaceInAPromptIsFree(t *testing.T) {
	text := strings.Repeat("a secret instruction ", 1000)
	for place, put := range map[string]func(r *inference.Request){
		"text":               func(r *inference.Request) { r.Messages[0].Text = text },
		"name":               func(r *inference.Request) { r.Messages[0].Name = text },
		"part":               func(r *inference.Request) { r.Messages[1].Parts[0].Text = text },
		"thoughts":           func(r *inference.Request) { r.Messages[2].Reasoning = text },
		"id of a call":       func(r *inference.Request) { r.Messages[2].ToolCalls[0].ID = text },
		"function called":    func(r *inference.Request) { r.Messages[2].ToolCalls[0].Name = text },
		"arguments":          func(r *inference.Request) { r.Messages[2].ToolCalls[0].Arguments = text },
		"id of a result":     func(r *inference.Request) { r.Messages[3].ToolCallID = text },
		"tool":               func(r *inference.Request) { r.Tools[0].Name = text },
		"tool's description": func(r *inference.Request) { r.Tools[0].Description = text },
		"tool's parameters":  func(r *inference.Request) { r.Tools[0].Parameters = json.RawMessage(text) },
		"format":             func(r *inference.Request) { r.ResponseFormat.Name = text },
		"format's words":     func(r *inference.Request) { r.ResponseFormat.Description = text },
		"format's schema":    func(r *inference.Request) { r.ResponseFormat.Schema = json.RawMessage(text) },
	} {
		r := inference.Request{Messages: []inference.Message{{Role: inference.RoleSystem}, {Role: inference.RoleUser, Parts: make([]inference.Part, 1)},
			{Role: inference.RoleAssistant, ToolCalls: make([]inference.ToolCall, 1)}, {Role: inference.RoleTool}}, Tools: make([]inference.Tool, 1)}
		before := inference.CountPrompt(r)
		put(&r)
		if got, want := inference.CountPrompt(r)-before, inference.EstimateTokens(text); got != want {
			t.Errorf("the %s counts %d, not %d", place, got, want)
		}
	}
}

// Beyond 128 KiB the estimate counts, however the text comes; in a prompt the newest
// messages are counted exactly.
func TestLongTextsAreEstimatedFromSomewhereOn(t *testing.T) {
	const most = 128 << 10
	text := strings.Repeat("7 1 4 ", most/6+2000)
	want := int64(libraryCount(t, text[:most]) + inference.EstimateTokens(text[most:]))
	for _, size := range []int{5, 4096, len(text)} {
		c := gpt().Counter()
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			c.Add(rest[:n])
			rest = rest[n:]
		}
		if c.Tokens() != want {
			t.Errorf("in pieces of %d: %d, not %d", size, c.Tokens(), want)
		}
	}
	wide := gpt().Counter() // a character is not cut
	wide.Add(strings.Repeat("x", most-1) + "中中")
	one := gpt().Counter()
	one.Add(strings.Repeat("x", most-1) + "中")
	if wide.Tokens() != one.Tokens()+1 {
		t.Errorf("%d after %d", wide.Tokens(), one.Tokens())
	}
	long, short := strings.Repeat("7 1 4 ", most/6), strings.Repeat("7 1 ", 1000)
	r := inference.Request{Model: gpt(), Messages: []inference.Message{{Text: strings.Repeat("9 ", most)}, {Text: long[:most-len(short)]}, {Text: short}}}
	want = int64(libraryCount(t, short, long[:most-len(short)]) + inference.EstimateTokens(strings.Repeat("9 ", most)) + 3*4)
	if got := inference.CountPrompt(r); int64(got) != want {
		t.Errorf("the prompt takes %d, not %d", got, want)
	}
}
