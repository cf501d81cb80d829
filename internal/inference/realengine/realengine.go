// Package realengine runs a real inference engine (ollama, built from source by
// tools/engine/build.sh) with a tiny random model for the time of a test, so that the
// client is held against a true implementation of the protocol: true token counts, true
// stops, and text that is often broken UTF-8 inside.
package realengine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/realengine/gguf"
)

// The models that the engine serves.
const (
	// Short ends by itself after a few dozen tokens, always with the same text.
	Short = "short:latest"
	// Endless goes on until it is stopped or reaches its limit.
	Endless = "endless:latest"
)

// skip is the variable that lets a machine without a C++ compiler go without.
const skip = "KIMI_SKIP_REAL_ENGINE"

// patience is how long the engine may take to start or to stop.
const patience = 60 * time.Second

// keeper runs the engine and ends it when its own input ends, so that no engine
// outlives a test binary that was killed.
const keeper = `"$0" serve & engine=$!; cat >/dev/null; kill "$engine"; wait "$engine"`

// Start starts the engine on a free port of 127.0.0.1 with both models loaded from
// disk and returns the base of its OpenAI-compatible API. It ends with the test.
// Without the engine's binary the test fails with the command that builds it, or is
// skipped with KIMI_SKIP_REAL_ENGINE=1.
func Start(t testing.TB) (baseURL string) {
	t.Helper()
	baseURL, _ = StartCounting(t)
	return baseURL
}

// StartCounting is Start, and ended tells how many chat requests are over as the engine
// itself sees it: whole, refused, or given up because the client went away.
func StartCounting(t testing.TB) (baseURL string, ended func() int) {
	t.Helper()
	if os.Getenv(skip) == "1" {
		t.Skip(skip + "=1")
	}
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(root, ".cache", "engine", "bin", "ollama")
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("the test engine is missing; build it with %s (about five minutes), or set %s=1", filepath.Join(root, "tools", "engine", "build.sh"), skip)
	}
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	output := launch(t, binary, address)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := prepare(ctx, address); err != nil {
		t.Fatalf("%v; the engine said:\n%s", err, output())
	}
	return "http://" + address + "/v1", func() int { return strings.Count(output(), `"/v1/chat/completions"`) }
}

// launch starts the process; output is what it has printed so far.
func launch(t testing.TB, binary, address string) (output func() string) {
	t.Helper()
	home := t.TempDir()
	log, err := os.Create(filepath.Join(home, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", keeper, binary)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home,
		"OLLAMA_HOST=" + address, "OLLAMA_MODELS=" + filepath.Join(home, "models"),
		"OLLAMA_NUM_PARALLEL=4", "OLLAMA_KEEP_ALIVE=-1", fmt.Sprintf("OLLAMA_CONTEXT_LENGTH=%d", gguf.ContextTokens),
	}
	cmd.Stdout, cmd.Stderr = log, log
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = input.Close()
		_ = cmd.Wait() // its status is that of a killed process
		_ = log.Close()
	})
	return func() string {
		b, err := os.ReadFile(log.Name())
		if err != nil {
			return err.Error()
		}
		return string(b)
	}
}

// prepare waits for the engine and gives it the models.
func prepare(ctx context.Context, address string) error {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if err := ready(ctx, client, address); err != nil {
		return err
	}
	for name, m := range map[string]gguf.Model{Short: {Seed: 1}, Endless: {Seed: 1, Endless: true}} {
		if err := load(ctx, client, address, name, m); err != nil {
			return err
		}
	}
	return nil
}

// load writes a model and gives it to the engine under a name.
func load(ctx context.Context, client *http.Client, address, name string, m gguf.Model) error {
	var file bytes.Buffer
	if err := gguf.Write(&file, m); err != nil {
		return err
	}
	digest := fmt.Sprintf("sha256:%x", sha256.Sum256(file.Bytes()))
	if err := post(ctx, client, "http://"+address+"/api/blobs/"+digest, &file); err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{
		"model": name, "files": map[string]string{"model.gguf": digest}, "template": "{{ .Prompt }}", "stream": false,
		// More threads than one would spin against each other on a small machine.
		"parameters": map[string]any{"num_thread": 1, "seed": 1},
	})
	if err != nil {
		return fmt.Errorf("describe the model %s: %w", name, err)
	}
	return post(ctx, client, "http://"+address+"/api/create", bytes.NewReader(body))
}

// ready asks until the engine answers.
func ready(ctx context.Context, client *http.Client, address string) error {
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/api/version", nil)
		if err != nil {
			return fmt.Errorf("ask the engine: %w", err)
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.New("the engine did not become ready")
		case <-again.C:
		}
	}
}

func post(ctx context.Context, client *http.Client, url string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		return fmt.Errorf("give the model to the engine: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("give the model to the engine: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		return fmt.Errorf("give the model to the engine: %s %s (%w)", resp.Status, answer, err)
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// moduleRoot is the folder of go.mod above the working directory.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the module: there is no go.mod above the working directory")
		}
		dir = parent
	}
}
