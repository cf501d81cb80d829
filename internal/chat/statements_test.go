package chat_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// asked collects the statements that are made for one context. Every statement is told to
// the log of slow ones, once none is fast enough.
type asked struct {
	slog.Handler
	mu         sync.Mutex
	statements []string
}

type askedKey struct{}

// Enabled is always true.
func (a *asked) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps the statement.
func (a *asked) Handle(ctx context.Context, r slog.Record) error {
	if ctx.Value(askedKey{}) != a {
		return nil
	}
	r.Attrs(func(at slog.Attr) bool {
		if at.Key == "sql" {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.statements = append(a.statements, strings.Join(strings.Fields(at.Value.String()), " "))
		}
		return true
	})
	return nil
}

// of are the statements that do makes.
func (a *asked) of(ctx context.Context, do func(ctx context.Context)) []string {
	a.mu.Lock()
	a.statements = nil
	a.mu.Unlock()
	do(context.WithValue(ctx, askedKey{}, a))
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.statements
}

// What a message asks of the database, its transaction's beginning and end among it. Each
// statement is a tenth of a millisecond of two processes: a thousand people who begin at
// once are a thousand times all of them.
func TestAMessageIsFewStatements(t *testing.T) {
	h, told := newHouse(t), &asked{Handler: slog.DiscardHandler}
	h.told = slog.New(told)
	var rules *policy.Service
	h.gate = func(db *database.DB) chat.Gate {
		var err error
		rules, err = policy.New(policy.Config{DB: db, Audit: audittest.New(db), Clock: clock.System{}, Files: policyfiles.Files(), CookieKey: bytes.Repeat([]byte{3}, 32), GuestTTL: account.GuestTTL})
		if err != nil {
			t.Fatal(err)
		}
		return rules
	}
	i := h.open()
	v := i.guest()
	v.CanSetCookie = true
	for _, settle := range []func() (viewer.Gate, error){
		func() (viewer.Gate, error) { return rules.ConfirmAge(t.Context(), v, 1990, 5) },
		func() (viewer.Gate, error) {
			return rules.Accept(t.Context(), v, rules.Current().Version, models.AcceptedInComposer)
		},
		func() (viewer.Gate, error) {
			_, gate, err := rules.SetConsent(t.Context(), v, models.ConsentPreferencesCookie, true, models.ConsentBanner)
			return gate, err
		},
	} {
		gate, err := settle()
		if err != nil {
			t.Fatal(err)
		}
		v.Gate = gate
	}
	var sent *chat.Sent
	first := chat.Send{ClientID: clientID(), Text: "hello"}
	for _, c := range []struct {
		name string
		most int
		send func() chat.Send
	}{
		{"the first one", 9, func() chat.Send { return first }},
		{"the same again", 9, func() chat.Send { return first }},
		{"one more in the conversation, with a look at the gate", 8, func() chat.Send {
			return chat.Send{ClientID: clientID(), Text: "and now?", ConversationID: &sent.Conversation.ID}
		}},
		{"one that begins another", 5, func() chat.Send { return chat.Send{ClientID: clientID(), Text: "else"} }},
	} {
		h.engine.Queue(inferencetest.Script{inferencetest.Say("hi"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()})
		statements := told.of(t.Context(), func(ctx context.Context) {
			var err error
			if sent, err = i.Send(ctx, v, c.send()); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
		})
		v = sent.Viewer
		i.follow(v, sent.Reply.ID)
		if len(statements) > c.most || len(statements) == 0 {
			t.Errorf("%s: %d statements, %d at most:\n%s", c.name, len(statements), c.most, strings.Join(statements, "\n"))
		}
	}
}
