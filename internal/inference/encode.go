package inference

import "github.com/kimi-k2/kimi-k2/internal/inference/openai"

// sample writes how the model is to be sampled: as the request asks, else as the model
// wants, and not at all where the engine refuses to be told.
func sample(out *openai.Request, r Request) {
	s := r.Model.Sampling
	out.Stop, out.Seed = r.Stop, r.Seed
	if s.Fixed {
		return
	}
	out.Temperature, out.TopP = s.Temperature, s.TopP
	if r.Temperature != nil {
		out.Temperature = r.Temperature
	}
	if r.TopP != nil {
		out.TopP = r.TopP
	}
	out.PresencePenalty, out.FrequencyPenalty = r.PresencePenalty, r.FrequencyPenalty
}

// equip writes the tools and the form of the answer.
func equip(out *openai.Request, r Request) {
	for _, t := range r.Tools {
		out.Tools = append(out.Tools, openai.Tool{Type: "function", Function: openai.Function{Name: t.Name, Description: t.Description, Parameters: t.Parameters, Strict: t.Strict}})
	}
	switch {
	case len(r.Tools) == 0:
	case r.ToolChoice.Function != "":
		out.ToolChoice = openai.NamedTool{Type: "function", Function: openai.FuncName{Name: r.ToolChoice.Function}}
	case r.ToolChoice.Mode != "":
		out.ToolChoice = r.ToolChoice.Mode
	}
	if len(r.Tools) > 0 {
		out.ParallelToolCalls = r.ParallelToolCalls
	}
	f := r.ResponseFormat
	if f.Type == "" {
		return
	}
	out.ResponseFormat = &openai.ResponseFormat{Type: f.Type}
	if f.Type == "json_schema" {
		out.ResponseFormat.JSONSchema = &openai.JSONSchema{Name: f.Name, Description: f.Description, Schema: f.Schema, Strict: f.Strict}
	}
}

// wireMessage is a message in the engine's words. Thoughts go back only beside the calls
// that they led to.
func wireMessage(m Message) openai.Message {
	out := openai.Message{Role: string(m.Role), Content: m.Text, Name: m.Name, ToolCallID: m.ToolCallID}
	if m.Role == RoleDeveloper {
		out.Role = string(RoleSystem)
	}
	for _, p := range m.Parts {
		if p.ImageURL != "" {
			out.Parts = append(out.Parts, openai.Part{Type: "image_url", ImageURL: &openai.ImageURL{URL: p.ImageURL, Detail: p.Detail}})
			continue
		}
		out.Parts = append(out.Parts, openai.Part{Type: "text", Text: p.Text})
	}
	for _, c := range m.ToolCalls {
		out.ToolCalls = append(out.ToolCalls, openai.ToolCall{ID: c.ID, Type: "function", Function: openai.FunctionCall{Name: c.Name, Arguments: c.Arguments}})
	}
	if len(m.ToolCalls) > 0 {
		out.ReasoningContent = m.Reasoning
	}
	return out
}
