package rest

import (
	"encoding/json"
	"net/http"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// anthropic speaks as Anthropic's messages do.
type anthropic struct{}

func (anthropic) read(body []byte) (asked, error) { return readMessages(body) }

func (anthropic) headers(h http.Header, requestID string, limits []Allowance) {
	h.Set("Request-Id", requestID)
	openAILimits(h, limits)
}

// anthropicTypes are the types of Anthropic's errors by status.
var anthropicTypes = map[int]string{
	http.StatusBadRequest:            "invalid_request_error",
	http.StatusUnauthorized:          "authentication_error",
	http.StatusPaymentRequired:       "billing_error",
	http.StatusForbidden:             "permission_error",
	http.StatusNotFound:              "not_found_error",
	http.StatusGone:                  "not_found_error",
	http.StatusMethodNotAllowed:      "invalid_request_error",
	http.StatusConflict:              "conflict_error",
	http.StatusRequestEntityTooLarge: "request_too_large",
	http.StatusTooManyRequests:       "rate_limit_error",
	http.StatusServiceUnavailable:    "overloaded_error",
}

type anthropicError struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

type anthropicProblem struct {
	Type  string         `json:"type"`
	Error anthropicError `json:"error"`
}

func (anthropic) problem(p *problem) any {
	kind, ok := anthropicTypes[p.status]
	if !ok {
		kind = "api_error"
	}
	return anthropicProblem{"error", anthropicError{kind, p.message}}
}

func (anthropic) encoder(a asked, r Run) encoder {
	return &messageEncoder{id: "msg_" + bare(r.ID), model: r.Model.ID, thoughts: a.showReasoning, prompt: r.Prompt, block: -1}
}

// messageEncoder writes the events of a message, or one message.
type messageEncoder struct {
	id, model string
	thoughts  bool  // thinking blocks are shown
	prompt    int64 // our own count, until the engine's is known
	block     int   // the number of the open block, or of the last one
	open      string
	call      int // the tool call that the open block is for
	called    bool
	input     nesting // of the open call
	held      []part  // what waits for the end of the open call
}

// part is a piece of an answer: thoughts, text or a piece of a call.
type part struct {
	kind, text string
	call       inference.ToolCallDelta
}

// event appends an event whose name is also its data's type.
func event(b []byte, name string, fields ...string) []byte {
	b = append(b, "event: "...)
	b = append(b, name...)
	b = append(b, "\ndata: {\"type\":\""...)
	b = append(b, name...)
	b = append(b, '"')
	for _, f := range fields {
		b = append(append(b, ','), f...)
	}
	return append(b, "}\n\n"...)
}

type messageUsage struct {
	Input         int64 `json:"input_tokens"`
	CacheCreation int64 `json:"cache_creation_input_tokens"`
	CacheRead     int64 `json:"cache_read_input_tokens"`
	Output        int64 `json:"output_tokens"`
}

func usageOf(u models.Usage) messageUsage {
	return messageUsage{Input: u.PromptTokens - u.CachedTokens, CacheRead: u.CachedTokens, Output: u.OutputTokens}
}

type message struct {
	ID           string       `json:"id"`
	Type         string       `json:"type"`
	Role         string       `json:"role"`
	Model        string       `json:"model"`
	Content      []any        `json:"content"`
	StopReason   *string      `json:"stop_reason"`
	StopSequence *string      `json:"stop_sequence"` // engines don't tell which
	Usage        messageUsage `json:"usage"`
}

func (e *messageEncoder) message(u messageUsage) message {
	return message{ID: e.id, Type: "message", Role: "assistant", Model: e.model, Content: []any{}, Usage: u}
}

func (e *messageEncoder) begin(b []byte) []byte {
	b = event(b, "message_start", `"message":`+string(appendJSON(nil, e.message(messageUsage{Input: e.prompt}))))
	return event(b, "ping")
}

func (e *messageEncoder) delta(b []byte, d inference.Delta) []byte {
	if d.Reasoning != "" && e.thoughts {
		b = e.add(b, part{kind: "thinking", text: d.Reasoning})
	}
	if d.Text != "" {
		b = e.add(b, part{kind: "text", text: d.Text})
	}
	for _, c := range d.ToolCalls {
		b = e.add(b, part{kind: "tool_use", call: c})
	}
	return b
}

// add writes a piece. Each call is one block: until it has ended other pieces wait.
func (e *messageEncoder) add(b []byte, p part) []byte {
	isCall := p.kind == "tool_use"
	switch {
	case e.open == "tool_use" && (!isCall || p.call.Index != e.call):
		e.held = append(e.held, p)
	case isCall:
		b = e.addCall(b, p.call)
	case p.kind == "text":
		b = e.into(b, "text", `{"type":"text","text":""}`)
		b = e.piece(b, "text_delta", "text", p.text)
	default:
		b = e.into(b, "thinking", `{"type":"thinking","thinking":"","signature":""}`)
		b = e.piece(b, "thinking_delta", "thinking", p.text)
	}
	return b
}

// addCall writes a piece of a call and, at its end, what waited for it. What comes of a call
// after its end is no part of the input.
func (e *messageEncoder) addCall(b []byte, c inference.ToolCallDelta) []byte {
	if e.open != "tool_use" {
		if c.Name == "" {
			return b
		}
		b = e.into(b, "tool_use", string(appendJSON(nil, toolUseBlock{"tool_use", c.ID, c.Name, json.RawMessage("{}")})))
		e.call, e.called, e.input = c.Index, true, nesting{}
	}
	if c.Arguments != "" {
		b = e.piece(b, "input_json_delta", "partial_json", c.Arguments)
	}
	if e.input.add(c.Arguments) {
		b = e.release(e.shut(b))
	}
	return b
}

// release writes what waited, up to the next call that has not ended.
func (e *messageEncoder) release(b []byte) []byte {
	held := e.held
	e.held = nil
	for _, p := range held {
		b = e.add(b, p)
	}
	return b
}

// flush writes all that waited, when no more will come.
func (e *messageEncoder) flush(b []byte) []byte {
	for len(e.held) > 0 {
		b = e.release(e.shut(b))
	}
	return b
}

// nesting follows JSON that comes in pieces.
type nesting struct {
	depth           int
	quoted, escaped bool
}

// add takes the next piece and reports whether an object or a list has ended in it.
func (n *nesting) add(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case n.escaped:
			n.escaped = false
		case n.quoted:
			n.quoted, n.escaped = c != '"', c == '\\'
		case c == '"':
			n.quoted = true
		case c == '{' || c == '[':
			n.depth++
		case c == '}' || c == ']':
			if n.depth--; n.depth <= 0 {
				return true
			}
		}
	}
	return false
}

// into makes sure that a block of the kind is open.
func (e *messageEncoder) into(b []byte, kind, block string) []byte {
	if e.open == kind {
		return b
	}
	b = e.shut(b)
	e.block++
	e.open = kind
	return event(b, "content_block_start", e.index(), `"content_block":`+block)
}

// shut ends the open block.
func (e *messageEncoder) shut(b []byte) []byte {
	if e.open == "" {
		return b
	}
	e.open = ""
	return event(b, "content_block_stop", e.index())
}

func (e *messageEncoder) index() string { return string(appendInt([]byte(`"index":`), e.block)) }

func (e *messageEncoder) piece(b []byte, kind, name, text string) []byte {
	b = append(b, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	b = appendInt(b, e.block)
	b = append(b, `,"delta":{"type":"`...)
	b = append(append(b, kind...), `","`...)
	b = append(append(b, name...), `":`...)
	b = appendString(b, text)
	return append(b, "}}\n\n"...)
}

func (e *messageEncoder) end(b []byte, o completion.Outcome) []byte {
	b = e.shut(e.flush(b))
	delta := struct {
		StopReason   string  `json:"stop_reason"`
		StopSequence *string `json:"stop_sequence"`
	}{stopReason(o.FinishReason, e.called), nil}
	b = event(b, "message_delta", `"delta":`+string(appendJSON(nil, delta)), `"usage":`+string(appendJSON(nil, usageOf(o.Usage))))
	return event(b, "message_stop")
}

// stopReason is the reason in Anthropic's words.
func stopReason(reason string, called bool) string {
	switch finish(reason, called) {
	case "length":
		return "max_tokens"
	case "tool_calls":
		return "tool_use"
	case "content_filter":
		return "refusal"
	}
	return "end_turn"
}

func (e *messageEncoder) fail(b []byte, p *problem) []byte {
	b = appendJSON(append(e.flush(b), "event: error\ndata: "...), anthropic{}.problem(p))
	return append(b, "\n\n"...)
}

type textBlock struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type thinkingBlock struct {
	Type      string `json:"type"`
	Thinking  string `json:"thinking"`
	Signature string `json:"signature"`
}

type toolUseBlock struct {
	Type  string          `json:"type"`
	ID    string          `json:"id"`
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
}

func (e *messageEncoder) whole(b []byte, c *collected, o completion.Outcome) []byte {
	m := e.message(usageOf(o.Usage))
	if s := c.reasoning.String(); s != "" && e.thoughts {
		m.Content = append(m.Content, thinkingBlock{"thinking", s, ""})
	}
	if s := c.text.String(); s != "" {
		m.Content = append(m.Content, textBlock{"text", s})
	}
	for _, call := range c.calls {
		m.Content = append(m.Content, toolUseBlock{"tool_use", call.ID, call.Name, input(call.Arguments)})
	}
	m.StopReason = orNull(stopReason(o.FinishReason, len(c.calls) > 0))
	return appendJSON(b, m)
}

// input is what a tool is to be called with, as an object: what the model wrote may be
// none.
func input(arguments string) json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(arguments), &object) != nil || object == nil {
		return json.RawMessage("{}")
	}
	return json.RawMessage(arguments)
}
