package rest

import (
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

const maxTools = 128

// How long a name of a tool or a schema may be in the words of each.
const (
	openAIName    = 64
	anthropicName = 128
)

// namePattern is what tools and schemas may be called.
var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

func toolName(v value, most int) string {
	s := v.required()
	if v.r.ok() && (len(s) > most || !namePattern.MatchString(s)) {
		v.refuse("must be 1 to %d letters, digits, _ or -", most)
	}
	return s
}

// maxCalledName is how long a name is that a model may call, whatever the tools are called.
const maxCalledName = 200

// calledName is what a model has called, which may be no tool's name at all.
func calledName(v value) string {
	s := v.required()
	if utf8.RuneCountInString(s) > maxCalledName {
		v.refuse("is longer than %d characters", maxCalledName)
	}
	return s
}

// jsonSchema is an object that goes to the engine as it came. nil when it is absent.
func jsonSchema(v value) json.RawMessage {
	if !v.given() {
		return nil
	}
	if !v.is('{') {
		v.refuse("must be a JSON Schema, which is an object")
		return nil
	}
	if kind := v.object().get("type"); kind.given() && !kind.is('"') && !kind.is('[') {
		kind.refuse("must be the name of a type")
	}
	return v.compact()
}

// readTools reads tools, tool_choice and parallel_tool_calls, which must fit each other.
func readTools(o object, p *inference.Request) {
	for _, v := range o.get("tools").list(maxTools) {
		p.Tools = append(p.Tools, readTool(v))
	}
	uniqueTools(o.get("tools"), p.Tools)
	p.ToolChoice = toolChoice(o.get("tool_choice"), p.Tools)
	if p.ParallelToolCalls = o.get("parallel_tool_calls").flag(); p.ParallelToolCalls != nil && len(p.Tools) == 0 {
		o.get("parallel_tool_calls").refuse("is only allowed with tools")
	}
}

func readTool(v value) (t inference.Tool) {
	o := v.object()
	if kind := o.get("type"); kind.required() != "function" {
		kind.refuse("must be \"function\"")
	}
	f := o.get("function")
	if !f.given() {
		f.refuse("is missing")
	}
	fn := f.object()
	t.Name = toolName(fn.get("name"), openAIName)
	t.Description = fn.get("description").text()
	t.Parameters = jsonSchema(fn.get("parameters"))
	t.Strict = fn.get("strict").flag()
	return t
}

func uniqueTools(v value, tools []inference.Tool) {
	seen := make(map[string]bool, len(tools))
	for _, t := range tools {
		if seen[t.Name] {
			v.refuse("has two tools of the name %q", t.Name)
		}
		seen[t.Name] = true
	}
}

// toolChoice is a word or {"type": "function", "function": {"name": …}}.
func toolChoice(v value, tools []inference.Tool) (c inference.ToolChoice) {
	if !v.given() {
		return c
	}
	if v.is('"') {
		switch c.Mode = v.text(); c.Mode {
		case "auto", "none":
		case "required":
			if len(tools) == 0 {
				v.refuse("is \"required\", and there are no tools")
			}
		default:
			v.refuse("must be \"auto\", \"none\", \"required\" or name a function")
		}
		if len(tools) == 0 {
			return inference.ToolChoice{} // an engine without tools to choose from may stumble
		}
		return c
	}
	o := v.object()
	if kind := o.get("type"); kind.required() != "function" {
		kind.refuse("must be \"function\"")
	}
	c.Function = namedTool(o.get("function").object().get("name"), tools)
	return c
}

// namedTool is the name of one of the tools.
func namedTool(v value, tools []inference.Tool) string {
	name := v.required()
	if v.r.ok() && !slices.ContainsFunc(tools, func(t inference.Tool) bool { return t.Name == name }) {
		v.refuse("names the tool %q, which is not among the tools", shorten(name))
	}
	return name
}

// shorten keeps what a client sent from filling an answer.
func shorten(s string) string {
	if r := []rune(s); len(r) > 64 {
		return string(r[:63]) + "…"
	}
	return s
}
