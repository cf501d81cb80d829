package inference

// Ways to have the engine continue the beginning of a reply (Model.Continuation).
const (
	// ContinuePartial is Moonshot's "partial": true on the last message.
	ContinuePartial = "partial"
	// ContinueFinalMessage is vLLM's and SGLang's continue_final_message.
	ContinueFinalMessage = "continue_final_message"
)

// Names of the field that limits the output (Model.OutputLimit).
const (
	LimitMaxTokens           = "max_tokens"
	LimitMaxCompletionTokens = "max_completion_tokens"
)

// FamilyDemo is the family of the built-in demo, which is no language model.
const FamilyDemo = "demo"

// Price is what a million tokens cost, in micro-credits: 1 credit is one US cent and
// 1,000,000 micro-credits, so $0.60 is 60,000,000. Input counts the tokens that were
// not in the engine's cache.
type Price struct {
	Input       int64 `json:"input"`
	CachedInput int64 `json:"cachedInput"`
	Output      int64 `json:"output"`
}

// Sampling says how the model wants to be sampled. A nil value is not sent. Fixed
// means that the engine refuses requests which send any.
type Sampling struct {
	Temperature *float64 `json:"temperature,omitempty"`
	TopP        *float64 `json:"topP,omitempty"`
	Fixed       bool     `json:"fixed,omitempty"`
}

// Model is one choice of the person. ID is ours and stable; EngineID is what the
// engine calls it. Family groups relatives ("kimi-k2"), "" when nothing is known.
// Tokenizer is the vocabulary that its tokens are counted with, "" for the estimate.
// Aliases are other names that requests and engines may use. Successor is the id
// that takes over when the model is Retired. ContextTokens holds prompt and output
// together. Continuation is "", ContinuePartial or ContinueFinalMessage. Reasoning
// models think before they answer. MoE is true only for trillion-parameter
// mixture-of-experts models of the K2 class. Available means that the engine serves
// it now; Default marks the one that is taken when none is named.
type Model struct {
	ID, Name, Description, EngineID, Family string
	Tokenizer                               string
	Aliases                                 []string
	Successor                               string
	ContextTokens, MaxOutputTokens          int
	Price                                   Price
	Sampling                                Sampling
	Continuation                            string
	OutputLimit                             string
	Reasoning, MoE                          bool
	Retired, Default, Available             bool
}
