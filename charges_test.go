package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/badline"
	"github.com/kimi-k2/kimi-k2/internal/inference/realengine"
	"github.com/kimi-k2/kimi-k2/internal/measured"
	"github.com/kimi-k2/kimi-k2/models"
)

var updateCharges = flag.Bool("update-charges", false, "write the programs' part of docs/CHARGES.md anew from what is measured")

// matter is one case of the charges: a product that reaches the real engine by a line of its
// own, and a program that asks once.
type matter struct {
	p      *product
	b      *browser
	g      *program
	line   *badline.Line
	stream bool
	leave  context.CancelFunc // the client's way out
	text   string             // what the client was given
}

const chargedQuestion = "What is the answer, and what does it cost?"

// firstSlice is what is set aside for the question and the first slice of its answer.
func firstSlice() int64 { return 2*chargedPrompt() + 10*1024 }

// chargedPrompt is our own count of the question.
func chargedPrompt() int64 { return int64(inference.EstimateTokens(chargedQuestion)) + 4 }

func (m *matter) slow() { m.line.Toxic("bandwidth", map[string]any{"rate": 12}) }

// programCharges are the cases of the programs' table in docs/CHARGES.md. A whole answer is
// one that isn't streamed.
var programCharges = []struct {
	name   string
	model  string // realengine.Short if empty
	tokens int    // that the program asks for, 0 for 300
	capped bool   // the key may spend one slice
	ask    func(map[string]any)
	say    func(string) string
	before func(m *matter)
	asked  func(m *matter) // when the engine has the request
	middle func(m *matter) // when some of the answer is there
	status models.RunStatus
	own    bool // our own count is charged
	absurd bool
	free   bool // nothing is charged, streamed or whole
	given  bool // nothing is charged for a whole answer, which wasn't given
	rule   [2]string
}{
	{name: "It comes to its end", status: models.RunComplete, rule: [2]string{"the engine's numbers"}},
	{name: "It reaches its limit", model: realengine.Endless, tokens: 40, status: models.RunComplete, rule: [2]string{"the engine's numbers"}},
	{name: "The line is slow and cuts events apart", before: func(m *matter) {
		m.line.Toxic("slicer", map[string]any{"average_size": 11, "size_variation": 7, "delay": 20})
	}, status: models.RunComplete, rule: [2]string{"the engine's numbers"}},
	{name: "The engine can't be reached", before: func(m *matter) { m.line.Cut() },
		status: models.RunFailed, own: true, free: true, rule: [2]string{"nothing was written: nothing is charged"}},
	{name: "The connection is reset before the first token", before: func(m *matter) { m.line.Toxic("reset_peer", map[string]any{"timeout": 0}) },
		status: models.RunFailed, own: true, free: true, rule: [2]string{"nothing was written: nothing is charged"}},
	{name: "The engine refuses with an error", ask: func(q map[string]any) { q["model"] = "missing:latest" },
		status: models.RunFailed, own: true, free: true, rule: [2]string{"an error's text is never charged"}},
	{name: "The client goes away before the first token", model: realengine.Endless,
		before: func(m *matter) { m.line.Toxic("latency", map[string]any{"latency": 5000}) }, asked: func(m *matter) { m.leave() },
		status: models.RunStopped, own: true, free: true, rule: [2]string{"nothing was written: nothing is charged"}},
	{name: "The client goes away in the middle", model: realengine.Endless, before: (*matter).slow, middle: func(m *matter) { m.leave() },
		status: models.RunStopped, own: true, rule: [2]string{"our own count of what was given", "our own count of what was written for it"}},
	{name: "The connection breaks in the middle", model: realengine.Endless, before: (*matter).slow, middle: func(m *matter) { m.line.Cut() },
		status: models.RunFailed, own: true, given: true, rule: [2]string{"our own count of what was given", "nothing was given: nothing is charged"}},
	{name: "The engine falls silent in the middle", model: realengine.Endless, before: (*matter).slow,
		middle: func(m *matter) { m.line.Toxic("timeout", map[string]any{"timeout": 0}) },
		status: models.RunFailed, own: true, given: true, rule: [2]string{"our own count of what was given", "nothing was given: nothing is charged"}},
	{name: "The engine sends no usage", ask: func(q map[string]any) { delete(q, "stream_options") },
		status: models.RunComplete, own: true, rule: [2]string{"our own count of what was given"}},
	{name: "The engine sends negative usage", say: lie("-7"),
		status: models.RunComplete, own: true, absurd: true, rule: [2]string{"our own count; the engine's numbers are quarantined"}},
	{name: "The engine claims a hundred times the tokens", say: lie("${1}00"),
		status: models.RunComplete, own: true, absurd: true, rule: [2]string{"our own count; the engine's numbers are quarantined"}},
	{name: "The key is revoked in the middle", model: realengine.Endless, before: (*matter).slow, middle: func(m *matter) {
		m.b.ask(`mutation($i: ApiKeyRevokeInput!) { apiKeyRevoke(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"apiKeyId": m.g.id}})
	}, status: models.RunStopped, own: true, given: true, rule: [2]string{"our own count of what was given", "nothing was given: nothing is charged"}},
	{name: "The server shuts down in the middle", model: realengine.Endless, before: (*matter).slow, middle: func(m *matter) {
		now, cancel := context.WithCancel(m.p.t.Context())
		cancel()
		m.p.server.completions.Drain(now)
	}, status: models.RunInterrupted, own: true, given: true, rule: [2]string{"our own count of what was given", "nothing was given: nothing is charged"}},
	{name: "The credits, or the key's limit, run out in the middle", model: realengine.Endless, tokens: 2000, capped: true,
		status: models.RunFailed, own: true, rule: [2]string{"our own count, at most what was set aside"}},
}

var completionTokens = regexp.MustCompile(`"completion_tokens":(\d+)`)

// lie gives the engine's usage another number.
func lie(number string) func(string) string {
	return func(line string) string {
		return completionTokens.ReplaceAllString(line, `"completion_tokens":`+number)
	}
}

// P60 to P65: the charge matrix for programs: each way a request to /v1/chat/completions can
// end, streamed and whole, played with a real engine through a bad network, is charged once
// and by the published rule. docs/CHARGES.md has the table.
func TestProgramsChargesWithTheRealEngine(t *testing.T) {
	engine := realengine.Start(t)
	lines := make([]string, 2*len(programCharges))
	t.Run("cases", func(t *testing.T) {
		for n := range lines {
			t.Run(programCharges[n/2].name+", "+way(n), func(t *testing.T) {
				t.Parallel()
				lines[n] = playCharge(t, engine, n)
			})
		}
	})
	if !t.Failed() && !slices.Contains(lines, "") { // or only some were played
		compareProgramCharges(t, lines)
	}
}

func way(n int) string { return [...]string{"streamed", "whole"}[n%2] }

// playCharge plays a case and says it as a line of the table.
func playCharge(t *testing.T, engine string, n int) string {
	c := programCharges[n/2]
	m := &matter{line: badline.New(t, engine), stream: n%2 == 0}
	asked, middle := make(chan struct{}), make(chan struct{})
	var said atomic.Int64
	var once, twice sync.Once
	at := m.line.URL
	if c.ask != nil || c.say != nil || c.middle != nil || c.asked != nil || c.capped {
		at = badline.Liar(t, at, func(q map[string]any) {
			if c.ask != nil {
				c.ask(q)
			}
			once.Do(func() { close(asked) })
		}, func(line string) string {
			if strings.Contains(line, `"content"`) && said.Add(1) > 20 {
				twice.Do(func() { close(middle) })
			}
			if c.say != nil {
				return c.say(line)
			}
			return line
		})
	}
	m.p = start(t, "INFERENCE_URL="+at, chargedModels(t), "SIGNUP_CREDITS=100", "CHARGE=on", "INFERENCE_TOKEN_TIMEOUT=2s")
	m.b = m.p.signIn("builder")
	key := map[string]any{}
	if c.capped {
		key["creditLimit"] = fmt.Sprintf("0.%06d", firstSlice())
	}
	m.g = m.b.program(key)
	if c.before != nil {
		c.before(m)
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	m.leave = leave
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		model, tokens := c.model, c.tokens
		if model == "" {
			model = realengine.Short
		}
		if tokens == 0 {
			tokens = 300
		}
		m.request(ctx, model, tokens)
	}()
	for signal, act := range map[chan struct{}]func(*matter){asked: c.asked, middle: c.middle} {
		if act == nil {
			continue
		}
		select {
		case <-signal:
			act(m)
		case <-ended:
			t.Fatal("it ended before anything could be done to it")
		case <-time.After(patience):
			t.Fatal("it doesn't come so far")
		}
	}
	for before := int64(-1); ; {
		select {
		case <-ended:
			return m.charged(n)
		case <-time.After(patience):
		}
		now := said.Load()
		if now == before {
			t.Fatalf("the request doesn't end: nothing more came after %d pieces", now)
		}
		before = now // a thousand tokens take a busy machine longer
	}
}

// request asks, and keeps what the client is given.
func (m *matter) request(ctx context.Context, model string, tokens int) {
	body := fmt.Sprintf(`{"model":%q,"max_tokens":%d,"stream":%v,"messages":[{"role":"user","content":%q}]}`, model, tokens, m.stream, chargedQuestion)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.p.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		m.p.t.Error(err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+m.g.secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return // it has left
	}
	defer resp.Body.Close()
	var piece struct {
		Choices []struct{ Delta, Message struct{ Content string } }
	}
	if !m.stream {
		if json.NewDecoder(resp.Body).Decode(&piece) == nil && len(piece.Choices) > 0 {
			m.text = piece.Choices[0].Message.Content
		}
		return
	}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		piece.Choices = nil
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &piece) == nil && len(piece.Choices) > 0 {
			m.text += piece.Choices[0].Delta.Content
		}
	}
}

// charged checks a case against its rule and says it as a line of the table.
func (m *matter) charged(n int) string {
	t, c := m.p.t, programCharges[n/2]
	t.Helper()
	owner := m.b.id()
	var acts []models.UsageRow
	for deadline := time.Now().Add(patience); len(acts) == 0 && time.Now().Before(deadline); {
		acts = m.p.acts(owner)
	}
	if len(acts) != 1 {
		t.Fatalf("%d acts", len(acts))
	}
	r := acts[0]
	var hold models.LedgerHold
	if err := m.p.server.db.Gorm(t.Context()).Where("id = ?", r.HoldID).Take(&hold).Error; err != nil {
		t.Fatal(err)
	}
	free := c.free || c.given && !m.stream
	if r.Status != c.status || r.Estimated != c.own || r.Quarantined != c.absurd || (r.Credits == 0) != free {
		t.Errorf("%s, own count %v, quarantined %v, %d for %q: %+v", r.Status, r.Estimated, r.Quarantined, r.Credits, m.text, r)
	}
	given := int64(inference.EstimateTokens(m.text))
	left := c.status == models.RunStopped
	switch {
	case free && !m.stream && m.text != "":
		t.Errorf("%q was given for nothing", m.text)
	case !left && r.CountedOutput != given, left && r.CountedOutput < given: // what is under way when a client leaves was given
		t.Errorf("our own count is %d, the client has %d tokens", r.CountedOutput, given)
	}
	if c.own && (r.OutputTokens != r.CountedOutput || r.PromptTokens != chargedPrompt()) {
		t.Errorf("not our own count: %+v", r)
	}
	costs := int64(0)
	if r.OutputTokens > 0 {
		costs = 2*(r.PromptTokens-r.CachedTokens) + r.CachedTokens + 10*r.OutputTokens
	}
	if r.Credits != min(hold.Amount, costs) {
		t.Errorf("%d were charged of %d: %+v", r.Credits, hold.Amount, r)
	}
	m.p.books()
	by := "engine"
	if r.Estimated {
		by = "us"
	}
	rule := c.rule[n%2]
	if rule == "" {
		rule = c.rule[0]
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %s | %d | %d | %s |", c.name, way(n), r.Status, len([]rune(m.text)), r.PromptTokens, r.OutputTokens, by, hold.Amount, r.Credits, rule)
}

// chargedModels is a catalogue of the real engine's models, at the prices of the table.
func chargedModels(t *testing.T) string {
	t.Helper()
	var list []string
	for _, id := range []string{realengine.Short, realengine.Endless} {
		list = append(list, fmt.Sprintf(`{"id": %q, "name": "Priced", "engineId": %q, "family": "other", "contextTokens": 32768, "maxOutputTokens": 4096,
			"price": {"input": 2000000, "cachedInput": 1000000, "output": 10000000}, "default": %v}`, id, id, id == realengine.Short))
	}
	file := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(file, []byte(`{"models": [`+strings.Join(list, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return "MODELS_FILE=" + file
}

const (
	programsBegin = "<!-- table: go test . -run TestProgramsChargesWithTheRealEngine -update-charges -->\n"
	programsEnd   = "<!-- end of the programs' table -->\n"
)

// compareProgramCharges holds the table against the document, without the numbers: how far a
// broken answer came differs from run to run.
func compareProgramCharges(t *testing.T, lines []string) {
	t.Helper()
	now := "\n| Case | Answer | Ends as | Characters given | Prompt tokens | Output tokens | Counted by | Set aside | Charged | Rule |\n" +
		"| --- | --- | --- | ---: | ---: | ---: | --- | ---: | ---: | --- |\n" + strings.Join(lines, "\n") + "\n\n"
	measured.Compare(t, filepath.Join("docs", "CHARGES.md"), programsBegin, programsEnd, now, *updateCharges, "-update-charges")
}
