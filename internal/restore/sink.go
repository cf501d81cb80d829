package restore

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// batch is how many messages are written at a time, batchBytes of how much text.
	batch      = 400
	batchBytes = 8 << 20
	// maxTitle and maxName bound titles and names, in characters.
	maxTitle, maxName = 200, 100
)

// sink takes what a file holds, gives it fresh ids and has it written, a part at a time.
type sink struct {
	tx     *gorm.DB
	chat   Chat
	v      viewer.Viewer
	limits Limits
	now    time.Time
	result Result

	ids           []string // of conversations
	leaves        map[string]string
	conversations []models.RestoredConversation
	messages      []models.RestoredMessage
	bytes         int
	kept          int64 // bytes that the viewer has, with these
}

func newSink(tx *gorm.DB, chat Chat, v viewer.Viewer, limits Limits, now time.Time) *sink {
	return &sink{tx: tx, chat: chat, v: v, limits: limits, now: now, leaves: map[string]string{}}
}

// conversation takes one and returns its id.
func (s *sink) conversation(c models.RestoredConversation) (string, error) {
	if s.result.Conversations++; s.result.Conversations > s.limits.Conversations {
		return "", refuse("too_many_conversations", "most", s.limits.Conversations)
	}
	if err := s.keep(0); err != nil {
		return "", err
	}
	c.ID = id.New(id.Conversation)
	c.Title = title(c.Title)
	switch c.TitleSource {
	case models.TitleFirstWords, models.TitleGenerated, models.TitleOwner:
	default:
		c.TitleSource = models.TitleOwner
	}
	c.CreatedAt = s.moment(c.CreatedAt, s.now)
	c.Updated = s.moment(c.Updated, c.CreatedAt)
	s.ids = append(s.ids, c.ID)
	s.conversations = append(s.conversations, c)
	return c.ID, nil
}

// message takes one and returns its id. Its conversation and what it answers were taken
// before.
func (s *sink) message(m models.RestoredMessage) (string, error) {
	if s.result.Messages++; s.result.Messages > s.limits.Messages {
		return "", refuse("too_many_messages", "most", s.limits.Messages)
	}
	if most, fits := s.fits(m); !fits {
		return "", refuse("message_too_long", "most", most>>20)
	}
	if err := s.keep(len(m.Text) + len(m.Reasoning) + len(m.ErrorMessage)); err != nil {
		return "", err
	}
	m.ID, m.RunID = id.New(id.Message), id.New(id.Run)
	m.ModelID, m.EngineName, m.FinishReason, m.ErrorCode = name(m.ModelID), name(m.EngineName), name(m.FinishReason), name(m.ErrorCode)
	for _, n := range []*int64{&m.PromptTokens, &m.CachedTokens, &m.OutputTokens, &m.Reasoned} {
		*n = min(max(*n, 0), 1<<40)
	}
	for _, n := range []*int{&m.ReasoningMs, &m.DroppedMessages} {
		*n = min(max(*n, 0), 1<<30)
	}
	m.CreatedAt = s.moment(m.CreatedAt, s.now)
	if m.FinishedAt != nil {
		at := s.moment(*m.FinishedAt, m.CreatedAt)
		m.FinishedAt = &at
	}
	s.messages = append(s.messages, m)
	s.bytes += len(m.Text) + len(m.Reasoning) + len(m.ErrorMessage)
	if len(s.messages) >= batch || s.bytes >= batchBytes {
		return m.ID, s.flush()
	}
	return m.ID, nil
}

// fits says whether a message is as long as one can become here: what is sent has one
// limit, and replies of ours another, for text and reasoning together.
func (s *sink) fits(m models.RestoredMessage) (most int, fits bool) {
	if s.result.Source == Own && m.Role == models.RoleAssistant {
		return s.limits.Reply, len(m.Text)+len(m.Reasoning) <= s.limits.Reply && len(m.ErrorMessage) <= s.limits.Text
	}
	return s.limits.Text, max(len(m.Text), len(m.Reasoning), len(m.ErrorMessage)) <= s.limits.Text
}

// rowBytes is what a message or conversation counts beside its text.
const rowBytes = 512

// most is how much the viewer may keep in bytes.
func (s *sink) most() int64 {
	if s.v.Kind == viewer.Guest {
		return s.limits.Guest
	}
	return s.limits.Account
}

// room looks how much the viewer keeps already.
func (s *sink) room() (err error) {
	s.kept, err = s.chat.KeptTx(s.tx, s.v)
	return err //nolint:wrapcheck // says what failed
}

// keep counts what is kept more of.
func (s *sink) keep(text int) error {
	if s.kept += int64(text) + rowBytes; s.kept > s.most() {
		return refuse("too_much_text", "most", s.most()>>20)
	}
	return nil
}

// show says which message of a conversation is the last one on show.
func (s *sink) show(conversationID, messageID string) { s.leaves[conversationID] = messageID }

func (s *sink) flush() error {
	if err := s.chat.RestoreTx(s.tx, s.v, s.conversations, s.messages); err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	s.conversations, s.messages, s.bytes = s.conversations[:0], s.messages[:0], 0
	return nil
}

// end writes the rest. A file without conversations is refused.
func (s *sink) end() error {
	if s.result.Conversations == 0 {
		return refuse("no_conversations")
	}
	if err := s.flush(); err != nil {
		return err
	}
	return s.chat.ShowTx(s.tx, s.v, s.leaves) //nolint:wrapcheck // says what failed
}

// epoch is the earliest time that is believed.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// moment is a time of a file, or another one when it is none or can't be. What is a little ahead,
// by another clock or time zone, is now: nothing here is dated ahead.
func (s *sink) moment(at, otherwise time.Time) time.Time {
	switch {
	case at.Before(epoch) || at.After(s.now.Add(24*time.Hour)):
		return otherwise
	case at.After(s.now):
		at = s.now
	}
	return at.UTC().Truncate(time.Microsecond)
}

// title is a title in one line.
func title(s string) string {
	s = strings.Join(strings.Fields(strings.Map(visible, s)), " ")
	if s == "" {
		return "Untitled"
	}
	return cut(s, maxTitle)
}

// name is a short text for programs.
func name(s string) string { return cut(strings.Map(visible, s), maxName) }

func visible(r rune) rune {
	if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
		return -1
	}
	return r
}

func cut(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return strings.Clone(s[:i]) // what it was cut off goes
		}
		n++
	}
	return s
}
