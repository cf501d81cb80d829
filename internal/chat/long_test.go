package chat_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// brought restores a conversation of so many messages of 1 MB, each with its number.
func (i *instance) brought(v viewer.Viewer, n int) *models.Conversation {
	i.t.Helper()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := models.RestoredConversation{ID: id.New(id.Conversation), Title: "long", TitleSource: models.TitleOwner, CreatedAt: at, Updated: at}
	var ms []models.RestoredMessage
	parent := ""
	for k := range n {
		m := models.RestoredMessage{ID: id.New(id.Message), RunID: id.New(id.Run), ConversationID: c.ID, ParentID: parent, Role: models.RoleUser, Status: models.MessageComplete,
			Text: fmt.Sprint("nr", k, "; ", strings.Repeat("x", 1<<20)), CreatedAt: at}
		if k%2 == 1 {
			m.Role, m.FinishedAt = models.RoleAssistant, &at
		}
		ms, parent = append(ms, m), m.ID
	}
	err := i.DB.Tx(i.t.Context(), func(tx *gorm.DB) error {
		if err := i.RestoreTx(tx, v, []models.RestoredConversation{c}, ms); err != nil {
			return err
		}
		return i.ShowTx(tx, v, map[string]string{c.ID: parent})
	})
	if err != nil {
		i.t.Fatal(err)
	}
	found, err := i.FindConversation(i.t.Context(), v, c.ID)
	if err != nil {
		i.t.Fatal(err)
	}
	return found
}

// boundless is an engine whose models don't say how much they can read.
type boundless struct{ chat.Engine }

func (e boundless) Resolve(modelID string) (inference.Model, error) {
	m, err := e.Engine.Resolve(modelID)
	m.ContextTokens = 0
	return m, err //nolint:wrapcheck // the engine's
}

// A page of a branch ends where it is long, and the next one goes on there; a prompt reads
// so much of a branch at most, and says how many messages it left out.
func TestLongBranchesAreReadInParts(t *testing.T) {
	const messages = 24
	h := newHouse(t)
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script { return inferencetest.Reply("yes") })
	h.front = func(e chat.Engine) chat.Engine { return boundless{e} }
	i := h.open()
	v := i.turn(i.guest(), "hello").Viewer
	c := i.brought(v, messages)
	args := page.Args{Size: 100}
	var all []string
	for pages := 1; ; pages++ {
		ms, more, err := i.Branch(t.Context(), v, c, "", args)
		if err != nil || len(ms) == 0 || len(ms) > 9 {
			t.Fatalf("page %d has %d messages (%v)", pages, len(ms), err)
		}
		for _, m := range ms {
			number, _, _ := strings.Cut(m.Text, ";")
			all = append(all, number)
		}
		if !more {
			break
		}
		args.After = ms[len(ms)-1].ID
	}
	for k, number := range all {
		if len(all) != messages || number != fmt.Sprint("nr", messages-1-k) {
			t.Errorf("%v", all)
			break
		}
	}
	sent := i.turn(v, "and now?", c.ID)
	prompt := h.prompts()
	if n := len(prompt); n < 10 || n > 18 || !strings.HasPrefix(prompt[0], "user: nr") || prompt[n-1] != "user: and now?" || sent.Reply.DroppedMessages != messages+1-n {
		t.Errorf("%d messages were read, %d left out", n, sent.Reply.DroppedMessages)
	}
	err := i.DB.Tx(t.Context(), func(tx *gorm.DB) error {
		_, err := i.SnapshotTx(tx, v, c.ID, "")
		return err
	})
	wantFault(t, err, "INVALID")
}

// hurried is a clock that can be made to go a second with every look.
type hurried struct {
	clock.System
	hurries atomic.Bool
	looks   atomic.Int64
}

func (c *hurried) Now() time.Time {
	if c.hurries.Load() {
		return c.System.Now().Add(time.Duration(c.looks.Add(1)) * time.Second)
	}
	return c.System.Now()
}

// A search stops in the middle of a long conversation when its time is used up, and the
// next page goes on there: what is far up is found, what isn't there ends it.
func TestASearchGoesOnInALongConversation(t *testing.T) {
	h := newHouse(t)
	h.engine.Answer(echo)
	hurry := &hurried{}
	h.clock = hurry
	i := h.open()
	v := i.turn(i.guest(), "hello").Viewer
	c := i.brought(v, 12)
	hurry.hurries.Store(true)
	find := func(text string) (pages int, found []string) {
		l := chat.List{Text: text}
		for pages = 1; pages < 40; pages++ {
			hits, next, err := i.Search(t.Context(), v, l)
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range hits {
				found = append(found, h.Conversation.ID)
			}
			if next == "" {
				break
			}
			l.Page.After = next
		}
		return pages, found
	}
	if pages, found := find("nr0;"); pages < 4 || pages == 40 || len(found) != 1 || found[0] != c.ID {
		t.Errorf("%v after %d pages", found, pages)
	}
	if pages, found := find("isn't there"); pages < 4 || pages == 40 || len(found) != 0 {
		t.Errorf("%v after %d pages", found, pages)
	}
}
