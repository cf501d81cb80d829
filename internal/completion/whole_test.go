package completion_test

import (
	"fmt"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/models"
)

// P62: who gets an answer whole or not at all pays nothing for one that failed on our side,
// and may ask the same again under its key; who streams it pays for what came.
func TestAWholeAnswerThatFailsCostsNothing(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	half := inferencetest.Script{inferencetest.Say("Half of an answer"), inferencetest.Cut()}
	for _, whole := range []bool{true, false} {
		buyer := i.customer(map[bool]string{true: "whole", false: "streamed"}[whole], 1_000_000)
		r := keyed("k", "go")
		r.Whole = whole
		h.engine.Queue(half)
		got := i.ask(t.Context(), buyer.Viewer, r)
		if got.err == nil || (got.out.Credits == 0) != whole || (got.out.Usage.OutputTokens == 0) != whole {
			t.Errorf("whole %v: %+v %v", whole, got.out, got.err)
		}
		h.engine.Queue(inferencetest.Reply("An answer"))
		again := i.ask(t.Context(), buyer.Viewer, r)
		if again.run.Replayed == whole || (again.err == nil) != whole {
			t.Errorf("whole %v, again: replayed %v, %v", whole, again.run.Replayed, again.err)
		}
		buyer.settled(map[bool]int{true: 2, false: 1}[whole])
	}
}

// P62, P95: a whole answer that its client isn't given any more, because the key was revoked or
// a consent withdrawn, costs nothing, whatever was written of it; streamed, what came is paid.
func TestAWholeAnswerThatIsNotGivenCostsNothing(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	for name, end := range map[string]func(c *customer) error{
		"revoked":   func(c *customer) error { _, err := i.keys.Revoke(t.Context(), c.owner, c.key.ID); return err },
		"withdrawn": func(c *customer) error { return i.StopAll(t.Context(), c.owner) },
	} {
		for _, whole := range []bool{true, false} {
			c := i.customer(fmt.Sprint(name, whole), 1_000_000)
			r := saying("go")
			r.Whole = whole
			ended := i.begun(c.Viewer, r)
			if err := end(c); err != nil {
				t.Fatal(err)
			}
			got := inferencetest.Await(t, ended, "the end")
			if row := c.only(); got.err == nil || (row.Credits == 0) != whole || (row.OutputTokens == 0) != whole || row.Status != models.RunStopped {
				t.Errorf("%s, whole %v: %+v %v", name, whole, row, got.err)
			}
		}
	}
}
