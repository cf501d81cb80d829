package openai_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// What Encode writes is what json.Marshal says, whatever a request holds, and markup stays
// readable.
func TestARequestIsEncodedInOneGo(t *testing.T) {
	warm, seed, no := 0.5, int64(7), false
	r := openai.Request{Model: "m", Stream: true, StreamOptions: &openai.StreamOptions{IncludeUsage: true}, MaxTokens: 9, Temperature: &warm, User: "u", AddGenerationPrompt: &no,
		Tools: []openai.Tool{{Type: "function", Function: openai.Function{Name: "f", Parameters: json.RawMessage(`{"type":"object"}`)}}}, ToolChoice: "auto", Stop: []string{"."}, Seed: &seed,
		Messages: []openai.Message{
			{Role: "system", Content: "<be brief> & \"kind\"\n"},
			{Role: "user", Parts: []openai.Part{{Type: "text", Text: "what?"}, {Type: "image_url", ImageURL: &openai.ImageURL{URL: "data:image/png;base64,AA=="}}}},
			{Role: "assistant", ReasoningContent: "hm", ToolCalls: []openai.ToolCall{{ID: "c", Type: "function", Function: openai.FunctionCall{Name: "f", Arguments: "{}"}}}},
			{Role: "tool", Content: "", ToolCallID: "c"},
			{Role: "assistant", Content: "So", Partial: true, Name: "k"},
		}}
	got, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var a, b map[string]any
	if json.Unmarshal(got, &a) != nil || json.Unmarshal(want, &b) != nil || !reflect.DeepEqual(a, b) || len(b) < 12 {
		t.Errorf("%s\nwant %s", got, want)
	}
	var back openai.Request
	if err := json.Unmarshal(got, &back); err != nil || len(back.Messages) != 5 || back.Messages[0].Content != r.Messages[0].Content {
		t.Errorf("%+v: %v", back, err)
	}
}

// BenchmarkEncode is a conversation of 40 messages, 100 KiB in all.
func BenchmarkEncode(b *testing.B) {
	text := make([]byte, 2560)
	for i := range text {
		text[i] = "some words <b>of text</b>\n"[i%26]
	}
	r := openai.Request{Model: "m", Stream: true}
	for range 40 {
		r.Messages = append(r.Messages, openai.Message{Role: "user", Content: string(text)})
	}
	for b.Loop() {
		if _, err := r.Encode(); err != nil {
			b.Fatal(err)
		}
	}
}
