package rest

import (
	"math"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// asked is a request as either dialect asks it.
type asked struct {
	model         string
	prompt        inference.Request
	limitParam    string // which parameter limited the output
	stream        bool
	includeUsage  bool // OpenAI: a last chunk with the usage
	showReasoning bool // Anthropic: thinking was asked for
}

// Limits of a chat request.
const (
	maxMessages = 4096
	maxParts    = 1024
	maxStops    = 4
	maxSeed     = math.MaxInt64
	maxPenalty  = 2.0
	maxTemp     = 2.0
)

// unsupported are parameters that would change the answer and that we can't honour. Null
// and what means nothing (false, 0, an empty list or object) is not asking for them.
var unsupported = map[string]string{
	"logprobs":           "is not supported: leave it out",
	"top_logprobs":       "is not supported: leave it out",
	"logit_bias":         "is not supported: leave it out",
	"audio":              "is not supported: this interface answers with text",
	"functions":          "is no longer used: send tools",
	"function_call":      "is no longer used: send tool_choice",
	"web_search_options": "is not supported: there is no search",
}

// readChat reads the body of POST /v1/chat/completions. Fields that it doesn't name are
// ignored and go nowhere.
func readChat(body []byte) (asked, error) {
	r := new(reader)
	o := r.parse(body)
	a := asked{model: o.get("model").required(), stream: o.get("stream").isTrue()}
	refuseUnsupported(o)
	if n := o.get("n").whole(1, math.MaxInt32); n != nil && *n > 1 {
		o.get("n").refuse("must be 1: ask once for each answer")
	}
	a.includeUsage = streamOptions(o.get("stream_options"), a.stream)
	p := &a.prompt
	p.MaxOutputTokens, a.limitParam = outputLimit(o)
	p.Temperature = o.get("temperature").number(0, maxTemp)
	p.TopP = o.get("top_p").number(0, 1)
	p.PresencePenalty = o.get("presence_penalty").number(-maxPenalty, maxPenalty)
	p.FrequencyPenalty = o.get("frequency_penalty").number(-maxPenalty, maxPenalty)
	p.Seed = o.get("seed").whole(math.MinInt64, maxSeed)
	p.Stop = stops(o.get("stop"))
	o.get("user").text()
	p.ResponseFormat = responseFormat(o.get("response_format"))
	readTools(o, p)
	p.Messages = chatMessages(o.get("messages"))
	if !r.ok() {
		return asked{}, r.err
	}
	return a, nil
}

func refuseUnsupported(o object) {
	for _, f := range o.fields {
		words, ok := unsupported[f.name]
		if !ok {
			continue
		}
		switch string(f.raw) {
		case "null", "false", "0", "[]", "{}":
		default:
			o.get(f.name).refuse("%s", words)
		}
	}
	for _, v := range o.get("modalities").list(8) {
		if v.text() != "text" {
			v.refuse("must be \"text\": this interface answers with text")
		}
	}
}

func streamOptions(v value, stream bool) (includeUsage bool) {
	if v.given() && !stream {
		v.refuse("is only allowed with \"stream\": true")
	}
	return v.object().get("include_usage").isTrue()
}

// outputLimit is max_completion_tokens or, as it was once called, max_tokens.
func outputLimit(o object) (limit int, param string) {
	old, now := o.get("max_tokens").whole(1, math.MaxInt32), o.get("max_completion_tokens").whole(1, math.MaxInt32)
	switch {
	case old != nil && now != nil && *old != *now:
		o.get("max_tokens").refuse("contradicts max_completion_tokens: send one of them")
	case now != nil:
		return int(*now), "max_completion_tokens"
	case old != nil:
		return int(*old), "max_tokens"
	}
	return 0, "max_tokens"
}

// stops is one string or a list of up to four.
func stops(v value) (out []string) {
	if v.is('"') {
		return []string{v.required()}
	}
	for _, s := range v.list(maxStops) {
		out = append(out, s.required())
	}
	return out
}

func responseFormat(v value) inference.ResponseFormat {
	if !v.given() {
		return inference.ResponseFormat{}
	}
	o := v.object()
	out := inference.ResponseFormat{Type: o.get("type").required()}
	switch out.Type {
	case "text", "json_object":
		return out
	case "json_schema":
	default:
		o.get("type").refuse("must be \"text\", \"json_object\" or \"json_schema\"")
		return out
	}
	s := o.get("json_schema")
	if !s.given() {
		s.refuse("is missing")
	}
	schema := s.object()
	out.Name = toolName(schema.get("name"), openAIName)
	out.Description = schema.get("description").text()
	out.Strict = schema.get("strict").flag()
	out.Schema = jsonSchema(schema.get("schema"))
	return out
}
