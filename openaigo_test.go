package main

import (
	"bytes"
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
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/realengine"
)

// applies are the tests of OpenAI's client for Go that can be met by what we have: they must
// pass.
var applies = []string{"TestModelGet", "TestModelList", "TestUsage", "TestAccumulateTokenDetails"}

// How the others are refused, and the code that the client is told.
const (
	unknownAddress = "404 Not Found"
	wrongMethod    = "405 Method Not Allowed"
	badRequest     = "400 Bad Request"
)

var codes = map[int]string{http.StatusNotFound: "unknown_url", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusBadRequest: "invalid_value"}

// refusedOnPurpose are those that ask an address that we have for what we refuse. All that
// are not named ask addresses that we have not: assistants, audio, batches, containers,
// embeddings, files, fine-tuning, images, moderation, organisations, skills, uploads, vector
// stores, videos, voices, and answers that were stored.
var refusedOnPurpose = map[string]string{
	// It asks for everything at once: an answer as audio, log probabilities, functions beside
	// tools, a search of the web, no tokens at all. docs/API.md says what of it is refused;
	// tools/openaigo sends the rest of it, which is answered.
	"TestChatCompletionNewWithOptionalParams": badRequest,
	// It wants log probabilities. What comes in a stream with tools is shown by tools/openaigo.
	"TestStreamingAccumulatorWithToolCalls": badRequest,
	// Answers are not kept for a list of them, and models are nobody's to delete.
	"TestChatCompletionListWithOptionalParams": wrongMethod,
	"TestModelDelete":                          wrongMethod,
}

// The tests of OpenAI's client for Go that speak with a server at TEST_API_BASE_URL speak
// with the product: those that apply pass, and each of the others is refused as it should
// be. Those that make a server of their own test the client and not us.
func TestOpenAIsOwnTests(t *testing.T) {
	p := start(t, "MODELS_FILE="+openAIsModels(t, inferencetest.ModelID), "SIGNUP_CREDITS=100", "CHARGE=on", "RATE_REQUESTS_PER_KEY=0", "RATE_REQUESTS_PER_ACCOUNT=0")
	p.engine.Answer(inferencetest.ForPrograms)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	all := ownTests(t)
	results := g.own(all)
	if len(results) != len(all) || len(all) < 300 {
		t.Errorf("%d of %d tests were run", len(results), len(all))
	}
	counts := map[string]int{}
	for _, name := range all {
		want := unknownAddress
		if slices.Contains(applies, name) {
			want = "passed"
		} else if refusal, ok := refusedOnPurpose[name]; ok {
			want = refusal
		}
		if got := results[name]; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		counts[want]++
	}
	if counts["passed"] != len(applies) || len(all) != len(applies)+len(refusedOnPurpose)+counts[unknownAddress] {
		t.Errorf("what is expected names tests that there are not: %v", counts)
	}
	t.Logf("%d tests: %v", len(all), counts)
	p.books()
	if asked, acts := len(p.engine.Requests()), len(p.acts(b.id())); asked != 2 || acts != asked {
		t.Errorf("%d requests reached the engine and %d were charged", asked, acts)
	}
}

// Those that apply pass with a real engine too.
func TestOpenAIsOwnTestsWithARealEngine(t *testing.T) {
	p := start(t, "INFERENCE_URL="+realengine.Start(t), "MODELS_FILE="+openAIsModels(t, realengine.Short))
	results := p.signIn("builder").program(map[string]any{}).own(applies)
	for _, name := range applies {
		if results[name] != "passed" {
			t.Errorf("%s: %s", name, results[name])
		}
	}
}

// openAIsModels is a catalogue in which a model of ours answers to the names that the tests
// ask for.
func openAIsModels(t *testing.T, engineID string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "models.json")
	text := fmt.Sprintf(`{"models": [{"id": "house", "name": "House", "engineId": %q, "aliases": ["gpt-6-astra", "gpt-4o"], "family": "other", "contextTokens": 2048, "maxOutputTokens": 256,
		"price": {"input": 1000000, "cachedInput": 500000, "output": 3000000}, "default": true}]}`, engineID)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// openAIGo is a command of Go in the module that has OpenAI's client.
func openAIGo(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = "tools/openaigo"
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

const openAIModule = "github.com/openai/openai-go/v3"

// ownTests are the names of the client's tests that need a server.
func ownTests(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(openAIGo(t, "list", "-m", "-f", "{{.Dir}}", openAIModule), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	begins := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		at := begins.FindAllSubmatchIndex(text, -1)
		for i, from := range at {
			to := len(text)
			if i+1 < len(at) {
				to = at[i+1][0]
			}
			if strings.Contains(string(text[from[0]:to]), `LookupEnv("TEST_API_BASE_URL")`) {
				names = append(names, string(text[from[2]:from[3]]))
			}
		}
	}
	return names
}

// own runs tests of the client against the product with the program's key, and says for each
// whether it passed or how it was refused.
func (g *program) own(names []string) map[string]string {
	t := g.p.t
	t.Helper()
	path, err := filepath.Abs(".cache/bin/openaigo.test")
	if err != nil {
		t.Fatal(err)
	}
	openAIGo(t, "test", "-c", "-o", path, openAIModule)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-test.v", "-test.count=1", "-test.run", "^("+strings.Join(names, "|")+")$")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "TEST_API_BASE_URL="+g.spoken())
	out, err := cmd.CombinedOutput()
	if _, failed := err.(*exec.ExitError); err != nil && !failed { //nolint:errorlint // of the command itself
		t.Fatalf("%v\n%s", err, out)
	}
	return readOwn(string(out))
}

// spoken is the product for tests that send a key of their own making and know no /v1.
func (g *program) spoken() string {
	to, err := url.Parse(g.p.url + "/v1")
	if err != nil {
		g.p.t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("Authorization", "Bearer "+g.secret)
		},
		ModifyResponse: func(r *http.Response) error {
			if r.StatusCode < http.StatusBadRequest {
				return nil
			}
			body, err := io.ReadAll(r.Body)
			var said struct {
				Error struct{ Code, Message string }
			}
			if err != nil || json.Unmarshal(body, &said) != nil || said.Error.Code != codes[r.StatusCode] || said.Error.Message == "" {
				g.p.t.Errorf("%s %s: %s, %s, %v", r.Request.Method, r.Request.URL.Path, r.Status, body, err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			return nil
		}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" { // which asks only whether somebody is there
			proxy.ServeHTTP(w, r)
		}
	}))
	g.p.t.Cleanup(s.Close)
	return s.URL
}

var (
	ownBegin = regexp.MustCompile(`(?m)^=== RUN   (\w+)$`)
	ownError = regexp.MustCompile(`OpenAI API error: (.+)`)
)

// readOwn reads what the tests printed: each begins with its name and has its verdict.
func readOwn(out string) map[string]string {
	results := map[string]string{}
	at := ownBegin.FindAllStringSubmatchIndex(out, -1)
	for i, from := range at {
		to := len(out)
		if i+1 < len(at) {
			to = at[i+1][0]
		}
		name, said := out[from[2]:from[3]], out[from[1]:to]
		refusal := ownError.FindStringSubmatch(said)
		switch {
		case strings.Contains(said, "--- PASS: "+name+" "):
			results[name] = "passed"
		case refusal != nil:
			results[name] = refusal[1]
		default:
			results[name] = said
		}
	}
	return results
}
