package inference

import (
	"strings"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/inference/vocabulary"
)

const (
	// messageOverhead is what a chat template adds around each message, in tokens.
	messageOverhead = 4
	// imageTokens is what an image is reckoned at: engines cut it to pieces by its size,
	// which we don't look at.
	imageTokens = 1024
	// countedBytes is how much of a prompt, and of what is written, is counted by a
	// vocabulary: at 5 MB/s, more would keep the caller waiting.
	countedBytes = 128 << 10
)

// Tokenizers of a model (Model.Tokenizer). tokenizerNone, in a catalogue file, has a model
// counted with the estimate; leaving the field out lets its family decide.
const (
	TokenizerO200k  = vocabulary.O200k
	TokenizerCL100k = vocabulary.CL100k
	tokenizerNone   = "none"
)

// families are those whose tokenizer is in the library, by how their names begin.
var families = []struct{ prefix, tokenizer string }{
	{"gpt-oss", TokenizerO200k}, {"gpt-5", TokenizerO200k}, {"gpt-4o", TokenizerO200k}, {"chatgpt-4o", TokenizerO200k}, {"gpt-4.1", TokenizerO200k}, {"gpt-4.5", TokenizerO200k},
	{"o1", TokenizerO200k}, {"o3", TokenizerO200k}, {"o4", TokenizerO200k},
	{"gpt-4", TokenizerCL100k}, {"gpt-3.5", TokenizerCL100k},
}

// tokenizerOf is the tokenizer of the family that name is of, as catalogues and engines
// write it: "gpt-oss", "gpt-oss:20b", "openai/gpt-4o-mini". It is "" for all others.
func tokenizerOf(name string) string {
	name = strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
	for _, f := range families {
		if rest, ok := strings.CutPrefix(name, f.prefix); ok && (rest == "" || strings.ContainsRune("-:.", rune(rest[0]))) {
			return f.tokenizer
		}
	}
	return ""
}

// Counter is our own count of texts that come in pieces of whole characters: however they
// were cut, the sum is that of the whole. The zero Counter counts with the estimate. One of
// a model with a Tokenizer counts with its vocabulary if that was loaded when it was made;
// what comes after the first 128 KiB is estimated.
type Counter struct {
	by    *vocabulary.Vocabulary // nil: the estimate
	left  int                    // bytes that may still be counted
	sum   vocabulary.Sum         // of the present text
	units int64                  // of the present text: what is estimated
	ended int64                  // of the texts before
}

// Counter counts as the model does, as far as we can.
func (m Model) Counter() Counter {
	if m.Tokenizer == "" {
		return Counter{}
	}
	return counterBy(vocabulary.Get(m.Tokenizer))
}

func counterBy(v *vocabulary.Vocabulary) Counter {
	if v == nil {
		return Counter{}
	}
	return Counter{by: v, left: countedBytes, sum: v.Sum()}
}

// Fresh is an empty Counter that counts as c does.
func (c *Counter) Fresh() Counter { return counterBy(c.by) }

// Add counts the next piece of a text.
func (c *Counter) Add(s string) {
	n := min(c.left, len(s))
	for n < len(s) && n > 0 && !utf8.RuneStart(s[n]) {
		n++
	}
	if n > 0 {
		c.sum.Add(s[:n])
		c.left = max(0, c.left-n)
	}
	c.units += int64(unitsOf(s[n:]))
}

// End ends a text: what is added next is another.
func (c *Counter) End() {
	c.ended = c.Tokens()
	c.units = 0
	if c.by != nil {
		c.sum = c.by.Sum()
	}
}

// Tokens is the count so far.
func (c *Counter) Tokens() int64 { return c.ended + c.sum.Tokens() + tokensOf(c.units) }

// text counts a whole text.
func (c *Counter) text(s string) {
	c.Add(s)
	c.End()
}

// Message counts a message with what a template adds to it, and says what it takes.
func (c *Counter) Message(m Message) int {
	before := c.Tokens()
	c.ended += messageOverhead
	c.text(m.Text)
	c.text(m.Reasoning)
	return int(c.Tokens() - before)
}

// CountTokens is our own count of a text for a model.
func CountTokens(m Model, s string) int {
	c := m.Counter()
	c.Add(s)
	return int(c.Tokens())
}

// CountPrompt is our own count of all that the engine reads for a request: the messages
// with their parts and calls, the newest first, and the tools.
func CountPrompt(r Request) int {
	c := r.Model.Counter()
	for i := len(r.Messages) - 1; i >= 0; i-- {
		c.whole(r.Messages[i])
	}
	for _, t := range r.Tools {
		c.ended += messageOverhead
		c.text(t.Name)
		c.text(t.Description)
		c.text(string(t.Parameters))
	}
	c.text(r.ResponseFormat.Name)
	c.text(r.ResponseFormat.Description)
	c.text(string(r.ResponseFormat.Schema))
	return int(c.Tokens())
}

// whole counts a message of a program, with its parts and calls.
func (c *Counter) whole(m Message) {
	c.ended += messageOverhead
	c.text(m.Name)
	c.text(m.ToolCallID) // chat templates write the ids of calls
	if len(m.Parts) == 0 {
		c.text(m.Text)
	}
	for _, p := range m.Parts {
		c.text(p.Text)
		if p.ImageURL != "" {
			c.ended += imageTokens
		}
	}
	for _, call := range m.ToolCalls {
		c.ended += messageOverhead
		c.text(call.ID)
		c.text(call.Name)
		c.text(call.Arguments)
	}
	if len(m.ToolCalls) > 0 {
		c.text(m.Reasoning)
	}
}
