package main

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// begun begins a completion for the program and waits for its first words.
func (g *program) begun(words string) (run *completion.Run, ended <-chan error) {
	t := g.p.t
	t.Helper()
	v, err := g.p.server.keys.Authenticate(t.Context(), g.secret, netip.Addr{})
	if err != nil {
		t.Fatal(err)
	}
	g.p.engine.Queue(inferencetest.Script{inferencetest.Say(words), inferencetest.Hang()})
	run, err = g.p.server.completions.Begin(t.Context(), v, completion.Request{
		Prompt: inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Text: "go"}}}, Route: "POST /v1/chat/completions"})
	if err != nil {
		t.Fatal(err)
	}
	said, end := make(chan struct{}), make(chan error, 1)
	go func() {
		_, err := run.Stream(context.WithoutCancel(t.Context()), func(inference.Delta) error { close(said); return nil })
		end <- err
	}()
	inferencetest.Await(t, said, "the first words")
	return run, end
}

// A completion is one of the things that is written for an account: it keeps its hold while
// it is at work, ends with its key, and stands in the usage.
func TestACompletionIsPartOfTheProduct(t *testing.T) {
	p := priced(t, 5)
	b := p.signIn("builder")
	g := b.program(map[string]any{})
	_, ended := g.begun("some words")
	holds, err := p.server.credit.Pending(t.Context())
	if err != nil || len(holds) != 1 {
		t.Fatal(holds, err)
	}
	alive, err := p.server.writers().Alive(t.Context(), append(holds, "hld_another"))
	if err != nil || fmt.Sprint(alive) != fmt.Sprintf("map[%s:true]", holds[0]) {
		t.Errorf("alive are %v, %v", alive, err)
	}
	want(t, at(b.ask(revokeKey, map[string]any{"id": g.id}), "data", "apiKeyRevoke", "userErrors"), `[]`)
	if err := inferencetest.Await(t, ended, "the end"); !fault.Is(err, fault.KeyRevoked) {
		t.Errorf("ended with %v", err)
	}
	want(t, at(b.ask(bookDocument, nil), "data", "viewer", "ledgerEntries", "nodes", 0, "usage"),
		`{"feature":"API","modelId":"moonshotai/Kimi-K2-Instruct","status":"STOPPED","credits":"0.000014","price":{"input":"1","cachedInput":"0.5","output":"3"}}`)
	p.books()
}

// Shutting down tells whoever asks whether it is ready, and settles what doesn't end.
func TestShuttingDownSettlesCompletions(t *testing.T) {
	p := priced(t, 5)
	_, ended := p.signIn("builder").program(map[string]any{}).begun("some words")
	now, cancel := context.WithCancel(t.Context())
	cancel()
	p.server.completions.Drain(now)
	if err := inferencetest.Await(t, ended, "the end"); !fault.Is(err, fault.ShuttingDown) {
		t.Errorf("ended with %v", err)
	}
	resp, err := http.Get(p.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("ready: %s", resp.Status)
	}
	p.books()
}
