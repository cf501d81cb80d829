package chat_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// P86: of the messages after one parent the newest hundred are read, however many parents
// there are; for their ids alone no message is.
func TestOfManyChildrenTheNewestAreRead(t *testing.T) {
	h := newHouse(t)
	h.engine.Answer(echo)
	i := h.open()
	one := i.turn(i.guest(), "one")
	v, c := one.Viewer, one.Conversation
	var all []string
	for range chat.MaxChildren + 3 { // a plant of one is a child of the reply
		for mid := range i.plant(v, c.ID, one.Reply.ID, 1) {
			all = append(all, mid)
		}
	}
	slices.Sort(all)
	want := all[len(all)-chat.MaxChildren:]
	parents := []chat.Parent{{c.ID, one.Reply.ID}, {c.ID, one.Message.ID}, {c.ID, ""}, {c.ID, one.Reply.ID}, {"con_none", one.Reply.ID}}
	kids, err := i.Children(t.Context(), v, parents)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range kids[0] {
		if got = append(got, m.ID); m.Text == "" {
			t.Error(m.ID, "is not opened")
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%d of %d: %v", len(got), len(all), got)
	}
	if len(kids[1]) != 1 || len(kids[2]) != 1 || kids[2][0].ID != one.Message.ID || len(kids[3]) != len(want) || len(kids[4]) != 0 {
		t.Errorf("%v", kids[1:])
	}
	bare, err := i.ChildIDs(t.Context(), v, parents)
	ids := make([][]string, len(parents))
	for k := range bare {
		for _, m := range bare[k] {
			ids[k] = append(ids[k], m.ID)
		}
	}
	if err != nil || !slices.Equal(ids[0], want) || !slices.Equal(ids[1], []string{one.Reply.ID}) || !slices.Equal(ids[2], []string{one.Message.ID}) || !slices.Equal(ids[3], want) || len(ids[4]) != 0 {
		t.Errorf("%v %v", ids, err)
	}
	if other, err := i.ChildIDs(t.Context(), i.turn(i.guest(), "two").Viewer, parents); err != nil || len(slices.Concat(other...)) != 0 {
		t.Errorf("somebody else gets %v %v", other, err)
	}
}

// P86: of long messages after one parent so many of the newest are read as a page of a branch
// would bring, of many parents no more together; their ids are told all.
func TestOfLongChildrenAPageIsRead(t *testing.T) {
	i := newHouse(t).open()
	v := i.signIn(i.guest(), "somebody")
	c := i.brought(v, 1)
	root := *c.LeafID
	const n = 20
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var ms []models.RestoredMessage
	var all []string
	for range n {
		m := models.RestoredMessage{ID: id.New(id.Message), RunID: id.New(id.Run), ConversationID: c.ID, ParentID: root, Role: models.RoleAssistant, Status: models.MessageComplete,
			Text: strings.Repeat("x", 1<<20), CreatedAt: at, FinishedAt: &at}
		ms, all = append(ms, m), append(all, m.ID)
	}
	if err := i.DB.Tx(t.Context(), func(tx *gorm.DB) error { return i.RestoreTx(tx, v, nil, ms) }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	for parents, want := range map[int]int{1: 7, 3: 2, 20: 1} { // sealed, 1 MiB is a little more
		kids, err := i.Children(t.Context(), v, slices.Repeat([]chat.Parent{{ConversationID: c.ID, MessageID: root}}, parents))
		if err != nil {
			t.Fatal(err)
		}
		for _, some := range kids {
			var got []string
			for _, m := range some {
				got = append(got, m.ID)
			}
			if !slices.Equal(got, all[n-want:]) {
				t.Errorf("for %d parents: %d messages, not the newest %d", parents, len(got), want)
			}
		}
	}
	if bare, err := i.ChildIDs(t.Context(), v, []chat.Parent{{ConversationID: c.ID, MessageID: root}}); err != nil || len(bare[0]) != n {
		t.Errorf("%v, %d ids", err, len(bare[0]))
	}
}
