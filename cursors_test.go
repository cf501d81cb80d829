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

const moneyPages = `query($quarantine: String, $comparisons: String, $odd: String, $checks: String) { operator {
	quarantineWaiting quarantine(first: 2, after: $quarantine) { nodes { id } edges { cursor node { id } } pageInfo { endCursor hasNextPage hasPreviousPage } }
	bookChecks(first: 2, after: $checks) { nodes { id ok } edges { cursor node { id } } pageInfo { endCursor hasNextPage } }
	comparisons(first: 2, after: $comparisons) { nodes { id } edges { cursor } pageInfo { endCursor hasNextPage } }
	oddUsageWaiting oddUsage(first: 2, after: $odd) { nodes { reported } edges { cursor } pageInfo { endCursor hasNextPage } } } }`

// The operator's lists of money lead from page to page, and a cursor of one is refused by the
// others.
func TestTheOperatorsListsOfMoneyHavePages(t *testing.T) {
	p := start(t)
	admin := p.operator()
	db := p.server.db.Gorm(t.Context())
	for i := range 3 {
		err := db.Exec(`INSERT INTO payment_quarantine (id, provider, event_id, reason, facts, created_at) VALUES (?, 'STRIPE', ?, 'AMOUNT', '{"found":{}}', ?)`,
			fmt.Sprintf("qua_%d", i), fmt.Sprintf("evt_%d", i), p.server.clock.Now()).Error
		if err == nil {
			err = db.Exec(`INSERT INTO reconciliations (id, provider, since, started_at, finished_at) SELECT ?, 'STRIPE', n, n, n FROM now() n`, fmt.Sprintf("rec_%d", i)).Error
		}
		if err == nil {
			err = db.Exec(`INSERT INTO ledger_checks (id, ok, findings, started_at, finished_at) SELECT ?, true, '[]', n, n FROM now() n`, fmt.Sprintf("chk_z%d", i)).Error
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	first := at(admin.ask(moneyPages, nil), "data", "operator")
	want(t, at(first, "quarantineWaiting"), `3`)
	want(t, at(first, "quarantine", "nodes"), `[{"id":"qua_2"},{"id":"qua_1"}]`)
	want(t, at(first, "comparisons", "nodes"), `[{"id":"rec_2"},{"id":"rec_1"}]`)
	want(t, at(first, "bookChecks", "nodes"), `[{"id":"chk_z2","ok":true},{"id":"chk_z1","ok":true}]`)
	want(t, at(first, "oddUsage"), `{"nodes":[],"edges":[],"pageInfo":{"endCursor":null,"hasNextPage":false}}`)
	quarantine, comparisons := at(first, "quarantine", "pageInfo", "endCursor"), at(first, "comparisons", "pageInfo", "endCursor")
	if at(first, "quarantine", "edges", 1, "cursor") != quarantine || at(first, "quarantine", "pageInfo", "hasNextPage") != true {
		t.Errorf("%v", first)
	}
	checks := at(first, "bookChecks", "pageInfo", "endCursor")
	second := at(admin.ask(moneyPages, map[string]any{"quarantine": quarantine, "comparisons": comparisons, "checks": checks}), "data", "operator")
	want(t, at(second, "quarantine", "nodes"), `[{"id":"qua_0"}]`)
	want(t, at(second, "quarantine", "pageInfo", "hasNextPage"), `false`)
	want(t, at(second, "quarantine", "pageInfo", "hasPreviousPage"), `true`)
	want(t, at(second, "bookChecks", "nodes", 0, "id"), `"chk_z0"`)
	want(t, at(second, "comparisons", "nodes"), `[{"id":"rec_0"}]`)
	for name, foreign := range map[string]any{"quarantine": comparisons, "comparisons": quarantine, "odd": comparisons, "checks": quarantine} {
		if answer := admin.ask(moneyPages, map[string]any{name: foreign}); code(answer) != "INVALID" {
			t.Errorf("%s: %v", name, answer)
		}
	}
	want(t, at(admin.ask(`{operator{ledgerChecks{id}}}`, nil), "data", "operator", "ledgerChecks", 2), `{"id":"chk_z0"}`)
	want(t, at(admin.ask(`{operator{quarantinedPayments{id} reconciliations{id} absurdUsage{reported}}}`, nil), "data", "operator"),
		`{"quarantinedPayments":[{"id":"qua_2"},{"id":"qua_1"},{"id":"qua_0"}],"reconciliations":[{"id":"rec_2"},{"id":"rec_1"},{"id":"rec_0"}],"absurdUsage":[]}`)
}
