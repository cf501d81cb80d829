package main

import (
	"encoding/base64"
	"fmt"
	"testing"
)

const (
	listedDocument = `query($after: String) { viewer { conversations(first: 1, after: $after) { nodes { id } edges { cursor } pageInfo { startCursor endCursor hasNextPage } } } }`
	branchDocument = `query($id: ID!, $after: String) { viewer { conversation(id: $id) { branch(first: 1, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } } }`
	ledgerDocument = `query($after: String) { viewer { ledgerEntries(first: 1, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } }`
)

// T19, R-AUTHZ: cursors lead from page to page, for the owner's keys too; those of another
// owner, list or conversation and those that nobody signed are refused on `after`.
func TestCursorsAreGoodForOneListOfOneOwner(t *testing.T) {
	p := priced(t, 500)
	alice, bob := p.signIn("alice"), p.signIn("bob")
	var conversations []string
	for i := range 3 {
		sent := at(alice.send(fmt.Sprint(i), "Hi!"), "data", "messageSend")
		alice.end(at(sent, "reply", "id").(string))
		conversations = append(conversations, at(sent, "conversation", "id").(string))
	}
	at(bob.send("1", "Hi!"), "data", "messageSend")

	reader := alice.program(map[string]any{"scopes": []string{"conversations:read"}})
	askers := []func(string, map[string]any) map[string]any{alice.ask, reader.ask}
	var after any
	for i := range 3 {
		list := at(askers[i%2](listedDocument, map[string]any{"after": after}), "data", "viewer", "conversations")
		want(t, at(list, "nodes"), fmt.Sprintf(`[{"id":%q}]`, conversations[2-i]))
		want(t, at(list, "pageInfo", "hasNextPage"), fmt.Sprint(i < 2))
		after = at(list, "pageInfo", "endCursor")
		if at(list, "edges", 0, "cursor") != after || at(list, "pageInfo", "startCursor") != after {
			t.Errorf("%v", list)
		}
	}

	of := func(b *browser, query string, variables map[string]any, path ...any) string {
		t.Helper()
		cursor, _ := at(b.ask(query, variables), append(append([]any{"data", "viewer"}, path...), "pageInfo", "endCursor")...).(string)
		if cursor == "" {
			t.Fatalf("no cursor of %s", query)
		}
		return cursor
	}
	listed := of(alice, listedDocument, nil, "conversations")
	branch := of(alice, branchDocument, map[string]any{"id": conversations[0]}, "conversation", "branch")
	ledger := of(alice, ledgerDocument, nil, "ledgerEntries")
	unsigned := base64.RawURLEncoding.EncodeToString([]byte("c1:020260102T150405.000000," + conversations[0]))
	for what, c := range map[string]struct {
		by               *browser
		query            string
		id, after, field string
	}{
		"another owner's":             {bob, listedDocument, "", listed, "after"},
		"another list's":              {alice, listedDocument, "", ledger, "after"},
		"of a branch":                 {alice, ledgerDocument, "", branch, "after"},
		"of another conversation":     {alice, branchDocument, conversations[1], branch, "after"},
		"an id":                       {alice, ledgerDocument, "", conversations[0], "after"},
		"unsigned, as it was":         {alice, listedDocument, "", unsigned, "after"},
		"changed":                     {alice, listedDocument, "", listed[:len(listed)-4] + "AAAA", "after"},
		"its own, which still counts": {alice, listedDocument, "", listed, ""},
	} {
		answer := c.by.ask(c.query, map[string]any{"id": c.id, "after": c.after})
		switch {
		case c.field == "" && code(answer) != nil:
			t.Errorf("a cursor %s: %v", what, answer)
		case c.field != "" && (code(answer) != "INVALID" || at(answer, "errors", 0, "extensions", "field", 0) != c.field):
			t.Errorf("a cursor %s: %v", what, answer)
		}
	}
}
