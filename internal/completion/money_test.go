package completion_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
	"github.com/kimi-k2/kimi-k2/models"
)

// P60 to P65: each end of a request is charged once and by the rule, whatever the engine
// or the client does.
func TestEachEndIsChargedByTheRule(t *testing.T) {
	h := newHouse(t)
	h.stall = 300 * time.Millisecond
	i := h.open()
	usage := func(prompt, output int64) inferencetest.Step {
		return inferencetest.Usage(openai.Usage{PromptTokens: prompt, CompletionTokens: output})
	}
	say, think := inferencetest.Say, inferencetest.Think
	stop, done := inferencetest.Finish("stop"), inferencetest.Done()
	said := strings.Repeat("Some words of an answer. ", 8)
	thought := "Thinking about it."
	prompt, counted := promptOf("go"), tokensOf(said)
	script := func(steps ...inferencetest.Step) inferencetest.Script { return steps }
	broken := inferencetest.Raw(`data: {"error":{"message":"a long text of the engine about what is wrong"}}` + "\n\n")
	for _, c := range []struct {
		name                   string
		script                 inferencetest.Script
		status                 models.RunStatus
		prompt, cached, output int64
		estimated, absurd      bool
		code                   fault.Code
	}{
		{"the engine's own usage", script(say(said), stop, usage(9, 30), done), models.RunComplete, 9, 0, 30, false, false, ""},
		{"cached tokens cost less", script(say(said), stop, inferencetest.Usage(openai.Usage{PromptTokens: 9, CompletionTokens: 30, PromptTokensDetails: &openai.PromptDetails{CachedTokens: 4}}), done),
			models.RunComplete, 9, 4, 30, false, false, ""},
		{"no usage", script(say(said), stop, done), models.RunComplete, prompt, 0, counted, true, false, ""},
		{"reasoning counts", script(think(thought), say(said), stop, done), models.RunComplete, prompt, 0, counted + tokensOf(thought), true, false, ""},
		{"calls count", script(inferencetest.ToolCall(0, "functions.f:0", "weather", `{"town":`, `"Bern"}`), inferencetest.Finish("tool_calls"), done),
			models.RunComplete, prompt, 0, tokensOf(`weather{"town":"Bern"}`), true, false, ""},
		{"cut without usage", script(say(said), inferencetest.Cut()), models.RunFailed, prompt, 0, counted, true, false, fault.UpstreamFailed},
		{"refused before the first token", inferencetest.Refuse(500, `{"error":{"message":"a long text of the engine about what is wrong"}}`), models.RunFailed, prompt, 0, 0, true, false, fault.UpstreamFailed},
		{"busy before the first token", inferencetest.Refuse(429, `{"error":{"message":"busy"}}`, "Retry-After", "7"), models.RunFailed, prompt, 0, 0, true, false, fault.UpstreamRateLimit},
		{"an error in the middle", script(say(said), broken), models.RunFailed, prompt, 0, counted, true, false, fault.UpstreamFailed},
		{"silence before the first token", script(inferencetest.Begin(), inferencetest.Hang()), models.RunFailed, prompt, 0, 0, true, false, fault.UpstreamStalled},
		{"silence in the middle", script(say(said), inferencetest.Hang()), models.RunFailed, prompt, 0, counted, true, false, fault.UpstreamStalled},
		{"usage without output", script(stop, usage(50, 90), done), models.RunComplete, 50, 0, 0, false, false, ""},
		{"negative usage", script(say(said), stop, usage(9, -30), done), models.RunComplete, prompt, 0, counted, true, true, ""},
		{"300 more than our count", script(say("Hi"), stop, usage(prompt+300, 301), done), models.RunComplete, prompt + 300, 0, 301, false, false, ""},
		{"301 more written", script(say("Hi"), stop, usage(prompt+300, 302), done), models.RunComplete, prompt, 0, 1, true, true, ""},
		{"301 more read", script(say("Hi"), stop, usage(prompt+301, 301), done), models.RunComplete, prompt, 0, 1, true, true, ""},
		{"ten times the output", script(say(said), stop, usage(9, 10*counted), done), models.RunComplete, 9, 0, 10 * counted, false, false, ""},
		{"more than ten times the output", script(say(said), stop, usage(9, 10*counted+1), done), models.RunComplete, prompt, 0, counted, true, true, ""},
		{"100 times the output", script(say(said), stop, usage(9, 100*counted), done), models.RunComplete, prompt, 0, counted, true, true, ""},
		{"100 times the prompt", script(say(said), stop, usage(100*100, 30), done), models.RunComplete, prompt, 0, counted, true, true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			i.t = t
			buyer := i.customer(strings.ReplaceAll(c.name, " ", "."), 1_000_000)
			h.engine.Queue(c.script)
			got := i.ask(t.Context(), buyer.Viewer, saying("go"))
			r := buyer.only()
			if r.Status != c.status || r.PromptTokens != c.prompt || r.CachedTokens != c.cached || r.OutputTokens != c.output || r.Estimated != c.estimated || r.Credits != costs(c.prompt, c.cached, c.output) {
				t.Errorf("%+v", r)
			}
			if r.Quarantined != c.absurd || (len(r.Reported) > 0) != c.absurd || r.CountedPrompt != prompt || r.Ref != got.run.ID {
				t.Errorf("quarantined %v, reported %s, %d counted", r.Quarantined, r.Reported, r.CountedPrompt)
			}
			if got.out.Credits != r.Credits || got.out.Usage.OutputTokens != r.OutputTokens || got.out.Usage.Estimated != r.Estimated {
				t.Errorf("the caller was told %+v", got.out)
			}
			var f *fault.Fault
			if c.code == "" && (got.err != nil || got.out.FinishReason == "") || c.code != "" && (!errors.As(got.err, &f) || f.Code != c.code) {
				t.Errorf("ended with %q, %v", got.out.FinishReason, got.err)
			}
			if (c.output > 0) != (got.out.FirstToken > 0) || got.out.Took < got.out.FirstToken {
				t.Errorf("took %v, the first token %v", got.out.Took, got.out.FirstToken)
			}
		})
	}
}

// P60, P67: credits are set aside before the engine is asked; who has too little is told
// what is needed, and the engine hears nothing.
func TestAHoldComesBeforeTheEngine(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	need := firstHold("What does this cost?")
	c := i.customer("buyer", need-1)
	_, err := i.Begin(t.Context(), c.Viewer, saying("What does this cost?"))
	wantFault(t, err, fault.InsufficientCredits)
	var f *fault.Fault
	if !errors.As(err, &f) || f.Needed != need || f.Available != need-1 {
		t.Errorf("told %+v, want %d needed", f, need)
	}
	short := saying("What does this cost?")
	short.Prompt.MaxOutputTokens = 10
	run, err := i.Begin(t.Context(), c.Viewer, short)
	if err != nil {
		t.Fatal(err)
	}
	if b := c.balance(); b.Held != costs(promptOf("What does this cost?"), 0, 10) {
		t.Errorf("%+v is held for 10 tokens", b)
	}
	run.Close()
	run.Close()
	if _, err := run.Stream(t.Context(), nil); err == nil {
		t.Error("a closed run was streamed")
	}
	if c.settled(0); len(h.engine.Requests()) != 0 || i.Running() != 0 {
		t.Errorf("%d requests were made", len(h.engine.Requests()))
	}
}

// T26: many requests on a balance for seven: exactly seven are admitted.
func TestSevenOfManyAreAdmitted(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	c := a.customer("racer", 7*firstHold("go"))
	release := make(chan struct{})
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return append(inferencetest.Script{inferencetest.Wait(release)}, inferencetest.Reply("done")...)
	})
	var admitted, refused atomic.Int64
	together(100, func(n int) {
		run, err := []*instance{a, b}[n%2].Begin(t.Context(), c.Viewer, saying("go"))
		if err != nil {
			wantFault(t, err, fault.InsufficientCredits)
			if refused.Add(1) == 93 {
				close(release)
			}
			return
		}
		admitted.Add(1)
		if got := stream(t.Context(), run, nil); got.err != nil {
			t.Error(got.err)
		}
	})
	if admitted.Load() != 7 || refused.Load() != 93 {
		t.Errorf("%d were admitted and %d refused", admitted.Load(), refused.Load())
	}
	c.settled(7)
}

// long says 600 tokens by our own count with each piece.
func long(n int) (s inferencetest.Script, text string) {
	piece := strings.Repeat("abc ", 600)
	for range n {
		s = append(s, inferencetest.Say(piece))
		text += piece
	}
	return s, text
}

// P60: the hold of a long answer grows before it is used up, and however fast it comes,
// nothing is delivered that isn't covered.
func TestALongAnswerExtendsItsHold(t *testing.T) {
	h := newHouse(t)
	h.change = func(c *completion.Config) { c.Tick = time.Hour } // nobody looks after it: the stream asks itself
	i := h.open()
	c := i.customer("novelist", 10_000_000)
	script, text := long(12) // less than the model may write
	h.engine.Queue(append(script, inferencetest.Finish("stop"), inferencetest.Done()))
	run, err := i.Begin(t.Context(), c.Viewer, saying("go"))
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	got := stream(t.Context(), run, func(d inference.Delta) error {
		sum += tokensOf(d.Text)
		if held := c.balance().Held; held < costs(promptOf("go"), 0, sum) {
			return fmt.Errorf("%d tokens were delivered on a hold of %d", sum, held)
		}
		return nil
	})
	if r := c.only(); got.err != nil || got.text != text || r.Credits != costs(promptOf("go"), 0, tokensOf(text)) {
		t.Errorf("%v %+v", got.err, r)
	}
}

// P63, P67: an answer whose next slice the wallet, or its key, doesn't cover ends there.
func TestAnAnswerEndsWhenTheCreditsDo(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	limit := firstHold("go") + 10*1024
	for code, c := range map[fault.Code]*customer{
		fault.InsufficientCredits: i.customer("pauper", limit),
		fault.KeyLimitReached:     i.customer("capped", 10_000_000, apikey.Create{CreditLimit: &limit}),
	} {
		script, text := long(6)
		h.engine.Queue(append(script, inferencetest.Hang()))
		got := i.ask(t.Context(), c.Viewer, saying("go"))
		wantFault(t, got.err, code)
		inferencetest.Await(t, h.engine.Cancelled(), "the engine to see the cancellation")
		if got.out.FinishReason != "length" || got.text == "" || !strings.HasPrefix(text, got.text) {
			t.Errorf("%s: ended with %q after %d bytes", code, got.out.FinishReason, len(got.text))
		}
		if r := c.only(); r.Status != models.RunFailed || r.Credits != costs(promptOf("go"), 0, tokensOf(got.text)) || r.Credits != got.out.Credits {
			t.Errorf("%s: %+v", code, r)
		}
	}
}

// away streams a request whose client goes away at the second piece, and says how long the
// engine went on.
func (i *instance) away(c *customer, leave func(context.CancelFunc) error) (got heard, took time.Duration) {
	i.t.Helper()
	next := make(chan struct{})
	i.h.engine.Queue(inferencetest.Script{inferencetest.Say("some words, "), inferencetest.Wait(next), inferencetest.Say("more words"), inferencetest.Hang()})
	run, err := i.Begin(i.t.Context(), c.Viewer, saying("go"))
	if err != nil {
		i.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(i.t.Context())
	defer cancel()
	var left time.Time
	got = stream(ctx, run, func(d inference.Delta) error {
		if d.Text == "some words, " {
			close(next)
			return nil
		}
		left = time.Now()
		return leave(cancel)
	})
	inferencetest.Await(i.t, i.h.engine.Cancelled(), "the engine to see the cancellation")
	return got, time.Since(left)
}

// A client that goes away ends the request at the engine within half a second, whether its
// context ends or a write fails, and pays for what it was given.
func TestAClientThatGoesAwayEndsTheEngine(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	for name, leave := range map[string]func(context.CancelFunc) error{
		"its context ends": func(cancel context.CancelFunc) error { cancel(); return nil },
		"a write fails":    func(context.CancelFunc) error { return errors.New("broken pipe") },
	} {
		quickest := time.Hour
		for try := 0; try < 5 && quickest > 500*time.Millisecond; try++ { // a busy machine is slow at times
			c := i.customer(fmt.Sprint(strings.ReplaceAll(name, " ", "."), try), 1_000_000)
			got, took := i.away(c, leave)
			quickest = min(quickest, took)
			wantFault(t, got.err, fault.Interrupted)
			if r := c.only(); r.Status != models.RunStopped || !r.Estimated || r.Credits != costs(promptOf("go"), 0, tokensOf(got.text)) || got.out.Credits != r.Credits {
				t.Errorf("%s: %+v", name, r)
			}
		}
		if quickest > 500*time.Millisecond {
			t.Errorf("%s: the engine wrote for %v", name, quickest)
		}
	}
	c := i.customer("hasty", 1_000_000)
	run, err := i.Begin(t.Context(), c.Viewer, saying("go"))
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	before := len(h.engine.Requests())
	wantFault(t, stream(gone, run, nil).err, fault.Interrupted)
	if r := c.only(); r.Credits != 0 || len(h.engine.Requests()) != before {
		t.Errorf("%+v", r)
	}
}

// T17: a panic of whoever writes the answer out ends that answer, and it is settled.
func TestAPanicIsSettled(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("clumsy", 1_000_000)
	run, err := i.Begin(t.Context(), c.Viewer, saying("go"))
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, stream(t.Context(), run, func(inference.Delta) error { panic("oh") }).err, fault.Internal)
	if r := c.only(); r.Credits != 0 || r.Status != models.RunFailed || i.Running() != 0 {
		t.Errorf("%+v", r)
	}
}
