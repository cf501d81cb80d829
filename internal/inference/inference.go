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

// Role says who wrote a message.
type Role string

// The roles of a conversation.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Message is one turn of the conversation that is sent to the engine. Reasoning is
// sent only with the message that is to be continued.
type Message struct {
	Role            Role
	Text, Reasoning string
}

// Request asks for one reply. MaxOutputTokens of 0 means the model's own limit.
// Continue says that the last message is the beginning of the reply and is to be
// continued; only a model with a Continuation can do that. User is an opaque mark
// for the engine's abuse control and may be empty. Principal is on whose behalf it is
// asked, and Queued is told its place in the line while it waits for the engine, 1 for
// the next and 0 when its turn has come; neither is ever sent.
type Request struct {
	Model           Model
	Messages        []Message
	MaxOutputTokens int
	Continue        bool
	User            string
	Principal       string
	Queued          func(position int)
}

// Delta is the next piece of a reply, always valid UTF-8 in whole runes and without
// NUL. Reasoning comes before Text of the same delta.
type Delta struct{ Text, Reasoning string }

// Usage counts the tokens of one request. PromptTokens includes CachedTokens,
// OutputTokens includes ReasoningTokens. Estimated means that the engine gave no
// figures and EstimateUsage made them.
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
