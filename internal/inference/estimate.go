package inference

import "unicode/utf8"

// Weights of a character in twelfths of a token, after the rule of thumb of
// Moonshot's API documentation (a token is about 1.5 to 2 Chinese characters or 3 to
// 4 English ones), taken at the cautious end; K2's tokenizer groups digits by up to
// three. Other scripts and symbols are reckoned at two characters a token.
const (
	tokenUnit   = 12
	weightASCII = 3
	weightDigit = 4
	weightCJK   = 8
	weightOther = 6
)

// messageOverhead is what a chat template adds around each message, in tokens.
const messageOverhead = 4

// EstimateTokens guesses how many tokens s takes, for engines that do not say and
// for cutting a conversation to the context before it is sent. It is 0 only for "".
// Prose of ordinary length is met within about a quarter.
func EstimateTokens(s string) int { return (unitsOf(s) + tokenUnit - 1) / tokenUnit }

// unitsOf is the weight of s.
func unitsOf(s string) (sum int) {
	for _, r := range s {
		switch {
		case '0' <= r && r <= '9':
			sum += weightDigit
		case r < utf8.RuneSelf:
			sum += weightASCII
		case isCJK(r):
			sum += weightCJK
		default:
			sum += weightOther
		}
	}
	return sum
}

// isCJK covers Chinese, Japanese and Korean letters and their full-width signs.
func isCJK(r rune) bool {
	return r >= 0x3000 && r <= 0x30ff || // punctuation, kana
		r >= 0x3400 && r <= 0x9fff || // Han
		r >= 0xac00 && r <= 0xd7af || // Hangul
		r >= 0xf900 && r <= 0xfaff || // Han, compatibility
		r >= 0xff00 && r <= 0xffef || // full-width
		r >= 0x20000 && r <= 0x3ffff // Han, extensions
}

// EstimateMessages is EstimateTokens of a whole prompt, templates included.
func EstimateMessages(messages []Message) int {
	sum := 0
	for _, m := range messages {
		sum += messageOverhead + EstimateTokens(m.Text) + EstimateTokens(m.Reasoning)
	}
	return sum
}

// imageTokens is what an image is reckoned at: engines cut it to pieces by its size, which
// we don't look at.
const imageTokens = 1024

// EstimatePrompt is EstimateTokens of all that the engine reads for a request: the
// messages with their parts and calls, and the tools.
func EstimatePrompt(r Request) int {
	sum := 0
	for _, m := range r.Messages {
		sum += messageOverhead + EstimateTokens(m.Name)
		if len(m.Parts) == 0 {
			sum += EstimateTokens(m.Text)
		}
		for _, p := range m.Parts {
			sum += EstimateTokens(p.Text)
			if p.ImageURL != "" {
				sum += imageTokens
			}
		}
		for _, c := range m.ToolCalls {
			sum += messageOverhead + EstimateTokens(c.Name) + EstimateTokens(c.Arguments)
		}
		if len(m.ToolCalls) > 0 {
			sum += EstimateTokens(m.Reasoning)
		}
	}
	for _, t := range r.Tools {
		sum += messageOverhead + EstimateTokens(t.Name) + EstimateTokens(t.Description) + EstimateTokens(string(t.Parameters))
	}
	return sum + EstimateTokens(string(r.ResponseFormat.Schema))
}

// EstimateUsage is the usage of a request whose engine gave none, marked Estimated.
func EstimateUsage(r Request, text, reasoning string) *Usage {
	thought := EstimateTokens(reasoning)
	return &Usage{
		PromptTokens:    int64(EstimateMessages(r.Messages)),
		OutputTokens:    int64(EstimateTokens(text) + thought),
		ReasoningTokens: int64(thought),
		Estimated:       true,
	}
}

// Estimator is EstimateTokens of a text that comes in pieces: however it was cut, the sum
// is that of the whole.
type Estimator struct{ units int64 }

// Add counts the next piece.
func (e *Estimator) Add(s string) { e.units += int64(unitsOf(s)) }

// Tokens is the estimate so far.
func (e *Estimator) Tokens() int64 { return (e.units + tokenUnit - 1) / tokenUnit }
