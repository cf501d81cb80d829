// Package inference is the client for OpenAI-compatible inference engines: hosted
// Kimi K2, vLLM, SGLang, Ollama, LM Studio, llama.cpp and our own demo engine.
//
// It promises three things. A stream's deltas are always valid UTF-8 in whole runes
// without NUL, whatever the engine sends and however it is cut. A failing engine is
// told to a person in words that say what to do, as a *fault.Fault, and never with
// keys, pages of HTML or long foreign texts. A request never outlives its context,
// never waits longer than the stall limits, and never takes more memory than its
// caps.
//
// Which models there are, what they cost and how they want to be asked is data: see
// Catalogue.
package inference

import (
	"context"
	"encoding/json"
)

// Role says who wrote a message.
type Role string

// The roles of a conversation.
const (
	RoleSystem    Role = "system"
	RoleDeveloper Role = "developer" // sent as system: most engines know no other
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
)

// Message is one turn of the conversation that is sent to the engine. Parts, where there
// are any, stand in the place of Text. Reasoning is sent only with the message that is to
// be continued, and with those that carry ToolCalls: reasoning models refuse their own
// calls without the thoughts that led to them. ToolCallID is of a tool's answer.
type Message struct {
	Role            Role
	Text, Reasoning string
	Parts           []Part
	Name            string
	ToolCalls       []ToolCall
	ToolCallID      string
}

// Part is a piece of a message: text, or an image as a data: URL. Detail is "", "auto",
// "low" or "high".
type Part struct{ Text, ImageURL, Detail string }

// Tool is a function that the model may ask to be called. Parameters is a JSON Schema,
// nil for none.
type Tool struct {
	Name, Description string
	Parameters        json.RawMessage
	Strict            *bool
}

// ToolCall is a call that the model has asked for; Arguments are JSON, as the model wrote
// them.
type ToolCall struct{ ID, Name, Arguments string }

// ToolChoice says whether tools are to be called: Mode is "auto", "none" or "required",
// or Function names the one that must be. The zero ToolChoice says nothing.
type ToolChoice struct{ Mode, Function string }

// ResponseFormat is the form of the answer: Type is "text", "json_object" or
// "json_schema", the last with a Name and a Schema. The zero ResponseFormat says nothing.
type ResponseFormat struct {
	Type, Name, Description string
	Schema                  json.RawMessage
	Strict                  *bool
}

// Request asks for one reply. MaxOutputTokens of 0 means the model's own limit.
// Continue says that the last message is the beginning of the reply and is to be
// continued; only a model with a Continuation can do that. User is an opaque mark
// for the engine's abuse control and may be empty. Principal is on whose behalf it is
// asked, and Queued is told its place in the line while it waits for the engine, 1 for
// the next and 0 when its turn has come; neither is ever sent. Ready, if any, is asked
// right before the engine is, by the line before it: what it refuses is not asked for.
//
// What is nil or empty is not sent. The sampling that is asked for here goes before the
// model's own, but where that is Fixed none is sent but Stop and Seed.
type Request struct {
	Model           Model
	Messages        []Message
	MaxOutputTokens int
	Continue        bool
	User            string
	Principal       string
	Queued          func(position int)
	Ready           func(ctx context.Context) error

	Tools                             []Tool
	ToolChoice                        ToolChoice
	ParallelToolCalls                 *bool
	ResponseFormat                    ResponseFormat
	Temperature, TopP                 *float64
	PresencePenalty, FrequencyPenalty *float64
	Stop                              []string
	Seed                              *int64
}

// Delta is the next piece of a reply, always valid UTF-8 in whole runes and without
// NUL. Reasoning comes before Text of the same delta, and ToolCalls after both.
type Delta struct {
	Text, Reasoning string
	ToolCalls       []ToolCallDelta
}

// IsEmpty reports whether there is nothing in it.
func (d Delta) IsEmpty() bool { return d.Text == "" && d.Reasoning == "" && len(d.ToolCalls) == 0 }

// ToolCallDelta is the next piece of the call at Index. ID and Name come whole, with the
// call's first piece; Arguments come in pieces that are to be joined.
type ToolCallDelta struct {
	Index               int
	ID, Name, Arguments string
}

// Usage counts the tokens of one request. PromptTokens includes CachedTokens,
// OutputTokens includes ReasoningTokens. Estimated means that the engine gave no
// figures and our own count stands in for them.
type Usage struct {
	PromptTokens, CachedTokens, OutputTokens, ReasoningTokens int64
	Estimated                                                 bool
}

// Result is how a reply ended. FinishReason is "stop", "length" (the output limit or
// the byte cap was reached), "tool_calls", "content_filter" or another lower-case
// word of the engine. Usage is nil if the engine sent none or an impossible one.
// EngineModel is the model's name as the engine gave it, "" when it gave none.
type Result struct {
	FinishReason string
	Usage        *Usage
	EngineModel  string
	Absurd       *Usage // what the engine told and cannot be true; Usage is nil then
}
