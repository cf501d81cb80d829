package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// example is one program of examples/index.json.
type example struct {
	ID    string
	Files []string
	Run   string
}

// shown is what an example prints at last, in words or as JSON.
var shown = regexp.MustCompile(`12 tokens read, 4 written(, 0\.000024 credits)?\n|"usage":\{"promptTokens":12,"outputTokens":4\},"credits":"0\.000024"|"prompt_tokens":12,"completion_tokens":4`)

// P92: every program that third parties are told to copy runs against the product with a
// fresh key, shows the first tokens while the rest is being written, and says the usage.
func TestTheExamplesRun(t *testing.T) {
	p := priced(t, 500)
	g := p.signIn("builder").program(map[string]any{})
	for _, e := range examples(t) {
		t.Run(e.ID, func(t *testing.T) {
			release := make(chan struct{})
			p.engine.Queue(inferencetest.Script{inferencetest.Say("Good "), inferencetest.Wait(release), inferencetest.Say("morning"), inferencetest.Finish("stop"), told(12, 0, 4), inferencetest.Done()})
			out := &watched{want: "Good", seen: func() { close(release) }}
			if err := runExample(t, g, e, out); err != nil {
				t.Fatalf("%v:\n%s", err, out.all())
			}
			text := out.all()
			if !strings.Contains(text, "morning") || len(shown.FindAllString(text, -1)) != 1 {
				t.Errorf("it printed\n%s", text)
			}
		})
	}
	for _, r := range p.engine.Requests() {
		if r.LastUser() != "Good evening?" {
			t.Errorf("the engine was asked %q", r.LastUser())
		}
	}
}

// P92: without a good key an example says why it stops.
func TestTheExamplesSayWhyTheyFail(t *testing.T) {
	p := start(t)
	g := p.signIn("builder").program(map[string]any{"scopes": []string{"models:read"}})
	for _, e := range examples(t) {
		t.Run(e.ID, func(t *testing.T) {
			out := &watched{}
			if err := runExample(t, g, e, out); err == nil || !strings.Contains(out.all(), "chat:write") {
				t.Errorf("%v, it printed\n%s", err, out.all())
			}
		})
	}
}

func examples(t *testing.T) (list []example) {
	t.Helper()
	text, err := os.ReadFile("examples/index.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// runExample runs a program with a question; what it prints goes to out.
func runExample(t *testing.T, g *program, e example, out io.Writer) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	dir, args := "examples", strings.Fields(e.Run)
	if args[0] == "go" {
		dir = filepath.Join("examples", filepath.Dir(e.Files[0]))
		if args[len(args)-1] == "." {
			dir = generated(t, g, dir)
		}
	}
	cmd := exec.CommandContext(ctx, args[0], append(args[1:], "Good evening?")...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "KIMI_URL="+g.p.url, "KIMI_API_KEY="+g.secret)
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
}

// generated is a copy of a Go example with the types made from the schema that the
// product publishes, as its quick start says.
func generated(t *testing.T, g *program, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.Get(g.p.url + "/schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	schema, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "schema.graphql"), schema, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "tool", "genqlient")
	cmd.Dir = to
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return to
}

// watched keeps what is written to it and calls seen, once, when want is there.
type watched struct {
	syncBuffer

	want string
	seen func()
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.syncBuffer.Write(b)
	if w.seen != nil && strings.Contains(w.all(), w.want) {
		w.seen()
		w.seen = nil
	}
	return n, err
}

func (w *watched) all() string { return w.String() }
