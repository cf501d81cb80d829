package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Message is one turn. Parts, where there are any, are sent in the place of Content;
// Content of a message that was read holds their text too. Partial is Moonshot's mark of
// a message to be continued.
type Message struct {
	Role             string
	Content          string
	Parts            []Part
	ReasoningContent string
	Partial          bool
	Name             string
	ToolCalls        []ToolCall
	ToolCallID       string
}

// message is Message on the wire, where content is text or a list.
type message struct {
	Role             string     `json:"role"`
	Content          any        `json:"content"`
	ReasoningContent string     `json:"reasoning_content,omitempty"`
	Partial          bool       `json:"partial,omitempty"`
	Name             string     `json:"name,omitempty"`
	ToolCalls        []ToolCall `json:"tool_calls,omitempty"`
	ToolCallID       string     `json:"tool_call_id,omitempty"`
}

// MarshalJSON writes the content as text, or as a list where there are parts.
func (m Message) MarshalJSON() ([]byte, error) {
	b, err := encode(m.wire())
	if err != nil {
		return nil, fmt.Errorf("write a message: %w", err)
	}
	return b, nil
}

func (m Message) wire() message {
	out := message{m.Role, m.Content, m.ReasoningContent, m.Partial, m.Name, m.ToolCalls, m.ToolCallID}
	if len(m.Parts) > 0 {
		out.Content = m.Parts
	}
	return out
}

// Encode writes the request as JSON. It says what json.Marshal says, but that reads once more
// what each message wrote of itself.
func (r Request) Encode() ([]byte, error) {
	type rest Request
	out := struct { // in the order of Request
		Model    string    `json:"model"`
		Messages []message `json:"messages"`
		rest
	}{r.Model, make([]message, len(r.Messages)), rest(r)}
	for i, m := range r.Messages {
		out.Messages[i] = m.wire()
	}
	b, err := encode(out)
	if err != nil {
		return nil, fmt.Errorf("write a request: %w", err)
	}
	return b, nil
}

// encode leaves <, > and & as they are.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return b.Bytes(), err
}

// UnmarshalJSON reads content of either form.
func (m *Message) UnmarshalJSON(b []byte) error {
	var content json.RawMessage
	in := message{Content: &content}
	if err := json.Unmarshal(b, &in); err != nil {
		return fmt.Errorf("read a message: %w", err)
	}
	*m = Message{Role: in.Role, ReasoningContent: in.ReasoningContent, Partial: in.Partial, Name: in.Name, ToolCalls: in.ToolCalls, ToolCallID: in.ToolCallID}
	if len(content) == 0 || content[0] == 'n' {
		return nil
	}
	if content[0] != '[' {
		return json.Unmarshal(content, &m.Content)
	}
	if err := json.Unmarshal(content, &m.Parts); err != nil {
		return fmt.Errorf("read the parts of a message: %w", err)
	}
	var text []string
	for _, p := range m.Parts {
		if p.Type == "text" {
			text = append(text, p.Text)
		}
	}
	m.Content = strings.Join(text, "\n")
	return nil
}

// Part is a piece of a message: of type "text" or "image_url".
type Part struct {
	Type     string    `json:"type"`
	Text     string    `json:"text,omitempty"`
	ImageURL *ImageURL `json:"image_url,omitempty"`
}

// ImageURL is an image as a data: URL.
type ImageURL struct {
	URL    string `json:"url"`
	Detail string `json:"detail,omitempty"`
}

// Tool is a function that may be called.
type Tool struct {
	Type     string   `json:"type"`
	Function Function `json:"function"`
}

// Function describes a function; Parameters is a JSON Schema.
type Function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}

// NamedTool is the choice of one function.
type NamedTool struct {
	Type     string   `json:"type"`
	Function FuncName `json:"function"`
}

// FuncName names a function.
type FuncName struct {
	Name string `json:"name"`
}

// ToolCall is a call, or the next piece of one: Index says of which.
type ToolCall struct {
	Index    *int         `json:"index,omitempty"`
	ID       string       `json:"id,omitempty"`
	Type     string       `json:"type,omitempty"`
	Function FunctionCall `json:"function"`
}

// FunctionCall is what is called and with what, in JSON.
type FunctionCall struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

// ResponseFormat is the form that the answer must have.
type ResponseFormat struct {
	Type       string      `json:"type"`
	JSONSchema *JSONSchema `json:"json_schema,omitempty"`
}

// JSONSchema is the form of a structured answer.
type JSONSchema struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Strict      *bool           `json:"strict,omitempty"`
}
