package inference_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newEngine makes a client of url, refreshed, that ends with the test.
func newEngine(t *testing.T, url string, change ...func(*inference.Config)) *inference.Engine {
	t.Helper()
	cfg := inference.Config{BaseURL: url}
	for _, c := range change {
		c(&cfg)
	}
	e, err := inference.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func asking(text string) inference.Request {
	return inference.Request{
		Model:    inference.Model{ID: "kimi-k2", EngineID: "kimi-k2", MaxOutputTokens: 100},
		Messages: []inference.Message{{Role: inference.RoleUser, Text: text}},
	}
}

// collected streams r and returns all that came.
func collected(ctx context.Context, e *inference.Engine, r inference.Request) (text, reasoning string, result inference.Result, err error) {
	result, err = e.Stream(ctx, r, func(d inference.Delta) {
		text += d.Text
		reasoning += d.Reasoning
	})
	return text, reasoning, result, err
}

func wantFault(t *testing.T, err error, code fault.Code, words ...string) *fault.Fault {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want the fault %s", err, code)
	}
	if f.Code != code {
		t.Errorf("got %v, want the code %s", f, code)
	}
	for _, w := range words {
		if !strings.Contains(f.Message, w) {
			t.Errorf("%q does not say %q", f.Message, w)
		}
	}
	return f
}

func TestStreamGivesTextReasoningUsageAndReason(t *testing.T) {
	fake := inferencetest.New(t)
	fake.Queue(inferencetest.Script{
		inferencetest.Think("Hm", "…"), inferencetest.Say("Hello", " 世界"), inferencetest.Finish("stop"),
		inferencetest.Usage(openai.Usage{PromptTokens: 9, CompletionTokens: 4, PromptTokensDetails: &openai.PromptDetails{CachedTokens: 3}}), inferencetest.Done(),
	})
	e := newEngine(t, fake.URL())
	text, reasoning, result, err := collected(t.Context(), e, asking("hi"))
	if err != nil || text != "Hello 世界" || reasoning != "Hm…" {
		t.Errorf("got %q, %q, %v", text, reasoning, err)
	}
	want := inference.Result{FinishReason: "stop", EngineModel: "kimi-k2", Usage: &inference.Usage{PromptTokens: 9, CachedTokens: 3, OutputTokens: 4}}
	if !reflect.DeepEqual(result, want) {
		t.Errorf("got %+v, want %+v", result, want)
	}
	if s := e.Info().State; s != inference.StateOK {
		t.Errorf("the state is %s", s)
	}
}

func TestStreamPassesEachChunkOnAtOnce(t *testing.T) {
	fake := inferencetest.New(t)
	next := make(chan struct{})
	fake.Queue(inferencetest.Script{
		inferencetest.Say("one"), inferencetest.Wait(next), inferencetest.Say(" two"), inferencetest.Wait(next),
		inferencetest.Finish("stop"), inferencetest.Done(),
	})
	e := newEngine(t, fake.URL())
	var got []string
	_, err := e.Stream(t.Context(), asking("hi"), func(d inference.Delta) {
		got = append(got, d.Text)
		next <- struct{}{} // the engine goes on only when this chunk has arrived
	})
	if err != nil || !reflect.DeepEqual(got, []string{"one", " two"}) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestRequestHoldsNothingButOurFields(t *testing.T) { // T20
	temperature := 0.6
	tests := map[string]struct {
		change func(*inference.Request)
		want   string
	}{
		"plain": {func(*inference.Request) {}, `{"model":"kimi-k2","messages":[{"role":"user","content":"a <b> & 世"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":100}`},
		"sampling and user": {func(r *inference.Request) {
			r.Model.Sampling.Temperature, r.User = &temperature, "u-1"
		}, `{"model":"kimi-k2","messages":[{"role":"user","content":"a <b> & 世"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":100,"temperature":0.6,"user":"u-1"}`},
		"fixed sampling": {func(r *inference.Request) {
			r.Model.Sampling = inference.Sampling{Temperature: &temperature, Fixed: true}
		}, `{"model":"kimi-k2","messages":[{"role":"user","content":"a <b> & 世"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":100}`},
		"the newer limit, and never more than the model's": {func(r *inference.Request) {
			r.Model.OutputLimit, r.MaxOutputTokens = inference.LimitMaxCompletionTokens, 5000
		}, `{"model":"kimi-k2","messages":[{"role":"user","content":"a <b> & 世"}],"stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":100}`},
		"reasoning of earlier turns stays here": {func(r *inference.Request) {
			r.Messages = append(r.Messages, inference.Message{Role: inference.RoleAssistant, Text: "x", Reasoning: "secret"}, inference.Message{Role: inference.RoleUser, Text: "y"})
		}, `{"model":"kimi-k2","messages":[{"role":"user","content":"a <b> & 世"},{"role":"assistant","content":"x"},{"role":"user","content":"y"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":100}`},
		"continue at Moonshot": {func(r *inference.Request) {
			r.Messages = append(r.Messages, inference.Message{Role: inference.RoleAssistant, Text: "x", Reasoning: "z"})
			r.Continue, r.Model.Continuation = true, inference.ContinuePartial
		}, `{"model":"kimi-k2","messages":[{"role":"user","content":"a <b> & 世"},{"role":"assistant","content":"x","reasoning_content":"z","partial":true}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":100}`},
		"continue at vLLM": {func(r *inference.Request) {
			r.Messages = append(r.Messages, inference.Message{Role: inference.RoleAssistant, Text: "x"})
			r.Continue, r.Model.Continuation = true, inference.ContinueFinalMessage
		}, `{"model":"kimi-k2","messages":[{"role":"user","content":"a <b> & 世"},{"role":"assistant","content":"x"}],"stream":true,"stream_options":{"include_usage":true},"max_tokens":100,"continue_final_message":true,"add_generation_prompt":false}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake := inferencetest.New(t)
			e := newEngine(t, fake.URL(), func(c *inference.Config) { c.APIKey = "sk-secret-123456" })
			r := asking("a <b> & 世")
			tt.change(&r)
			if _, _, _, err := collected(t.Context(), e, r); err != nil {
				t.Fatal(err)
			}
			got := fake.Requests()[0]
			if s := strings.TrimSpace(string(got.Body)); s != tt.want {
				t.Errorf("sent\n%s, want\n%s", s, tt.want)
			}
			if h := got.Header; h.Get("Authorization") != "Bearer sk-secret-123456" || h.Get("Idempotency-Key") != "" || h.Get("Accept-Encoding") != "" {
				t.Errorf("sent the headers %v", h)
			}
		})
	}
}

func TestCancellingEndsTheRequestAtTheEngine(t *testing.T) { // F7
	for name, script := range map[string]inferencetest.Script{
		"before the headers":    {inferencetest.Hang()},
		"before the first text": {inferencetest.Begin(), inferencetest.Hang()},
		"in the middle":         {inferencetest.Say("a"), inferencetest.Hang()},
	} {
		t.Run(name, func(t *testing.T) {
			fake := inferencetest.New(t)
			fake.Queue(script)
			e := newEngine(t, fake.URL())
			stopped := errors.New("stopped by the person")
			ctx, cancel := context.WithCancelCause(t.Context())
			ended := make(chan error, 1)
			first := make(chan struct{}, 1)
			go func() {
				_, err := e.Stream(ctx, asking("hi"), func(inference.Delta) { first <- struct{}{} })
				ended <- err
			}()
			inferencetest.Await(t, fake.Started(), "the request")
			if name == "in the middle" {
				inferencetest.Await(t, first, "the first text")
			}
			at := time.Now()
			cancel(stopped)
			if err := inferencetest.Await(t, ended, "the end of the stream"); !errors.Is(err, stopped) {
				t.Errorf("ended with %v, want the cause", err)
			}
			inferencetest.Await(t, fake.Cancelled(), "the engine's own request to be cancelled")
			if d := time.Since(at); d > 500*time.Millisecond {
				t.Errorf("it took %s", d)
			}
			if s := e.Info().State; s != inference.StateOK {
				t.Errorf("a stopped stream made the engine %s", s)
			}
		})
	}
}

// What the same request would meet again is marked, so that nobody repeats it.
func TestRefusalsThatWillNotPassAreMarked(t *testing.T) {
	for name, tt := range map[string]struct {
		script inferencetest.Script
		reason string
		busy   bool
	}{
		"400":             {inferencetest.Refuse(400, `{"error":{"message":"this model reads no images"}}`), inference.ReasonRefused, false},
		"422":             {inferencetest.Refuse(422, `{"detail":[{"msg":"bad schema"}]}`), inference.ReasonRefused, false},
		"400 in a stream": {inferencetest.Script{inferencetest.Raw("data: {\"error\":{\"message\":\"bad grammar\",\"code\":400}}\n\n")}, inference.ReasonRefused, false},
		"402":             {inferencetest.Refuse(402, `{}`), inference.ReasonOperator, false},
		"405":             {inferencetest.Refuse(405, `{}`), inference.ReasonOperator, false},
		"410":             {inferencetest.Refuse(410, `{}`), inference.ReasonOperator, false},
		"415":             {inferencetest.Refuse(415, `{}`), inference.ReasonOperator, false},
		"425":             {inferencetest.Refuse(425, `{}`), "", false},
		"307":             {inferencetest.Refuse(307, ``, "Location", "/"), inference.ReasonOperator, false},
		"429 quota":       {inferencetest.Refuse(429, `{"error":{"message":"check your billing details"}}`), inference.ReasonOperator, false},
		"HTTP to TLS":     {inferencetest.Refuse(400, "Client sent an HTTP request to an HTTPS server.\n"), inference.ReasonOperator, false},
		"429":             {inferencetest.Refuse(429, `{}`), "", true},
		"408":             {inferencetest.Refuse(408, `{}`), "", false},
		"409":             {inferencetest.Refuse(409, `{}`), "", false},
		"500":             {inferencetest.Refuse(500, `{}`), "", false},
	} {
		fake := inferencetest.New(t)
		fake.Queue(tt.script)
		_, _, _, err := collected(t.Context(), newEngine(t, fake.URL()), asking("hi"))
		list, _ := fault.Of(err)
		if _, busy := inference.IsBusy(err); len(list) != 1 || list[0].Reason != tt.reason || busy != tt.busy {
			t.Errorf("%s: %v, busy %v", name, list, busy)
		}
	}
}

// What only the operator can mend is an error in the log, what may pass or is the asker's own
// a warning.
func TestWhatTheOperatorMustMendIsLoggedAsAnError(t *testing.T) {
	for status, level := range map[int]string{401: "ERROR", 402: "ERROR", 403: "ERROR", 404: "ERROR", 405: "ERROR", 400: "WARN", 409: "WARN", 413: "WARN", 429: "WARN", 500: "WARN"} {
		fake := inferencetest.New(t)
		fake.Queue(inferencetest.Refuse(status, `{"error":{"message":"no"}}`))
		var log bytes.Buffer
		e := newEngine(t, fake.URL(), func(c *inference.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		_, _, _, err := collected(t.Context(), e, asking("hi"))
		if err == nil || !strings.Contains(log.String(), "level="+level+` msg="inference engine failed a request"`) {
			t.Errorf("%d: %v, logged %s", status, err, &log)
		}
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	const page = "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1>secret page</body></html>"
	tests := map[string]struct {
		script inferencetest.Script
		code   fault.Code
		words  []string
		retry  time.Duration
	}{
		"401":              {inferencetest.Refuse(401, `{"error":{"message":"Incorrect API key provided: sk-abc***xyz","type":"invalid_authentication_error"}}`), fault.UpstreamAuth, []string{"INFERENCE_API_KEY"}, 0},
		"403 page":         {inferencetest.Refuse(403, page, "Content-Type", "text/html"), fault.UpstreamAuth, []string{"INFERENCE_API_KEY"}, 0},
		"404 model":        {inferencetest.Refuse(404, `{"error":{"message":"Not found the model kimi-k9","type":"resource_not_found_error"}}`), fault.ModelUnavailable, []string{"kimi-k9"}, 0},
		"404 page":         {inferencetest.Refuse(404, page, "Content-Type", "text/html"), fault.ModelUnavailable, []string{"INFERENCE_URL", "/v1"}, 0},
		"400 model":        {inferencetest.Refuse(400, `{"error":{"message":"model \"x\" not found, try pulling it first"}}`), fault.ModelUnavailable, []string{"try pulling"}, 0},
		"429 seconds":      {inferencetest.Refuse(429, `{"error":{"message":"busy","type":"engine_overloaded_error"}}`, "Retry-After", "7"), fault.UpstreamRateLimit, []string{"busy"}, 7 * time.Second},
		"429 date":         {inferencetest.Refuse(429, `{}`, "Date", "Mon, 02 Jan 2006 15:04:05 GMT", "Retry-After", "Mon, 02 Jan 2006 15:04:35 GMT"), fault.UpstreamRateLimit, nil, 30 * time.Second},
		"429 absurd":       {inferencetest.Refuse(429, ``, "Retry-After", "99999999999"), fault.UpstreamRateLimit, nil, time.Hour},
		"429 quota":        {inferencetest.Refuse(429, `{"error":{"message":"Your account org-abcdef123 is suspended, please check your plan and billing details","type":"exceeded_current_quota_error"}}`), fault.UpstreamRateLimit, []string{"quota", "top it up"}, 0},
		"402":              {inferencetest.Refuse(402, `{"error":{"message":"pay"}}`), fault.UpstreamFailed, []string{"funds"}, 0},
		"400 context":      {inferencetest.Refuse(400, `{"error":{"message":"This model's maximum context length is 131072 tokens.","code":"context_length_exceeded"}}`), fault.ContextTooLong, []string{"131072"}, 0},
		"400 Moonshot":     {inferencetest.Refuse(400, `{"error":{"message":"Invalid request: Your request exceeded model token limit: 8192","type":"invalid_request_error"}}`), fault.ContextTooLong, nil, 0},
		"400 llama.cpp":    {inferencetest.Refuse(400, `{"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size","type":"exceed_context_size_error"}}`), fault.ContextTooLong, nil, 0},
		"413":              {inferencetest.Refuse(413, ``), fault.ContextTooLong, []string{"new conversation"}, 0},
		"400 other":        {inferencetest.Refuse(400, `{"object":"error","message":"temperature must be 1","type":"BadRequestError","code":400}`), fault.UpstreamFailed, []string{"temperature must be 1"}, 0},
		"secrets in it":    {inferencetest.Refuse(400, `{"error":{"message":"wrong for sk-abcdef1234 of org-abcdef1234, Bearer abc.def, ask joe@example.com"}}`), fault.UpstreamFailed, []string{"wrong for [hidden] of [hidden], [hidden] ask [hidden]"}, 0},
		"HTML in it":       {inferencetest.Refuse(500, `{"error":{"message":"<html><body>secret page</body></html>"}}`), fault.UpstreamFailed, []string{"fault of its own (500). Try"}, 0},
		"422 detail":       {inferencetest.Refuse(422, `{"detail":[{"msg":"field required"}]}`), fault.UpstreamFailed, []string{"field required"}, 0},
		"500 JSON":         {inferencetest.Refuse(500, `{"error":"out of memory"}`), fault.UpstreamFailed, []string{"out of memory"}, 0},
		"502 page":         {inferencetest.Refuse(502, page, "Content-Type", "text/html"), fault.UpstreamFailed, []string{"502"}, 0},
		"503 retry":        {inferencetest.Refuse(503, ``, "Retry-After", "3"), fault.UpstreamFailed, nil, 3 * time.Second},
		"302":              {inferencetest.Refuse(302, ``, "Location", "http://127.0.0.1:1/"), fault.UpstreamFailed, []string{"redirects"}, 0},
		"200 page":         {inferencetest.Refuse(200, page, "Content-Type", "text/html; charset=utf-8"), fault.UpstreamFailed, []string{"INFERENCE_URL", "OpenAI-compatible"}, 0},
		"endless page":     {append(inferencetest.Refuse(200, page, "Content-Type", "text/html"), inferencetest.Hang()), fault.UpstreamFailed, []string{"OpenAI-compatible"}, 0},
		"200 text":         {inferencetest.Refuse(200, "It works!", "Content-Type", "text/plain"), fault.UpstreamFailed, []string{"INFERENCE_URL"}, 0},
		"200 other JSON":   {inferencetest.Refuse(200, `{"hello":1}`), fault.UpstreamFailed, []string{"INFERENCE_URL"}, 0},
		"200 error":        {inferencetest.Refuse(200, `{"error":{"message":"broken inside"}}`), fault.UpstreamFailed, []string{"broken inside"}, 0},
		"HTTP at TLS port": {inferencetest.Refuse(400, "Client sent an HTTP request to an HTTPS server.\n", "Content-Type", "text/plain"), fault.UpstreamFailed, []string{"https://"}, 0},
		"nginx says so":    {inferencetest.Refuse(400, "<html><center>The plain HTTP request was sent to HTTPS port</center></html>", "Content-Type", "text/html"), fault.UpstreamFailed, []string{"https://"}, 0},
		"error in stream":  {inferencetest.Script{inferencetest.Say("a"), inferencetest.Raw("data: {\"error\":{\"message\":\"CUDA error\",\"code\":500}}\n\n")}, fault.UpstreamFailed, []string{"CUDA error"}, 0},
		"limit in stream":  {inferencetest.Script{inferencetest.Say("a"), inferencetest.Raw("data: {\"error\":{\"message\":\"slow down\",\"code\":429}}\n\n")}, fault.UpstreamRateLimit, nil, 0},
		"cut":              {inferencetest.Script{inferencetest.Say("a"), inferencetest.Cut()}, fault.UpstreamFailed, []string{"ended early"}, 0},
		"ended early":      {inferencetest.Script{inferencetest.Say("a")}, fault.UpstreamFailed, []string{"ended early"}, 0},
		"cut at once":      {inferencetest.Script{inferencetest.Cut()}, fault.UpstreamFailed, []string{"closed the connection"}, 0},
		"a huge line":      {inferencetest.Script{inferencetest.Say("a"), inferencetest.Raw("data: " + strings.Repeat("x", 2<<20))}, fault.UpstreamFailed, []string{"too large"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fake := inferencetest.New(t)
			fake.Queue(tt.script)
			e := newEngine(t, fake.URL(), func(c *inference.Config) { c.APIKey = "verysecretkey" })
			text, _, _, err := collected(t.Context(), e, asking("hi"))
			f := wantFault(t, err, tt.code, tt.words...)
			if f.RetryAfter != tt.retry {
				t.Errorf("retry after %s, want %s", f.RetryAfter, tt.retry)
			}
			for _, never := range []string{"<", "secret", "sk-", "org-", "127.0.0.1"} {
				if strings.Contains(f.Message, never) {
					t.Errorf("%q holds %q", f.Message, never)
				}
			}
			if strings.Contains(name, "stream") && text != "a" || name == "cut" && text != "a" {
				t.Errorf("the text before is lost: %q", text)
			}
			if got := len(fake.Requests()); got != 1 && name != "cut at once" {
				t.Errorf("%d requests were made", got)
			}
		})
	}
}

func TestForeignWordsAreShortAndWithoutTheKey(t *testing.T) {
	fake := inferencetest.New(t)
	body, _ := json.Marshal(map[string]string{"error": "key verysecretkey " + strings.Repeat("long\n\x00 ", 200)})
	fake.Queue(inferencetest.Refuse(400, string(body)))
	e := newEngine(t, fake.URL(), func(c *inference.Config) { c.APIKey = "verysecretkey" })
	_, _, _, err := collected(t.Context(), e, asking("hi"))
	f := wantFault(t, err, fault.UpstreamFailed, "[hidden]", "…")
	if strings.Contains(f.Message, "verysecretkey") || strings.ContainsAny(f.Message, "\n\x00") || len([]rune(f.Message)) > 300 {
		t.Errorf("got %q", f.Message)
	}
}

func TestConnectionTroubleIsToldInPlainWords(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of what is tried here
	secure.StartTLS()
	defer secure.Close()
	open := httptest.NewServer(http.NotFoundHandler())
	defer open.Close()
	babble := listen(t, func(c net.Conn) { _, _ = c.Read(make([]byte, 4096)); _, _ = c.Write([]byte("SSH-2.0-x\r\n")) })
	tests := map[string]struct{ url, words string }{
		"nothing listens":   {"http://" + closed.Addr().String() + "/v1", "not running"},
		"unknown authority": {secure.URL + "/v1", "unknown authority"},
		"http behind https": {strings.Replace(open.URL, "http:", "https:", 1) + "/v1", "http://"},
		"no HTTP":           {"http://" + babble + "/v1", "speaks no HTTP"},
		"unknown host":      {"http://no-such-host.invalid/v1", "unknown"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, tt.url, func(c *inference.Config) {
				c.Egress = egress.New(egress.Config{})
				if err := c.Egress.Allow("engine", tt.url); err != nil {
					t.Fatal(err)
				}
			})
			_, _, _, err := collected(t.Context(), e, asking("hi"))
			wantFault(t, err, fault.UpstreamFailed, tt.words)
			if err := e.Refresh(t.Context()); err == nil {
				t.Error("the list of models was read")
			}
			if i := e.Info(); i.State != inference.StateDown && i.State != inference.StateDegraded || !strings.Contains(i.Message, tt.words) {
				t.Errorf("the state is %+v", i)
			}
		})
	}
}

// listen answers every connection with f until the test ends.
func listen(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return l.Addr().String()
}

func TestAnswerInOnePieceToARequestForAStream(t *testing.T) {
	fake := inferencetest.New(t)
	fake.Queue(inferencetest.Refuse(200, `{"model":"m","choices":[{"message":{"content":"whole","reasoning_content":"r"},"finish_reason":"length"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`))
	text, reasoning, result, err := collected(t.Context(), newEngine(t, fake.URL()), asking("hi"))
	want := inference.Result{FinishReason: "length", EngineModel: "m", Usage: &inference.Usage{PromptTokens: 1, OutputTokens: 2}}
	if err != nil || text != "whole" || reasoning != "r" || !reflect.DeepEqual(result, want) {
		t.Errorf("got %q, %q, %+v, %v", text, reasoning, result, err)
	}
}

func TestWholeAnswerWithoutItsEndIsNoFailure(t *testing.T) {
	fake := inferencetest.New(t)
	fake.Queue(inferencetest.Script{inferencetest.Say("a"), inferencetest.Finish("stop"), inferencetest.Cut()})
	text, _, result, err := collected(t.Context(), newEngine(t, fake.URL()), asking("hi"))
	if err != nil || text != "a" || result.FinishReason != "stop" || result.Usage != nil {
		t.Errorf("got %q, %+v, %v", text, result, err)
	}
}

func TestOutputCapEndsTheRequestAtTheEngine(t *testing.T) {
	fake := inferencetest.New(t)
	fake.Queue(inferencetest.Script{inferencetest.Say("123456", "7890"), inferencetest.Hang()})
	e := newEngine(t, fake.URL(), func(c *inference.Config) { c.MaxOutputBytes = 8 })
	text, _, result, err := collected(t.Context(), e, asking("hi"))
	if err != nil || text != "12345678" || result.FinishReason != "length" {
		t.Errorf("got %q, %+v, %v", text, result, err)
	}
	inferencetest.Await(t, fake.Cancelled(), "the engine's own request to be cancelled")
}

func TestCompleteAnswersInOnePiece(t *testing.T) {
	fake := inferencetest.New(t)
	e := newEngine(t, fake.URL())
	text, usage, err := e.Complete(t.Context(), asking("name this"))
	if want := inferencetest.Text(fake.Requests()[0]); err != nil || text != want {
		t.Errorf("got %q, %v, want %q", text, err, want)
	}
	if usage == nil || usage.PromptTokens != 1 || fake.Requests()[0].Stream {
		t.Errorf("got the usage %+v of %s", usage, fake.Requests()[0].Body)
	}
	fake.Queue(inferencetest.Refuse(500, ""))
	_, _, err = e.Complete(t.Context(), asking("name this"))
	wantFault(t, err, fault.UpstreamFailed)
}

func TestConnectionsAreUsedAgain(t *testing.T) {
	fake := inferencetest.New(t)
	conns := map[string]bool{}
	dial := (&net.Dialer{}).DialContext
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err == nil {
			conns[c.LocalAddr().String()] = true
		}
		return c, err
	}}
	e := newEngine(t, fake.URL(), func(c *inference.Config) { c.Transport = transport })
	for range 5 {
		if _, _, _, err := collected(t.Context(), e, asking("hi")); err != nil {
			t.Fatal(err)
		}
	}
	if len(conns) != 1 {
		t.Errorf("%d connections were made for five requests", len(conns))
	}
}

func TestManyStreamsAtOnce(t *testing.T) {
	fake := inferencetest.New(t)
	e := newEngine(t, fake.URL())
	results := make(chan string, 200)
	for range cap(results) {
		go func() {
			text, _, _, err := collected(t.Context(), e, asking("hi"))
			if err != nil {
				text = err.Error()
			}
			results <- text
		}()
	}
	for range cap(results) {
		if got := inferencetest.Await(t, results, "an answer"); !strings.HasPrefix(got, "You said: hi.") {
			t.Fatalf("got %q", got)
		}
	}
}

func TestNewRefusesWrongSettings(t *testing.T) {
	for url, words := range map[string]string{
		"":                                "INFERENCE_URL is empty",
		"127.0.0.1:8000/v1":               "INFERENCE_URL",
		"ftp://host/v1":                   "http://",
		"http:///v1":                      "host",
		"http://user:pw@host/v1":          "INFERENCE_API_KEY",
		"http://host/v1?a=b":              "query",
		"http://host/v1/chat/completions": "/chat/completions",
		"http://ho st/v1":                 "not a URL",
	} {
		_, err := inference.New(inference.Config{BaseURL: url})
		if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "pw") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", url, err)
		}
	}
	if _, err := inference.New(inference.Config{BaseURL: "http://h/v1", APIKey: "a\nb"}); err == nil || !strings.Contains(err.Error(), "INFERENCE_API_KEY") {
		t.Errorf("got %v", err)
	}
}

func TestKindAndNameAreWorkedOut(t *testing.T) {
	for url, want := range map[string]inference.Info{
		"http://127.0.0.1:8000":        {Kind: inference.KindLocal, Name: "OpenAI-compatible engine", Host: "127.0.0.1:8000", State: inference.StateOK},
		"http://localhost:8000/v1/":    {Kind: inference.KindLocal, Name: "OpenAI-compatible engine", Host: "localhost:8000", State: inference.StateOK},
		"https://api.moonshot.ai/v1":   {Kind: inference.KindExternal, Name: inference.NameMoonshot, Host: "api.moonshot.ai", State: inference.StateOK},
		"https://api.example.com:1/v1": {Kind: inference.KindExternal, Name: "OpenAI-compatible engine", Host: "api.example.com:1", State: inference.StateOK},
	} {
		if got := newEngine(t, url).Info(); got != want {
			t.Errorf("%s: got %+v, want %+v", url, got, want)
		}
	}
}

// roundTrip makes a transport of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// scripted is a transport whose answer f writes; it works in a synctest bubble.
func scripted(f func(ctx context.Context, w io.Writer)) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		out, in := io.Pipe()
		go func() {
			stop := context.AfterFunc(r.Context(), func() { _ = in.CloseWithError(context.Cause(r.Context())) })
			defer stop()
			f(r.Context(), in)
			_ = in.Close()
		}()
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: out, Request: r}, nil
	})
}

// stopwatch is a clock and the hand that moves it.
func stopwatch() (clock.Clock, func(time.Duration)) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return clock.Func(func() time.Time { return now }), func(d time.Duration) { now = now.Add(d) }
}

// listenHTTP serves h on loopback until the test ends and returns host:port.
func listenHTTP(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}
