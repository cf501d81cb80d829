package chat

import (
	"slices"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

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
	tokens  int   // by our own count: the reasoning of a reply that is gone on with too, where it is sent along
	each    []int // of the messages, as far as they were taken: newest first
}

// buildPrompt makes the request for a branch, root first, and for the reply to it that is
// gone on with; nil where there is none. It is exactly the branch; only when that exceeds
// the model's context the oldest messages are left out, and then it begins with one of the
// user, as chat templates want it; so it does where so many older ones were not even read. Replies without text (failed ones) are no messages.
// Reasoning is not sent back: it belongs to the turn that made it. It refuses with
// CONTEXT_TOO_LONG when the last message alone does not fit, or leaves no room for more of
// the reply.
func buildPrompt(branch []models.Message, older int, reply *models.Message, model inference.Model) (prompt, error) {
	p := prompt{rule: ruleAll, req: inference.Request{Model: model, MaxOutputTokens: model.MaxOutputTokens}}
	counted := model.Counter() // from the newest: a very long prompt is estimated from there on
	said, begun := p.goOn(reply), 0
	for _, m := range said {
		begun += counted.Message(m)
	}
	room := max(model.ContextTokens-model.MaxOutputTokens, model.ContextTokens/2)
	for i := len(branch) - 1; i >= 0; i-- {
		m := branch[i]
		if m.Text == "" {
			continue
		}
		asked := inference.Message{Role: engineRole[m.Role], Text: m.Text}
		takes := counted.Message(asked)
		room -= takes
		if len(p.req.Messages) == 0 {
			if err := p.fits(room, begun); err != nil {
				return p, err
			}
			room -= begun
		} else if room < 0 && model.ContextTokens > 0 {
			p.truncate(countText(branch[:i+1]))
			break
		}
		p.req.Messages, p.each = append(p.req.Messages, asked), append(p.each, takes)
	}
	if older > 0 && p.rule == ruleAll {
		p.truncate(0)
	}
	p.dropped += older
	slices.Reverse(p.req.Messages)
	p.tokens = begun
	for _, n := range p.each[:len(p.req.Messages)] {
		p.tokens += n
	}
	p.req.Messages = append(p.req.Messages, said...)
	if left := model.ContextTokens - p.tokens; begun > 0 && left > 0 {
		p.req.MaxOutputTokens = min(model.MaxOutputTokens, left)
	}
	return p, nil
}

// goOn is what follows the branch where a reply that has text already is gone on with.
// Engines that can continue a prefix get its reasoning too.
func (p *prompt) goOn(reply *models.Message) []inference.Message {
	if reply == nil || reply.Text == "" {
		return nil
	}
	begun := inference.Message{Role: inference.RoleAssistant, Text: reply.Text}
	if p.req.Model.Continuation == "" {
		return []inference.Message{begun, {Role: inference.RoleUser, Text: continueAsk}}
	}
	begun.Reasoning = reply.Reasoning
	p.req.Continue = true
	return []inference.Message{begun}
}

// fits refuses a last message that leaves less than nothing of the room for prompts. What
// was begun of a reply may take of the room for output, as it did when it was written.
func (p *prompt) fits(room, begun int) error {
	m := p.req.Model
	switch {
	case m.ContextTokens == 0:
		return nil
	case room < 0:
		return fault.On("text", fault.ContextTooLong, "this message is longer than %s can read (%d tokens): shorten it or choose a model with a larger context", m.Name, m.ContextTokens)
	case begun > 0 && begun >= room+min(m.MaxOutputTokens, m.ContextTokens/2):
		return fault.New(fault.ContextTooLong, "this reply fills what %s can read (%d tokens): regenerate it, or ask for the rest in a new message", m.Name, m.ContextTokens)
	}
	return nil
}

// truncate notes that so many messages were left out, and leaves out those after them up
// to one of the user. The messages are newest first, and the newest is the user's.
func (p *prompt) truncate(dropped int) {
	p.rule, p.dropped = ruleNewest, dropped
	for n := len(p.req.Messages) - 1; n > 0 && p.req.Messages[n].Role != inference.RoleUser; n-- {
		p.req.Messages = p.req.Messages[:n]
		p.dropped++
	}
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
