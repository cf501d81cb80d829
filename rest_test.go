package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/rest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// call asks below /v1/ with headers in pairs.
func (g *program) call(ctx context.Context, path, body string, headers ...string) *http.Response {
	t := g.p.t
	t.Helper()
	method := http.MethodPost
	if body == "" {
		method = http.MethodGet
	}
	g.p.said.hearJSON(body)
	req, err := http.NewRequestWithContext(ctx, method, g.p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+g.secret)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// answer is the whole JSON of an answer.
func (g *program) answer(resp *http.Response) (out any) {
	g.p.t.Helper()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		g.p.t.Fatal(resp.Status, err)
	}
	g.p.said.hear(out)
	return out
}

// acts are what the account was charged for, oldest first.
func (p *product) acts(ownerID string) (out []models.UsageRow) {
	p.t.Helper()
	if err := p.server.db.Gorm(context.Background()).Where("owner_id = ?", ownerID).Order("id").Find(&out).Error; err != nil {
		p.t.Fatal(err)
	}
	return out
}

// asking is a request of one message, with more fields.
func asking(text, more string) string {
	return fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":%q}]%s}`, inferencetest.ModelID, text, more)
}

// overLimit refuses everything.
type overLimit struct{}

func (overLimit) Begin(context.Context, viewer.Viewer, completion.Request) (rest.Run, error) {
	f := fault.New(fault.RateLimited, "Too many requests.")
	f.RetryAfter = time.Millisecond
	return rest.Run{Limits: []rest.Allowance{{Name: "requests", Limit: 60, Reset: time.Minute}}}, f
}

// limited serves the interface to whoever is over a limit, and counts.
func (p *product) limited() string {
	api := rest.New(rest.Config{Completions: overLimit{}, Models: p.server.engine, RequestID: func(context.Context) string { return "req_1" }, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	var mu sync.Mutex
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		w.Header().Set("Test-Count", fmt.Sprint(n))
		mu.Unlock()
		api.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), viewer.Viewer{Kind: viewer.APIKey, Scopes: []string{string(models.ScopeChatWrite)}})))
	}))
	p.t.Cleanup(s.Close)
	return s.URL
}

// flaky is the product behind a line that loses the first answer to each idempotency key,
// once the product has given it.
func (p *product) flaky() string {
	to, err := url.Parse(p.url)
	if err != nil {
		p.t.Fatal(err)
	}
	var lost sync.Map
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		ModifyResponse: func(r *http.Response) error {
			if key := r.Request.Header.Get("Idempotency-Key"); key != "" {
				if _, before := lost.LoadOrStore(key, true); !before {
					_, _ = io.Copy(io.Discard, r.Body)
					panic(http.ErrAbortHandler)
				}
			}
			return nil
		},
	}
	s := httptest.NewServer(proxy)
	p.t.Cleanup(s.Close)
	return s.URL
}

// official runs the official clients against the product.
func (p *product) official(settings ...string) {
	t := p.t
	t.Helper()
	path, err := filepath.Abs(".cache/bin/openaigo")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	build.Dir = "tools/openaigo"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build OpenAI's client for Go: %v\n%s", err, out)
	}
	for _, command := range [][]string{{"node", "openai.mjs"}, {"node", "ai-sdk.mjs"}, {"node", "anthropic.mjs"}, {path}} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Dir = "tests/clients"
		cmd.Env = append(append(os.Environ(), "ENDPOINT="+p.url), settings...)
		out, err := cmd.CombinedOutput()
		cancel()
		t.Logf("%s\n%s", command[len(command)-1], out)
		if err != nil {
			t.Errorf("%s: %v", command, err)
		}
	}
}

// P66: OpenAI's clients for Node and Go, Vercel's and Anthropic's work with the product; what
// they ask again after a lost answer is charged once. (With a real engine in front of the
// program as it is delivered: tests/chaos.)
func TestOfficialClientsWorkWithTheProduct(t *testing.T) {
	p := priced(t, 100)
	p.engine.Answer(inferencetest.ForPrograms)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	p.official("KEY="+g.secret, "MODEL="+inferencetest.ModelID, "LIMITED="+p.limited(), "FLAKY="+p.flaky())
	p.books()
	asked, acts := len(p.engine.Requests()), p.acts(b.id())
	if len(acts) != asked {
		t.Errorf("%d requests reached the engine and %d were charged", asked, len(acts))
	}
	var kept int64
	if err := p.server.db.Gorm(t.Context()).Table("completions").Count(&kept).Error; err != nil || kept != 4 {
		t.Errorf("%d answers are kept, %v", kept, err)
	}
	if strings.Contains(p.logs.String(), g.secret) || strings.Contains(p.logs.String(), "Hello there") {
		t.Error("the log holds a key or an answer")
	}
}

// P61, T20: a request is charged once for what it got, to the account and its key, and
// nothing unknown reaches the engine.
func TestAProgramPaysForWhatItGets(t *testing.T) {
	p := priced(t, 5)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	p.engine.Queue(inferencetest.Script{inferencetest.Say("Hello"), inferencetest.Finish("stop"), told(100, 40, 10), inferencetest.Done()})
	resp := g.call(t.Context(), "/v1/chat/completions", `{"model":"`+inferencetest.ModelID+`","api_base":"http://evil.example","user":"someone","logit_bias":{},"temperature":0.5,"messages":[{"role":"user","content":"hi","secret":"x"}]}`)
	answer := g.answer(resp)
	want(t, at(answer, "choices"), `[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"logprobs":null,"finish_reason":"stop"}]`)
	want(t, at(answer, "usage"), `{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110,"prompt_tokens_details":{"cached_tokens":40},"completion_tokens_details":{"reasoning_tokens":0}}`)
	if id := resp.Header.Get("X-Request-Id"); !strings.HasPrefix(id, "req_") || resp.Header.Get("Openai-Processing-Ms") == "" {
		t.Error(resp.Header)
	}
	acts := p.acts(b.id())
	if len(acts) != 1 || acts[0].Credits != 60+20+30 || acts[0].Feature != models.FeatureAPI || acts[0].KeyID != g.id || strings.TrimPrefix(acts[0].Ref, "cmp_") != strings.TrimPrefix(at(answer, "id").(string), "chatcmpl-") {
		t.Errorf("%+v", acts)
	}
	sent := string(p.engine.Requests()[0].Body)
	for _, word := range []string{"evil", "someone", "logit_bias", "secret"} {
		if strings.Contains(sent, word) {
			t.Errorf("the engine was sent %s", sent)
		}
	}
	if !strings.Contains(sent, `"temperature":0.5`) {
		t.Errorf("the engine was sent %s", sent)
	}
	p.books()
}

// What the engine refuses costs nothing and is told as the client's to change, or the
// operator's to mend, and in neither case as to be repeated.
func TestAProgramIsToldWhatTheEngineRefuses(t *testing.T) {
	p := priced(t, 5)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	refusals := []struct {
		engine, status    int
		code              string
		openai, anthropic string // the types
	}{
		{422, http.StatusBadRequest, "UPSTREAM_FAILED", "invalid_request_error", "invalid_request_error"},
		{413, http.StatusBadRequest, "CONTEXT_TOO_LONG", "invalid_request_error", "invalid_request_error"},
		{401, http.StatusBadGateway, "UPSTREAM_UNAUTHORIZED", "server_error", "api_error"},
		{403, http.StatusBadGateway, "UPSTREAM_UNAUTHORIZED", "server_error", "api_error"},
		{405, http.StatusBadGateway, "UPSTREAM_FAILED", "server_error", "api_error"},
		{404, http.StatusNotFound, "MODEL_UNAVAILABLE", "invalid_request_error", "not_found_error"},
	}
	for _, c := range refusals {
		for path, kind := range map[string]string{"/v1/chat/completions": c.openai, "/v1/messages": c.anthropic} {
			for _, more := range []string{`,"max_tokens":9`, `,"max_tokens":9,"stream":true`} {
				p.engine.Queue(inferencetest.Refuse(c.engine, `{"error":{"message":"this model reads no images"}}`))
				resp := g.call(t.Context(), path, asking("hi", more))
				answer := g.answer(resp)
				if resp.StatusCode != c.status || resp.Header.Get("X-Should-Retry") != "false" || resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-Error-Code") != c.code || at(answer, "error", "type") != kind {
					t.Errorf("%d, %s: %d %v %v", c.engine, path, resp.StatusCode, resp.Header, answer)
				}
			}
		}
	}
	if n := len(p.engine.Requests()); n != 4*len(refusals) {
		t.Errorf("the engine was asked %d times", n)
	}
	for _, act := range p.acts(b.id()) {
		if act.Credits != 0 {
			t.Errorf("%+v", act)
		}
	}
	p.books()
}

// P62, P90: a stream of a key that is revoked ends with its error, and a client that goes
// away stops the engine within half a second.
func TestAProgramsStreamEndsWithItsKeyAndItsClient(t *testing.T) {
	p := priced(t, 5)
	p.engine.Answer(inferencetest.ForPrograms)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	body := asking("endless", `,"stream":true`)

	ctx, leave := context.WithCancel(t.Context())
	resp := g.call(ctx, "/v1/chat/completions", body)
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "and") {
	}
	leave()
	began := time.Now()
	inferencetest.Await(t, p.engine.Cancelled(), "the end at the engine")
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("the engine went on for %v", took)
	}

	resp = g.call(t.Context(), "/v1/chat/completions", body)
	lines = bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "and") {
	}
	b.ask(revokeKey, map[string]any{"id": g.id})
	var rest strings.Builder
	for lines.Scan() {
		rest.WriteString(lines.Text() + "\n")
	}
	if !strings.Contains(rest.String(), `"code":"invalid_api_key"`) || strings.Contains(rest.String(), "[DONE]") {
		t.Error(rest.String())
	}
	resp = g.call(t.Context(), "/v1/models", "")
	if answer := g.answer(resp); resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("X-Error-Code") != "KEY_REVOKED" || at(answer, "error", "code") != "invalid_api_key" {
		t.Errorf("%d %v", resp.StatusCode, answer)
	}
	if acts := p.acts(b.id()); len(acts) != 2 || acts[0].Credits == 0 || acts[1].Credits == 0 {
		t.Errorf("%+v", acts)
	}
	p.books()
}

// P67, P92, P93: without credits, above a key's limit and without the scope the engine hears nothing.
func TestAProgramThatMayNot(t *testing.T) {
	p := priced(t, 0)
	b := p.signIn("builder")
	body := asking("hi", "")
	for _, c := range []struct {
		key    map[string]any
		status int
		code   string
	}{
		{map[string]any{}, 402, "insufficient_credits"},
		{map[string]any{"scopes": []string{"models:read"}}, 403, "missing_scope"},
	} {
		g := b.program(c.key)
		resp := g.call(t.Context(), "/v1/chat/completions", body)
		if answer := g.answer(resp); resp.StatusCode != c.status || at(answer, "error", "code") != c.code || resp.Header.Get("X-Should-Retry") != "false" {
			t.Errorf("%d %v", resp.StatusCode, answer)
		}
	}
	g := b.program(map[string]any{"scopes": []string{"chat:write"}})
	if resp := g.call(t.Context(), "/v1/models", ""); resp.StatusCode != http.StatusForbidden {
		t.Errorf("%d", resp.StatusCode)
	}
	resp := g.call(t.Context(), "/v1/models?key="+g.secret, "")
	if answer := g.answer(resp); resp.StatusCode != http.StatusBadRequest || !strings.Contains(fmt.Sprint(answer), "revoke this one") || strings.Contains(fmt.Sprint(answer), g.secret) {
		t.Errorf("%d %v", resp.StatusCode, answer)
	}
	if n := len(p.engine.Requests()); n != 0 {
		t.Errorf("the engine heard of %d requests", n)
	}
}

// P74, P75: over its limit a program is told when to come again, in the words of both
// kinds of clients, and the engine hears nothing of it.
func TestAProgramIsToldItsLimits(t *testing.T) {
	p := priced(t, 5)
	p.engine.Answer(inferencetest.ForPrograms)
	g := p.signIn("builder").program(map[string]any{"requestsPerMinute": 3, "tokensPerMinute": 10_000})
	resp := g.call(t.Context(), "/v1/models", "")
	if h := resp.Header; h.Get("X-RateLimit-Limit") != "3" || h.Get("x-ratelimit-remaining-requests") != "2" || h.Get("X-RateLimit-Resource") != "requests" {
		t.Errorf("%v", h)
	}
	for range 2 {
		resp = g.call(t.Context(), "/v1/chat/completions", asking("hi", ""))
		_, _ = io.Copy(io.Discard, resp.Body)
	}
	if h := resp.Header; resp.StatusCode != http.StatusOK || h.Get("x-ratelimit-remaining-requests") != "0" || h.Get("x-ratelimit-limit-tokens") != "10000" {
		t.Errorf("%d %v", resp.StatusCode, h)
	}
	for path, wanted := range map[string]string{"/v1/chat/completions": `{"param":null,"code":"rate_limit_exceeded","type":"rate_limit_error"}`, "/v1/messages": `{"type":"rate_limit_error"}`} {
		resp = g.call(t.Context(), path, asking("hi", `,"max_tokens":5`))
		problem, _ := at(g.answer(resp), "error").(map[string]any)
		if words, _ := problem["message"].(string); !strings.Contains(words, "3 requests a minute") {
			t.Error(words)
		}
		delete(problem, "message")
		want(t, problem, wanted)
		if h := resp.Header; resp.StatusCode != http.StatusTooManyRequests || h.Get("Retry-After") == "" || h.Get("X-RateLimit-Remaining") != "0" || h.Get("X-RateLimit-Limit") != "3" || h.Get("X-Should-Retry") != "true" {
			t.Errorf("%d %v", resp.StatusCode, h)
		}
	}
	if n := len(p.engine.Requests()); n != 2 {
		t.Errorf("the engine heard of %d requests", n)
	}
	p.books()
}

// P74: requests that are refused for what they are count like others.
func TestRefusedRequestsOfAProgramAreCounted(t *testing.T) {
	p := priced(t, 5)
	b := p.signIn("builder")
	for _, c := range []struct {
		path, body string
		headers    []string
		status     int
	}{
		{"/v1/chat/completions", "{", nil, 400},
		{"/v1/chat/completions", strings.Repeat(" ", 4<<20+1), []string{"Expect", "100-continue"}, 413},
		{"/v1/chat/completions", "hi", []string{"Content-Type", "text/plain"}, 415},
		{"/v1/messages", `{"model":"none","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`, nil, 404},
		{"/v1/nothing", "", nil, 404},
	} {
		g := b.program(map[string]any{"requestsPerMinute": 3})
		for n := range 5 {
			resp := g.call(t.Context(), c.path, c.body, c.headers...)
			_, _ = io.Copy(io.Discard, resp.Body)
			over, told := n >= 3, resp.Header.Get("X-RateLimit-Limit") == "3" && resp.Header.Get("X-RateLimit-Resource") == "requests"
			if !over && resp.StatusCode != c.status || over && (resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "") || !told {
				t.Errorf("%s, request %d: %d %v", c.path, n+1, resp.StatusCode, resp.Header)
			}
		}
	}
}

// P74: so do documents that are refused before they are weighed.
func TestRefusedDocumentsOfAProgramAreCounted(t *testing.T) {
	p := start(t)
	b := p.signIn("builder")
	for what, body := range map[string]string{
		"no GraphQL": `{"query":"{"}`, "a batch": `[{"query":"{ viewer { id } }"}]`, "no JSON": "{",
		"too costly": `{"query":"{ viewer { conversations(first: 100) { nodes { messages(first: 100) { nodes { id } } } } } }"}`,
	} {
		g := b.program(map[string]any{"requestsPerMinute": 3})
		for n := range 5 {
			resp := g.call(t.Context(), "/graphql", body)
			answer := g.answer(resp)
			over := n >= 3
			if over != (resp.StatusCode == http.StatusTooManyRequests) || over != (code(answer) == "RATE_LIMITED") || over != (resp.Header.Get("Retry-After") != "") || resp.Header.Get("X-RateLimit-Limit") != "3" {
				t.Errorf("%s, request %d: %d %v %v", what, n+1, resp.StatusCode, answer, resp.Header)
			}
		}
	}
}
