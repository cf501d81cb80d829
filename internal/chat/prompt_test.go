package chat_test

import (
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/models"
)

// small is an engine whose models read so many tokens, and write at most half of them.
type small struct {
	chat.Engine
	context int
}

func (e small) Resolve(modelID string) (inference.Model, error) {
	m, err := e.Engine.Resolve(modelID)
	m.ContextTokens, m.MaxOutputTokens = e.context, e.context/2
	return m, err
}

// newSmallHouse is a house whose model reads 200 tokens: 100 are left for a prompt.
func newSmallHouse(t *testing.T, continues bool) *house {
	t.Helper()
	h := newShop(t)
	h.continu = continues
	h.front = func(e chat.Engine) chat.Engine { return small{e, 200} }
	return h
}

// tell has the next replies be these texts.
func (h *house) tell(texts ...string) {
	for _, s := range texts {
		h.engine.Queue(inferencetest.Reply(s))
	}
}

// chosen fails unless the last request was these messages, each with a letter for who said
// it, and the run's rule and its reply's dropped count are as told.
func (i *instance) chosen(h *house, c *customer, replyID, rule string, dropped int, want ...string) inferencetest.Request {
	i.t.Helper()
	reqs := h.engine.Requests()
	last := reqs[len(reqs)-1]
	var got []string
	for _, m := range last.Messages {
		got = append(got, m.Role[:1]+" "+m.Content)
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		i.t.Errorf("the engine was shown %q, want %q", got, want)
	}
	var run models.Run
	if err := i.db.Gorm(i.t.Context()).Where("reply_id = ?", replyID).Take(&run).Error; err != nil {
		i.t.Fatal(err)
	}
	if run.PromptRule != rule || run.PromptMessages != len(want) {
		i.t.Errorf("%q and %d messages were recorded, want %q and %d", run.PromptRule, run.PromptMessages, rule, len(want))
	}
	if m := i.find(c.Viewer, replyID); m.DroppedMessages != dropped {
		i.t.Errorf("%d messages were left out, the reply says, want %d", m.DroppedMessages, dropped)
	}
	return last
}

// sized is a text of n tokens by our own count, that begins with a word.
func sized(word string, n int) string { return word + strings.Repeat("x", 4*n-len(word)) }

// What exceeds the model's context is left out from the oldest on, up to the next message
// of the user, and it is recorded how many and why.
func TestTheNewestMessagesThatFitAreSent(t *testing.T) {
	h := newSmallHouse(t, false)
	i := h.open()
	c := i.customer("talker", 1_000_000)
	one, two, three := sized("one", 26), sized("two", 26), sized("three", 26)
	h.tell("1", "2", "3", "4")
	sent := i.send(c.Viewer, one)
	i.follow(c.Viewer, sent.Reply.ID)
	i.chosen(h, c, sent.Reply.ID, "all", 0, "u "+one)
	sent = i.send(c.Viewer, two, sent.Conversation.ID) // 30 + 5 + 30
	i.follow(c.Viewer, sent.Reply.ID)
	i.chosen(h, c, sent.Reply.ID, "all", 0, "u "+one, "a 1", "u "+two)
	third := i.send(c.Viewer, three, sent.Conversation.ID) // 30 + 5 + 30 + 5 + 30: all that fits
	i.follow(c.Viewer, third.Reply.ID)
	i.chosen(h, c, third.Reply.ID, "all", 0, "u "+one, "a 1", "u "+two, "a 2", "u "+three)
	// The first message and its answer go: the answer would fit, but it can't be the first.
	fourth := i.send(c.Viewer, sized("four", 2), sent.Conversation.ID)
	i.follow(c.Viewer, fourth.Reply.ID)
	i.chosen(h, c, fourth.Reply.ID, "newest-that-fit", 2, "u "+two, "a 2", "u "+three, "a 3", "u "+sized("four", 2))

	before := len(h.engine.Requests())
	for _, n := range []int{97, 1000} { // 96 and what surrounds a message are the room
		_, err := i.Send(t.Context(), c.Viewer, chat.Send{ClientID: clientID(), ConversationID: &sent.Conversation.ID, Text: sized("long", n)})
		wantFault(t, err, fault.ContextTooLong)
	}
	if n := len(h.engine.Requests()); n != before {
		t.Errorf("the engine was asked %d times for what it can't read", n-before)
	}
	h.tell("5")
	fifth := i.send(c.Viewer, sized("long", 96), sent.Conversation.ID)
	i.follow(c.Viewer, fifth.Reply.ID)
	i.chosen(h, c, fifth.Reply.ID, "newest-that-fit", 8, "u "+sized("long", 96))
	c.settled(5)
}

// The text of a reply that is gone on with takes room from older messages, whether the
// engine can continue a prefix or is asked to go on.
func TestAContinuedReplyFitsTheContext(t *testing.T) {
	const ask = "Continue exactly where you stopped. Don't repeat anything and don't comment on it."
	for name, continues := range map[string]bool{"asked to go on": false, "a prefix": true} {
		t.Run(name, func(t *testing.T) {
			h := newSmallHouse(t, continues)
			i := h.open()
			c := i.customer("patient", 1_000_000)
			h.tell("1")
			sent := i.send(c.Viewer, sized("one", 26))
			i.follow(c.Viewer, sent.Reply.ID)
			thought, half := sized("hm", 20), sized("half", 30)
			h.engine.Queue(inferencetest.Script{inferencetest.Think(thought), inferencetest.Say(half), inferencetest.Cut()})
			next := i.send(c.Viewer, "two", sent.Conversation.ID)
			i.follow(c.Viewer, next.Reply.ID)
			i.chosen(h, c, next.Reply.ID, "all", 0, "u "+sized("one", 26), "a 1", "u two")

			h.engine.Queue(inferencetest.Script{inferencetest.Say("more"), inferencetest.Cut()})
			if _, err := i.Continue(t.Context(), c.Viewer, next.Reply.ID); err != nil {
				t.Fatal(err)
			}
			i.follow(c.Viewer, next.Reply.ID)
			if !continues { // 5 + 34 + 25 and the first exchange of 35: thoughts aren't sent
				req := i.chosen(h, c, next.Reply.ID, "all", 0, "u "+sized("one", 26), "a 1", "u two", "a "+half, "u "+ask)
				if req.Messages[3].ReasoningContent != "" {
					t.Errorf("thoughts were sent to an engine that can't go on with them: %+v", req.Messages)
				}
				if r := c.settled(3)[2]; r.PromptTokens != promptOf(sized("one", 26), "1", "two", half, ask) {
					t.Errorf("a prompt of %d tokens was charged", r.PromptTokens)
				}
			} else { // 5 + 54 and the first exchange of 35
				i.chosen(h, c, next.Reply.ID, "all", 0, "u "+sized("one", 26), "a 1", "u two", "a "+half)
				if r := c.settled(3)[2]; r.PromptTokens != promptOf(sized("one", 26), "1", "two", half)+20 {
					t.Errorf("a prompt of %d tokens was charged", r.PromptTokens)
				}
			}
			h.engine.Queue(inferencetest.Script{inferencetest.Say(sized("", 40)), inferencetest.Cut()}, inferencetest.Reply("end"))
			for range 2 {
				if _, err := i.Continue(t.Context(), c.Viewer, next.Reply.ID); err != nil {
					t.Fatal(err)
				}
				i.follow(c.Viewer, next.Reply.ID)
			}
			shown := []string{"u two", "a " + half + "more" + sized("", 40)}
			if !continues {
				shown = append(shown, "u "+ask)
			}
			req := i.chosen(h, c, next.Reply.ID, "newest-that-fit", 2, shown...)
			var reads int64
			for _, m := range req.Messages {
				reads += promptOf(m.Content) + tokensOf(m.ReasoningContent)
			}
			if left := int64(req.MaxTokens); reads+left > 200 || left < 1 {
				t.Errorf("%d tokens to read and %d to write are more than the model's 200", reads, left)
			}
			c.settled(5)
		})
	}
}

// A reply that has filled the context is not gone on with.
func TestAReplyThatFillsTheContextIsNotContinued(t *testing.T) {
	h := newSmallHouse(t, true)
	i := h.open()
	c := i.customer("patient", 1_000_000)
	h.engine.Queue(inferencetest.Script{inferencetest.Say(sized("full", 191)), inferencetest.Cut()})
	sent := i.send(c.Viewer, "go") // 5 + 195 are the context
	i.follow(c.Viewer, sent.Reply.ID)
	_, err := i.Continue(t.Context(), c.Viewer, sent.Reply.ID)
	wantFault(t, err, fault.ContextTooLong)
	if m := i.find(c.Viewer, sent.Reply.ID); m.Status != models.MessageFailed || m.Text != sized("full", 191) {
		t.Errorf("a refused Continue left %s with %d bytes", m.Status, len(m.Text))
	}
	c.settled(1)
}

// Whoever takes a run over leaves out older messages for what was written already.
func TestATakenOverReplyFitsTheContext(t *testing.T) {
	h := newSmallHouse(t, true)
	a := h.open()
	c := a.customer("survivor", 1_000_000)
	h.tell("1")
	sent := a.send(c.Viewer, sized("one", 26))
	a.follow(c.Viewer, sent.Reply.ID)
	half := sized("half", 80)
	h.engine.Queue(inferencetest.Script{inferencetest.Say(half), inferencetest.Hang()})
	next := a.send(c.Viewer, "two", sent.Conversation.ID)
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, a) >= len(half) })
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script { return inferencetest.Reply("end") })
	b := h.open()
	h.expire(a)
	if got := b.follow(c.Viewer, next.Reply.ID); got.text != half+"end" {
		t.Fatalf("%q", got.text)
	}
	a.close()
	b.chosen(h, c, next.Reply.ID, "newest-that-fit", 2, "u two", "a "+half)
	c.settled(2)
}
