package rest

import (
	"encoding/json"
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
	e.head = append(e.head, `data: {"id":`...)
	e.head = appendString(e.head, e.id)
	e.head = append(e.head, `,"object":"chat.completion.chunk","created":`...)
	e.head = appendInt(e.head, int(e.created))
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
		b = appendJSON(b, chatUsage(o.Usage))
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

// usage counts tokens as OpenAI does.
type usage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	TotalTokens      int64 `json:"total_tokens"`
	PromptDetails    struct {
		CachedTokens int64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	CompletionDetails struct {
		ReasoningTokens int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

func chatUsage(u models.Usage) (out usage) {
	out.PromptTokens, out.CompletionTokens, out.TotalTokens = u.PromptTokens, u.OutputTokens, u.PromptTokens+u.OutputTokens
	out.PromptDetails.CachedTokens, out.CompletionDetails.ReasoningTokens = u.CachedTokens, u.ReasoningTokens
	return out
}

type chatCompletion struct {
	ID      string       `json:"id"`
	Object  string       `json:"object"`
	Created int64        `json:"created"`
	Model   string       `json:"model"`
	Choices []chatChoice `json:"choices"`
	Usage   usage        `json:"usage"`
}

type chatChoice struct {
	Index        int              `json:"index"`
	Message      chatReply        `json:"message"`
	Logprobs     *json.RawMessage `json:"logprobs"` // always null
	FinishReason string           `json:"finish_reason"`
}

type chatReply struct {
	Role      string     `json:"role"`
	Content   *string    `json:"content"`
	Reasoning string     `json:"reasoning_content,omitempty"`
	Refusal   *string    `json:"refusal"` // always null
	ToolCalls []chatCall `json:"tool_calls,omitempty"`
}

type chatCall struct {
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function chatFunc `json:"function"`
}

type chatFunc struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

func (e *chatEncoder) whole(c *collected, o completion.Outcome) any {
	reply := chatReply{Role: "assistant", Reasoning: c.reasoning.String()}
	if text := c.text.String(); text != "" || len(c.calls) == 0 {
		reply.Content = &text
	}
	for _, call := range c.calls {
		reply.ToolCalls = append(reply.ToolCalls, chatCall{call.ID, "function", chatFunc{call.Name, call.Arguments}})
	}
	return chatCompletion{e.id, "chat.completion", e.created, e.model,
		[]chatChoice{{Message: reply, FinishReason: finish(o.FinishReason, len(c.calls) > 0)}}, chatUsage(o.Usage)}
}
