package export

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/kimi-k2/kimi-k2/internal/register/rows"
)

// The tables that are written for reading too.
const (
	conversationsTable = "conversations"
	messagesTable      = "messages"
)

// maxSlug is how long the words of a title in a file's name may be, in characters.
const maxSlug = 40

// talk is a conversation as its file and the index show it.
type talk struct {
	ID, Title, File     string
	Created, Changed    string
	Messages, Versioned int
}

// conversations writes one readable file for each.
func (w *writer) conversations(ctx context.Context) error {
	err := w.snapshot.Read(ctx, conversationsTable, func(row rows.Row) error {
		w.talks = append(w.talks, talk{ID: text(row, "id"), Title: text(row, "title_sealed"), Created: day(text(row, "created_at")), Changed: day(text(row, "updated_at"))})
		return nil
	})
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	for i := range w.talks {
		t := &w.talks[i]
		t.File = fmt.Sprintf("conversations/%05d%s.md", i+1, slug(t.Title))
		if err := w.archive.add(t.File, func(out *bufio.Writer) error { return w.transcript(ctx, out, t) }); err != nil {
			return err
		}
	}
	return nil
}

// transcript writes a conversation, a message at a time in the order of their ids, which is
// that of time. A message that doesn't follow the one above says which it answers, so the
// branches can be seen.
func (w *writer) transcript(ctx context.Context, out *bufio.Writer, t *talk) error {
	fmt.Fprintf(out, "# %s\n\nBegun %s, last changed %s.\n", heading(t.Title), t.Created, t.Changed)
	b := branches{numbers: map[string]int{}, versions: map[string]int{}}
	return w.snapshot.ReadWhere(ctx, messagesTable, "conversation_id", t.ID, func(row rows.Row) error { //nolint:wrapcheck // says what failed
		m := readMessage(row)
		m.number, m.answers, m.version = b.place(m.id, m.parent)
		t.Messages++
		if m.version > 1 {
			t.Versioned++
		}
		m.write(out)
		return w.step(ctx)
	})
}

// branches numbers messages.
type branches struct {
	numbers  map[string]int // by id
	versions map[string]int // by the id of what is answered
}

// place gives a message its number, and says which one it answers (0: none) and how many
// answers that has by now.
func (b *branches) place(messageID, parent string) (number, answers, version int) {
	b.versions[parent]++
	b.numbers[messageID] = len(b.numbers) + 1
	return b.numbers[messageID], b.numbers[parent], b.versions[parent]
}

// message is one as it is read.
type message struct {
	id, parent, role, status, model string
	text, reasoning, failure        string
	at                              string
	number, answers, version        int
}

func readMessage(row rows.Row) message {
	return message{id: text(row, "id"), parent: text(row, "parent_id"), role: text(row, "role"), status: text(row, "status"), model: text(row, "model_id"),
		text: text(row, "text_sealed"), reasoning: text(row, "reasoning_sealed"), failure: text(row, "error_sealed"), at: moment(text(row, "created_at"))}
}

func (m message) write(out *bufio.Writer) {
	who := "You"
	if m.role != "USER" {
		who = "Reply"
		if m.model != "" {
			who += " of " + m.model
		}
	}
	fmt.Fprintf(out, "\n## %d. %s, %s\n\n", m.number, who, m.at)
	if m.answers != m.number-1 || m.version > 1 {
		fmt.Fprintf(out, "*%s*\n\n", m.branch())
	}
	if m.reasoning != "" {
		fmt.Fprintf(out, "> Reasoning: %s\n\n", strings.ReplaceAll(strings.TrimSpace(m.reasoning), "\n", "\n> "))
	}
	if m.text != "" {
		fmt.Fprintf(out, "%s\n", m.text)
	}
	if m.status != "COMPLETE" {
		fmt.Fprintf(out, "\n*%s*\n", strings.TrimSpace(strings.ToLower(m.status)+" "+m.failure))
	}
}

// branch says where a message stands that doesn't simply follow the one above.
func (m message) branch() string {
	where := "a beginning of its own"
	if m.answers > 0 {
		where = fmt.Sprintf("answers %d", m.answers)
	}
	if m.version > 1 {
		where += fmt.Sprintf(", version %d", m.version)
	}
	return where
}

// text is a column's value for reading.
func text(row rows.Row, column string) string {
	return rows.Value{JSON: orNull(row.Value(column))}.Text()
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

func day(at string) string { return shown(at, "2006-01-02") }

func moment(at string) string { return shown(at, "2006-01-02 15:04 UTC") }

func shown(at, layout string) string {
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return at
	}
	return t.UTC().Format(layout)
}

// heading is a title that stays in its line.
func heading(title string) string {
	title = strings.Join(strings.Fields(title), " ")
	if title == "" {
		return "Untitled"
	}
	return title
}

// slug is what of a title goes into the name of a file, with a hyphen before it: letters
// and digits only, so that it is a name anywhere.
func slug(title string) string {
	var out strings.Builder
	n := 0
	gap := true
	for _, r := range title {
		if n == maxSlug {
			break
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = true
			continue
		}
		if gap {
			out.WriteByte('-')
			gap = false
		}
		out.WriteRune(r)
		n++
	}
	return out.String()
}
