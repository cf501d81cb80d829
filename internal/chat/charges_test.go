package chat_test

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/badline"
	"github.com/kimi-k2/kimi-k2/internal/inference/realengine"
	"github.com/kimi-k2/kimi-k2/internal/measured"
	"github.com/kimi-k2/kimi-k2/models"
)

var update = flag.Bool("update", false, "write docs/CHARGES.md anew from what is measured")

// limited is an engine whose models write at most so many tokens.
type limited struct {
	chat.Engine
	tokens int
	engine string // what the engine is asked for instead, if set
}

func (e limited) Resolve(modelID string) (inference.Model, error) {
	m, err := e.Engine.Resolve(modelID)
	m.MaxOutputTokens = e.tokens
	if e.engine != "" {
		m.EngineID = e.engine
	}
	return m, err
}

// matter is one case of the charges: an instance that reaches the real engine by a wire of
// its own, and an account.
type matter struct {
	*instance
	h    *house
	c    *customer
	wire *badline.Line
	sent *chat.Sent
}

// ask sends a message to the model.
func (m *matter) ask(model string) {
	m.t.Helper()
	sent, err := m.Send(m.t.Context(), m.c.Viewer, chat.Send{ClientID: clientID(), Text: question, ModelID: model})
	if err != nil {
		m.t.Fatal(err)
	}
	m.sent = sent
}

// end waits for the end of the reply.
func (m *matter) end() {
	m.t.Helper()
	m.follow(m.c.Viewer, m.sent.Reply.ID)
}

// some waits until some text has been written.
func (m *matter) some() {
	m.t.Helper()
	eventually(m.t, "some text", func() bool { return len(m.find(m.c.Viewer, m.sent.Reply.ID).Text) > 40 })
}

func (m *matter) stop() {
	m.t.Helper()
	if _, err := m.Stop(m.t.Context(), m.c.Viewer, m.sent.Reply.ID); err != nil {
		m.t.Fatal(err)
	}
}

const question = "What is the answer, and what does it cost?"

// slow is a wire of about 60 tokens a second.
func (m *matter) slow() { m.wire.Toxic("bandwidth", map[string]any{"rate": 12}) }

// charges are the cases of docs/CHARGES.md, played with the real engine.
var charges = []struct {
	name   string
	tokens int                  // the model's limit, 0 for 300
	engine string               // another model of the engine's
	paid   int64                // 0 for plenty
	ask    func(map[string]any) // changes the request
	say    func(string) string  // changes what the engine says
	play   func(m *matter)
	status models.RunStatus
	own    bool // our own count is charged
	absurd bool
	free   bool
	rule   string
}{
	{name: "It comes to its end", play: func(m *matter) { m.ask(realengine.Short); m.end() },
		status: models.RunComplete, rule: "the engine's numbers"},
	{name: "It reaches the model's limit", tokens: 40, play: func(m *matter) { m.ask(realengine.Endless); m.end() },
		status: models.RunComplete, rule: "the engine's numbers"},
	{name: "The line is slow and cuts events apart", play: func(m *matter) {
		m.wire.Toxic("slicer", map[string]any{"average_size": 11, "size_variation": 7, "delay": 20})
		m.ask(realengine.Short)
		m.end()
	}, status: models.RunComplete, rule: "the engine's numbers"},
	{name: "The viewer goes away and the reply is finished without them", play: func(m *matter) {
		m.slow()
		m.ask(realengine.Short)
		ctx, leave := context.WithCancel(m.t.Context())
		events, err := m.Follow(ctx, m.c.Viewer, chat.Follow{ReplyID: m.sent.Reply.ID})
		if err != nil {
			m.t.Fatal(err)
		}
		receive(m.t, "the first event", events)
		leave()
		eventually(m.t, "the end", func() bool { return !m.find(m.c.Viewer, m.sent.Reply.ID).Status.Live() })
	}, status: models.RunComplete, rule: "the engine's numbers"},
	{name: "The engine can't be reached", play: func(m *matter) { m.wire.Cut(); m.ask(realengine.Short); m.end() },
		status: models.RunFailed, own: true, free: true, rule: "nothing was written: nothing is charged"},
	{name: "The connection is reset before the first token", play: func(m *matter) {
		m.wire.Toxic("reset_peer", map[string]any{"timeout": 0})
		m.ask(realengine.Short)
		m.end()
	}, status: models.RunFailed, own: true, free: true, rule: "nothing was written: nothing is charged"},
	{name: "The engine refuses with an error", engine: "missing:latest", play: func(m *matter) { m.ask(realengine.Short); m.end() },
		status: models.RunFailed, own: true, free: true, rule: "an error's text is never charged"},
	{name: "Stop before the first token", play: func(m *matter) {
		m.wire.Toxic("latency", map[string]any{"latency": 5000})
		m.ask(realengine.Endless)
		m.stop()
	}, status: models.RunStopped, own: true, free: true, rule: "nothing was written: nothing is charged"},
	{name: "Stop in the middle, twice", play: func(m *matter) {
		m.slow()
		m.ask(realengine.Endless)
		m.some()
		together(2, func(int) { m.stop() })
	}, status: models.RunStopped, own: true, rule: "our own count of what was stored"},
	{name: "The connection breaks in the middle", play: func(m *matter) {
		m.slow()
		m.ask(realengine.Endless)
		m.some()
		m.wire.Cut()
		m.end()
	}, status: models.RunFailed, own: true, rule: "our own count of what was stored"},
	{name: "The engine falls silent in the middle", play: func(m *matter) {
		m.slow()
		m.ask(realengine.Endless)
		m.some()
		m.wire.Toxic("timeout", map[string]any{"timeout": 0})
		m.end()
	}, status: models.RunFailed, own: true, rule: "our own count of what was stored"},
	{name: "The engine sends no usage", ask: func(q map[string]any) { delete(q, "stream_options") },
		play:   func(m *matter) { m.ask(realengine.Short); m.end() },
		status: models.RunComplete, own: true, rule: "our own count of what was stored"},
	{name: "The engine sends negative usage", say: lie("-7"), play: func(m *matter) { m.ask(realengine.Short); m.end() },
		status: models.RunComplete, own: true, absurd: true, rule: "our own count; the engine's numbers are quarantined"},
	{name: "The engine claims a hundred times the tokens", say: lie("${1}00"), play: func(m *matter) { m.ask(realengine.Short); m.end() },
		status: models.RunComplete, own: true, absurd: true, rule: "our own count; the engine's numbers are quarantined"},
	{name: "The server dies and another one ends the reply", play: func(m *matter) {
		m.slow()
		m.ask(realengine.Endless)
		eventually(m.t, "a checkpoint", func() bool { return checkpointed(m.t, m.instance) > 20 })
		b := m.h.open()
		m.h.expire(m.instance)
		b.follow(m.c.Viewer, m.sent.Reply.ID)
	}, status: models.RunInterrupted, own: true, rule: "our own count of what was stored"},
	{name: "The credits run out in the middle", tokens: 2000, paid: costs(promptOf(question), 0, 1024), play: func(m *matter) { m.ask(realengine.Endless); m.end() },
		status: models.RunFailed, own: true, rule: "our own count, at most what was set aside"},
}

var completion = regexp.MustCompile(`"completion_tokens":(\d+)`)

// lie gives the engine's usage another number.
func lie(number string) func(string) string {
	return func(line string) string { return completion.ReplaceAllString(line, `"completion_tokens":`+number) }
}

// The charge matrix: each way a reply can end, played with a real engine through a bad
// network, is charged once and by the published rule. docs/CHARGES.md is its table.
func TestChargesWithTheRealEngine(t *testing.T) {
	engine := realengine.Start(t)
	var mu sync.Mutex
	lines := make([]string, len(charges))
	t.Run("cases", func(t *testing.T) {
		for n, c := range charges {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				m := newMatter(t, engine, n)
				c.play(m)
				row := m.c.only()
				line := m.line(n, row)
				mu.Lock()
				defer mu.Unlock()
				lines[n] = line
			})
		}
	})
	if !t.Failed() {
		compareCharges(t, lines)
	}
}

func newMatter(t *testing.T, engine string, n int) *matter {
	c := charges[n]
	h := newShop(t)
	m := &matter{h: h, wire: badline.New(t, engine)}
	h.real, h.stall = m.wire.URL, 2*time.Second
	if c.ask != nil || c.say != nil {
		h.real = badline.Liar(t, m.wire.URL, c.ask, c.say)
	}
	tokens := c.tokens
	if tokens == 0 {
		tokens = 300
	}
	h.front = func(e chat.Engine) chat.Engine { return limited{Engine: e, tokens: tokens, engine: c.engine} }
	m.instance = h.open()
	paid := c.paid
	if paid == 0 {
		paid = 1_000_000
	}
	m.c = m.customer("someone", paid)
	return m
}

// line checks a case against its rule and says it as a line of the table.
func (m *matter) line(n int, r models.UsageRow) string {
	t, c := m.t, charges[n]
	t.Helper()
	reply := m.find(m.c.Viewer, r.ReplyID)
	own := tokensOf(reply.Text)
	var hold models.LedgerHold
	if err := m.db.Gorm(t.Context()).Where("id = ?", r.HoldID).Take(&hold).Error; err != nil {
		t.Fatal(err)
	}
	if r.Status != c.status || r.Estimated != c.own || r.Quarantined != c.absurd || (r.Credits == 0) != c.free || (reply.Text == "") != c.free {
		t.Errorf("%s, own count %v, quarantined %v, %d for %q: %+v", r.Status, r.Estimated, r.Quarantined, r.Credits, reply.Text, r)
	}
	if c.own && (r.OutputTokens != own || r.PromptTokens != promptOf(question)) || r.CountedOutput != own {
		t.Errorf("our own count is %d, the row has %+v", own, r)
	}
	if r.Credits != min(hold.Amount, costs(r.PromptTokens, r.CachedTokens, r.OutputTokens)) || reply.CostMicro != r.Credits {
		t.Errorf("%d were charged of %d, the reply says %d: %+v", r.Credits, hold.Amount, reply.CostMicro, r)
	}
	by := "engine"
	if r.Estimated {
		by = "us"
	}
	return fmt.Sprintf("| %s | %s | %d | %d | %d | %s | %d | %d | %s |", c.name, r.Status, len([]rune(reply.Text)), r.PromptTokens, r.OutputTokens, by, hold.Amount, r.Credits, c.rule)
}

const (
	tableBegins = "<!-- table: go test ./internal/chat -run TestChargesWithTheRealEngine -update -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// compareCharges holds the table against the document, without the numbers: how far a
// broken reply came differs from run to run.
func compareCharges(t *testing.T, lines []string) {
	t.Helper()
	now := "\n| Case | Ends as | Characters stored | Prompt tokens | Output tokens | Counted by | Set aside | Charged | Rule |\n" +
		"| --- | --- | ---: | ---: | ---: | --- | ---: | ---: | --- |\n" + strings.Join(lines, "\n") + "\n\n"
	measured.Compare(t, filepath.Join("..", "..", "docs", "CHARGES.md"), tableBegins, tableEnds, now, *update, "-update")
}
