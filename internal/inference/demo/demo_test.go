package demo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a demo and connects the product's own client to it.
func start(t *testing.T, cfg demo.Config) (*inference.Engine, inference.Model) {
	t.Helper()
	s, err := demo.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	e, err := inference.New(inference.Config{BaseURL: s.URL(), Kind: inference.KindDemo})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.Close()
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if err := e.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := e.Resolve("")
	if err != nil {
		t.Fatal(err)
	}
	return e, m
}

func fast() demo.Config { return demo.Config{TokensPerSecond: -1, AllowFaults: true} }

// turns makes a conversation: person, demo, person, …
func turns(texts ...string) []inference.Message {
	var out []inference.Message
	for i, text := range texts {
		role := inference.RoleUser
		if i%2 == 1 {
			role = inference.RoleAssistant
		}
		out = append(out, inference.Message{Role: role, Text: text})
	}
	return out
}

type heard struct {
	text, reasoning string
	deltas          int
	result          inference.Result
	err             error
}

// words counts them: how many deltas bring them depends on how they arrived.
func (h heard) words() int { return len(strings.Fields(h.text + " " + h.reasoning)) }

func listen(ctx context.Context, e *inference.Engine, r inference.Request) heard {
	var h heard
	h.result, h.err = e.Stream(ctx, r, func(d inference.Delta) {
		h.text += d.Text
		h.reasoning += d.Reasoning
		h.deltas++
	})
	return h
}

func TestTopicsAreChosenByWordsInBothLanguages(t *testing.T) {
	e, m := start(t, fast())
	tests := map[string][]string{ // question: what the answer must hold
		"Hello!":                                {"built-in demo", "not* a language model"},
		"What are you?":                         {"built-in demo"},
		"How do I connect a real engine?":       {"INFERENCE_URL=http://127.0.0.1:11434/v1", "INFERENCE_URL=http://127.0.0.1:8000/v1", "https://api.moonshot.ai/v1", "INFERENCE_API_KEY"},
		"how does streaming work":               {"afterSeq"},
		"Is my data private?":                   {"AES-256-GCM"},
		"show me a code example in Python":      {"```python", "```go"},
		"a table please":                        {"| Planet |", "|--:|"},
		"some maths":                            {"$$", `\sqrt{\pi}`},
		"make a list":                           {"- [x]", "   - bread"},
		"a long essay":                          {"## 8. The rest"},
		"please think about it":                 {"5 cents"},
		"thanks":                                {"welcome"},
		"The capital of Mongolia?":              {"built-in demo", "`connect`"},
		"":                                      {"built-in demo"},
		"你好":                                    {"内置演示引擎", "不是*语言模型"},
		"怎么连接引擎":                                {"INFERENCE_URL=http://127.0.0.1:8000/v1"},
		"写一段代码":                                 {"```go", "升序"},
		"想一想这个谜题":                               {"5 分"},
		"蒙古的首都？":                                {"内置演示引擎"},
		"What about a hive, a chip, a codeine?": {"Nothing in your question matched"}, // no word inside a word
	}
	for question, wants := range tests {
		got := listen(t.Context(), e, inference.Request{Model: m, Messages: turns(question)})
		if got.err != nil || got.result.FinishReason != "stop" {
			t.Errorf("%q: %+v", question, got)
		}
		for _, want := range append(wants, "INFERENCE_URL") {
			if !strings.Contains(got.text, want) {
				t.Errorf("%q: the answer does not hold %q:\n%s", question, want, got.text)
			}
		}
		if again := listen(t.Context(), e, inference.Request{Model: m, Messages: turns(question)}); again.text != got.text {
			t.Errorf("%q: answered differently the second time", question)
		}
		u := got.result.Usage
		if u == nil || u.OutputTokens < int64(got.words()) || u.OutputTokens > int64(utf8.RuneCountInString(got.text+got.reasoning)) || u.PromptTokens < 4 || got.result.EngineModel != "demo" {
			t.Errorf("%q: %d words, %+v", question, got.words(), got.result)
		}
		thinks := strings.Contains(question, "think") || strings.Contains(question, "想")
		if thinks != (got.reasoning != "") {
			t.Errorf("%q: the reasoning is %q", question, got.reasoning)
		}
	}
}

func TestEarlierTurnsAreRemembered(t *testing.T) {
	e, m := start(t, fast())
	got := listen(t.Context(), e, inference.Request{Model: m, Messages: turns("a *table* please\nnow", "…", "some maths")})
	if !strings.Contains(got.text, "“a table please now”") || !strings.Contains(got.text, "$$") {
		t.Errorf("got %q", got.text)
	}
	got = listen(t.Context(), e, inference.Request{Model: m, Messages: turns("first", "…", "second", "…", "What did I ask?")})
	if !strings.Contains(got.text, "1. “first”\n2. “second”") {
		t.Errorf("got %q", got.text)
	}
	got = listen(t.Context(), e, inference.Request{Model: m, Messages: turns("你还记得吗")})
	if !strings.Contains(got.text, "第一条消息") {
		t.Errorf("got %q", got.text)
	}
}

func TestReplyIsContinuedWhereItWasCut(t *testing.T) {
	e, m := start(t, fast())
	for _, question := range []string{"a table please", "think", "/demo tokens 30", "/demo cut\n你好"} {
		plain := strings.ReplaceAll(question, "/demo cut\n", "")
		whole := listen(t.Context(), e, inference.Request{Model: m, Messages: turns(plain)}).text
		for _, at := range []int{len("the "), len(whole) / 2, len(whole) - 1, len(whole)} {
			for at < len(whole) && at > 0 && whole[at]&0xc0 == 0x80 {
				at--
			}
			got := listen(t.Context(), e, inference.Request{Model: m, Messages: turns(question, whole[:at]), Continue: true})
			if question != "/demo cut\n你好" && (got.err != nil || whole[:at]+got.text != whole) {
				t.Errorf("%q cut at %d of %d: %v, %q", question, at, len(whole), got.err, got.text)
			}
		}
	}
	t.Run("after the break itself", func(t *testing.T) {
		question := turns("/demo cut\na table please")
		first := listen(t.Context(), e, inference.Request{Model: m, Messages: question})
		if first.err == nil || first.text == "" {
			t.Fatalf("it was not cut: %+v", first)
		}
		rest := listen(t.Context(), e, inference.Request{Model: m, Continue: true,
			Messages: append(question, inference.Message{Role: inference.RoleAssistant, Text: first.text})})
		whole := listen(t.Context(), e, inference.Request{Model: m, Messages: turns("a table please")})
		if rest.err != nil || first.text+rest.text != whole.text {
			t.Errorf("got %v, %q + %q", rest.err, first.text, rest.text)
		}
	})
}

func TestDirectivesMakeItMisbehave(t *testing.T) {
	e, m := start(t, fast())
	ask := func(text string) heard {
		return listen(t.Context(), e, inference.Request{Model: m, Messages: turns(text)})
	}
	if got := ask("/demo tokens 5000"); got.err != nil || got.words() != 5000 || got.result.Usage.OutputTokens != 5000 {
		t.Errorf("tokens: %d words, %v", got.words(), got.err)
	}
	if got := ask("/demo garbage\nhello"); got.err != nil || got.text != ask("hello").text {
		t.Errorf("garbage: %v, %q", got.err, got.text)
	}
	if got := ask("/demo script reason 3; text 20; pause 1ms; garbage"); got.err != nil || got.words() != 23 || got.reasoning != "the quiet river " {
		t.Errorf("script: %+v", got)
	}
	for line, code := range map[string]fault.Code{
		"/demo cut":             fault.UpstreamFailed,
		"/demo fail":            fault.UpstreamFailed,
		"/demo refuse 500 html": fault.UpstreamFailed,
		"/demo refuse 429":      fault.UpstreamRateLimit,
		"/demo refuse 401":      fault.UpstreamAuth,
		"/demo refuse 404":      fault.ModelUnavailable,
	} {
		fresh, _ := start(t, fast()) // the breaker counts
		got := listen(t.Context(), fresh, inference.Request{Model: m, Messages: turns("hello\n" + line)})
		if !fault.Is(got.err, code) {
			t.Errorf("%s: got %v", line, got.err)
		}
		if strings.Contains(line, "refuse") == (got.deltas > 0) {
			t.Errorf("%s: %d deltas", line, got.deltas)
		}
	}
}

func TestStallLastsUntilTheClientGoes(t *testing.T) {
	e, m := start(t, fast())
	stopped := errors.New("stopped")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, err := e.Stream(ctx, inference.Request{Model: m, Messages: turns("/demo stall")}, func(inference.Delta) { cancel(stopped) })
	if !errors.Is(err, stopped) {
		t.Errorf("got %v", err)
	}
}

func TestFaultsNeedTheSetting(t *testing.T) {
	e, m := start(t, demo.Config{TokensPerSecond: -1})
	for _, line := range []string{"/demo cut", "/demo refuse 500", "/demo tokens 3"} {
		if got := listen(t.Context(), e, inference.Request{Model: m, Messages: turns(line)}); got.err != nil || !strings.Contains(got.text, "built-in demo") {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

func TestSpeedIsKept(t *testing.T) {
	e, m := start(t, demo.Config{TokensPerSecond: 200, AllowFaults: true})
	for line, want := range map[string]time.Duration{"/demo tokens 40": 200 * time.Millisecond, "/demo tokens 10\n/demo slow 20ms": 200 * time.Millisecond} {
		began := time.Now()
		got := listen(t.Context(), e, inference.Request{Model: m, Messages: turns(line)})
		if d := time.Since(began); got.err != nil || d < want*9/10 {
			t.Errorf("%s took %s, %v", line, d, got.err)
		}
	}
}

func TestLimitsAreKept(t *testing.T) {
	e, m := start(t, fast())
	got := listen(t.Context(), e, inference.Request{Model: m, Messages: turns("hello"), MaxOutputTokens: 7})
	if got.err != nil || got.result.Usage.OutputTokens != 7 || got.result.FinishReason != "length" {
		t.Errorf("got %+v", got)
	}
	got = listen(t.Context(), e, inference.Request{Model: m, Messages: turns("hello /demo"), MaxOutputTokens: 100000})
	if got.err != nil || got.result.FinishReason != "stop" {
		t.Errorf("got %+v", got)
	}
	got = listen(t.Context(), e, inference.Request{Model: m, Messages: turns(strings.Repeat("word ", 40000))})
	if !fault.Is(got.err, fault.ContextTooLong) {
		t.Errorf("got %v", got.err)
	}
}

func TestAnswerInOnePiece(t *testing.T) {
	e, m := start(t, fast())
	r := inference.Request{Model: m, Messages: turns("hello")}
	text, usage, err := e.Complete(t.Context(), r)
	if err != nil || usage == nil || text != listen(t.Context(), e, r).text {
		t.Errorf("got %q, %+v, %v", text, usage, err)
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	s, err := demo.Start(t.Context(), fast())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close(context.Background()) }()
	defer http.DefaultClient.CloseIdleConnections()
	for body, status := range map[string]int{
		`{`:                                   400,
		`{"model":"kimi-k2","messages":[{}]}`: 404,
		`{"model":"demo","messages":[]}`:      400,
		`{"model":"demo","messages":[{"role":"assistant","content":"a","partial":true}]}`: 200,
	} {
		resp, err := http.Post(s.URL()+"/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("%s: %d, want %d", body, resp.StatusCode, status)
		}
	}
	resp, err := http.Get(strings.TrimSuffix(s.URL(), "/v1") + "/other")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d, %s", resp.StatusCode, resp.Header)
	}
}

func TestCloseEndsRepliesUnderWay(t *testing.T) {
	s, err := demo.Start(t.Context(), fast())
	if err != nil {
		t.Fatal(err)
	}
	e, err := inference.New(inference.Config{BaseURL: s.URL(), Kind: inference.KindDemo})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	began, ended := make(chan struct{}, 1000), make(chan error, 1)
	go func() {
		_, err := e.Stream(t.Context(), inference.Request{Model: inference.Model{ID: "demo"}, Messages: turns("/demo stall")}, func(inference.Delta) { began <- struct{}{} })
		ended <- err
	}()
	<-began
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; !fault.Is(err, fault.UpstreamFailed) {
		t.Errorf("got %v", err)
	}
	if _, err := demo.Start(canceled(t), fast()); err == nil {
		t.Error("it started under an ended context")
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fmt.Errorf("ended"))
	return ctx
}
