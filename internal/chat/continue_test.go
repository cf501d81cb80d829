package chat_test

import (
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/models"
)

// slowResolver is an engine whose next look for a model takes until it is released.
type slowResolver struct {
	chat.Engine
	mu   sync.Mutex
	next func()
}

func (e *slowResolver) Resolve(modelID string) (inference.Model, error) {
	e.mu.Lock()
	next := e.next
	e.next = nil
	e.mu.Unlock()
	if next != nil {
		next()
	}
	return e.Engine.Resolve(modelID)
}

// Two tabs continue a reply; one is so slow that the other's continuation has ended by
// then. It goes on from nothing that is older than that: no text is lost or charged twice.
func TestContinuingFromAnOlderTextDoesNothing(t *testing.T) {
	h := newShop(t)
	var slow *slowResolver
	h.front = func(e chat.Engine) chat.Engine { slow = &slowResolver{Engine: e}; return slow }
	i := h.open()
	c := i.customer("two.tabs", 1_000_000)
	cut := func(text string) inferencetest.Script {
		return inferencetest.Script{inferencetest.Say(text), inferencetest.Cut()}
	}
	h.engine.Queue(cut("one "), cut("two "), cut("three"))
	sent := i.send(c.Viewer, "go")
	i.follow(c.Viewer, sent.Reply.ID)
	reached, release := make(chan struct{}), make(chan struct{})
	slow.mu.Lock()
	slow.next = func() { close(reached); <-release }
	slow.mu.Unlock()
	second := make(chan error, 1)
	go func() {
		_, err := i.Continue(t.Context(), c.Viewer, sent.Reply.ID)
		second <- err
	}()
	receive(t, "the slow tab to have read the reply", reached)
	if _, err := i.Continue(t.Context(), c.Viewer, sent.Reply.ID); err != nil {
		t.Fatal(err)
	}
	i.follow(c.Viewer, sent.Reply.ID)
	close(release)
	if err := receive(t, "the slow tab", second); err != nil {
		t.Fatal(err)
	}
	if got := i.follow(c.Viewer, sent.Reply.ID); got.text != "one two " {
		t.Errorf("%q", got.text)
	}
	if m := i.find(c.Viewer, sent.Reply.ID); m.Text != "one two " || m.Status != models.MessageFailed {
		t.Errorf("%+v", m)
	}
	c.settled(2)
}

// A reply that was cut at the length limit can be gone on with, in a phase with a hold of
// its own, and again when that is cut too; a reply that came to its end can't.
func TestAReplyCutAtTheLengthLimitGoesOn(t *testing.T) {
	h := newShop(t)
	i := h.open()
	c := i.customer("cut.short", 1_000_000)
	cut := func(text string) inferencetest.Script {
		return inferencetest.Script{inferencetest.Say(text), inferencetest.Finish("length"), inferencetest.Done()}
	}
	release := make(chan struct{})
	wait := inferencetest.Script{inferencetest.Wait(release)}[:1:1]
	h.engine.Queue(cut("one "), append(wait, cut("two ")...), append(wait, inferencetest.Reply("three")...))
	sent := i.send(c.Viewer, "go")
	v, id := c.Viewer, sent.Reply.ID
	i.follow(v, id)
	if m := i.find(v, id); m.Status != models.MessageComplete || m.FinishReason != "length" {
		t.Fatalf("%+v", m)
	}
	holds := map[string]bool{c.only().HoldID: true}
	for n, want := range []string{"one two ", "one two three"} {
		together(3, func(int) {
			if _, err := i.Continue(t.Context(), v, id); err != nil {
				t.Error(err)
			}
		})
		if m := i.find(v, id); !m.Status.Live() || m.FinishReason != "" {
			t.Fatalf("%+v", m)
		}
		release <- struct{}{}
		if got := i.follow(v, id); got.text != want || !finished(got) {
			t.Fatalf("%+v", got)
		}
		act := c.settled(n + 2)[n+1]
		if act.Feature != models.FeatureContinue || act.HoldID == "" || holds[act.HoldID] || act.Credits == 0 {
			t.Errorf("%+v", act)
		}
		holds[act.HoldID] = true
	}
	if m := i.find(v, id); m.Status != models.MessageComplete || m.FinishReason != "stop" || m.Text != "one two three" {
		t.Errorf("%+v", m)
	}
	if m, err := i.Continue(t.Context(), v, id); err != nil || m.Status != models.MessageComplete {
		t.Errorf("%+v %v", m, err)
	}
	c.settled(3)
}
