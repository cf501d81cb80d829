package chaos_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/inference/realengine"
)

// told is what every example says at last: the engine's own numbers.
var told = regexp.MustCompile(`[1-9]\d* tokens read, [1-9]\d* written|"usage":\{"promptTokens":[1-9]\d*,"outputTokens":[1-9]\d*\}|"prompt_tokens":[1-9]\d*,"completion_tokens":[1-9]\d*`)

// P66, P92: OpenAI's, Vercel's and Anthropic's clients, and every program that third parties
// are shown (Apollo, urql, genqlient, graphql-ws, graphql-sse …), work with the program as it
// is delivered, in front of a real engine: its tokens, its numbers, its reasons.
func TestEveryClientWorksWithTheBinaryAndARealEngine(t *testing.T) {
	catalogue := filepath.Join(t.TempDir(), "models.json")
	const model = `{"id": %q, "name": "House", "engineId": %q, "family": "other", "contextTokens": 2048, "maxOutputTokens": 256, "price": {"input": 1000000, "cachedInput": 500000, "output": 3000000}, "default": %t}`
	house := fmt.Sprintf(`{"models": [`+model+`, `+model+`]}`, "short", realengine.Short, true, "endless", realengine.Endless, false)
	if err := os.WriteFile(catalogue, []byte(house), 0o600); err != nil {
		t.Fatal(err)
	}
	url := dbtest.URL(t)
	server := newInstance(t, "clients", "DATABASE_URL="+url, "INFERENCE_URL="+realengine.Start(t), "MODELS_FILE="+catalogue, "CHARGE=on")
	server.launch()
	developer, err := newProgram(signIn(t, url, []*process{server}, ampleCredits, "developer")[0])
	if err != nil {
		t.Fatal(err)
	}
	sdk := filepath.Join(t.TempDir(), "openaigo")
	if out, err := run(t, "../../tools/openaigo", []string{"go", "build", "-o", sdk, "."}); err != nil {
		t.Fatal(err, out)
	}
	for _, command := range [][]string{{"node", "openai.mjs"}, {"node", "ai-sdk.mjs"}, {"node", "anthropic.mjs"}, {sdk}} {
		t.Run(filepath.Base(command[len(command)-1]), func(t *testing.T) {
			if out, err := run(t, "../clients", command, "ENDPOINT=http://"+server.addr, "KEY="+developer.secret, "MODEL=short", "ENDLESS=endless", "REAL=1"); err != nil {
				t.Errorf("%v, it printed\n%s", err, out)
			}
		})
	}
	text, err := os.ReadFile("../../examples/index.json")
	if err != nil {
		t.Fatal(err)
	}
	var examples []struct {
		ID, Run string
		Files   []string
	}
	if err := json.Unmarshal(text, &examples); err != nil || len(examples) < 10 {
		t.Fatal(len(examples), err)
	}
	for _, e := range examples {
		t.Run(e.ID, func(t *testing.T) {
			dir, args := "../../examples", strings.Fields(e.Run)
			if args[0] == "go" {
				dir = filepath.Join(dir, filepath.Dir(e.Files[0]))
			}
			if args[len(args)-1] == "." {
				dir = withTypes(t, server, dir)
			}
			out, err := run(t, dir, append(args, "Good evening?"), "KIMI_URL=http://"+server.addr, "KIMI_API_KEY="+developer.secret)
			if err != nil || len(told.FindAllString(out, -1)) != 1 {
				t.Errorf("%v, it printed\n%s", err, out)
			}
		})
	}
	server.verify()
}

// run runs a program in a folder and answers what it printed.
func run(t *testing.T, dir string, args []string, env ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// withTypes is a copy of a Go example with the types made from the schema that the
// binary prints.
func withTypes(t *testing.T, server *process, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, to, []string{"sh", "-c", `curl -sSf "http://$ADDR/schema.graphql" -o schema.graphql && go tool genqlient`}, "ADDR="+server.addr); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return to
}
