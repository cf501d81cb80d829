package chat_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
	"github.com/kimi-k2/kimi-k2/models"
)

// firstHold is what a reply needs before it begins.
func firstHold(texts ...string) int64 { return costs(promptOf(texts...), 0, 1024) }

// P60, P67: credits are set aside before the engine is asked. Who has too little is told
// what is needed and what is there, and nothing is kept: the same request goes through
// once there is enough.
func TestAHoldComesBeforeTheEngine(t *testing.T) {
	h := newShop(t)
	i := h.open()
	const text = "What does this cost?"
	need := firstHold(text)
	c := i.customer("buyer", need-1)
	in := chat.Send{ClientID: clientID(), Text: text}
	_, err := i.Send(t.Context(), c.Viewer, in)
	wantFault(t, err, fault.InsufficientCredits)
	var f *fault.Fault
	if !errors.As(err, &f) || f.Needed != need || f.Available != need-1 {
		t.Errorf("told %+v, want %d needed of %d", f, need, need-1)
	}
	if n := i.rows(c.OwnerID); n != 0 || len(h.engine.Requests()) != 0 {
		t.Errorf("%d rows were kept, %d requests were made", n, len(h.engine.Requests()))
	}
	c.settled(0)
	paid := c.paid + 1
	c = i.fund(c.Viewer, 1)
	c.paid = paid
	var held atomic.Int64
	h.engine.Queue(append(inferencetest.Script{inferencetest.Do(func() { held.Store(c.balance().Held) })}, inferencetest.Reply("This.")...))
	sent, err := i.Send(t.Context(), c.Viewer, in)
	if err != nil {
		t.Fatal(err)
	}
	i.follow(c.Viewer, sent.Reply.ID)
	if held.Load() != need {
		t.Errorf("%d were held when the engine was asked, want %d", held.Load(), need)
	}
	if r := c.only(); r.Credits != costs(1, 0, 1) || r.Feature != models.FeatureChat || r.Source != models.SourceWeb || r.ReplyID != sent.Reply.ID || r.EngineName == "" || r.LatencyMs < r.FirstTokenMs {
		t.Errorf("%+v", r)
	}
	if m := i.find(c.Viewer, sent.Reply.ID); m.CostMicro != costs(1, 0, 1) || m.Usage().Estimated {
		t.Errorf("%+v", m)
	}
}

// T26: many requests on a balance for seven: exactly seven are admitted.
func TestSevenOfManyAreAdmitted(t *testing.T) {
	h := newShop(t)
	a, b := h.open(), h.open()
	const text = "go"
	c := a.customer("racer", 7*firstHold(text))
	release := make(chan struct{})
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return append(inferencetest.Script{inferencetest.Wait(release)}, inferencetest.Reply("done")...)
	})
	var mu sync.Mutex
	var replies []string
	var refused int
	together(200, func(n int) {
		sent, err := []*instance{a, b}[n%2].Send(t.Context(), c.Viewer, chat.Send{ClientID: fmt.Sprint("racer-", n), Text: text})
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			replies = append(replies, sent.Reply.ID)
			return
		}
		wantFault(t, err, fault.InsufficientCredits)
		refused++
	})
	if bal := c.balance(); len(replies) != 7 || refused != 193 || bal.Available() != 0 {
		t.Errorf("%d were admitted and %d refused, the wallet is %+v", len(replies), refused, bal)
	}
	close(release)
	for _, id := range replies {
		b.follow(c.Viewer, id)
	}
	c.settled(7)
}

// P61 to P65: each end of a reply is charged once and by the rule, whatever the engine says.
func TestEachEndIsChargedByTheRule(t *testing.T) {
	h := newShop(t)
	i := h.open()
	usage := func(prompt, output int64) inferencetest.Step {
		return inferencetest.Usage(openai.Usage{PromptTokens: prompt, CompletionTokens: output})
	}
	said := strings.Repeat("Some words of an answer. ", 8)
	thought := "Thinking about it."
	prompt, counted := promptOf("go"), tokensOf(said)
	for _, c := range []struct {
		name                   string
		script                 inferencetest.Script
		status                 models.RunStatus
		prompt, cached, output int64
		estimated, absurd      bool
	}{
		{"the engine's own usage", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"), usage(9, 30), inferencetest.Done()},
			models.RunComplete, 9, 0, 30, false, false},
		{"cached tokens cost less", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"),
			inferencetest.Usage(openai.Usage{PromptTokens: 9, CompletionTokens: 30, PromptTokensDetails: &openai.PromptDetails{CachedTokens: 4}}), inferencetest.Done()},
			models.RunComplete, 9, 4, 30, false, false},
		{"no usage", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"), inferencetest.Done()},
			models.RunComplete, prompt, 0, counted, true, false},
		{"reasoning counts", inferencetest.Script{inferencetest.Think(thought), inferencetest.Say(said), inferencetest.Finish("stop"), inferencetest.Done()},
			models.RunComplete, prompt, 0, counted + tokensOf(thought), true, false},
		{"cut without usage", inferencetest.Script{inferencetest.Say(said), inferencetest.Cut()},
			models.RunFailed, prompt, 0, counted, true, false},
		{"refused before the first token", inferencetest.Refuse(500, `{"error":{"message":"a long text of the engine about what is wrong"}}`),
			models.RunFailed, prompt, 0, 0, true, false},
		{"an error in the middle", inferencetest.Script{inferencetest.Say(said), inferencetest.Raw(`data: {"error":{"message":"a long text of the engine about what is wrong"}}` + "\n\n")},
			models.RunFailed, prompt, 0, counted, true, false},
		{"usage without output", inferencetest.Script{inferencetest.Finish("stop"), usage(50, 90), inferencetest.Done()},
			models.RunComplete, 50, 0, 0, false, false},
		{"negative usage", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"), usage(9, -30), inferencetest.Done()},
			models.RunComplete, prompt, 0, counted, true, true},
		{"100 times the output", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"), usage(9, 100*counted), inferencetest.Done()},
			models.RunComplete, prompt, 0, counted, true, true},
		{"100 times the prompt", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"), usage(100*100, 30), inferencetest.Done()},
			models.RunComplete, prompt, 0, counted, true, true},
		{"300 more than our count", inferencetest.Script{inferencetest.Say("Hi"), inferencetest.Finish("stop"), usage(prompt+300, 301), inferencetest.Done()},
			models.RunComplete, prompt + 300, 0, 301, false, false},
		{"301 more written", inferencetest.Script{inferencetest.Say("Hi"), inferencetest.Finish("stop"), usage(prompt+300, 302), inferencetest.Done()},
			models.RunComplete, prompt, 0, 1, true, true},
		{"301 more read", inferencetest.Script{inferencetest.Say("Hi"), inferencetest.Finish("stop"), usage(prompt+301, 301), inferencetest.Done()},
			models.RunComplete, prompt, 0, 1, true, true},
		{"ten times the output", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"), usage(9, 10*counted), inferencetest.Done()},
			models.RunComplete, 9, 0, 10 * counted, false, false},
		{"more than ten times the output", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"), usage(9, 10*counted+1), inferencetest.Done()},
			models.RunComplete, prompt, 0, counted, true, true},
		{"more cached than read", inferencetest.Script{inferencetest.Say(said), inferencetest.Finish("stop"),
			inferencetest.Usage(openai.Usage{PromptTokens: 9, CompletionTokens: 30, PromptTokensDetails: &openai.PromptDetails{CachedTokens: 10}}), inferencetest.Done()},
			models.RunComplete, prompt, 0, counted, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			buyer := i.customer(strings.ReplaceAll(c.name, " ", "."), 1_000_000)
			h.engine.Queue(c.script)
			sent := i.send(buyer.Viewer, "go")
			i.follow(buyer.Viewer, sent.Reply.ID)
			r := buyer.only()
			if r.Status != c.status || r.PromptTokens != c.prompt || r.CachedTokens != c.cached || r.OutputTokens != c.output || r.Estimated != c.estimated || r.Credits != costs(c.prompt, c.cached, c.output) {
				t.Errorf("%+v", r)
			}
			if r.Quarantined != c.absurd || (len(r.Reported) > 0) != c.absurd || r.CountedPrompt != prompt {
				t.Errorf("quarantined %v, reported %s, %d counted", r.Quarantined, r.Reported, r.CountedPrompt)
			}
			if m := i.find(buyer.Viewer, sent.Reply.ID); m.CostMicro != r.Credits || m.OutputTokens != r.OutputTokens || m.UsageEstimated != r.Estimated {
				t.Errorf("the message says %+v", m)
			}
		})
	}
}

// P61, P62: however often and wherever Stop is asked for, what was written is charged
// once, and nothing stays held.
func TestStopsAreChargedOnce(t *testing.T) {
	h := newShop(t)
	a, b := h.open(), h.open()
	c := a.customer("stopper", 1_000_000)
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some words, "), inferencetest.Hang()})
	sent := a.send(c.Viewer, "go")
	eventually(t, "some words", func() bool { return a.find(c.Viewer, sent.Reply.ID).Text != "" })
	together(8, func(n int) {
		if m, err := []*instance{a, b}[n%2].Stop(t.Context(), c.Viewer, sent.Reply.ID); err != nil || m.Status != models.MessageStopped {
			t.Errorf("%+v %v", m, err)
		}
	})
	if r := c.only(); r.Status != models.RunStopped || !r.Estimated || r.Credits != costs(promptOf("go"), 0, tokensOf("some words, ")) {
		t.Errorf("%+v", r)
	}
	h.engine.Queue(inferencetest.Script{inferencetest.Hang()})
	sent = a.send(c.Viewer, "go on", sent.Conversation.ID)
	receive(t, "the engine to be asked", h.engine.Started())
	if _, err := b.Stop(t.Context(), c.Viewer, sent.Reply.ID); err != nil {
		t.Fatal(err)
	}
	if r := c.settled(2)[1]; r.Status != models.RunStopped || r.Credits != 0 {
		t.Errorf("stopped before the first token: %+v", r)
	}
}

// P61, P64: a dead server's run is settled once by who goes on with it, from what is
// stored; the one that was fenced off settles nothing.
func TestATakeOverIsChargedOnce(t *testing.T) {
	h := newShop(t)
	h.continu = true
	a := h.open()
	c := a.customer("survivor", 1_000_000)
	half, whole := all(words(10)), all(words(20))
	h.engine.Queue(inferencetest.Script{inferencetest.Say(half), inferencetest.Hang()})
	sent := a.send(c.Viewer, "go")
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, a) >= len(half) })
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script { return inferencetest.Reply(whole[len(half):]) })
	b := h.open()
	h.expire(a)
	if got := b.follow(c.Viewer, sent.Reply.ID); got.text != whole {
		t.Fatalf("%q", got.text)
	}
	a.close()
	if r := c.only(); r.Status != models.RunComplete || !r.Estimated || r.Credits != costs(promptOf("go"), 0, tokensOf(whole)) {
		t.Errorf("%+v", r)
	}
}

// P64: a reply that ends interrupted is charged for what is stored of it. Going on with
// it is another act with a hold of its own, charged for what it adds.
func TestAContinuedReplyIsTwoActs(t *testing.T) {
	h := newShop(t)
	a := h.open()
	c := a.customer("patient", 1_000_000)
	half, rest := all(words(10)), "and the rest of it"
	h.engine.Queue(inferencetest.Script{inferencetest.Say(half), inferencetest.Hang()})
	sent := a.send(c.Viewer, "go")
	v, id := c.Viewer, sent.Reply.ID
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, a) >= len(half) })
	b := h.open()
	h.expire(a)
	b.follow(v, id)
	first := c.only()
	if first.Status != models.RunInterrupted || first.Credits != costs(promptOf("go"), 0, tokensOf(half)) {
		t.Fatalf("%+v", first)
	}
	release := make(chan struct{})
	h.engine.Queue(inferencetest.Script{inferencetest.Say(rest), inferencetest.Wait(release), inferencetest.Cut()})
	together(4, func(n int) {
		if _, err := []*instance{a, b}[n%2].Continue(t.Context(), v, id); err != nil {
			t.Error(err)
		}
	})
	close(release)
	b.follow(v, id)
	second := c.settled(2)[1]
	prompt := b.promptTokens(h)
	if second.Feature != models.FeatureContinue || second.HoldID == first.HoldID || second.Status != models.RunFailed ||
		second.Credits != costs(prompt, 0, tokensOf(rest)) || second.OutputTokens != tokensOf(rest) {
		t.Errorf("%+v, of a prompt of %d", second, prompt)
	}
	if m := b.find(v, id); m.CostMicro != first.Credits+second.Credits || m.OutputTokens != first.OutputTokens+second.OutputTokens || m.Text != half+rest {
		t.Errorf("%+v", m)
	}
}

// promptTokens is our own count of the last prompt that the engine was sent.
func (i *instance) promptTokens(h *house) int64 {
	reqs := h.engine.Requests()
	var texts []string
	for _, m := range reqs[len(reqs)-1].Messages {
		texts = append(texts, m.Content)
	}
	return promptOf(texts...)
}
