package completion_test

import (
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/vocabulary"
	"github.com/kimi-k2/kimi-k2/models"
)

// Where the engine sends no numbers, a model whose vocabulary we have is held and charged by
// it: the hold grows with what was written by the same count that is charged in the end,
// however the text was cut.
func TestAKnownVocabularyIsHeldAndCharged(t *testing.T) {
	v := vocabulary.Load(inference.TokenizerO200k)
	counted := func(texts ...string) (n int64) {
		for _, text := range texts {
			s := v.Sum()
			s.Add(text)
			n += s.Tokens()
		}
		return n
	}
	h := newHouse(t)
	h.engine.Models("gpt-oss:20b")
	i := h.open()
	c := i.customer("known", 1_000_000)
	asked, thought, said := strings.Repeat("3 1 4 ", 100), strings.Repeat("2 7 1 ", 100), strings.Repeat("6 6 2 ", 480)
	prompt, output := counted(asked)+4, counted(thought, said)
	if prompt == promptOf(asked) || output < 3*1024 || tokensOf(thought, said) > 1024 {
		t.Fatalf("these texts show nothing: %d and %d tokens, estimated %d and %d", prompt, output, promptOf(asked), tokensOf(thought, said))
	}
	script := inferencetest.Script{inferencetest.Think(inferencetest.Pieces(thought)...)}
	for text := said; text != ""; text = text[min(7, len(text)):] {
		script = append(script, inferencetest.Say(text[:min(7, len(text))]))
	}
	h.engine.Queue(append(script, inferencetest.Finish("stop"), inferencetest.Done()))
	run, err := i.Begin(t.Context(), c.Viewer, saying(asked))
	if err != nil {
		t.Fatal(err)
	}
	if b := c.balance(); b.Held != costs(prompt, 0, 1024) || run.Prompt != prompt {
		t.Errorf("%d is held for a prompt of %d tokens, by us of %d", b.Held, prompt, run.Prompt)
	}
	got := stream(t.Context(), run, nil)
	if got.err != nil || got.text != said || got.reasoning != thought {
		t.Fatalf("%q, %v", got.text, got.err)
	}
	if r := c.only(); r.Status != models.RunComplete || !r.Estimated || r.PromptTokens != prompt || r.OutputTokens != output || r.ReasoningTokens != counted(thought) || r.Credits != costs(prompt, 0, output) {
		t.Errorf("%+v, the prompt is of %d tokens and the answer of %d", r, prompt, output)
	}
}
