package chat_test

import (
	"context"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// left counts the rows of conversations of an owner.
func left(t *testing.T, i *instance, v viewer.Viewer) (n int) {
	t.Helper()
	err := i.db.Gorm(t.Context()).Raw(`SELECT (SELECT count(*) FROM conversations WHERE owner_id = @o) + (SELECT count(*) FROM messages WHERE owner_id = @o)
		+ (SELECT count(*) FROM runs WHERE owner_id = @o) + (SELECT count(*) FROM run_chunks WHERE owner_id = @o)`, map[string]any{"o": v.OwnerID}).Scan(&n).Error
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// P100, P101: all conversations of somebody go at once, a reply that another instance
// writes is stopped first, other tabs are told, and the rest stays: the guest itself, and
// what others have.
func TestAllConversationsGoAndTheRestStays(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	other := b.send(b.guest(), "somebody else's")
	b.follow(other.Viewer, other.Reply.ID)
	first := a.send(a.guest(), "one")
	v := first.Viewer
	a.follow(v, first.Reply.ID)
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some"), inferencetest.Hang()})
	running := a.send(v, "two")
	events, err := b.Events(t.Context(), v, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"", "yes", v.OwnerID} {
		_, err := b.DeleteAllConversations(t.Context(), v, word)
		wantFault(t, err, fault.Invalid)
	}
	_, err = b.DeleteAllConversations(t.Context(), b.guest(), models.EraseWord)
	wantFault(t, err, fault.Unauthenticated)
	c, err := b.DeleteAllConversations(t.Context(), v, " delete ")
	if err != nil || c.Conversations != 2 || c.Messages != 4 || c.FinishedAt == nil {
		t.Fatalf("%+v, %v", c, err)
	}
	receive(t, "the engine to see the cancellation", h.engine.Cancelled())
	for {
		if d, ok := receive(t, "the event", events).(*models.ConversationsDeleted); ok {
			if !d.Before.Equal(c.Cutoff) {
				t.Error("another time:", d.Before, c.Cutoff)
			}
			break
		}
	}
	if n := left(t, a, v); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if left(t, a, other.Viewer) == 0 {
		t.Error("somebody else's conversations are gone")
	}
	_, err = a.Follow(t.Context(), v, chat.Follow{ReplyID: running.Reply.ID})
	wantFault(t, err, fault.NotFound)
	again := a.send(v, "three") // it is still somebody
	a.follow(v, again.Reply.ID)
	if c, err = a.DeleteAllConversations(t.Context(), v, models.EraseWord); err != nil || c.Conversations != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

// P106: what a crash leaves of a deletion of all conversations is deleted by another
// instance; what was begun after it stays.
func TestADeletionOfAllConversationsThatIsCutOffIsFinished(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	sent := a.send(a.guest(), "one")
	v := sent.Viewer
	a.follow(v, sent.Reply.ID)
	err := a.db.Gorm(t.Context()).Exec(`INSERT INTO conversations (owner_id, id, title_sealed, title_source, created_at, updated_at)
		SELECT ?, 'con_' || n, '\x01', 'OWNER', now(), now() FROM generate_series(1, 120) n`, v.OwnerID).Error
	if err != nil {
		t.Fatal(err)
	}
	batches := 0
	a.CutClearing(func() bool { batches++; return batches == 2 })
	if _, err := a.DeleteAllConversations(context.Background(), v, models.EraseWord); err == nil {
		t.Fatal("it was not cut off")
	}
	before := left(t, a, v)
	if before == 0 || before > 60 {
		t.Errorf("%d rows are left after two batches", before)
	}
	later := b.send(v, "begun later")
	b.follow(v, later.Reply.ID)
	if n, err := b.ResumeClearings(t.Context()); n != 0 || err != nil {
		t.Error("taken over while somebody may be at it:", n, err)
	}
	if err := a.db.Gorm(t.Context()).Exec(`UPDATE clearings SET attempted_at = ?`, time.Now().Add(-time.Hour)).Error; err != nil {
		t.Fatal(err)
	}
	if n, err := b.ResumeClearings(t.Context()); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if _, err := b.FindConversation(t.Context(), v, later.Conversation.ID); err != nil {
		t.Error("what was begun later is gone:", err)
	}
	if _, err := b.FindConversation(t.Context(), v, sent.Conversation.ID); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	var c models.Clearing
	if err := a.db.Gorm(t.Context()).Take(&c).Error; err != nil || c.Conversations != 121 || c.FinishedAt == nil {
		t.Errorf("%+v, %v", c, err)
	}
}

// P106: two deletions of all conversations at once are one.
func TestTwoDeletionsOfAllConversationsAreOne(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	sent := a.send(a.guest(), "one")
	a.follow(sent.Viewer, sent.Reply.ID)
	done := make(chan error, 4)
	for n := range 4 {
		i := []*instance{a, b}[n%2]
		go func() {
			_, err := i.DeleteAllConversations(context.Background(), sent.Viewer, models.EraseWord)
			done <- err
		}()
	}
	for range 4 {
		if err := receive(t, "a deletion", done); err != nil {
			t.Error(err)
		}
	}
	if n := left(t, a, sent.Viewer); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}
