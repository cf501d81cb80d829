package chat_test

import (
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// P92: a key without conversations:read goes on in what it alone has asked, and nowhere else,
// whichever id it is told: the answer would tell it what stands there. With the scope it may.
func TestAKeyGoesOnWhereItAloneHasAsked(t *testing.T) {
	h := newHouse(t)
	h.engine.Answer(echo)
	i := h.open()
	v := i.signIn(i.guest(), "somebody")
	key, reader, other := v, v, v
	key.Kind, key.KeyID, key.Scopes = viewer.APIKey, "key_1", []string{"CHAT_WRITE"}
	other.Kind, other.KeyID, other.Scopes = viewer.APIKey, "key_2", []string{"CHAT_WRITE"}
	reader.Kind, reader.KeyID, reader.Scopes = viewer.APIKey, "key_3", []string{"CHAT_WRITE", "CONVERSATIONS_READ"}
	ways := func(to *chat.Sent) map[string]func(viewer.Viewer) error {
		again := clientID()
		return map[string]func(viewer.Viewer) error{
			"send": func(v viewer.Viewer) error {
				_, err := i.Send(t.Context(), v, chat.Send{ClientID: clientID(), Text: "say it again", ConversationID: &to.Conversation.ID})
				return err
			},
			"edit": func(v viewer.Viewer) error {
				_, err := i.Edit(t.Context(), v, chat.Edit{ClientID: again, MessageID: to.Message.ID, Text: "what stands before?"})
				return err
			},
			"regenerate": func(v viewer.Viewer) error {
				_, err := i.Regenerate(t.Context(), v, chat.Regenerate{ClientID: clientID(), ReplyID: to.Reply.ID})
				return err
			},
			"continue": func(v viewer.Viewer) error { _, err := i.Continue(t.Context(), v, to.Reply.ID); return err },
			"stop":     func(v viewer.Viewer) error { _, err := i.Stop(t.Context(), v, to.Reply.ID); return err },
			"follow": func(v viewer.Viewer) error {
				f, err := i.Follower(t.Context(), v, chat.Follow{ReplyID: to.Reply.ID})
				if err == nil {
					f.Close()
				}
				return err
			},
		}
	}
	all := func(to *chat.Sent, v viewer.Viewer, may bool) {
		t.Helper()
		for name, act := range ways(to) {
			err := act(v)
			if may && err != nil || !may && !fault.Is(err, fault.ScopeMissing) {
				t.Errorf("%s by %s: %v", name, v.KeyID, err)
			}
			i.settled(v)
		}
	}
	pages := i.turn(v, "a secret")
	all(pages, key, false)
	all(pages, reader, true)
	own := i.turn(key, "mine")
	all(own, key, true)
	all(own, other, false)
	// Somebody else has gone on there: only what it asked for itself is left to the key.
	i.turn(v, "another secret", own.Conversation.ID)
	for _, name := range []string{"send", "edit", "regenerate", "continue"} {
		wantFault(t, ways(own)[name](key), fault.ScopeMissing)
	}
	for _, name := range []string{"follow", "stop"} {
		if err := ways(own)[name](key); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A request that is repeated under the page's clientId tells nothing either.
	in := chat.Send{ClientID: clientID(), Text: "guessed"}
	sent, err := i.Send(t.Context(), v, in)
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.Send(t.Context(), key, in)
	wantFault(t, err, fault.ScopeMissing)
	i.follow(v, sent.Reply.ID)
}

// settled waits until nothing is written for the viewer.
func (i *instance) settled(v viewer.Viewer) {
	i.t.Helper()
	eventually(i.t, "replies to end", func() bool {
		var n int64
		return i.db.Gorm(i.t.Context()).Raw("SELECT count(*) FROM runs WHERE owner_id = ? AND status = 'RUNNING'", v.OwnerID).Scan(&n).Error == nil && n == 0
	})
}
