package chat_test

import (
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fairqueue"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// closable is a gate that nobody passes once it is closed.
type closable struct {
	open
	closed *atomic.Bool
}

func (c closable) CheckTx(*gorm.DB, viewer.Viewer) error {
	if c.closed.Load() {
		return fault.New(fault.ConsentRequired, "agree first")
	}
	return nil
}

// P95, P100: a title that waits for the engine is not asked for once the consent is withdrawn
// or the conversation deleted, and gives its place up while the engine is still busy.
func TestATitleEndsWithWhatItIsFor(t *testing.T) {
	for name, end := range map[string]func(i *instance, sent *chat.Sent, gate *atomic.Bool) error{
		"conversation deleted": func(i *instance, sent *chat.Sent, _ *atomic.Bool) error {
			return i.DeleteConversation(t.Context(), sent.Viewer, sent.Conversation.ID)
		},
		"consent withdrawn": func(_ *instance, _ *chat.Sent, gate *atomic.Bool) error { gate.Store(true); return nil },
		"owner being deleted": func(i *instance, sent *chat.Sent, _ *atomic.Bool) error {
			_, err := i.db.Pool().Exec(t.Context(), `UPDATE owners SET erasing_at = now() WHERE id = $1`, sent.Viewer.OwnerID)
			return err
		},
	} {
		for _, freed := range []string{"at once", "later"} {
			t.Run(name+", the engine is free "+freed, func(t *testing.T) {
				h := newHouse(t)
				var line *fairqueue.Queue
				gate := new(atomic.Bool)
				h.titles, h.gate = true, func(*database.DB) chat.Gate { return closable{closed: gate} }
				h.front = func(e chat.Engine) chat.Engine {
					line = fairqueue.New(fairqueue.Config{Engine: e, Streams: 1})
					return line
				}
				first, second := make(chan struct{}), make(chan struct{})
				h.engine.Answer(func(r inferencetest.Request) inferencetest.Script {
					switch r.LastUser() {
					case "first":
						return append(inferencetest.Script{inferencetest.Wait(first)}, inferencetest.Reply("An answer.")...)
					case "second":
						return append(inferencetest.Script{inferencetest.Wait(second)}, inferencetest.Reply("Another one.")...)
					}
					return inferencetest.Reply("A title")
				})
				i := h.open()
				sent := i.send(i.guest(), "first")
				receive(t, "the first request", h.engine.Started())
				other := i.send(i.guest(), "second")
				eventually(t, "the second to wait", func() bool { return line.Waiting() == 1 })
				close(first)
				receive(t, "the second request", h.engine.Started())
				eventually(t, "the title to wait", func() bool { return line.Waiting() == 1 })
				if err := end(i, sent, gate); err != nil {
					t.Fatal(err)
				}
				if freed == "later" {
					eventually(t, "the title to leave the line", func() bool { return line.Waiting() == 0 })
				}
				close(second)
				i.follow(other.Viewer, other.Reply.ID)
				eventually(t, "the engine to be free", func() bool { return line.Waiting() == 0 && line.Active() == 0 })
				for _, r := range h.engine.Requests() {
					if !r.Stream && r.Messages[0].Content == "first" {
						t.Error("the engine was asked for a title")
					}
				}
			})
		}
	}
}
