package inferencetest

import (
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// ForPrograms answers by what the last message says, so that a client in another process
// can have what it needs: "weather" calls the tool of that name, once it has answered its
// words are repeated, and "mixed" calls it and "clock" with pieces in turns; "json" is JSON, "think" thinks first, "break" breaks off, "refuse"
// fails, "endless" never ends. Everything else is greeted.
func ForPrograms(r Request) Script {
	last := r.Messages[len(r.Messages)-1]
	says := func(word string) bool { return strings.Contains(last.Content, word) }
	end := func(finish string, steps ...Step) Script {
		u := openai.Usage{PromptTokens: 10, CompletionTokens: 7, PromptTokensDetails: &openai.PromptDetails{CachedTokens: 4}}
		return append(steps, Finish(finish), Usage(u), Done())
	}
	switch {
	case last.Role == "tool":
		return end("stop", Say("The tool", " said: ", last.Content))
	case says("mixed") && len(r.Tools) > 0:
		return end("tool_calls", ToolCall(0, "call_1", "weather", `{"city"`), Say("\n"), ToolCall(1, "call_2", "clock", `{"zone"`), ToolCall(0, "", "", `: "Rome"}`), ToolCall(1, "", "", `: "CET"}`))
	case says("weather") && len(r.Tools) > 0:
		return end("tool_calls", ToolCall(0, "call_1", "weather", `{"city"`, `: "Rome"}`))
	case says("json") && r.ResponseFormat != nil:
		return end("stop", Say(`{"answer"`, `: "yes"}`))
	case says("think"):
		return end("stop", Think("Let me", " see."), Say("Seen."))
	case says("break"):
		return Script{Say("Half"), Cut()}
	case says("refuse"):
		return Refuse(500, `{"error":{"message":"out of order"}}`)
	case says("endless"):
		return Script{Say("On", " and", " on"), Hang()}
	}
	return end("stop", Say("Hello", " there"))
}
