package share_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/share"
	"github.com/kimi-k2/kimi-k2/models"
)

// What a reading costs: 40 messages of a kilobyte each.
func BenchmarkRead(b *testing.B) {
	r := newRoom(b)
	v := r.sharer("Ada")
	c := r.talk(v, "boats")
	r.tx(func(tx *gorm.DB) error {
		parent := c.more
		var more []models.RestoredMessage
		for n := range 36 {
			role := []models.MessageRole{models.RoleAssistant, models.RoleUser}[n%2]
			more = append(more, models.RestoredMessage{ID: id.New(id.Message), ConversationID: c.id, ParentID: parent, RunID: id.New(id.Run), Role: role, Status: models.MessageComplete,
				Text: strings.Repeat("kilobyte", 128), CreatedAt: r.Now()})
			parent = more[n].ID
		}
		if err := r.chat.RestoreTx(tx, v, nil, more); err != nil {
			return err
		}
		return r.chat.ShowTx(tx, v, map[string]string{c.id: parent})
	})
	s := r.make(v, share.Make{ConversationID: c.id})
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Read(b.Context(), s.Link); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("guessed", func(b *testing.B) {
		for b.Loop() {
			if r.Look(b.Context(), strings.Repeat("A", 32)) == nil {
				b.Fatal("it opens")
			}
		}
	})
}
