package restore_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// shown are the conversations of an export, for reading: title, what is said of it and its
// messages as "number role of model, answers number: text (reasoning) status".
func (i *installation) shown(v viewer.Viewer) (out []string) {
	i.t.Helper()
	rows, err := i.db.Pool().Query(i.t.Context(), `SELECT c.id, c.pinned, c.archived, c.created_at, c.updated_at, c.title_sealed, c.leaf_id FROM conversations c WHERE owner_id = $1 ORDER BY id`, v.OwnerID)
	if err != nil {
		i.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, leaf string
		var pinned, archived bool
		var created, updated time.Time
		var sealed []byte
		if err := rows.Scan(&id, &pinned, &archived, &created, &updated, &sealed, &leaf); err != nil {
			i.t.Fatal(err)
		}
		c, err := i.chat.FindConversation(i.t.Context(), v, id)
		if err != nil {
			i.t.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s pinned=%v archived=%v %d-%d", c.Title, pinned, archived, created.Unix(), updated.Unix()))
		out = append(out, i.messages(v, id, leaf)...)
	}
	return out
}

func (i *installation) messages(v viewer.Viewer, conversation, leaf string) (out []string) {
	ids, err := i.db.Pool().Query(i.t.Context(), `SELECT id FROM messages WHERE owner_id = $1 AND conversation_id = $2 ORDER BY id`, v.OwnerID, conversation)
	if err != nil {
		i.t.Fatal(err)
	}
	defer ids.Close()
	number := map[string]int{}
	for ids.Next() {
		var id string
		if err := ids.Scan(&id); err != nil {
			i.t.Fatal(err)
		}
		number[id] = len(number) + 1
		m, err := i.chat.FindMessage(i.t.Context(), v, id)
		if err != nil {
			i.t.Fatal(err)
		}
		parent, mark := 0, ""
		if m.ParentID != nil {
			parent = number[*m.ParentID]
		}
		if id == leaf {
			mark = " SHOWN"
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s %s>%d: %s (%s) %s%s", number[id], m.Role, m.ModelID, parent, strings.ReplaceAll(m.Text, "\n", "|"), strings.ReplaceAll(m.Reasoning, "\n", "|"), m.Status, mark)))
	}
	return out
}

// Conversations of ChatGPT come with their branches, models, times and thoughts; tools and
// hidden texts are left out, and what answers them answers what they did.
func TestConversationsOfChatGPTComeIn(t *testing.T) {
	i := install(t)
	want := []string{
		"Boats and bridges pinned=false archived=true 1767225600-1767229200",
		"1 USER >0: [attachment]||How do boats float? () COMPLETE",
		"2 ASSISTANT gpt-5-thinking>1: They push water away. (Physics|Archimedes it is.) COMPLETE",
		"3 ASSISTANT gpt-5>1: By displacement. () COMPLETE SHOWN",
		"Untitled pinned=false archived=false 1767312000-1767312000",
		"1 USER >0: (The conversation began with a reply.) () COMPLETE",
		"2 ASSISTANT >1: Hello, I am a helper. () COMPLETE SHOWN",
	}
	text := read(t, "chatgpt.json")
	for name, file := range map[string][]byte{
		"the file":    text,
		"the ZIP":     zipOf(t, "chat.html", "<html>", "user.json", "{}", "conversations.json", string(text)),
		"a newer ZIP": zipOf(t, "export/conversations-000.json", string(text)),
	} {
		v := i.somebody()
		result, err := i.Import(t.Context(), v, bytes.NewReader(file))
		if err != nil || result != (restore.Result{Source: restore.ChatGPT, Conversations: 2, Messages: 5, Skipped: 0}) {
			t.Errorf("%s: %+v %v", name, result, err)
		}
		if got := i.shown(v); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s", name, strings.Join(got, "\n"))
		}
	}
}

// Conversations of Open WebUI come with their branches and what was thought; old ones are
// lists.
func TestConversationsOfOpenWebUIComeIn(t *testing.T) {
	i := install(t)
	v := i.somebody()
	result, err := i.Import(t.Context(), v, bytes.NewReader(read(t, "openwebui.json")))
	if err != nil || result != (restore.Result{Source: restore.OpenWebUI, Conversations: 2, Messages: 6, Skipped: 1}) {
		t.Errorf("%+v %v", result, err)
	}
	want := []string{
		"Bread pinned=true archived=false 1767225600-1767229200",
		"1 USER >0: How long does dough rest? () COMPLETE",
		"2 ASSISTANT llama3>1: An hour. () COMPLETE",
		"3 ASSISTANT llama3>1: Over night. (Yeast & time.|More time.) COMPLETE",
		"4 USER >3: Thanks! () COMPLETE SHOWN",
		"An old one pinned=false archived=false 1700000000-1700000100",
		"1 USER >0: Hi () COMPLETE",
		"2 ASSISTANT >1: Hi! () INTERRUPTED SHOWN",
	}
	if got := i.shown(v); !slices.Equal(got, want) {
		t.Error(strings.Join(got, "\n"))
	}
}

// P100: a conversation that a file dates a little ahead, by another clock, is of now.
func TestNothingIsDatedAhead(t *testing.T) {
	i := install(t)
	v := i.somebody()
	ahead := strconv.FormatInt(time.Now().Add(20*time.Hour).Unix(), 10)
	if _, err := i.Import(t.Context(), v, strings.NewReader(strings.ReplaceAll(string(read(t, "chatgpt.json")), "1767225600", ahead))); err != nil {
		t.Fatal(err)
	}
	var late int
	if err := i.db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM conversations WHERE greatest(created_at, updated_at) > $1) + (SELECT count(*) FROM messages WHERE created_at > $1)`, time.Now()).Scan(&late); err != nil || late != 0 {
		t.Errorf("%d rows are dated ahead, %v", late, err)
	}
}
