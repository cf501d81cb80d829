package chat_test

import (
	"context"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/models"
)

// breaking are books that break down a number of times.
type breaking struct {
	chat.Money
	left atomic.Int64
}

func (b *breaking) SettleTx(tx *gorm.DB, s models.Settlement) (models.Charge, error) {
	if b.left.Add(-1) >= 0 {
		panic("a canary of the panic")
	}
	return b.Money.SettleTx(tx, s)
}

// T17: a panic where a reply is stored ends that run and nothing else: others go on, and the
// run is taken over when its lease has ended, and charged once.
func TestAPanicAtARunsEndEndsItAlone(t *testing.T) {
	h := newShop(t)
	var books *breaking
	h.between = func(m chat.Money) chat.Money { books = &breaking{Money: m}; return books }
	i := h.open()
	c, other := i.customer("unlucky", 1_000_000), i.customer("lucky", 1_000_000)
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(3)))
	going := i.send(other.Viewer, "go on")
	eventually(t, "the other's request", func() bool { return len(h.engine.Requests()) == 1 })
	books.left.Store(1)
	h.engine.Queue(inferencetest.Reply("words"))
	sent := i.send(c.Viewer, "go")
	eventually(t, "the panic", func() bool { return books.left.Load() == 0 })
	for range 3 {
		beat <- struct{}{}
	}
	if got := i.follow(other.Viewer, going.Reply.ID); !finished(got) || got.text != all(words(3)) {
		t.Errorf("the other's: %+v", got)
	}
	eventually(t, "somebody to end it", func() bool { return !i.find(c.Viewer, sent.Reply.ID).Status.Live() })
	c.only()
}

// silly is an engine whose short answers break down.
type silly struct{ chat.Engine }

func (silly) Complete(context.Context, inference.Request) (string, *inference.Usage, error) {
	panic("a canary of the panic")
}

// T17: a title that panics leaves the conversation its first words.
func TestATitleThatPanicsEndsAlone(t *testing.T) {
	h := newHouse(t)
	asked := make(chan struct{})
	h.titles, h.front = true, func(e chat.Engine) chat.Engine { return noticed{silly{e}, asked} }
	i := h.open()
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script { return inferencetest.Reply("An answer.") })
	sent := i.send(i.guest(), "What is this?")
	receive(t, "the title to be asked for", asked)
	again := i.send(sent.Viewer, "And this?", sent.Conversation.ID)
	if got := i.follow(sent.Viewer, again.Reply.ID); got.text != "An answer." {
		t.Errorf("%+v", got)
	}
	if c, err := i.FindConversation(t.Context(), sent.Viewer, sent.Conversation.ID); err != nil || c.Title != "What is this?" {
		t.Error(c, err)
	}
}

// noticed tells when it is asked for a short answer.
type noticed struct {
	chat.Engine
	asked chan struct{}
}

func (n noticed) Complete(ctx context.Context, r inference.Request) (string, *inference.Usage, error) {
	close(n.asked)
	return n.Engine.Complete(ctx, r)
}

// lost is an engine that breaks down a number of times when it is asked for a model.
type lost struct {
	chat.Engine
	left *atomic.Int64
}

func (l lost) Resolve(modelID string) (inference.Model, error) {
	if l.left.Add(-1) >= 0 {
		panic("a canary of the panic")
	}
	return l.Engine.Resolve(modelID)
}

// T17: a run that breaks down whoever takes it over ends no instance, and holds up no other run
// that is taken over with it; it is tried again.
func TestATakeOverThatPanicsIsTriedAgain(t *testing.T) {
	h := newHouse(t)
	left := new(atomic.Int64)
	h.front = func(e chat.Engine) chat.Engine { return lost{e, left} } // whichever instance takes over
	a, b := h.open(), h.open()
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return inferencetest.Script{inferencetest.Say("some "), inferencetest.Hang()}
	})
	first := a.send(a.guest(), "one")
	second := a.send(a.guest(), "two")
	eventually(t, "a piece of both to be stored", func() bool {
		var n int
		err := a.db.Gorm(t.Context()).Raw("SELECT count(DISTINCT run_id) FROM run_chunks").Scan(&n).Error
		return err == nil && n == 2
	})
	left.Store(1)
	h.expire(a)
	for _, sent := range []*chat.Sent{first, second} {
		eventually(t, "the end of a run", func() bool { return b.find(sent.Viewer, sent.Reply.ID).Status == models.MessageInterrupted })
	}
	if left.Load() >= 0 {
		t.Error("nothing broke down")
	}
}
