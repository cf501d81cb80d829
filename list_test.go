package main

import (
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
)

// A list loads what its document asks for and no more: however it asks, the same comes.
func TestListsBringWhatTheyAreAskedFor(t *testing.T) {
	p := start(t)
	b := p.browser()
	for i := range 3 {
		p.engine.Queue(inferencetest.Script{inferencetest.Think(fmt.Sprint("thought ", i)), inferencetest.Say(fmt.Sprint("answer ", i)), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()})
		reply := at(b.send(fmt.Sprint("c", i), fmt.Sprint("question ", i)), "data", "messageSend", "reply", "id")
		resp := b.request("text/event-stream", eventsDocument, map[string]any{"id": reply})
		_, _ = io.ReadAll(resp.Body) // until it has ended
		_ = resp.Body.Close()
	}
	list := func(selection string) any {
		t.Helper()
		answer := b.ask(`{ viewer { conversations(first: 2) { `+selection+` } } }`, nil)
		if answer["errors"] != nil {
			t.Fatal(answer["errors"])
		}
		return at(answer, "data", "viewer", "conversations")
	}
	const shown = `id title lastMessage { id role status text lastSeq createdAt }`
	nodes := at(list(`nodes { `+shown+` }`), "nodes")
	want(t, at(nodes, 0, "lastMessage", "text"), `"answer 2"`)
	want(t, at(nodes, 1, "title"), `"question 1"`)
	edges := list(`edges { cursor node { ` + shown + ` } } pageInfo { startCursor endCursor hasNextPage }`)
	for i := range 2 {
		want(t, at(edges, "edges", i, "node"), asJSON(t, at(nodes, i)))
	}
	page := at(list(`pageInfo { startCursor endCursor hasNextPage }`), "pageInfo")
	want(t, page, asJSON(t, at(edges, "pageInfo")))
	want(t, at(page, "endCursor"), asJSON(t, at(edges, "edges", 1, "cursor")))
	whole := list(`nodes { lastMessage { reasoning model { id } finishReason parent { text } text } } edges { node { lastMessage { id } } }`)
	want(t, at(whole, "nodes", 0, "lastMessage"), `{"reasoning":"thought 2","model":{"id":"kimi-k2"},"finishReason":"stop","parent":{"text":"question 2"},"text":"answer 2"}`)
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
