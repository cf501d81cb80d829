package restore

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"github.com/kimi-k2/kimi-k2/models"
)

// The layout of our own exports.
const (
	ownFormat = "kimi-k2 export"
	ownSchema = 1
)

// ownConversation is a row as the register writes it.
type ownConversation struct {
	ID        string             `json:"id"`
	Title     *string            `json:"title_sealed"`
	Source    models.TitleSource `json:"title_source"`
	Pinned    bool               `json:"pinned"`
	Archived  bool               `json:"archived"`
	Leaf      *string            `json:"leaf_id"`
	CreatedAt time.Time          `json:"created_at"`
	UpdatedAt time.Time          `json:"updated_at"`
}

// ownMessage is a row as the register writes it.
type ownMessage struct {
	ID           string               `json:"id"`
	Conversation string               `json:"conversation_id"`
	Parent       *string              `json:"parent_id"`
	Role         models.MessageRole   `json:"role"`
	Status       models.MessageStatus `json:"status"`
	Text         *string              `json:"text_sealed"`
	Reasoning    *string              `json:"reasoning_sealed"`
	Error        *string              `json:"error_sealed"`
	ErrorCode    string               `json:"error_code"`
	Model        string               `json:"model_id"`
	Engine       string               `json:"engine_name"`
	Finish       string               `json:"finish_reason"`
	ReasoningMs  int                  `json:"reasoning_ms"`
	Dropped      int                  `json:"dropped_messages"`
	Prompt       int64                `json:"prompt_tokens"`
	Cached       int64                `json:"cached_tokens"`
	Output       int64                `json:"output_tokens"`
	Reasoned     int64                `json:"reasoning_tokens"`
	Estimated    bool                 `json:"usage_estimated"`
	CreatedAt    time.Time            `json:"created_at"`
	FinishedAt   *time.Time           `json:"finished_at"`
}

// readOwnZIP reads data.json, and compares it with the manifest where there is one.
func (s *Service) readOwnZIP(u *unpacker, data, manifest *zip.File, out *sink) error {
	want := ""
	if manifest != nil {
		err := u.with(manifest, func(in io.Reader) error {
			var raw json.RawMessage
			if err := unreadable(json.NewDecoder(io.LimitReader(in, maxManifest)).Decode(&raw)); err != nil {
				return err
			}
			if values(raw) > maxValues {
				return refuse("zip_list")
			}
			var m struct {
				Manifest struct {
					Files []struct{ Name, SHA256 string }
				}
			}
			if err := unreadable(json.Unmarshal(raw, &m)); err != nil {
				return err
			}
			for _, f := range m.Manifest.Files {
				if f.Name == dataName {
					want = f.SHA256
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return u.with(data, func(in io.Reader) error {
		sum := sha256.New()
		whole := io.TeeReader(in, sum)
		if err := s.readJSON(whole, out); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, whole); err != nil {
			return unreadable(err)
		}
		if want != "" && hex.EncodeToString(sum.Sum(nil)) != want {
			return refuse("changed")
		}
		return nil
	})
}

// own is one of our exports while it is read.
type own struct {
	*decoder
	out           *sink
	conversations map[string]place  // by the id in the file
	messages      map[string]place  // likewise
	leaves        map[string]string // ids in the file, by the message
}

// place is where something of a file has gone: its fresh id, and its conversation's.
type place struct{ id, conversation string }

// readOwn reads data.json, whose first brace was read.
func readOwn(d *decoder, out *sink) error {
	o := own{decoder: d, out: out, conversations: map[string]place{}, messages: map[string]place{}, leaves: map[string]string{}}
	out.result.Source = Own
	var format string
	var schema int
	err := o.fields(func(key string) error {
		switch key {
		case "format":
			return d.value(&format)
		case "schema":
			return d.value(&schema)
		case "tables":
			switch {
			case format != ownFormat:
				return errUnknown()
			case schema != ownSchema:
				return refuse("layout", "layout", schema, "known", ownSchema)
			}
			return o.tables()
		}
		return d.value(new(json.RawMessage))
	})
	if err == nil && format != ownFormat {
		err = errUnknown()
	}
	return err
}

// How many fields an object may have, and how long their names and ids may be, in bytes:
// they are kept while the rest is read.
const (
	maxFields  = 1000
	maxKeyText = 200
)

// fields reads the fields of an object that has begun, up to its end. None may come twice.
func (d *decoder) fields(read func(key string) error) error {
	seen := map[string]bool{}
	for d.json.More() {
		t, err := d.token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if len(seen) == maxFields || len(key) > maxKeyText {
			return refuse("shape")
		}
		if seen[key] {
			return refuse("said_twice", "name", name(key))
		}
		seen[key] = true
		if err := read(key); err != nil {
			return err
		}
	}
	_, err := d.token()
	return err
}

// begin reads an opening bracket.
func (d *decoder) begin(bracket json.Delim) error {
	t, err := d.token()
	if err == nil && t != bracket {
		err = refuse("shape")
	}
	return err
}

func (o *own) tables() error {
	if err := o.begin('{'); err != nil {
		return err
	}
	return o.fields(func(table string) error {
		if err := o.begin('['); err != nil {
			return err
		}
		return o.each(func() error {
			switch table {
			case "conversations":
				return o.conversation()
			case "messages":
				return o.message()
			}
			return o.value(new(json.RawMessage))
		})
	})
}

func (o *own) conversation() error {
	var c ownConversation
	if err := o.value(&c); err != nil {
		return err
	}
	if len(c.ID) > maxKeyText || len(orEmpty(c.Leaf)) > maxKeyText {
		return refuse("shape_at", "place", "id")
	}
	if _, twice := o.conversations[c.ID]; twice || c.ID == "" {
		return refuse("conversation_twice")
	}
	fresh, err := o.out.conversation(models.RestoredConversation{Title: orEmpty(c.Title), TitleSource: c.Source, Pinned: c.Pinned, Archived: c.Archived,
		CreatedAt: c.CreatedAt, Updated: c.UpdatedAt})
	o.conversations[c.ID] = place{fresh, fresh}
	if c.Leaf != nil {
		o.leaves[*c.Leaf] = fresh
	}
	return err
}

func (o *own) message() error {
	var m ownMessage
	if err := o.value(&m); err != nil {
		return err
	}
	conversation, known := o.conversations[m.Conversation]
	if !known {
		return refuse("message_astray")
	}
	if len(m.ID) > maxKeyText {
		return refuse("shape_at", "place", "id")
	}
	if _, twice := o.messages[m.ID]; twice || m.ID == "" {
		return refuse("message_twice")
	}
	var parent place
	if m.Parent != nil {
		if parent, known = o.messages[*m.Parent]; !known || parent.conversation != conversation.id {
			return refuse("message_answers_none")
		}
	}
	if err := m.check(); err != nil {
		return err
	}
	fresh, err := o.out.message(models.RestoredMessage{ConversationID: conversation.id, ParentID: parent.id, Role: m.Role, Status: m.Status,
		Text: orEmpty(m.Text), Reasoning: orEmpty(m.Reasoning), ErrorCode: m.ErrorCode, ErrorMessage: orEmpty(m.Error), ModelID: m.Model, EngineName: m.Engine,
		FinishReason: m.Finish, ReasoningMs: m.ReasoningMs, DroppedMessages: m.Dropped, PromptTokens: m.Prompt, CachedTokens: m.Cached, OutputTokens: m.Output,
		Reasoned: m.Reasoned, UsageEstimated: m.Estimated, CreatedAt: m.CreatedAt, FinishedAt: m.FinishedAt})
	o.messages[m.ID] = place{fresh, conversation.id}
	if o.leaves[m.ID] == conversation.id {
		o.out.show(conversation.id, fresh)
	}
	return err
}

// check refuses what can't be.
func (m ownMessage) check() error {
	switch m.Status {
	case models.MessageComplete:
	case models.MessagePending, models.MessageStreaming, models.MessageStopped, models.MessageInterrupted, models.MessageFailed:
		if m.Role == models.RoleUser {
			return refuse("status_impossible")
		}
	default:
		return refuse("status_unknown")
	}
	if m.Role != models.RoleUser && (m.Role != models.RoleAssistant || m.Parent == nil) {
		return refuse("message_of_nobody")
	}
	return nil
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
