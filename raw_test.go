package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/register"
	"github.com/kimi-k2/kimi-k2/internal/register/registertest"
)

// needle is what is looked for among the bytes of files, and where it comes from.
type needle struct {
	from   string
	bytes  []byte
	sealed bool // may be nowhere, at no time
	stays  bool // may be in the tables afterwards: it leads to nobody
}

var canaryWord = regexp.MustCompile(`canary_\d{7}`)

// needleOf is how a canary lies in a file; ok is false for what is too short to be told from
// other bytes, or isn't stored as it is written.
func needleOf(reg *register.Register, c registertest.Canary) (n needle, ok bool) {
	table, _ := reg.Table(c.Table)
	n = needle{from: c.Table + "." + c.Column, sealed: c.Stored == register.Sealed, stays: table.Erase == register.EraseUnlink || isNumber(reg, c)}
	switch word := canaryWord.FindString(c.Text); {
	case !c.Unique || c.Text == "":
		return n, false
	case strings.HasPrefix(c.Text, `\x`):
		raw, err := hex.DecodeString(c.Text[2:])
		n.bytes = raw
		return n, err == nil && len(raw) >= 16
	case word != "":
		n.bytes = []byte(word)
	default:
		n.bytes = []byte(c.Text)
	}
	return n, strings.Contains(c.Text, "ca4a4") || len(n.bytes) >= 12 && canaryWord.Match(n.bytes)
}

// P80, P89, P101, P104: what the tables seal is at no time and in no form on the disk of the
// database: neither in its tables and indexes, nor in the log of what it writes ahead, nor in
// its own log. After a deletion, and once the tables are written anew and that log has gone
// round, nothing of the person is on the disk at all, but for numbers that lead to nobody.
func TestTheDisksOfTheDatabaseHoldNoWords(t *testing.T) {
	url := dbtest.URL(t)
	p, reg := start(t, "DATABASE_URL="+url), theRegister(t)
	p.still() // who reads keeps what was deleted meanwhile
	owner := registertest.NewOwner(t, p.server.secrets.Keeper, id.New(id.Owner))
	// Somebody who stays: the planner keeps samples of a table until it takes others.
	registertest.Fill(t, p.server.db, reg, registertest.NewOwner(t, p.server.secrets.Keeper, id.New(id.Owner)))
	var needles []needle
	for _, c := range registertest.Fill(t, p.server.db, reg, owner) {
		if n, ok := needleOf(reg, c); ok {
			needles = append(needles, n)
		}
	}
	ada, words := p.everyWord(t)
	for _, w := range words {
		needles = append(needles, needle{from: "what somebody wrote", bytes: []byte(w), sealed: true})
	}
	if _, err := p.server.db.Pool().Exec(t.Context(), "ANALYZE"); err != nil { // the planner's samples are copies too
		t.Fatal(err)
	}
	plain, sealed := 0, 0
	for i, found := range onDisk(t, url, needles) {
		switch n := needles[i]; {
		case n.sealed && found != "":
			t.Errorf("%s (%q) can be read in %s", n.from, n.bytes, found)
		case n.sealed:
			sealed++
		case found == "" && !strings.HasPrefix(n.from, "rate_"): // those tables are kept in memory
			t.Errorf("%s (%q) is in no file", n.from, n.bytes)
		default:
			plain++
		}
	}
	if sealed < 20 || plain < 20 {
		t.Fatalf("only %d sealed values and %d others were looked for", sealed, plain)
	}
	if receipt, err := p.server.accounts.Remove(t.Context(), owner.ID); err != nil || receipt.FinishedAt.IsZero() {
		t.Fatal(receipt, err)
	}
	want(t, at(ada.ask(deleteDocument, map[string]any{"word": "adakanari@example.org"}), "data", "accountDelete", "deletion", "state"), `"DONE"`)
	needles = append(needles, needle{from: "owners.id", bytes: []byte(owner.ID)}, needle{from: "owners.id", bytes: []byte(ada.was)})
	dbtest.Rewrite(t, url)
	dbtest.Overwrite(t, url)
	for i, found := range onDisk(t, url, needles) {
		if n := needles[i]; found != "" && !n.stays {
			t.Errorf("after the deletion %s (%q) is in %s", n.from, n.bytes, found)
		}
	}
	t.Logf("%d sealed values and %d others were looked for", sealed, plain)
}

// onDisk says for each needle in which file it is, "" when in none.
func onDisk(t *testing.T, url string, needles []needle) (found []string) {
	t.Helper()
	found = make([]string, len(needles))
	dbtest.Files(t, url, func(name string, _ bool, content []byte) {
		for i, n := range needles {
			if found[i] == "" && bytes.Contains(content, n.bytes) {
				found[i] = name
			}
		}
	})
	return found
}

// still has nothing run by itself any more: sweeps would end what is too old, and proofs of
// the books count what was filled in.
func (p *product) still() {
	p.t.Helper()
	if err := p.server.jobs.Stop(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
}

// somebody is a browser and who it was.
type somebody struct {
	*browser
	was string
}

// everyWord is an account that has written something wherever something can be written, and
// all that it wrote, was called and was answered.
func (p *product) everyWord(t *testing.T) (somebody, []string) {
	t.Helper()
	ada := p.signIn("adakanari")
	who := somebody{ada, ada.id()}
	p.engine.Queue(inferencetest.Script{inferencetest.Think("kanari in thought"), inferencetest.Say("kanari in reply"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()})
	sent := at(ada.send("1", "kanari in a message"), "data", "messageSend")
	replyID, _ := at(sent, "reply", "id").(string)
	ada.end(replyID)
	conversation := at(sent, "conversation", "id")
	ada.ask(`mutation($id: ID!) { conversationUpdate(input: {conversationId: $id, title: "kanari in a title"}) { userErrors { code } } }`, map[string]any{"id": conversation})
	ada.ask(`mutation { accountUpdate(input: {name: "Kanari by name", email: "kanari.new@example.org"}) { userErrors { code } } }`, nil)
	program := ada.program(map[string]any{"name": "kanari of a key"})
	resp := program.call(t.Context(), "/v1/chat/completions", asking("kanari in a request", ""), "Idempotency-Key", "kanari-again")
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	file, err := json.Marshal([]any{map[string]any{"title": "kanari in a file", "mapping": map[string]any{
		"a": map[string]any{"id": "a", "message": map[string]any{"author": map[string]any{"role": "user"}, "content": map[string]any{"content_type": "text", "parts": []string{"kanari in a brought message"}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if resp, text := ada.fetch(http.MethodPost, "/imports", file); resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, string(text))
	}
	ada.export()
	words := []string{"in thought", "in reply", "in a message", "in a title", "of a key", "in a request", "in a file", "in a brought message"}
	for i, w := range words {
		words[i] = "kanari " + w
	}
	return who, append(words, "adakanari", "Kanari by name", "kanari.new@", "kanari-again", program.secret)
}
