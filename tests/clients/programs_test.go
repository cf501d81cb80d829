package clients_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/rest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// straight hands requests to an engine, with nothing between: this is a test of the wire.
// The product itself meets the same clients in the root package.
type straight struct {
	*inference.Engine
	limit bool
	count atomic.Int64
}

func (s *straight) Begin(_ context.Context, _ viewer.Viewer, r completion.Request) (rest.Run, error) {
	if s.limit {
		f := fault.New(fault.RateLimited, "Too many requests.")
		f.RetryAfter = time.Millisecond
		return rest.Run{Limits: []rest.Allowance{{Name: "requests", Limit: 60, Reset: time.Minute}}}, f
	}
	m, err := s.Resolve(r.ModelID)
	if err != nil {
		return rest.Run{}, err
	}
	r.Prompt.Model = m
	return rest.Run{ID: fmt.Sprintf("cmp_%d", s.count.Add(1)), Model: m, CreatedAt: clock.System{}.Now(), Stream: func(ctx context.Context, emit func(inference.Delta) error) (completion.Outcome, error) {
		result, err := s.Stream(ctx, r.Prompt, func(d inference.Delta) {
			if !d.IsEmpty() {
				_ = emit(d)
			}
		})
		out := completion.Outcome{FinishReason: result.FinishReason}
		if u := result.Usage; u != nil {
			out.Usage = models.Usage{PromptTokens: u.PromptTokens, CachedTokens: u.CachedTokens, OutputTokens: u.OutputTokens, ReasoningTokens: u.ReasoningTokens}
		}
		return out, err
	}}, nil
}

const programKey = "k2_live_0123456789_right"

// wire serves the compatible interfaces with a key that is always right.
func wire(t *testing.T, s *straight) string {
	t.Helper()
	var asked atomic.Int64
	api := rest.New(rest.Config{Completions: s, Models: s, RequestID: func(context.Context) string { return "req_1" }, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Request-Id", "req_1")
		w.Header().Set("Test-Count", fmt.Sprint(asked.Add(1)))
		if r.Header.Get("Authorization") != "Bearer "+programKey && r.Header.Get("X-Api-Key") != programKey {
			api.Refuse(w, r, fault.New(fault.Unauthenticated, "this API key is not known here"))
			return
		}
		v := viewer.Viewer{Kind: viewer.APIKey, Scopes: []string{"CHAT_WRITE", "MODELS_READ"}}
		api.ServeHTTP(w, r.WithContext(viewer.With(r.Context(), v)))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestProgramsByWire(t *testing.T) {
	e := inferencetest.New(t)
	e.Answer(inferencetest.ForPrograms)
	engine, err := inference.New(inference.Config{BaseURL: e.URL(), Catalogue: catalogue(t), Clock: clock.System{}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(engine.Close)
	if err := engine.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	url, limited := wire(t, &straight{Engine: engine}), wire(t, &straight{Engine: engine, limit: true})
	settings := []string{"ENDPOINT=" + url, "KEY=" + programKey, "MODEL=kimi-k2", "LIMITED=" + limited}
	for _, script := range []string{"openai.mjs", "ai-sdk.mjs", "anthropic.mjs"} {
		t.Run(strings.TrimSuffix(script, ".mjs"), func(t *testing.T) { program(t, settings, "node", script) })
	}
	t.Run("openai-go", func(t *testing.T) { program(t, settings, openAIGo(t)) })
	for e.Open() > 0 { // streams that were left end at the engine too
		inferencetest.Await(t, e.Cancelled(), "the end of a stream that was left")
	}
}

func catalogue(t *testing.T) *inference.Catalogue {
	t.Helper()
	c, err := inference.LoadCatalogue("")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// openAIGo builds OpenAI's client for Go, which is a module of its own.
func openAIGo(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../.cache/bin/openaigo")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".")
	build.Dir = "../../tools/openaigo"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build OpenAI's client for Go: %v\n%s", err, out)
	}
	return path
}

// program runs one of the clients.
func program(t *testing.T, settings []string, name string, arguments ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Env = append(os.Environ(), settings...)
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}
