package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// outcome is what became of an operation, in the same words for every carrier: its data, and
// the codes of its errors.
func outcome(answer any) string {
	errs, _ := at(answer, "errors").([]any)
	codes := []any{}
	for i := range errs {
		codes = append(codes, at(errs, i, "extensions", "code"))
	}
	b, err := json.Marshal(map[string]any{"data": at(answer, "data"), "codes": codes, "cost": at(answer, "extensions", "cost", "requested")})
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// carriers are the ways in which a key can be sent.
func (g *program) carriers() map[string]func(query string, variables map[string]any) string {
	return map[string]func(string, map[string]any) string{
		"HTTP":            func(q string, v map[string]any) string { return outcome(g.ask(q, v)) },
		"an event stream": g.streamed,
		"an upgrade":      func(q string, v map[string]any) string { return g.overSocket(true, q, v) },
		"connection_init": func(q string, v map[string]any) string { return g.overSocket(false, q, v) },
	}
}

func (g *program) streamed(query string, variables map[string]any) string {
	t := g.p.t
	t.Helper()
	b := &browser{p: g.p, http: http.DefaultClient, key: g.secret}
	resp := b.request("text/event-stream", query, variables)
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: {"); ok {
			var answer map[string]any
			if err := json.Unmarshal([]byte("{"+data), &answer); err != nil {
				t.Fatal(err)
			}
			return outcome(answer)
		}
	}
	return "nothing"
}

func (g *program) overSocket(upgrade bool, query string, variables map[string]any) string {
	t := g.p.t
	t.Helper()
	s, err := g.dial(upgrade)
	if err != nil {
		t.Fatal(err)
	}
	defer s.conn.Close()
	s.subscribe("1", query, variables)
	m := s.read()
	if at(m, "type") == "error" {
		return outcome(map[string]any{"errors": at(m, "payload")})
	}
	return outcome(at(m, "payload"))
}

// T4: whatever carries a key, each operation has the same result, for keys with every scope
// alone and all together: nothing is open by another door.
func TestEveryCarrierOfAKeyIsEqual(t *testing.T) {
	p := start(t, "SOCKETS_PER_IP=1000", "SOCKETS_PER_PRINCIPAL=1000", "STREAMS_PER_GUEST=1000", "STREAMS_PER_ACCOUNT=1000")
	b := p.signIn("builder")
	conversation, _ := at(b.send("first", "Hi!"), "data", "messageSend", "conversation", "id").(string)
	all := []string{"chat:write", "conversations:read", "models:read", "usage:read"}
	for i, scopes := range [][]string{all[:1], all[1:2], all[2:3], all[3:], all} {
		g := b.program(map[string]any{"scopes": scopes})
		for query, variables := range map[string]map[string]any{
			`{ viewer { kind id } }`:                                                      nil,
			`{ models { id } }`:                                                           nil,
			`{ viewer { conversations { nodes { id } } } }`:                               nil,
			`query($id: ID!) { node(id: $id) { id } }`:                                    {"id": conversation},
			`{ viewer { credits { balance } ledgerEntries(first: 1) { nodes { id } } } }`: nil,
			`{ viewer { ledgerEntries(after: "forged") { nodes { id } } } }`:              nil,
			`{ viewer { account { email } } }`:                                            nil,
			`{ viewer { apiKeys { id } } }`:                                               nil,
			`{ operator { mails { nodes { id } } } }`:                                     nil,
			`{ nothing }`: nil,
			`{ viewer { conversations(first: 100) { nodes { branch(first: 100) { nodes { id } } } } } }`:                        nil,
			`mutation { apiKeyCreate(input: {name: "another"}) { secret } }`:                                                    nil,
			`mutation($t: String!) { messageSend(input: {clientId: "same", text: $t}) { message { id } userErrors { code } } }`: {"t": fmt.Sprint("Hi ", i)},
			`mutation($id: ID!) { conversationDelete(input: {conversationId: $id}) { deletedId } }`:                             {"id": conversation},
		} {
			results := map[string][]string{}
			for carrier, ask := range g.carriers() {
				result := ask(query, variables)
				results[result] = append(results[result], carrier)
			}
			if len(results) != 1 {
				t.Errorf("%v: %s: %v", scopes, query, results)
			}
		}
	}
}
