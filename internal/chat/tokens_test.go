package chat_test

import (
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/vocabulary"
	"github.com/kimi-k2/kimi-k2/models"
)

// Where the engine sends no numbers, a model whose vocabulary we have is held and charged by
// it: the hold grows with what was written by the same count that is charged in the end. A
// reply that is gone on with is charged for the rest of its text alone.
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
	h := newShop(t)
	h.model = "gpt-oss:20b"
	i := h.open()
	c := i.customer("known", 1_000_000)
	asked, thought, said, rest := strings.Repeat("3 1 4 ", 100), strings.Repeat("2 7 1 ", 100), strings.Repeat("6 6 2 ", 100), "9 9 9 9"
	asked = strings.TrimSpace(asked)
	prompt, output := counted(asked)+4, counted(thought, said)
	if prompt == promptOf(asked) || output < 1024 || tokensOf(thought, said) > 512 {
		t.Fatalf("these texts show nothing: %d and %d tokens, estimated %d and %d", prompt, output, promptOf(asked), tokensOf(thought, said))
	}
	release := make(chan struct{})
	h.engine.Queue(inferencetest.Script{inferencetest.Think(inferencetest.Pieces(thought)...), inferencetest.Say(inferencetest.Pieces(said)...), inferencetest.Wait(release), inferencetest.Cut()})
	sent, err := i.Send(t.Context(), c.Viewer, chat.Send{ClientID: "known", Text: asked})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "what was set aside to grow", func() bool { return c.balance().Held == costs(prompt, 0, 2048) })
	close(release)
	i.follow(c.Viewer, sent.Reply.ID)
	if r := c.only(); r.Status != models.RunFailed || !r.Estimated || r.PromptTokens != prompt || r.OutputTokens != output || r.ReasoningTokens != counted(thought) || r.Credits != costs(prompt, 0, output) {
		t.Errorf("%+v, the prompt is of %d tokens and the reply of %d", r, prompt, output)
	}
	h.engine.Queue(inferencetest.Script{inferencetest.Say(rest), inferencetest.Finish("stop"), inferencetest.Done()})
	if _, err := i.Continue(t.Context(), c.Viewer, sent.Reply.ID); err != nil {
		t.Fatal(err)
	}
	i.follow(c.Viewer, sent.Reply.ID)
	reqs := h.engine.Requests()
	prompt = 0
	for _, m := range reqs[len(reqs)-1].Messages {
		prompt += counted(m.Content) + 4
	}
	if r := c.settled(2)[1]; r.Status != models.RunComplete || r.PromptTokens != prompt || r.OutputTokens != counted(rest) || r.Credits != costs(prompt, 0, counted(rest)) {
		t.Errorf("%+v, the prompt is of %d tokens and the rest of %d", r, prompt, counted(rest))
	}
}
