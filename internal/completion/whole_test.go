package completion_test

import (
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
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
