package rest

import "github.com/kimi-k2/kimi-k2/internal/inference"

// anthropicMessages reads the conversation in Anthropic's words. A message of the user
// that holds results of tools becomes one message for each of them and one for the rest.
func anthropicMessages(v value) (out []inference.Message) {
	list := v.list(maxMessages)
	if v.r.ok() && len(list) == 0 {
		v.refuse("must have at least one message")
	}
	calls := map[string]bool{}
	for i, m := range list {
		if !v.r.ok() {
			return nil
		}
		o := m.object()
		switch role := o.get("role"); role.required() {
		case "user":
			out = append(out, userBlocks(o.get("content"), calls)...)
		case "assistant":
			if i == len(list)-1 {
				m.refuse("must be the user's: answers can't be begun by the caller")
			}
			out = append(out, assistantBlocks(o.get("content"), calls))
		default:
			role.refuse("must be \"user\" or \"assistant\"")
		}
	}
	return out
}

func userBlocks(v value, calls map[string]bool) (out []inference.Message) {
	said := inference.Message{Role: inference.RoleUser}
	if v.is('"') || !v.given() {
		said.Text = v.required()
		return []inference.Message{said}
	}
	blocks := v.list(maxParts)
	if v.r.ok() && len(blocks) == 0 {
		v.refuse("must not be empty")
	}
	for _, block := range blocks {
		o := block.object()
		if o.get("type").text() == "tool_result" {
			out = append(out, toolResult(o, calls))
			continue
		}
		said.Parts = append(said.Parts, shownBlock(o))
	}
	if len(said.Parts) > 0 {
		out = append(out, said)
	}
	return out
}

// shownBlock is a block of text or an image.
func shownBlock(o object) (p inference.Part) {
	switch kind := o.get("type"); kind.required() {
	case "text":
		p.Text = o.get("text").required()
	case "image":
		source := o.get("source").object()
		if how := source.get("type"); how.required() != "base64" {
			how.refuse("must be \"base64\": images elsewhere are not fetched")
		}
		mediaType, data := source.get("media_type").required(), source.get("data")
		if s := data.required(); o.r.ok() {
			p.ImageURL = image(data, mediaType, s)
		}
	default:
		kind.refuse("must be \"text\", \"image\" or \"tool_result\"")
	}
	return p
}

func toolResult(o object, calls map[string]bool) inference.Message {
	m := inference.Message{Role: inference.RoleTool}
	id := o.get("tool_use_id")
	if m.ToolCallID = id.required(); o.r.ok() && !calls[m.ToolCallID] {
		id.refuse("answers no tool_use of a message before it")
	}
	o.get("is_error").flag()
	content := o.get("content")
	if content.is('"') || !content.given() {
		m.Text = content.text()
		return m
	}
	for _, block := range content.list(maxParts) {
		m.Parts = append(m.Parts, shownBlock(block.object()))
	}
	return m
}

// assistantBlocks is what the model said, thought and called before; it may have thought
// only, or said nothing.
func assistantBlocks(v value, calls map[string]bool) inference.Message {
	m := inference.Message{Role: inference.RoleAssistant}
	if v.is('"') || !v.given() {
		m.Text = v.required()
		return m
	}
	for _, block := range v.list(maxParts) {
		o := block.object()
		switch kind := o.get("type"); kind.required() {
		case "text":
			m.Text += o.get("text").text()
		case "thinking":
			m.Reasoning += o.get("thinking").text()
		case "redacted_thinking": // of another service's model: ours can't read it
		case "tool_use":
			c := toolUse(o)
			if hasCall(m.ToolCalls, c.ID) {
				o.get("id").refuse("is the id of another tool_use of this message too")
			}
			calls[c.ID] = true
			m.ToolCalls = append(m.ToolCalls, c)
		default:
			kind.refuse("must be \"text\", \"thinking\" or \"tool_use\"")
		}
	}
	return m
}

func toolUse(o object) inference.ToolCall {
	c := inference.ToolCall{ID: o.get("id").required(), Name: calledName(o.get("name")), Arguments: "{}"}
	if input := o.get("input"); input.given() {
		if !input.is('{') {
			input.refuse("must be an object")
		}
		c.Arguments = string(input.compact())
	}
	return c
}
