package chat

import (
	"slices"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// messageOverhead is what chat templates add to each message, in tokens: role and
// separators. OpenAI's cookbook on counting tokens names 3 to 4.
const messageOverhead = 4

// The rules by which messages of a branch are shown to the engine.
const (
	ruleAll    = "all"
	ruleNewest = "newest-that-fit"
)

// continueAsk asks an engine that can't continue a prefix to go on.
const continueAsk = "Continue exactly where you stopped. Don't repeat anything and don't comment on it."

// prompt is a branch as the engine gets it.
type prompt struct {
	req     inference.Request
	rule    string
	dropped int
}

// buildPrompt makes the request for a branch, root first. It is exactly the branch;
// only when that exceeds the model's context the oldest messages are left out, and
// replies without text (failed ones) are no messages. Reasoning is not sent back:
// it belongs to the turn that made it. It refuses with CONTEXT_TOO_LONG when the last
// message alone does not fit.
func buildPrompt(branch []models.Message, model inference.Model) (prompt, error) {
	p := prompt{rule: ruleAll, req: inference.Request{Model: model, MaxOutputTokens: model.MaxOutputTokens}}
	room := max(model.ContextTokens-model.MaxOutputTokens, model.ContextTokens/2)
	for i := len(branch) - 1; i >= 0; i-- {
		m := branch[i]
		if m.Text == "" {
			continue
		}
		room -= inference.EstimateTokens(m.Text) + messageOverhead
		if room < 0 && model.ContextTokens > 0 {
			if len(p.req.Messages) == 0 {
				return p, fault.On("text", fault.ContextTooLong, "this message is longer than %s can read (%d tokens): shorten it or choose a model with a larger context", model.Name, model.ContextTokens)
			}
			p.rule = ruleNewest
			p.dropped = countText(branch[:i+1])
			break
		}
		p.req.Messages = append(p.req.Messages, inference.Message{Role: engineRole[m.Role], Text: m.Text})
	}
	slices.Reverse(p.req.Messages)
	return p, nil
}

func countText(ms []models.Message) (n int) {
	for _, m := range ms {
		if m.Text != "" {
			n++
		}
	}
	return n
}

var engineRole = map[models.MessageRole]inference.Role{models.RoleUser: inference.RoleUser, models.RoleAssistant: inference.RoleAssistant}

// continued makes the request go on with a reply that has text already.
func (p prompt) continued(m *models.Message, model inference.Model) inference.Request {
	if m.Text == "" {
		return p.req
	}
	p.req.Messages = append(p.req.Messages, inference.Message{Role: inference.RoleAssistant, Text: m.Text, Reasoning: m.Reasoning})
	if model.Continuation != "" {
		p.req.Continue = true
	} else {
		p.req.Messages = append(p.req.Messages, inference.Message{Role: inference.RoleUser, Text: continueAsk})
	}
	return p.req
}
