package main

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// quickStart is one program as the developer pages show it, from above: what is set, what
// is installed, the files, what is generated from them, how it is run.
type quickStart struct {
	ID, Title, File, Set, Install, Generate, Run, Code string
	More                                               []struct{ File, Code string }
}

// awkward is a question that has to be quoted wherever it goes.
const awkward = "Good \"evening\", it's\t5 o'clock \\ at $HOME & 晚上好\n<here>?"

// shown is what an example prints at last, in words or as JSON.
var shown = regexp.MustCompile(`12 tokens read, 4 written(, 0\.000024 credits)?\n|"usage":\{"promptTokens":12,"outputTokens":4\},"credits":"0\.000024"|"prompt_tokens":12,"completion_tokens":4`)

// P92: every program that third parties are told to copy runs against the product with a
// fresh key, shows the first tokens while the rest is being written, and says the usage.
func TestTheExamplesRun(t *testing.T) {
	p := priced(t, 500)
	g := p.signIn("builder").program(map[string]any{})
	for _, e := range quickStarts(t) {
		t.Run(e.ID, func(t *testing.T) {
			release := make(chan struct{})
			p.engine.Queue(inferencetest.Script{inferencetest.Say("Good "), inferencetest.Wait(release), inferencetest.Say("morning"), inferencetest.Finish("stop"), told(12, 0, 4), inferencetest.Done()})
			out := &watched{want: "Good", seen: func() { close(release) }}
			if err := e.run(t, g, out); err != nil {
				t.Fatalf("%v:\n%s", err, out.all())
			}
			text := out.all()
			if !strings.Contains(text, "morning") || len(shown.FindAllString(text, -1)) != 1 {
				t.Errorf("it printed\n%s", text)
			}
		})
	}
	for _, r := range p.engine.Requests() {
		if r.LastUser() != awkward {
			t.Errorf("the engine was asked %q", r.LastUser())
		}
	}
}

// P92: without a good key an example says why it stops.
func TestTheExamplesSayWhyTheyFail(t *testing.T) {
	p := start(t)
	g := p.signIn("builder").program(map[string]any{"scopes": []string{"models:read"}})
	for _, e := range quickStarts(t) {
		t.Run(e.ID, func(t *testing.T) {
			out := &watched{}
			if err := e.run(t, g, out); err == nil || !strings.Contains(out.all(), "chat:write") {
				t.Errorf("%v, it printed\n%s", err, out.all())
			}
		})
	}
}

// P92: what is shown to be installed is what the programs are run with here, and all of it.
func TestTheQuickStartsInstallWhatTheyUse(t *testing.T) {
	locked := map[string]bool{}
	var npm struct{ Dependencies map[string]string }
	if err := json.Unmarshal([]byte(contents(t, "examples/package.json")), &npm); err != nil {
		t.Fatal(err)
	}
	for name := range npm.Dependencies {
		locked[name] = true
	}
	for _, m := range goModule.FindAllStringSubmatch(contents(t, "examples/go-genqlient/go.mod"), -1) {
		locked[m[1]] = true
	}
	for _, e := range quickStarts(t) {
		named := strings.Fields(e.Install)
		used := javascriptPackage.FindAllStringSubmatch(e.Code, -1)
		if strings.HasPrefix(e.Install, "go ") {
			used = goPackage.FindAllStringSubmatch(e.Code, -1)
		}
		for _, m := range used {
			if !slices.Contains(named, m[1]) {
				t.Errorf("%s: %s is used and not installed", e.ID, m[1])
			}
		}
		for _, name := range named {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "@latest"), "/graphql")
			if strings.ContainsAny(name, "/@") && !locked[name] {
				t.Errorf("%s: %s is installed and not among what it was run with", e.ID, name)
			}
		}
	}
}

// P92: the documentation shows the same in the same order: what is set, what is
// installed, the files, what is made from them, how it is run.
func TestTheQuickStartsAreShownInOrder(t *testing.T) {
	head, all, _ := strings.Cut("\n"+contents(t, "docs/QUICKSTART.md")+"\n## ", "\n## ")
	for _, e := range quickStarts(t) {
		for _, name := range variable.FindAllString(e.Install+e.Generate+e.Run, -1) {
			set := "export " + name[1:] + "="
			if !strings.Contains(head, set) || !strings.Contains(e.Set, set) {
				t.Errorf("%s: %s is used and not set first", e.ID, name)
			}
		}
		_, text, _ := strings.Cut("\n## "+all, "\n## "+e.Title+"\n")
		text, _, _ = strings.Cut(text, "\n## ")
		blocks := []string{e.Install}
		for _, f := range e.More {
			blocks = append(blocks, "`"+f.File+"`\n")
		}
		for _, block := range append(blocks, "`"+e.File+"`\n", e.Generate, e.Run) {
			_, rest, ok := strings.Cut(text, block)
			if !ok {
				t.Errorf("%s: %q is not shown where it belongs", e.ID, block)
			}
			text = rest
		}
	}
}

// The packages that programs use besides their languages' own, and a shell's variables.
var (
	javascriptPackage = regexp.MustCompile(`(?m)from '(@[^/']+/[^/']+|[^@:/'][^:/']*)[^:']*'`)
	goPackage         = regexp.MustCompile(`(?m)^\t"([^"/]+\.[^"]+)"$`)
	goModule          = regexp.MustCompile(`(?m)^\t(\S+) v`)
	variable          = regexp.MustCompile(`\$[A-Z_]+`)
)

func contents(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func quickStarts(t *testing.T) (list []quickStart) {
	t.Helper()
	if err := json.Unmarshal([]byte(contents(t, "frontend/src/features/developers/quickstarts.generated.json")), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// run does in an empty folder what is shown, in its order, with a question; what it
// prints goes to out. Only what is installed is there already, as it is locked.
func (e *quickStart) run(t *testing.T, g *program, out io.Writer) error {
	t.Helper()
	dir := t.TempDir()
	filled := strings.NewReplacer("{{KIMI_URL}}", g.p.url, "{{KIMI_API_KEY}}", g.secret)
	save := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	switch tool, _, _ := strings.Cut(e.Install, " "); tool {
	case "npm":
		packages, err := filepath.Abs("examples/node_modules")
		if err == nil {
			err = os.Symlink(packages, filepath.Join(dir, "node_modules"))
		}
		if err != nil {
			t.Fatal(err)
		}
	case "go":
		for _, name := range []string{"go.mod", "go.sum"} {
			save(name, contents(t, "examples/go-genqlient/"+name))
		}
	}
	for _, f := range e.More {
		save(f.File, filled.Replace(f.Code))
	}
	save(e.File, filled.Replace(e.Code))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	shown := strings.Join([]string{filled.Replace(e.Set), e.Generate, e.Run + ` "$1"`}, "\n")
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", shown, "bash", awkward)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = out, out
	return cmd.Run()
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
