package rest

import (
	"math"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// readMessages reads the body of POST /v1/messages. Fields that it doesn't name are
// ignored and go nowhere.
func readMessages(body []byte) (asked, error) {
	return readAnthropic(body, true)
}

// readCount reads the body of POST /v1/messages/count_tokens, which needs no limit.
func readCount(body []byte) (asked, error) { return readAnthropic(body, false) }

func readAnthropic(body []byte, answer bool) (asked, error) {
	r := new(reader)
	o := r.parse(body)
	a := asked{model: o.get("model").required(), stream: o.get("stream").isTrue(), limitParam: "max_tokens"}
	p := &a.prompt
	limit := o.get("max_tokens")
	if n := limit.whole(1, math.MaxInt32); n != nil {
		p.MaxOutputTokens = int(*n)
	} else if answer && !limit.given() {
		limit.refuse("is missing")
	}
	p.Temperature = o.get("temperature").number(0, 1)
	p.TopP = o.get("top_p").number(0, 1)
	for _, v := range o.get("stop_sequences").list(maxStops) {
		p.Stop = append(p.Stop, v.required())
	}
	a.showReasoning = thinking(o.get("thinking"), p.MaxOutputTokens)
	p.ResponseFormat = outputFormat(o.get("output_config").object().get("format"))
	anthropicTools(o, p)
	p.Messages = append(systemText(o.get("system")), anthropicMessages(o.get("messages"))...)
	if !r.ok() {
		return asked{}, r.err
	}
	return a, nil
}

// thinking reports whether the client wants to see the thoughts of the model.
func thinking(v value, limit int) bool {
	if !v.given() {
		return false
	}
	o := v.object()
	switch kind := o.get("type"); kind.required() {
	case "disabled":
		return false
	case "enabled", "adaptive":
	default:
		kind.refuse("must be \"enabled\", \"adaptive\" or \"disabled\"")
	}
	if n := o.get("budget_tokens").whole(1, math.MaxInt32); n != nil && limit > 0 && int(*n) >= limit {
		o.get("budget_tokens").refuse("must be less than max_tokens")
	}
	return true
}

// outputFormat is {"type": "json_schema", "schema": …}.
func outputFormat(v value) (f inference.ResponseFormat) {
	if !v.given() {
		return f
	}
	o := v.object()
	if kind := o.get("type"); kind.required() != "json_schema" {
		kind.refuse("must be \"json_schema\"")
	}
	if schema := o.get("schema"); !schema.given() {
		schema.refuse("is missing")
	}
	return inference.ResponseFormat{Type: "json_schema", Name: "answer", Schema: jsonSchema(o.get("schema"))}
}

// systemText is a string or a list of blocks of text.
func systemText(v value) []inference.Message {
	if !v.given() {
		return nil
	}
	m := inference.Message{Role: inference.RoleSystem}
	if v.is('"') {
		m.Text = v.text()
	} else {
		for _, block := range v.list(maxParts) {
			o := block.object()
			if kind := o.get("type"); kind.required() != "text" {
				kind.refuse("must be \"text\"")
			}
			m.Parts = append(m.Parts, inference.Part{Text: o.get("text").required()})
		}
	}
	if m.Text == "" && len(m.Parts) == 0 {
		return nil
	}
	return []inference.Message{m}
}

// anthropicTools reads tools and tool_choice, which must fit each other.
func anthropicTools(o object, p *inference.Request) {
	for _, v := range o.get("tools").list(maxTools) {
		t := v.object()
		if kind := t.get("type"); kind.given() && kind.text() != "custom" {
			kind.refuse("must be \"custom\": there are no tools on this side")
		}
		schema := t.get("input_schema")
		if v.r.ok() && !schema.given() {
			schema.refuse("is missing")
		}
		p.Tools = append(p.Tools, inference.Tool{Name: toolName(t.get("name"), anthropicName), Description: t.get("description").text(),
			Parameters: jsonSchema(schema), Strict: t.get("strict").flag()})
	}
	uniqueTools(o.get("tools"), p.Tools)
	choice := o.get("tool_choice")
	if !choice.given() {
		return
	}
	c := choice.object()
	switch kind := c.get("type"); kind.required() {
	case "auto", "none":
		p.ToolChoice.Mode = kind.text()
	case "any":
		p.ToolChoice.Mode = "required"
	case "tool":
		p.ToolChoice.Function = namedTool(c.get("name"), p.Tools)
	default:
		kind.refuse("must be \"auto\", \"any\", \"tool\" or \"none\"")
	}
	switch {
	case len(p.Tools) == 0 && p.ToolChoice.Mode == "required":
		choice.refuse("asks for a tool, and there are no tools")
	case len(p.Tools) == 0:
		p.ToolChoice = inference.ToolChoice{}
	case c.get("disable_parallel_tool_use").isTrue():
		no := false
		p.ParallelToolCalls = &no
	}
}
