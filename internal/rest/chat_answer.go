package rest

import (
	"net/http"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// openAI speaks as OpenAI's chat completions do.
type openAI struct{}

func (openAI) read(body []byte) (asked, error) { return readChat(body) }

func (openAI) headers(h http.Header, _ string, limits []Allowance) { openAILimits(h, limits) }

// openAIError is the body of every refusal to OpenAI's clients.
type openAIError struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func (openAI) problem(p *problem) any {
	return map[string]openAIError{"error": {p.message, p.kind, orNull(p.param), orNull(p.code)}}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (openAI) encoder(a asked, r Run) encoder {
	e := &chatEncoder{usage: a.includeUsage, id: "chatcmpl-" + bare(r.ID), model: r.Model.ID, created: r.CreatedAt.Unix()}
	if !a.stream {
		return e
	}
	e.head = append(e.head, `data: {"id":`...)
	e.head = appendString(e.head, e.id)
	e.head = append(e.head, `,"object":"chat.completion.chunk","created":`...)
	e.head = appendInt(e.head, e.created)
	e.head = append(e.head, `,"model":`...)
	e.head = appendString(e.head, e.model)
	e.head = append(e.head, `,"choices":[`...)
	e.tail = "}\n\n"
	if e.usage {
		e.tail = ",\"usage\":null}\n\n"
	}
	return e
}

// bare is a run's id without its prefix.
func bare(runID string) string {
	if len(runID) > 4 && runID[3] == '_' {
		return runID[4:]
	}
	return runID
}

// chatEncoder writes chunks, or one completion. Id, time and model are the same in all.
type chatEncoder struct {
	id, model string
	created   int64
	usage     bool
	head      []byte // of each chunk, up to its choices
	tail      string
	called    bool
}

// begin is the chunk with the role.
func (e *chatEncoder) begin(b []byte) []byte {
	b = append(b, e.head...)
	b = append(b, `{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]`...)
	return append(b, e.tail...)
}

// delta is a chunk for what came, all of it and nothing more.
func (e *chatEncoder) delta(b []byte, d inference.Delta) []byte {
	b = append(b, e.head...)
	b = append(b, `{"index":0,"delta":{`...)
	comma := false
	if d.Reasoning != "" {
		b = appendString(append(b, `"reasoning_content":`...), d.Reasoning)
		comma = true
	}
	if d.Text != "" {
		if comma {
			b = append(b, ',')
		}
		b = appendString(append(b, `"content":`...), d.Text)
		comma = true
	}
	if len(d.ToolCalls) > 0 {
		if comma {
			b = append(b, ',')
		}
		b = appendCalls(append(b, `"tool_calls":[`...), d.ToolCalls)
		b = append(b, ']')
		e.called = true
	}
	b = append(b, `},"finish_reason":null}]`...)
	return append(b, e.tail...)
}

func appendCalls(b []byte, calls []inference.ToolCallDelta) []byte {
	for i, c := range calls {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendInt(append(b, `{"index":`...), c.Index)
		if c.ID != "" {
			b = appendString(append(b, `,"id":`...), c.ID)
			b = append(b, `,"type":"function"`...)
		}
		b = append(b, `,"function":{`...)
		if c.Name != "" {
			b = appendString(append(b, `"name":`...), c.Name)
			b = append(b, ',')
		}
		b = appendString(append(b, `"arguments":`...), c.Arguments)
		b = append(b, "}}"...)
	}
	return b
}

// end is the chunk with the reason, the one with the usage where it was asked for, and
// the mark of the end.
func (e *chatEncoder) end(b []byte, o completion.Outcome) []byte {
	b = append(b, e.head...)
	b = append(b, `{"index":0,"delta":{},"finish_reason":`...)
	b = appendString(b, finish(o.FinishReason, e.called))
	b = append(b, "}]"...)
	b = append(b, e.tail...)
	if e.usage {
		b = append(b, e.head...)
		b = append(b, `],"usage":`...)
		b = appendUsage(b, o.Usage)
		b = append(b, "}\n\n"...)
	}
	return append(b, "data: [DONE]\n\n"...)
}

// finish is the reason as clients know it.
func finish(reason string, called bool) string {
	switch {
	case called && (reason == "" || reason == "stop"):
		return "tool_calls" // some engines say stop after a call
	case reason == "":
		return "stop"
	}
	return reason
}

// fail is an event with the error; the mark of the end doesn't follow.
func (e *chatEncoder) fail(b []byte, p *problem) []byte {
	b = appendJSON(append(b, "data: "...), openAI{}.problem(p))
	return append(b, "\n\n"...)
}

// appendUsage counts tokens as OpenAI does.
func appendUsage(b []byte, u models.Usage) []byte {
	b = appendInt(append(b, `{"prompt_tokens":`...), u.PromptTokens)
	b = appendInt(append(b, `,"completion_tokens":`...), u.OutputTokens)
	b = appendInt(append(b, `,"total_tokens":`...), u.PromptTokens+u.OutputTokens)
	b = appendInt(append(b, `,"prompt_tokens_details":{"cached_tokens":`...), u.CachedTokens)
	b = appendInt(append(b, `},"completion_tokens_details":{"reasoning_tokens":`...), u.ReasoningTokens)
	return append(b, "}}"...)
}

func (e *chatEncoder) whole(b []byte, c *collected, o completion.Outcome) []byte {
	b = appendString(append(b, `{"id":`...), e.id)
	b = appendInt(append(b, `,"object":"chat.completion","created":`...), e.created)
	b = appendString(append(b, `,"model":`...), e.model)
	b = append(b, `,"choices":[{"index":0,"message":{"role":"assistant","content":`...)
	if text := c.text.String(); text != "" || len(c.calls) == 0 {
		b = appendString(b, text)
	} else {
		b = append(b, "null"...)
	}
	if thoughts := c.reasoning.String(); thoughts != "" {
		b = appendString(append(b, `,"reasoning_content":`...), thoughts)
	}
	b = append(b, `,"refusal":null`...)
	for i, call := range c.calls {
		open := `,{"id":`
		if i == 0 {
			open = `,"tool_calls":[{"id":`
		}
		b = appendString(append(b, open...), call.ID)
		b = appendString(append(b, `,"type":"function","function":{"name":`...), call.Name)
		b = append(appendString(append(b, `,"arguments":`...), call.Arguments), "}}"...)
	}
	if len(c.calls) > 0 {
		b = append(b, ']')
	}
	b = appendString(append(b, `},"logprobs":null,"finish_reason":`...), finish(o.FinishReason, len(c.calls) > 0))
	return append(appendUsage(append(b, `}],"usage":`...), o.Usage), '}')
}
