package restore

import (
	"html"
	"regexp"
	"strconv"
	"strings"

	"github.com/kimi-k2/kimi-k2/models"
)

// webuiChat is the inside of a conversation of Open WebUI: a tree, or in old versions a
// list.
type webuiChat struct {
	Title   string `json:"title"`
	History struct {
		Messages  nodes[webuiMessage] `json:"messages"`
		CurrentID string              `json:"currentId"`
	} `json:"history"`
	Messages  list[webuiMessage] `json:"messages"`
	Timestamp seconds            `json:"timestamp"`
}

// webuiMessage is one of its messages.
type webuiMessage struct {
	ID        string   `json:"id"`
	Parent    string   `json:"parentId"`
	Children  []string `json:"childrenIds"`
	Role      string   `json:"role"`
	Content   any      `json:"content"` // a text; anything else is no message for us
	Timestamp seconds  `json:"timestamp"`
	Model     string   `json:"model"`
	Done      *bool    `json:"done"`
}

// readWebUI takes a conversation of Open WebUI.
func readWebUI(c foreign, out *sink) error {
	chat := c.Chat
	heading := c.Title
	if heading == "" {
		heading = chat.Title
	}
	fresh, err := out.conversation(models.RestoredConversation{Title: heading, TitleSource: models.TitleGenerated, Archived: c.Archived, Pinned: c.Pinned != nil && *c.Pinned,
		CreatedAt: orTime(c.CreatedAt.Time, chat.Timestamp.Time), Updated: orTime(c.UpdatedAt.Time, chat.Timestamp.Time)})
	if err != nil {
		return err
	}
	var list []node
	shown := chat.History.CurrentID
	for id, m := range chat.History.Messages {
		if m == nil {
			m = &webuiMessage{}
		}
		list = append(list, m.node(id, m.Parent, c))
	}
	byTime(list)
	if len(list) == 0 {
		for i, m := range chat.Messages {
			id, before := strconv.Itoa(i+1), strconv.Itoa(i)
			list = append(list, m.node(id, before, c))
			shown = id
		}
	}
	return newTree(fresh, list, out).write(shown)
}

func (m webuiMessage) node(id, parent string, c foreign) node {
	n := node{id: id, parent: parent, children: m.Children, at: orTime(m.Timestamp.Time, c.CreatedAt.Time), skip: true}
	text, _ := m.Content.(string)
	switch m.Role {
	case "user":
		n.skip, n.role, n.text = false, models.RoleUser, text
	case "assistant":
		n.skip, n.role, n.model, n.done = false, models.RoleAssistant, m.Model, models.MessageComplete
		n.text, n.reasoning = thoughts(text)
		if m.Done != nil && !*m.Done {
			n.done = models.MessageInterrupted
		}
	default:
		n.counted = text != ""
	}
	return n
}

// thinking is how Open WebUI keeps what was thought in a reply's text.
var (
	thinking = regexp.MustCompile(`(?s)<details type="reasoning"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*`)
	quoting  = regexp.MustCompile(`(?m)^> ?`)
)

// thoughts parts a text from what was thought before it.
func thoughts(text string) (rest, reasoning string) {
	var parts []string
	for _, m := range thinking.FindAllStringSubmatch(text, -1) {
		parts = append(parts, strings.TrimSpace(quoting.ReplaceAllString(html.UnescapeString(m[1]), "")))
	}
	return thinking.ReplaceAllString(text, ""), strings.Join(parts, "\n\n")
}
