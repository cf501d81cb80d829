package inferencetest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// Script is what the engine does for one request, step by step.
type Script []Step

// Step does one thing; false ends the script.
type Step func(*Call) bool

// Call is one request being answered.
type Call struct {
	Request Request

	w       http.ResponseWriter
	flush   *http.ResponseController
	gone    <-chan struct{}
	quit    <-chan struct{}
	begun   bool
	aborted bool
	pieces  int64
	whole   strings.Builder
	thought strings.Builder
	calls   []openai.ToolCall
	finish  string
	usage   *openai.Usage
}

// run reports whether the script came to its end with the client still there.
func (c *Call) run(s Script) bool {
	for _, step := range s {
		select {
		case <-c.gone:
			return false
		default:
		}
		if !step(c) {
			return false
		}
	}
	if !c.Request.Stream && !c.begun {
		c.complete()
	}
	return true
}

// complete answers a request that asked for no stream with all that was said.
func (c *Call) complete() {
	c.begun = true
	writeJSON(c.w, http.StatusOK, openai.Completion{
		ID: "chatcmpl-test", Object: "chat.completion", Created: 1, Model: c.Request.Model, Usage: c.usage,
		Choices: []openai.CompletionChoice{{FinishReason: c.finish, Message: openai.Message{
			Role: "assistant", Content: c.whole.String(), ReasoningContent: c.thought.String(), ToolCalls: c.calls,
		}}},
	})
}

// write sends bytes of the event stream at once.
func (c *Call) write(b string) bool {
	if !c.begun {
		c.begun = true
		c.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		c.w.WriteHeader(http.StatusOK)
	}
	if _, err := c.w.Write([]byte(b)); err != nil {
		return false
	}
	return c.flush.Flush() == nil
}

func (c *Call) chunk(choices []openai.ChunkChoice, usage *openai.Usage) bool {
	if !c.Request.Stream {
		return true
	}
	b, err := json.Marshal(openai.Chunk{
		ID: "chatcmpl-test", Object: "chat.completion.chunk", Created: 1, Model: c.Request.Model, Choices: choices, Usage: usage,
	})
	return err == nil && c.write("data: "+string(b)+"\n\n")
}

// Say sends pieces of text, each in a chunk of its own.
func Say(pieces ...string) Step {
	return func(c *Call) bool {
		for _, p := range pieces {
			c.pieces++
			c.whole.WriteString(p)
			if !c.chunk([]openai.ChunkChoice{{Delta: openai.Delta{Content: p}}}, nil) {
				return false
			}
		}
		return true
	}
}

// Think sends pieces of reasoning, each in a chunk of its own.
func Think(pieces ...string) Step {
	return func(c *Call) bool {
		for _, p := range pieces {
			c.pieces++
			c.thought.WriteString(p)
			if !c.chunk([]openai.ChunkChoice{{Delta: openai.Delta{ReasoningContent: p}}}, nil) {
				return false
			}
		}
		return true
	}
}

// ToolCall calls a function: a chunk with its number, id and name, and one for each piece
// of its arguments.
func ToolCall(index int, id, name string, arguments ...string) Step {
	return func(c *Call) bool {
		c.calls = append(c.calls, openai.ToolCall{ID: id, Type: "function", Function: openai.FunctionCall{Name: name, Arguments: strings.Join(arguments, "")}})
		first := openai.ToolCall{Index: &index, ID: id, Type: "function", Function: openai.FunctionCall{Name: name}}
		for i, p := range append([]string{""}, arguments...) {
			piece := openai.ToolCall{Index: &index, Function: openai.FunctionCall{Arguments: p}}
			if i == 0 {
				piece = first
			}
			c.pieces++
			if !c.chunk([]openai.ChunkChoice{{Delta: openai.Delta{ToolCalls: []openai.ToolCall{piece}}}}, nil) {
				return false
			}
		}
		return true
	}
}

// Finish sends the chunk with the finish reason.
func Finish(reason string) Step {
	return func(c *Call) bool {
		c.finish = reason
		return c.chunk([]openai.ChunkChoice{{FinishReason: &reason}}, nil)
	}
}

// Usage sends the chunk with the usage: as given, or for none given one token for each
// message and each piece.
func Usage(given ...openai.Usage) Step {
	return func(c *Call) bool {
		u := openai.Usage{PromptTokens: int64(len(c.Request.Messages)), CompletionTokens: c.pieces}
		if len(given) > 0 {
			u = given[0]
		}
		u.TotalTokens = u.PromptTokens + u.CompletionTokens
		c.usage = &u
		return c.chunk([]openai.ChunkChoice{}, &u)
	}
}

// Done sends the end mark.
func Done() Step {
	return func(c *Call) bool { return !c.Request.Stream || c.write("data: [DONE]\n\n") }
}

// Raw sends bytes into the stream as they are.
func Raw(b string) Step { return func(c *Call) bool { return c.write(b) } }

// Wait holds the script until the channel gives or is closed.
func Wait[T any](release <-chan T) Step {
	return func(c *Call) bool {
		select {
		case <-release:
			return true
		case <-c.gone:
		case <-c.quit:
		}
		return false
	}
}

// Begin sends the headers of the stream without any event.
func Begin() Step { return func(c *Call) bool { return c.write("") } }

// Hang says nothing more until the client goes away.
func Hang() Step { return Wait(make(chan struct{})) }

// Do calls f in its turn, for a test's own signals.
func Do(f func()) Step {
	return func(*Call) bool { f(); return true }
}

// Cut breaks the connection off.
func Cut() Step {
	return func(c *Call) bool {
		c.aborted = true
		return false
	}
}

// Refuse answers with a status and a body; headers are name, value, name, value…
func Refuse(status int, body string, headers ...string) Script {
	return Script{func(c *Call) bool {
		c.begun = true
		c.w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			c.w.Header().Set(headers[i], headers[i+1])
		}
		c.w.WriteHeader(status)
		_, err := c.w.Write([]byte(body))
		return err == nil && c.flush.Flush() == nil
	}}
}

// Reply is a whole, well-behaved answer with usage.
func Reply(pieces ...string) Script {
	return Script{Say(pieces...), Finish("stop"), Usage(), Done()}
}
