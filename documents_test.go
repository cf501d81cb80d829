package main

import (
	"io"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/frontend"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// document finds one of the page's own by the beginning of its text.
func document(t *testing.T, begin string) (hash, text string) {
	t.Helper()
	all, err := frontend.Documents()
	if err != nil {
		t.Fatal(err)
	}
	for hash, text := range all {
		if strings.HasPrefix(text, begin) {
			return hash, text
		}
	}
	t.Fatalf("none of %d documents begins with %q", len(all), begin)
	return "", ""
}

// R-GQL: with TRUSTED_DOCUMENTS=on a browser may send the page's own documents, by hash or as
// text, and nothing else, on every transport; API keys may send what they like.
func TestTrustedDocumentsBindBrowsersOnly(t *testing.T) {
	database := dbtest.URL(t)
	g := start(t, "DATABASE_URL="+database).signIn("builder").program(map[string]any{})
	p := start(t, "DATABASE_URL="+database, "TRUSTED_DOCUMENTS=on")
	hash, text := document(t, "query Policy(")
	const free = `{ viewer { kind } }`
	b := p.browser()
	post := func(accept string, request map[string]any) string {
		t.Helper()
		resp := b.sends(accept, request)
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	for _, accept := range []string{"application/json", "text/event-stream"} {
		for what, c := range map[string]struct {
			body map[string]any
			part string
		}{
			"its own by hash":   {map[string]any{"documentId": "sha256:" + hash}, `"data":{`},
			"its own as text":   {map[string]any{"query": text}, `"data":{`},
			"a text of its own": {map[string]any{"query": free}, `"FORBIDDEN"`},
			"an unknown hash":   {map[string]any{"documentId": "sha256:00", "query": free}, `"PERSISTED_QUERY_NOT_FOUND"`},
		} {
			if got := post(accept, c.body); !strings.Contains(got, c.part) {
				t.Errorf("%s over %s: %s", what, accept, got)
			}
		}
	}
	s := b.socket()
	s.subscribe("1", free, nil)
	if got := s.read(); at(got, "payload", 0, "extensions", "code") != "FORBIDDEN" {
		t.Errorf("over a websocket: %v", got)
	}
	s.write(`{"id":"2","type":"subscribe","payload":{"documentId":"sha256:` + hash + `"}}`)
	if got := s.read(); at(got, "payload", "data") == nil {
		t.Errorf("its own over a websocket: %v", got)
	}
	if got := g.at(p).ask(free, nil); at(got, "data", "viewer", "kind") != "API_KEY" {
		t.Errorf("a key: %v", got)
	}
}
