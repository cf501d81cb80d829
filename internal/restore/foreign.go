package restore

import (
	"bytes"
	"encoding/json"
	"math"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// foreign is a conversation of another program, of whichever: what only one of them has is
// empty for the other.
type foreign struct {
	Title    string `json:"title"`
	Archived bool   `json:"archived"`
	Pinned   *bool  `json:"pinned"`

	// ChatGPT
	CreateTime  seconds        `json:"create_time"`
	UpdateTime  seconds        `json:"update_time"`
	Mapping     nodes[gptNode] `json:"mapping"`
	CurrentNode string         `json:"current_node"`
	IsArchived  bool           `json:"is_archived"`
	Model       string         `json:"default_model_slug"`
	Chat        *webuiChat     `json:"chat"` // Open WebUI
	CreatedAt   seconds        `json:"created_at"`
	UpdatedAt   seconds        `json:"updated_at"`
}

// A small value of JSON becomes a large one in memory: so many are taken of what is read as
// one, and so many messages and knots between them of a conversation.
const (
	maxValues = 500_000
	maxNodes  = 20_000
)

// values is about how many values a JSON text has: what begins, and what is next to it.
func values(raw []byte) (n int) {
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && (c == '{' || c == '[' || c == ','):
			n++
		}
	}
	return n
}

// list are at most so many values as a conversation may have messages.
type list[T any] []T

// UnmarshalJSON reads an array.
func (l *list[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return unreadable(err) // null is none
	}
	*l = nil
	for d.More() {
		if len(*l) == maxNodes {
			return refuse("conversation_too_long", "most", maxNodes)
		}
		var v T
		if err := d.Decode(&v); err != nil {
			return unreadable(err)
		}
		*l = append(*l, v)
	}
	return nil
}

// readForeign reads an array of conversations of another program, whose first bracket was
// read.
func readForeign(d *decoder, out *sink) error {
	return d.each(func() error {
		var raw json.RawMessage
		if err := d.value(&raw); err != nil {
			return err
		}
		if values(raw) > maxValues {
			return refuse("conversation_too_large", "most", maxValues)
		}
		var c foreign
		if err := unreadable(json.Unmarshal(raw, &c)); err != nil {
			return err
		}
		source := ChatGPT
		switch {
		case c.Mapping != nil:
		case c.Chat != nil:
			source = OpenWebUI
		default:
			return errUnknown()
		}
		if out.result.Source != "" && out.result.Source != source {
			return refuse("mixed")
		}
		out.result.Source = source
		if source == ChatGPT {
			return readGPT(c, out)
		}
		return readWebUI(c, out)
	})
}

// seconds is a time as a number of seconds since 1970; null and what is none is zero. Much
// larger numbers are of smaller units.
type seconds struct{ time.Time }

// UnmarshalJSON reads a number, or a text with one.
func (s *seconds) UnmarshalJSON(b []byte) error {
	var f float64
	if json.Unmarshal(bytes.Trim(b, `"`), &f) != nil {
		return nil //nolint:nilerr // a time that can't be read is none
	}
	for f > 1e11 {
		f /= 1000
	}
	if f > 0 && !math.IsInf(f, 0) {
		whole, part := math.Modf(f)
		s.Time = time.Unix(int64(whole), int64(part*1e9)).UTC()
	}
	return nil
}

// nodes are messages by their ids in the file. An id that comes twice is refused, which a
// plain map would hide.
type nodes[T any] map[string]*T

// UnmarshalJSON reads an object.
func (n *nodes[T]) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return unreadable(err) // null is none
	}
	*n = nodes[T]{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return unreadable(err)
		}
		key, _ := t.(string)
		if _, twice := (*n)[key]; twice {
			return refuse("message_twice")
		}
		if len(*n) == maxNodes {
			return refuse("conversation_too_long", "most", maxNodes)
		}
		v := new(T)
		if err := d.Decode(v); err != nil {
			return unreadable(err)
		}
		(*n)[key] = v
	}
	return nil
}

// node is a message of another program as the tree of them is made.
type node struct {
	id, parent string
	children   []string // in their order, as far as the file says it
	at         time.Time
	skip       bool // stands for nothing here: what answers it answers its parent
	counted    bool // a message that was skipped, not a mere knot
	role       models.MessageRole
	text       string
	reasoning  string
	model      string
	done       models.MessageStatus
}

// tree writes the messages of a conversation, parents before children, however deep it is.
// It follows the parents' ids alone: a message that they don't lead to is in a circle.
type tree struct {
	nodes    map[string]node
	children map[string][]string // by parent; "" has the roots
	out      *sink
	id       string            // of the conversation
	placed   map[string]string // the fresh id that stands for a node
	last     map[string]bool   // fresh ids of replies
	visited  int
}

const noQuestion = "(The conversation began with a reply.)"

func newTree(conversationID string, list []node, out *sink) *tree {
	t := &tree{nodes: make(map[string]node, len(list)), children: map[string][]string{}, out: out, id: conversationID, placed: map[string]string{}, last: map[string]bool{}}
	for _, n := range list {
		t.nodes[n.id] = n
	}
	named := map[string]bool{}
	for _, n := range list { // the order in which a parent names its children
		for _, child := range n.children {
			if c, known := t.nodes[child]; known && c.parent == n.id && !named[child] {
				named[child] = true
				t.children[n.id] = append(t.children[n.id], child)
			}
		}
	}
	for _, n := range list {
		parent := n.parent
		if _, known := t.nodes[parent]; !known {
			parent = "" // its parent is not in the file
		}
		if !named[n.id] {
			t.children[parent] = append(t.children[parent], n.id)
		}
	}
	return t
}

// write writes all of them and says which branch is on show.
func (t *tree) write(shown string) error {
	type step struct {
		id     string
		parent string // fresh
	}
	todo := []step{}
	push := func(parent, fresh string) {
		below := t.children[parent]
		for i := len(below) - 1; i >= 0; i-- {
			todo = append(todo, step{below[i], fresh})
		}
	}
	push("", "")
	for len(todo) > 0 {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		fresh, err := t.place(t.nodes[next.id], next.parent)
		if err != nil {
			return err
		}
		t.visited++
		t.placed[next.id] = fresh
		if next.id != "" {
			push(next.id, fresh)
		}
	}
	if t.visited != len(t.nodes) {
		return refuse("circle")
	}
	if fresh := t.placed[shown]; fresh != "" {
		t.out.show(t.id, fresh)
	}
	return nil
}

// place writes a message and returns its fresh id, or that of its parent when it stands for
// nothing.
func (t *tree) place(n node, parent string) (string, error) {
	if n.skip || n.text == "" && n.reasoning == "" {
		if n.counted || !n.skip {
			t.out.result.Skipped++
		}
		return parent, nil
	}
	if n.role == models.RoleAssistant && parent == "" {
		var err error
		if parent, err = t.out.message(models.RestoredMessage{ConversationID: t.id, Role: models.RoleUser, Status: models.MessageComplete, Text: noQuestion, CreatedAt: n.at}); err != nil {
			return "", err
		}
	}
	m := models.RestoredMessage{ConversationID: t.id, ParentID: parent, Role: n.role, Status: models.MessageComplete, Text: n.text, CreatedAt: n.at}
	if n.role == models.RoleAssistant {
		at := n.at
		m.Status, m.Reasoning, m.ModelID, m.FinishedAt = n.done, n.reasoning, n.model, &at
	}
	return t.out.message(m)
}
