package rest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/rest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var theTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// fixture is the API on a real socket with answers from the test.
type fixture struct {
	t    testing.TB
	url  string
	logs bytes.Buffer

	mu       sync.Mutex
	requests []completion.Request
	entries  []rest.Entry
	refuse   error // what Begin says
	run      rest.Run
	left     []rest.Allowance
	recorded chan rest.Entry
}

const goodChat = `{"model":"kimi-k2","messages":[{"role":"user","content":"hi"}]}`

func newFixture(t testing.TB, change func(f *fixture, c *rest.Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, recorded: make(chan rest.Entry, 100)}
	f.run = rest.Run{ID: "cmp_0123", Model: catalogue[0], CreatedAt: theTime, Prompt: 5}
	f.says(inference.Delta{Text: "Hello"}, inference.Delta{Text: " there"})
	c := rest.Config{Completions: f, Models: known{}, Requests: f, RequestID: func(context.Context) string { return "req_1" },
		Clock: clock.Func(func() time.Time { return theTime }), Log: slog.New(slog.NewTextHandler(&f.logs, nil))}
	if change != nil {
		change(f, &c)
	}
	api := rest.New(c)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := viewer.Viewer{Kind: viewer.APIKey, OwnerID: "own_1", KeyID: "key_1", Scopes: []string{"CHAT_WRITE", "MODELS_READ"}}
		switch r.Header.Get("Test-Viewer") {
		case "guest":
			v.Kind = viewer.Guest
		case "no scope":
			v.Scopes = nil
		}
		api.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), v)))
	}))
	t.Cleanup(s.Close)
	f.url = s.URL
	return f
}

// Begin implements rest.Completions.
func (f *fixture) Begin(_ context.Context, _ viewer.Viewer, r completion.Request) (rest.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests = append(f.requests, r)
	return f.run, f.refuse
}

// Record implements rest.Requests.
func (f *fixture) Record(e rest.Entry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, e)
	f.recorded <- e
}

// Admit implements rest.Limits.
func (f *fixture) Admit(context.Context, viewer.Viewer, string) ([]rest.Allowance, error) {
	return f.left, f.refuse
}

// known are the models.
type known struct{}

var catalogue = []inference.Model{
	{ID: "kimi-k2", Name: "Kimi K2", Aliases: []string{"moonshotai/Kimi-K2-Instruct"}, ContextTokens: 1000, MaxOutputTokens: 500, Available: true},
	{ID: "old", Name: "Old", ContextTokens: 10},
}

func (known) Models() []inference.Model { return catalogue }

func (known) Resolve(id string) (inference.Model, error) {
	if id == catalogue[0].ID || id == catalogue[0].Aliases[0] {
		return catalogue[0], nil
	}
	return inference.Model{}, fault.On("modelId", fault.ModelUnavailable, "The model %q is not available here.", id)
}

var usage = models.Usage{PromptTokens: 10, CachedTokens: 4, OutputTokens: 7, ReasoningTokens: 2}

// says makes the next runs say the deltas and end well.
func (f *fixture) says(deltas ...inference.Delta) {
	f.ends(completion.Outcome{FinishReason: "stop", Usage: usage, Credits: 31}, nil, deltas...)
}

// ends makes the next runs say the deltas and end in a way.
func (f *fixture) ends(o completion.Outcome, err error, deltas ...inference.Delta) {
	f.run.Stream = func(_ context.Context, emit func(inference.Delta) error) (completion.Outcome, error) {
		for _, d := range deltas {
			if err := emit(d); err != nil {
				return completion.Outcome{}, err
			}
		}
		return o, err
	}
}

// do asks, with headers in pairs.
func (f *fixture) do(method, path, body string, headers ...string) *http.Response {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Do(req) // what hangs fails
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// text is the whole body of an answer.
func (f *fixture) text(resp *http.Response) string {
	f.t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return string(b)
}

func (f *fixture) chat(body string, headers ...string) *http.Response {
	f.t.Helper()
	return f.do("POST", "/v1/chat/completions", body, headers...)
}

// refusal is the error of an answer.
type refusal struct {
	Error struct{ Message, Type, Param, Code string }
}

func (f *fixture) refusal(resp *http.Response) (out refusal) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(f.text(resp)), &out); err != nil {
		f.t.Fatal(err)
	}
	return out
}

func (f *fixture) last() completion.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.requests) == 0 {
		f.t.Fatal("nothing was asked")
	}
	return f.requests[len(f.requests)-1]
}

func (f *fixture) record() rest.Entry {
	f.t.Helper()
	select {
	case e := <-f.recorded:
		return e
	case <-time.After(10 * time.Second):
		f.t.Fatal("nothing was recorded")
		panic("unreachable")
	}
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
