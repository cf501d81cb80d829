package rest

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/inference"
)

// chatMessages reads the conversation in OpenAI's words.
func chatMessages(v value) (out []inference.Message) {
	list := v.list(maxMessages)
	if v.r.ok() && len(list) == 0 {
		v.refuse("must have at least one message")
	}
	calls := map[string]bool{} // the calls that a tool may answer
	for _, m := range list {
		if !v.r.ok() {
			return nil
		}
		out = append(out, chatMessage(m, calls))
	}
	return out
}

func chatMessage(v value, calls map[string]bool) inference.Message {
	o := v.object()
	role := o.get("role")
	m := inference.Message{Role: inference.Role(role.required()), Name: participant(o.get("name"))}
	switch m.Role {
	case inference.RoleSystem, inference.RoleDeveloper, inference.RoleUser:
		m.Text, m.Parts = content(o.get("content"), m.Role == inference.RoleUser)
		requireContent(o, m)
	case inference.RoleAssistant:
		assistantMessage(o, &m, calls)
	case inference.RoleTool:
		id := o.get("tool_call_id")
		if m.ToolCallID = id.required(); v.r.ok() && !calls[m.ToolCallID] {
			id.refuse("answers no call of a message before it")
		}
		m.Text, m.Parts = content(o.get("content"), false)
		if v.r.ok() && len(o.get("content").raw) == 0 {
			o.get("content").refuse("is missing")
		}
	default:
		role.refuse("must be \"system\", \"developer\", \"user\", \"assistant\" or \"tool\"")
	}
	return m
}

func requireContent(o object, m inference.Message) {
	if o.r.ok() && m.Text == "" && len(m.Parts) == 0 {
		o.get("content").refuse("must not be empty")
	}
}

const maxName = 64

func participant(v value) string {
	s := v.text()
	if len(s) > maxName {
		v.refuse("is longer than %d characters", maxName)
	}
	return s
}

// assistantMessage reads what the model said before: text, thoughts and calls. It may have
// thought only, or said nothing; of the latter the content is empty, not absent.
func assistantMessage(o object, m *inference.Message, calls map[string]bool) {
	m.Text, m.Parts = content(o.get("content"), false)
	m.Reasoning = o.get("reasoning_content").text()
	for _, v := range o.get("tool_calls").list(maxTools) {
		call := v.object()
		if kind := call.get("type"); kind.given() && kind.text() != "function" {
			kind.refuse("must be \"function\"")
		}
		f := call.get("function").object()
		c := inference.ToolCall{ID: call.get("id").required(), Name: calledName(f.get("name")), Arguments: f.get("arguments").text()}
		if hasCall(m.ToolCalls, c.ID) {
			call.get("id").refuse("is the id of another call of this message too")
		}
		calls[c.ID] = true
		m.ToolCalls = append(m.ToolCalls, c)
	}
	if call := o.get("function_call"); call.given() {
		call.refuse("is no longer used: send tool_calls")
	}
	if len(m.ToolCalls) == 0 {
		if m.Text == "" && len(m.Parts) == 0 && o.get("refusal").given() {
			m.Text = o.get("refusal").text()
		}
		if m.Text+m.Reasoning == "" && o.r.ok() && !o.get("content").given() {
			o.get("content").refuse("is missing")
		}
	}
}

// hasCall reports whether one of a message's calls has the id. Calls of other messages may
// have it too: engines count theirs anew in each answer.
func hasCall(calls []inference.ToolCall, id string) bool {
	return slices.ContainsFunc(calls, func(c inference.ToolCall) bool { return c.ID == id })
}

// content is a string or a list of parts.
func content(v value, images bool) (text string, parts []inference.Part) {
	if !v.given() || v.is('"') {
		return v.text(), nil
	}
	if !v.is('[') {
		v.refuse("must be a string or a list of parts")
		return "", nil
	}
	for _, p := range v.list(maxParts) {
		parts = append(parts, contentPart(p, images))
	}
	return "", parts
}

func contentPart(v value, images bool) (p inference.Part) {
	o := v.object()
	switch kind := o.get("type"); kind.required() {
	case "text":
		if text := o.get("text"); !text.given() {
			text.refuse("is missing")
		}
		p.Text = o.get("text").text()
	case "refusal":
		p.Text = o.get("refusal").text()
	case "image_url":
		if !images {
			kind.refuse("is only allowed in a message of the user")
		}
		image := o.get("image_url").object()
		p.ImageURL = imageURL(image.get("url"))
		switch p.Detail = image.get("detail").text(); p.Detail {
		case "", "auto", "low", "high":
		default:
			image.get("detail").refuse("must be \"auto\", \"low\" or \"high\"")
		}
	case "input_audio":
		kind.refuse("is not supported: send text")
	default:
		kind.refuse("must be \"text\" or \"image_url\"")
	}
	return p
}

// imageTypes are the images that go on.
var imageTypes = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// imageURL takes data: URLs only: nothing is ever fetched for a client.
func imageURL(v value) string {
	s := v.required()
	rest, ok := strings.CutPrefix(s, "data:")
	if !v.r.ok() {
		return ""
	}
	if !ok {
		v.refuse("must be a data: URL: images elsewhere are not fetched")
		return ""
	}
	kind, data, ok := strings.Cut(rest, ";base64,")
	if !ok {
		v.refuse("must be a data: URL in base64")
		return ""
	}
	return image(v, kind, data)
}

// image makes a data: URL of a checked image.
func image(v value, kind, data string) string {
	for _, known := range imageTypes {
		if kind != known {
			continue
		}
		if n, err := base64.StdEncoding.Decode(make([]byte, base64.StdEncoding.DecodedLen(len(data))), []byte(data)); err != nil || n == 0 {
			v.refuse("is not an image in base64")
			return ""
		}
		return "data:" + kind + ";base64," + data
	}
	v.refuse("must be an image of one of the types %s", strings.Join(imageTypes, ", "))
	return ""
}
