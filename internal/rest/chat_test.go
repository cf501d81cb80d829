package rest_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/rest"
)

const chunkHead = `data: {"id":"chatcmpl-0123","object":"chat.completion.chunk","created":1767323045,"model":"kimi-k2","choices":[`

func chunk(delta string) string {
	return chunkHead + `{"index":0,"delta":{` + delta + `},"finish_reason":null}]}` + "\n\n"
}

// A stream is the role, each piece as it came, the reason, the usage where it was asked
// for, and the mark of the end, under one id.
func TestAChatStreamHasItsChunksInOrder(t *testing.T) {
	f := newFixture(t, nil)
	f.says(inference.Delta{Reasoning: "Hm."}, inference.Delta{Text: "\"Hello\"\n\x01<"}, inference.Delta{Text: "你"})
	resp := f.chat(`{"model":"kimi-k2","messages":[{"role":"user","content":"hi"}],"stream":true}`)
	if kind := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || kind != "text/event-stream; charset=utf-8" {
		t.Fatal(resp.StatusCode, kind)
	}
	begin := chunk(`"role":"assistant","content":""`)
	same(t, f.text(resp), begin+chunk(`"reasoning_content":"Hm."`)+chunk(`"content":"\"Hello\"\n\u0001<"`)+chunk(`"content":"你"`)+
		chunkHead+`{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")

	f.says(inference.Delta{Text: "a"})
	text := f.text(f.chat(`{"model":"kimi-k2","messages":[{"role":"user","content":"hi"}],"stream":true,"stream_options":{"include_usage":true}}`))
	lines := strings.Split(strings.TrimSuffix(text, "\n\n"), "\n\n")
	if len(lines) != 5 || lines[4] != "data: [DONE]" {
		t.Fatal(text)
	}
	for _, l := range lines[:3] {
		if !strings.HasSuffix(l, `],"usage":null}`) {
			t.Error(l)
		}
	}
	same(t, lines[3], chunkHead+`],"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`)
	if e := f.record(); e.Route != "POST /v1/chat/completions" || e.ModelID != "kimi-k2" || e.Status != 200 || !e.Streamed || e.Credits != 31 || e.PromptTokens != 10 || e.KeyID != "key_1" || e.ID != "req_1" {
		t.Errorf("%+v", e)
	}
}

func TestToolCallsStreamInPieces(t *testing.T) {
	f := newFixture(t, nil)
	f.says(inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: 0, ID: "call_1", Name: "weather", Arguments: ""}}},
		inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: 0, Arguments: `{"city"`}}},
		inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: 0, Arguments: `:1}`}, {Index: 1, ID: "call_2", Name: "time", Arguments: "{}"}}})
	begin := chunk(`"role":"assistant","content":""`)
	text := f.text(f.chat(`{"model":"kimi-k2","stream":true,"messages":[{"role":"user","content":"hi"}]}`))
	same(t, text, begin+chunk(`"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"weather","arguments":""}}]`)+
		chunk(`"tool_calls":[{"index":0,"function":{"arguments":"{\"city\""}}]`)+
		chunk(`"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":1,"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}}]`)+
		chunkHead+`{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`+"\n\ndata: [DONE]\n\n")

	text = f.text(f.chat(goodChat))
	same(t, text, `{"id":"chatcmpl-0123","object":"chat.completion","created":1767323045,"model":"kimi-k2","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,`+
		`"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{\"city\":1}"}},{"id":"call_2","type":"function","function":{"name":"time","arguments":"{}"}}]},`+
		`"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`+"\n")
}

func TestAWholeCompletion(t *testing.T) {
	f := newFixture(t, func(f *fixture, _ *rest.Config) {
		f.run.Limits = []rest.Allowance{{Name: "requests", Limit: 60, Remaining: 59, Reset: 1500 * time.Millisecond}, {Name: "tokens", Limit: 1000, Remaining: -5, Reset: time.Minute}}
		f.run.Replayed = true
	})
	f.says(inference.Delta{Reasoning: "Hm."}, inference.Delta{Text: "Hello"}, inference.Delta{Text: " <there>"})
	resp := f.chat(goodChat)
	same(t, f.text(resp), `{"id":"chatcmpl-0123","object":"chat.completion","created":1767323045,"model":"kimi-k2","choices":[{"index":0,"message":{"role":"assistant","content":"Hello <there>","reasoning_content":"Hm.","refusal":null},"logprobs":null,"finish_reason":"stop"}],`+
		`"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`+"\n")
	for name, want := range map[string]string{"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59", "x-ratelimit-reset-requests": "1.5s", "X-RateLimit-Limit": "60",
		"X-RateLimit-Remaining": "59", "X-RateLimit-Reset": "2", "x-ratelimit-remaining-tokens": "0", "Idempotency-Replayed": "true"} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if resp.Header.Get("Openai-Processing-Ms") == "" {
		t.Error("the time is not told")
	}
}

// A whole answer that only calls has no content, and each call is as it was written.
func TestAWholeCompletionOfCalls(t *testing.T) {
	f := newFixture(t, nil)
	f.says(inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: 0, ID: "a", Name: "sum", Arguments: `{"x":"`}, {Index: 1, ID: "b", Name: "now"}}},
		inference.Delta{ToolCalls: []inference.ToolCallDelta{{Index: 0, Arguments: "\\n\"}"}}})
	same(t, f.text(f.chat(goodChat)), `{"id":"chatcmpl-0123","object":"chat.completion","created":1767323045,"model":"kimi-k2","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":null,`+
		`"tool_calls":[{"id":"a","type":"function","function":{"name":"sum","arguments":"{\"x\":\"\\n\"}"}},{"id":"b","type":"function","function":{"name":"now","arguments":""}}]},"logprobs":null,"finish_reason":"tool_calls"}],`+
		`"usage":{"prompt_tokens":10,"completion_tokens":7,"total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}`+"\n")
}

// Nothing waits for the next piece: each is with the client before the next is made.
func TestEachPieceIsSentAtOnce(t *testing.T) {
	f := newFixture(t, nil)
	next := make(chan string)
	f.run.Stream = func(_ context.Context, emit func(inference.Delta) error) (completion.Outcome, error) {
		for s := range next {
			if err := emit(inference.Delta{Text: s}); err != nil {
				return completion.Outcome{}, err
			}
		}
		return completion.Outcome{FinishReason: "stop"}, nil
	}
	go func() { next <- "one" }()
	lines := bufio.NewScanner(f.chat(strings.Replace(goodChat, "{", `{"stream":true,`, 1)).Body)
	for _, word := range []string{"one", "two", "three"} {
		for lines.Scan() && !strings.Contains(lines.Text(), word) {
		}
		if lines.Err() != nil {
			t.Fatal(lines.Err())
		}
		switch word {
		case "one":
			next <- "two"
		case "two":
			next <- "three"
		}
	}
	close(next)
	for lines.Scan() {
	}
}

// A failure before the first piece is an ordinary refusal; after it an event, and no mark
// of the end.
func TestFailuresOfStreams(t *testing.T) {
	f := newFixture(t, nil)
	body := strings.Replace(goodChat, "{", `{"stream":true,`, 1)
	f.ends(completion.Outcome{}, fault.New(fault.UpstreamFailed, "The engine broke."))
	resp := f.chat(body)
	if e := f.refusal(resp).Error; resp.StatusCode != http.StatusBadGateway || e.Type != "server_error" || e.Code != "upstream_failed" {
		t.Error(resp.StatusCode, e)
	}
	f.record()
	f.ends(completion.Outcome{Credits: 5}, fault.New(fault.UpstreamFailed, "The engine broke."), inference.Delta{Text: "a"})
	text := f.text(f.chat(body))
	if !strings.HasSuffix(text, `data: {"error":{"message":"The engine broke.","type":"server_error","param":null,"code":"upstream_failed"}}`+"\n\n") || strings.Contains(text, "[DONE]") {
		t.Error(text)
	}
	if e := f.record(); e.Status != 502 || e.Code != "UPSTREAM_FAILED" || e.Credits != 5 {
		t.Errorf("%+v", e)
	}
	f.ends(completion.Outcome{}, errors.New("the disk of 10.0.0.1 is gone"), inference.Delta{Text: "a"})
	if text := f.text(f.chat(body)); strings.Contains(text, "disk") || !strings.Contains(text, `"code":"internal_error"`) || !strings.Contains(text, "req_1") {
		t.Error(text)
	}
	if !strings.Contains(f.logs.String(), "the disk of 10.0.0.1 is gone") {
		t.Error("the cause is nowhere")
	}
}

// Silence is broken by comments, which say how many are before.
func TestSilenceIsBrokenByComments(t *testing.T) {
	release := make(chan struct{})
	f := newFixture(t, func(f *fixture, c *rest.Config) {
		c.KeepAlive = 5 * time.Millisecond
		f.run.Stream = func(_ context.Context, emit func(inference.Delta) error) (completion.Outcome, error) {
			<-release
			return completion.Outcome{FinishReason: "stop"}, emit(inference.Delta{Text: "late"})
		}
		place := 3
		f.run.Position = func() int { place--; return place }
	})
	lines := bufio.NewScanner(f.chat(strings.Replace(goodChat, "{", `{"stream":true,`, 1)).Body)
	var got []string
	for lines.Scan() && len(got) < 8 {
		got = append(got, lines.Text())
		if len(got) == 6 {
			close(release)
		}
	}
	if len(got) < 8 {
		t.Fatal(got, lines.Err())
	}
	for i, want := range map[int]string{0: ": queue position 2", 2: ": queue position 1", 4: ": keep-alive"} {
		if got[i] != want {
			t.Errorf("line %d is %q", i, got[i])
		}
	}
}

// F7: whoever goes away stops its run at once.
func TestAClientThatGoesStopsItsRun(t *testing.T) {
	for _, body := range []string{goodChat, strings.Replace(goodChat, "{", `{"stream":true,`, 1)} {
		f := newFixture(t, nil)
		running := make(chan struct{})
		f.run.Stream = func(ctx context.Context, emit func(inference.Delta) error) (completion.Outcome, error) {
			if err := emit(inference.Delta{Text: "a"}); err != nil {
				t.Error(err)
			}
			close(running)
			<-ctx.Done()
			return completion.Outcome{Credits: 3}, ctx.Err()
		}
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/v1/chat/completions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		go func() { <-running; cancel() }()
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
		if e := f.record(); e.Status != 499 || e.Credits != 3 || e.Code != "" {
			t.Errorf("%+v", e)
		}
	}
}

// T16: a client that doesn't read is cut, and its run with it.
func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	f := newFixture(t, func(_ *fixture, c *rest.Config) { c.WriteTimeout = 50 * time.Millisecond })
	f.run.Stream = func(ctx context.Context, emit func(inference.Delta) error) (completion.Outcome, error) {
		for {
			if err := emit(inference.Delta{Text: strings.Repeat("x", 1<<16)}); err != nil {
				return completion.Outcome{Credits: 2}, err
			}
		}
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := strings.Replace(goodChat, "{", `{"stream":true,`, 1)
	if _, err := conn.Write([]byte("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " + itoa(len(body)) + "\r\n\r\n" + body)); err != nil {
		t.Fatal(err)
	}
	if e := f.record(); e.Status != 499 || e.Credits != 2 {
		t.Errorf("%+v", e)
	}
}

// An answer that ended because the credits did is whole as far as it goes: it was paid for.
func TestAnAnswerThatTheCreditsEnded(t *testing.T) {
	f := newFixture(t, nil)
	f.ends(completion.Outcome{FinishReason: "length", Usage: usage, Credits: 9}, fault.New(fault.InsufficientCredits, "No credits."), inference.Delta{Text: "So far"})
	resp := f.chat(goodChat)
	if text := f.text(resp); resp.StatusCode != http.StatusOK || !strings.Contains(text, `"content":"So far"`) || !strings.Contains(text, `"finish_reason":"length"`) || resp.Header.Get("X-Error-Code") != "INSUFFICIENT_CREDITS" {
		t.Error(resp.StatusCode, text)
	}
	if text := f.text(f.chat(strings.Replace(goodChat, "{", `{"stream":true,`, 1))); !strings.HasSuffix(text, `"finish_reason":"length"}]}`+"\n\ndata: [DONE]\n\n") {
		t.Error(text)
	}
	if e := f.record(); e.Status != 200 || e.Code != "INSUFFICIENT_CREDITS" || e.Credits != 9 {
		t.Errorf("%+v", e)
	}
}

// Who asks again under the key of an answer that he left in the middle gets what was charged.
func TestAnAnswerThatItsClientLeft(t *testing.T) {
	f := newFixture(t, func(f *fixture, _ *rest.Config) { f.run.Replayed = true })
	f.ends(completion.Outcome{FinishReason: "length", Usage: usage}, fault.New(fault.Interrupted, "The client went away."), inference.Delta{Text: "So far"})
	resp := f.chat(goodChat, "Idempotency-Key", "a")
	if text := f.text(resp); resp.StatusCode != http.StatusOK || !strings.Contains(text, `"content":"So far"`) || !strings.Contains(text, `"finish_reason":"length"`) || resp.Header.Get("X-Error-Code") != "INTERRUPTED" || resp.Header.Get("Idempotency-Replayed") != "true" {
		t.Error(resp.StatusCode, text, resp.Header)
	}
	if text := f.text(f.do("POST", "/v1/messages", badMessage(`"stream":true`))); !strings.Contains(text, "So far") || !strings.Contains(text, `"stop_reason":"max_tokens"`) || !strings.Contains(text, "message_stop") {
		t.Error(text)
	}
}

// An answer that is given again is told as it was, and counts no tokens a second time.
func TestAReplayCountsNoTokens(t *testing.T) {
	f := newFixture(t, nil)
	f.ends(completion.Outcome{FinishReason: "stop", Usage: usage, FirstToken: time.Second}, nil, inference.Delta{Text: "Hello"})
	for _, replayed := range []bool{false, true} {
		for _, body := range []string{goodChat, strings.Replace(goodChat, "{", `{"stream":true,"stream_options":{"include_usage":true},`, 1)} {
			f.run.Replayed = replayed
			if text := f.text(f.chat(body, "Idempotency-Key", "a")); !strings.Contains(text, `"prompt_tokens":10`) {
				t.Error(text)
			}
			e := f.record()
			if counted := e.PromptTokens == 10 && e.CachedTokens == 4 && e.OutputTokens == 7 && e.ReasoningTokens == 2 && e.FirstToken == time.Second; counted == replayed {
				t.Errorf("replayed %v: %+v", replayed, e)
			}
			if replayed && e.PromptTokens+e.CachedTokens+e.OutputTokens+e.ReasoningTokens+int64(e.FirstToken) != 0 {
				t.Errorf("a replay counts %+v", e)
			}
		}
	}
}

// What failed under an idempotency key fails again: nobody is told to try.
func TestAReplayedFailureIsFinal(t *testing.T) {
	f := newFixture(t, func(f *fixture, _ *rest.Config) { f.run.Replayed = true })
	f.ends(completion.Outcome{}, fault.New(fault.UpstreamFailed, "The engine broke."), inference.Delta{Text: "a"})
	if resp := f.chat(goodChat); resp.StatusCode != http.StatusBadGateway || resp.Header.Get("X-Should-Retry") != "false" || resp.Header.Get("Retry-After") != "" {
		t.Error(resp.StatusCode, resp.Header)
	}
}
