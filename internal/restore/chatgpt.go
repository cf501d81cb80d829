package restore

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// gptNode is a knot of ChatGPT's tree.
type gptNode struct {
	Message  *gptMessage `json:"message"`
	Parent   string      `json:"parent"`
	Children []string    `json:"children"`
}

// gptMessage is one of its messages.
type gptMessage struct {
	Author     struct{ Role string } `json:"author"`
	CreateTime seconds               `json:"create_time"`
	Content    gptContent            `json:"content"`
	Recipient  string                `json:"recipient"`
	Metadata   struct {
		Model  string `json:"model_slug"`
		Hidden bool   `json:"is_visually_hidden_from_conversation"`
	} `json:"metadata"`
}

// gptContent is of one of many types; what each holds is read as far as it is text.
type gptContent struct {
	Type     string            `json:"content_type"`
	Parts    []json.RawMessage `json:"parts"`
	Text     string            `json:"text"`
	Thoughts []struct {
		Summary string `json:"summary"`
		Content string `json:"content"`
	} `json:"thoughts"`
}

// readGPT takes a conversation of ChatGPT.
func readGPT(c foreign, out *sink) error {
	fresh, err := out.conversation(models.RestoredConversation{Title: c.Title, TitleSource: models.TitleGenerated, Archived: c.IsArchived,
		CreatedAt: c.CreateTime.Time, Updated: c.UpdateTime.Time})
	if err != nil {
		return err
	}
	list := make([]node, 0, len(c.Mapping))
	for id, n := range c.Mapping {
		if n == nil {
			n = &gptNode{}
		}
		list = append(list, gptNodeOf(id, n, c))
	}
	byTime(list)
	join(list)
	return newTree(fresh, list, out).write(c.CurrentNode)
}

func gptNodeOf(id string, n *gptNode, c foreign) node {
	out := node{id: id, parent: n.Parent, children: n.Children, skip: true, at: c.CreateTime.Time}
	m := n.Message
	if m == nil {
		return out
	}
	if !m.CreateTime.IsZero() {
		out.at = m.CreateTime.Time
	}
	text, thoughts := m.Content.read()
	out.counted = text != "" && !m.Metadata.Hidden && m.Author.Role != "system"
	switch {
	case m.Metadata.Hidden, m.Recipient != "" && m.Recipient != "all":
	case m.Author.Role == "user" && text != "":
		out.skip, out.role, out.text = false, models.RoleUser, text
	case m.Author.Role == "assistant":
		out.skip, out.role, out.text, out.reasoning, out.model, out.done = text == "" && thoughts == "", models.RoleAssistant, text, thoughts, m.Metadata.Model, models.MessageComplete
		if out.model == "" {
			out.model = c.Model
		}
	}
	return out
}

// UnmarshalJSON reads what it can: there are many types of content, and new ones come.
func (c *gptContent) UnmarshalJSON(b []byte) error {
	type plain gptContent
	var p plain
	if json.Unmarshal(b, &p) != nil {
		return nil //nolint:nilerr // a content that can't be read is none
	}
	*c = gptContent(p)
	return nil
}

// read is the text of a content, and what was thought.
func (c gptContent) read() (text, thoughts string) {
	var parts []string
	switch c.Type {
	case "text", "multimodal_text":
		for _, raw := range c.Parts {
			var part string
			if json.Unmarshal(raw, &part) != nil {
				part = "[attachment]"
			}
			if part != "" {
				parts = append(parts, part)
			}
		}
		return strings.Join(parts, "\n\n"), ""
	case "code":
		if c.Text != "" {
			return "```\n" + c.Text + "\n```", ""
		}
	case "thoughts":
		for _, t := range c.Thoughts {
			parts = append(parts, strings.TrimSpace(t.Summary+"\n"+t.Content))
		}
		return "", strings.Join(parts, "\n\n")
	}
	return "", ""
}

// byTime sorts messages by their time: a map has no order.
func byTime(list []node) {
	slices.SortFunc(list, func(a, b node) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
}

// most bounds how many thoughts in a row go into one reply.
const most = 8

// join puts what was thought into the reply that follows, where exactly one does and
// nothing is beside it.
func join(list []node) {
	at := make(map[string]int, len(list))
	below, count := make([]int, len(list)), make([]int, len(list)) // the last child, and how many
	for i, n := range list {
		at[n.id] = i
	}
	for i, n := range list {
		if parent, known := at[n.parent]; known {
			below[parent] = i
			count[parent]++
		}
	}
	joined := make([]int, len(list))
	for i := range list { // by time: parents before children
		n := &list[i]
		next := i
		for range most { // knots that stand for nothing
			if count[next] == 1 && list[below[next]].skip {
				next = below[next]
			}
		}
		if n.skip || n.role != models.RoleAssistant || n.text != "" || count[next] != 1 || joined[i] == most {
			continue
		}
		if to := &list[below[next]]; !to.skip && to.role == models.RoleAssistant && below[next] != i {
			to.reasoning = both(n.reasoning, to.reasoning)
			n.skip, n.counted = true, false
			joined[below[next]] = joined[i] + 1
		}
	}
}

func both(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n\n" + b
}

// orTime is the first time that is one.
func orTime(times ...time.Time) time.Time {
	for _, t := range times {
		if !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}
