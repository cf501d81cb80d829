package inference_test

import (
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// What an engine claims is believed up to ten times our own count, and up to 300 more: a
// short message is less than what a chat template and a system prompt add to it.
func TestUsageIsAbsurdBeyondTheHigherOfTwoEdges(t *testing.T) {
	edge := map[int64]int64{0: 300, 33: 333, 34: 340, 35: 350, 100: 1000, 5000: 50_000}
	for own := int64(1); own <= 20; own++ {
		edge[own] = own + 300
	}
	for own, most := range edge {
		for name, at := range map[string]func(told int64) bool{
			"prompt": func(told int64) bool {
				return inference.Usage{PromptTokens: told, OutputTokens: 1}.Absurd(own, 1)
			},
			"output": func(told int64) bool {
				return inference.Usage{PromptTokens: 1, OutputTokens: told}.Absurd(1, own)
			},
		} {
			if at(most) || at(own) || at(0) {
				t.Errorf("%s: %d tokens of %d by our own count are not believed", name, most, own)
			}
			if !at(most+1) || !at(1_000_000) {
				t.Errorf("%s: %d tokens of %d by our own count are believed", name, most+1, own)
			}
		}
	}
	if !(inference.Usage{PromptTokens: 1000, OutputTokens: 1000}).Absurd(5, 1) {
		t.Error("a thousand tokens each of 5 and 1 are believed")
	}
}
