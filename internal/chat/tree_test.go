package chat_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// turn sends and waits for the reply.
func (i *instance) turn(v viewer.Viewer, text string, conversation ...string) *chat.Sent {
	i.t.Helper()
	sent := i.send(v, text, conversation...)
	i.follow(sent.Viewer, sent.Reply.ID)
	return sent
}

func (i *instance) branch(v viewer.Viewer, c *models.Conversation, leaf string) (texts []string) {
	i.t.Helper()
	args := page.Args{Size: 2}
	for {
		ms, more, err := i.Branch(i.t.Context(), v, c, leaf, args)
		if err != nil {
			i.t.Fatal(err)
		}
		for _, m := range ms {
			texts = append(texts, m.Text)
		}
		if !more {
			slices.Reverse(texts)
			return texts
		}
		args.After = ms[len(ms)-1].ID
	}
}

// prompts are the messages of the engine's last request.
func (h *house) prompts() (texts []string) {
	h.t.Helper()
	reqs := h.engine.Requests()
	for _, m := range reqs[len(reqs)-1].Messages {
		texts = append(texts, m.Role+": "+m.Content)
	}
	return texts
}

func echo(r inferencetest.Request) inferencetest.Script {
	return inferencetest.Reply("re:" + r.LastUser())
}

// P18, P22: edits and other replies are siblings; the engine gets exactly the branch,
// and the old branch stays readable.
func TestEditsAndRegenerationsAreBranches(t *testing.T) {
	h := newHouse(t)
	h.engine.Answer(echo)
	i := h.open()
	one := i.turn(i.guest(), "one")
	v, c := one.Viewer, one.Conversation
	two := i.turn(v, "two", c.ID)
	if got := h.prompts(); !slices.Equal(got, []string{"user: one", "assistant: re:one", "user: two"}) {
		t.Fatalf("%q", got)
	}
	edited, err := i.Edit(t.Context(), v, chat.Edit{ClientID: clientID(), MessageID: two.Message.ID, Text: "zwei"})
	if err != nil {
		t.Fatal(err)
	}
	i.follow(v, edited.Reply.ID)
	if got := h.prompts(); !slices.Equal(got, []string{"user: one", "assistant: re:one", "user: zwei"}) {
		t.Fatalf("%q", got)
	}
	again, err := i.Regenerate(t.Context(), v, chat.Regenerate{ClientID: clientID(), ReplyID: edited.Reply.ID})
	if err != nil {
		t.Fatal(err)
	}
	i.follow(v, again.Reply.ID)
	if again.Message.ID != edited.Message.ID {
		t.Fatal("another question")
	}
	kids, err := i.Children(t.Context(), v, []chat.Parent{{c.ID, one.Reply.ID}, {c.ID, edited.Message.ID}, {c.ID, ""}, {c.ID, again.Reply.ID}})
	if err != nil || len(kids[0]) != 2 || len(kids[1]) != 2 || len(kids[2]) != 1 || len(kids[3]) != 0 || kids[0][0].ID != two.Message.ID {
		t.Fatalf("%v %v", kids, err)
	}
	c, err = i.FindConversation(t.Context(), v, c.ID)
	if err != nil || *c.LeafID != again.Reply.ID {
		t.Fatalf("%+v %v", c, err)
	}
	if got := i.branch(v, c, ""); !slices.Equal(got, []string{"one", "re:one", "zwei", "re:zwei"}) {
		t.Fatalf("%q", got)
	}
	c, err = i.UpdateConversation(t.Context(), v, chat.Update{ConversationID: c.ID, LeafID: &two.Message.ID})
	if err != nil || *c.LeafID != two.Reply.ID {
		t.Fatalf("%+v %v", c, err)
	}
	if got := i.branch(v, c, ""); !slices.Equal(got, []string{"one", "re:one", "two", "re:two"}) {
		t.Fatalf("%q", got)
	}
	// An edit of the first message is another root.
	root, err := i.Edit(t.Context(), v, chat.Edit{ClientID: clientID(), MessageID: one.Message.ID, Text: "eins"})
	if err != nil || root.Message.ParentID != nil {
		t.Fatalf("%+v %v", root, err)
	}
	i.follow(v, root.Reply.ID)
	if got := h.prompts(); !slices.Equal(got, []string{"user: eins"}) {
		t.Fatalf("%q", got)
	}
}

// P42, P82, T1, T2: what is somebody else's does not exist, for any act.
func TestForeignIDsAreNotFound(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	mine := i.turn(i.guest(), "mine")
	theirs := i.turn(i.guest(), "theirs")
	v, ctx := mine.Viewer, t.Context()
	title, yes := "x", true
	acts := map[string]func() error{
		"find conversation": func() error { _, err := i.FindConversation(ctx, v, theirs.Conversation.ID); return err },
		"find message":      func() error { _, err := i.FindMessage(ctx, v, theirs.Message.ID); return err },
		"follow":            func() error { _, err := i.Follow(ctx, v, chat.Follow{ReplyID: theirs.Reply.ID}); return err },
		"stop":              func() error { _, err := i.Stop(ctx, v, theirs.Reply.ID); return err },
		"continue":          func() error { _, err := i.Continue(ctx, v, theirs.Reply.ID); return err },
		"edit": func() error {
			_, err := i.Edit(ctx, v, chat.Edit{ClientID: "a", MessageID: theirs.Message.ID, Text: "x"})
			return err
		},
		"edit a reply": func() error {
			_, err := i.Edit(ctx, v, chat.Edit{ClientID: "a", MessageID: mine.Reply.ID, Text: "x"})
			return err
		},
		"regenerate": func() error {
			_, err := i.Regenerate(ctx, v, chat.Regenerate{ClientID: "a", ReplyID: theirs.Reply.ID})
			return err
		},
		"rename": func() error {
			_, err := i.UpdateConversation(ctx, v, chat.Update{ConversationID: theirs.Conversation.ID, Title: &title})
			return err
		},
		"rename as a visitor": func() error {
			_, err := i.UpdateConversation(ctx, viewer.Viewer{}, chat.Update{ConversationID: theirs.Conversation.ID, Title: &title})
			return err
		},
		"pin": func() error {
			_, err := i.UpdateConversation(ctx, v, chat.Update{ConversationID: theirs.Conversation.ID, Pinned: &yes})
			return err
		},
		"delete": func() error { return i.DeleteConversation(ctx, v, theirs.Conversation.ID) },
		"send": func() error {
			_, err := i.Send(ctx, v, chat.Send{ClientID: "a", Text: "x", ConversationID: &theirs.Conversation.ID})
			return err
		},
		"send below theirs": func() error {
			_, err := i.Send(ctx, v, chat.Send{ClientID: "a", Text: "x", ConversationID: &mine.Conversation.ID, ParentID: &theirs.Reply.ID})
			return err
		},
		"show their branch": func() error {
			_, err := i.UpdateConversation(ctx, v, chat.Update{ConversationID: mine.Conversation.ID, LeafID: &theirs.Reply.ID})
			return err
		},
		"read their branch": func() error {
			_, _, err := i.Branch(ctx, v, mine.Conversation, theirs.Reply.ID, page.Args{Size: 1})
			return err
		},
		"an id that is none": func() error { _, err := i.FindMessage(ctx, v, "1' OR '1'='1"); return err },
	}
	for name, act := range acts {
		if err := act(); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m := i.find(theirs.Viewer, theirs.Reply.ID); m.Text == "" {
		t.Error("their reply was touched")
	}
}

// The database itself refuses what the code never asks of it.
func TestTheDatabaseRefusesForeignParents(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	a, b := i.turn(i.guest(), "a"), i.turn(i.guest(), "b")
	c := i.turn(a.Viewer, "c") // another conversation of the same owner
	insert := func(owner, conversation, parent string) error {
		return i.db.Gorm(t.Context()).Exec(`INSERT INTO messages (owner_id, id, conversation_id, parent_id, role, status, created_at)
			VALUES (?, ?, ?, ?, 'USER', 'COMPLETE', now())`, owner, "msg_"+fmt.Sprint(conversation, parent), conversation, parent).Error
	}
	if err := insert(a.Viewer.OwnerID, b.Conversation.ID, b.Reply.ID); err == nil {
		t.Error("a message in somebody else's conversation")
	}
	if err := insert(a.Viewer.OwnerID, a.Conversation.ID, c.Reply.ID); !database.Violates(err, "messages_parent") {
		t.Errorf("a parent in another conversation: %v", err)
	}
	if err := insert(a.Viewer.OwnerID, a.Conversation.ID, a.Reply.ID); err != nil {
		t.Errorf("a right one: %v", err)
	}
}

func TestBadInputIsRefusedAndNothingIsWritten(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	guest := i.guest()
	big := strings.Repeat("x", chat.MaxTextBytes+1)
	foreign := "con_" + strings.Repeat("0", 32)
	for name, c := range map[string]struct {
		in    chat.Send
		code  fault.Code
		field string
	}{
		"empty":          {chat.Send{ClientID: "a", Text: ""}, fault.Invalid, "text"},
		"blank":          {chat.Send{ClientID: "a", Text: " \n\t\u00a0\u200b\u3000"}, fault.Invalid, "text"},
		"too long":       {chat.Send{ClientID: "a", Text: big}, fault.Invalid, "text"},
		"not UTF-8":      {chat.Send{ClientID: "a", Text: "a\xffb"}, fault.Invalid, "text"},
		"no client id":   {chat.Send{Text: "x"}, fault.Invalid, "clientId"},
		"long client id": {chat.Send{ClientID: strings.Repeat("x", 101), Text: "x"}, fault.Invalid, "clientId"},
		"unknown model":  {chat.Send{ClientID: "a", Text: "x", ModelID: "gpt-99"}, fault.ModelUnavailable, "modelId"},
		"unknown conv":   {chat.Send{ClientID: "a", Text: "x", ConversationID: &foreign}, fault.NotFound, "conversationId"},
		"parent alone":   {chat.Send{ClientID: "a", Text: "x", ParentID: &foreign}, fault.Invalid, "parentId"},
	} {
		_, err := i.Send(t.Context(), guest, c.in)
		list, ok := fault.Of(err)
		if !ok || list[0].Code != c.code || !slices.Equal(list[0].Field, []string{c.field}) || list[0].Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, table := range []string{"owners", "sessions", "conversations", "messages", "runs"} {
		var n int
		if err := i.db.Gorm(t.Context()).Raw("SELECT count(*) FROM " + table).Scan(&n).Error; err != nil || n != 0 {
			t.Errorf("%d rows in %s, %v", n, table, err)
		}
	}
	if n := len(h.engine.Requests()); n != 0 {
		t.Errorf("%d requests reached the engine", n)
	}
	// The longest allowed text goes through whole, NUL included by JSON escapes or not.
	sent, err := i.Send(t.Context(), guest, chat.Send{ClientID: "b", Text: strings.Repeat("é", chat.MaxTextBytes/8)})
	if err != nil {
		t.Fatal(err)
	}
	i.follow(sent.Viewer, sent.Reply.ID)
}

// A message that was sent and not answered is sent again: the last one too, and it counts once.
func TestARepeatedMessageCountsOnce(t *testing.T) {
	h := newHouse(t)
	h.limit = 2
	i := h.open()
	first := i.turn(i.guest(), "first")
	last := chat.Send{ClientID: clientID(), Text: "last"}
	var replies []string
	for range 3 {
		sent, err := i.Send(t.Context(), first.Viewer, last)
		if err != nil {
			t.Fatal(err)
		}
		i.follow(first.Viewer, sent.Reply.ID)
		replies = append(replies, sent.Reply.ID)
	}
	if replies[1] != replies[0] || replies[2] != replies[0] || len(h.engine.Requests()) != 2 {
		t.Errorf("replies %v, %d requests", replies, len(h.engine.Requests()))
	}
	last.Text = "another"
	_, err := i.Send(t.Context(), first.Viewer, last)
	wantFault(t, err, fault.Conflict)
	_, err = i.Send(t.Context(), first.Viewer, chat.Send{ClientID: clientID(), Text: "more"})
	wantFault(t, err, fault.GuestLimitReached)
}

// P38, P39: N messages and not one more, even when all are sent at once through
// several instances; refused ones reach neither tables nor engine.
func TestTheGuestLimitIsExact(t *testing.T) {
	h := newHouse(t)
	h.limit = 10
	instances := []*instance{h.open(), h.open(), h.open()}
	first := instances[0].turn(instances[0].guest(), "first")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var accepted []string
	for n := range 50 {
		i := instances[n%3]
		id := clientID()
		wg.Go(func() {
			sent, err := i.Send(t.Context(), first.Viewer, chat.Send{ClientID: id, Text: "more"})
			if err == nil {
				mu.Lock()
				accepted = append(accepted, sent.Reply.ID)
				mu.Unlock()
			} else if !fault.Is(err, fault.GuestLimitReached) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, id := range accepted {
		instances[0].follow(first.Viewer, id)
	}
	if len(accepted) != 9 || len(h.engine.Requests()) != 10 {
		t.Errorf("%d accepted, %d requests", len(accepted), len(h.engine.Requests()))
	}
	_, err := instances[1].Regenerate(t.Context(), first.Viewer, chat.Regenerate{ClientID: clientID(), ReplyID: first.Reply.ID})
	wantFault(t, err, fault.GuestLimitReached)
	if err := instances[1].DeleteConversation(t.Context(), first.Viewer, first.Conversation.ID); err != nil {
		t.Errorf("a guest at the limit can't delete: %v", err)
	}
}

// R-LIMIT: one reply of a guest is written at once and three of an account, its page and keys
// together; one more is refused with a time to come again, and let in when one has ended.
func TestRepliesAtOnce(t *testing.T) {
	h := newHouse(t)
	h.few = true
	i := h.open()
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return inferencetest.Script{inferencetest.Say("x"), inferencetest.Hang()}
	})
	full := func(v viewer.Viewer, stop string) {
		t.Helper()
		_, err := i.Send(t.Context(), v, chat.Send{ClientID: clientID(), Text: "one more"})
		if list, _ := fault.Of(err); len(list) != 1 || list[0].Code != fault.RateLimited || list[0].RetryAfter <= 0 {
			t.Fatalf("one more: %v", err)
		}
		if _, err := i.Stop(t.Context(), v, stop); err != nil {
			t.Fatal(err)
		}
		i.send(v, "instead")
	}
	guest := i.send(i.guest(), "one")
	full(guest.Viewer, guest.Reply.ID)
	v := i.signIn(i.guest(), "somebody")
	key := v
	key.Kind, key.KeyID = viewer.APIKey, "key_1"
	i.send(v, "one")
	keys := i.send(key, "two")
	i.send(v, "three")
	full(key, keys.Reply.ID)
}

func TestOneReplyAtATimeOnABranch(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	h.engine.Queue(inferencetest.Script{inferencetest.Say("x"), inferencetest.Hang()})
	sent := i.send(i.guest(), "go")
	_, err := i.Send(t.Context(), sent.Viewer, chat.Send{ClientID: clientID(), Text: "more", ConversationID: &sent.Conversation.ID})
	wantFault(t, err, fault.Conflict)
	if active, err := i.ActiveReply(t.Context(), sent.Viewer, sent.Conversation.ID); err != nil || active == nil || active.ID != sent.Reply.ID {
		t.Fatalf("F3: %+v %v", active, err)
	}
	if _, err := i.Stop(t.Context(), sent.Viewer, sent.Reply.ID); err != nil {
		t.Fatal(err)
	}
	if active, err := i.ActiveReply(t.Context(), sent.Viewer, sent.Conversation.ID); err != nil || active != nil {
		t.Fatalf("%+v %v", active, err)
	}
}

// Pages of the list follow each other without holes or repeats, pinned ones first.
func TestTheListPagesByKeyset(t *testing.T) {
	h := newHouse(t)
	h.engine.Answer(echo)
	i := h.open()
	v := i.guest()
	var ids []string
	for n := range 7 {
		sent := i.turn(v, fmt.Sprint("chat ", n))
		v = sent.Viewer
		ids = append([]string{sent.Conversation.ID}, ids...)
	}
	yes := true
	if _, err := i.UpdateConversation(t.Context(), v, chat.Update{ConversationID: ids[5], Pinned: &yes}); err != nil {
		t.Fatal(err)
	}
	if _, err := i.UpdateConversation(t.Context(), v, chat.Update{ConversationID: ids[6], Archived: &yes}); err != nil {
		t.Fatal(err)
	}
	want := append([]string{ids[5]}, ids[:5]...)
	for _, last := range []chat.Last{chat.LastNone, chat.LastShown, chat.LastWhole} {
		var got []string
		args := page.Args{Size: 2}
		for {
			cs, more, err := i.Conversations(t.Context(), v, chat.List{Page: args, Last: last})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cs {
				got = append(got, c.ID)
				if (c.LastMessage != nil) != (last > chat.LastNone) || last > chat.LastNone && c.LastMessage.Text != "re:"+c.Title || last == chat.LastWhole && c.LastMessage.ModelID == "" {
					t.Errorf("%+v", c.LastMessage)
				}
			}
			if !more {
				break
			}
			args.After = chat.Position(cs[len(cs)-1])
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if cs, _, err := i.Conversations(t.Context(), v, chat.List{Page: page.Args{Size: 9}, Archived: true}); err != nil || len(cs) != 1 || cs[0].ID != ids[6] {
		t.Errorf("%v %v", cs, err)
	}
	if cs, _, err := i.Conversations(t.Context(), i.guest(), chat.List{Page: page.Args{Size: 9}}); err != nil || len(cs) != 0 {
		t.Errorf("a visitor has %d conversations, %v", len(cs), err)
	}
	_, _, err := i.Conversations(t.Context(), v, chat.List{Page: page.Args{Size: 2, After: "junk"}})
	wantFault(t, err, fault.Invalid)
}

// F31: the search reads what was written just now; wildcards are plain text.
func TestSearchFindsTitlesAndMessages(t *testing.T) {
	h := newHouse(t)
	h.engine.Answer(echo)
	i := h.open()
	a := i.turn(i.guest(), "The Quantum question")
	v := a.Viewer
	b := i.turn(v, "weather")
	i.turn(v, "and 100% of clouds", b.Conversation.ID)
	find := func(text string) (ids []string) {
		hits, _, err := i.Search(t.Context(), v, chat.List{Text: text})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			ids = append(ids, h.Conversation.ID)
		}
		return ids
	}
	if got := find("quantum"); !slices.Equal(got, []string{a.Conversation.ID}) {
		t.Errorf("%v", got)
	}
	if got := find("0% OF"); !slices.Equal(got, []string{b.Conversation.ID}) {
		t.Errorf("%v", got)
	}
	if got := find("%%"); len(got) != 0 {
		t.Errorf("wildcards matched %v", got)
	}
	_, _, err := i.Search(t.Context(), v, chat.List{Text: "x"})
	wantFault(t, err, fault.Invalid)
}

// A page of what was found is as long as was asked for, and all of them are each once.
func TestSearchesComeInPages(t *testing.T) {
	h := newHouse(t)
	h.engine.Answer(echo)
	i := h.open()
	a := i.turn(i.guest(), "needle 0")
	v := a.Viewer
	wanted := []string{a.Conversation.ID}
	for n := range 24 {
		wanted = append(wanted, i.turn(v, fmt.Sprint("needle ", n+1)).Conversation.ID)
	}
	slices.Reverse(wanted)
	for _, size := range []int{1, 7, 100} {
		var got []string
		for after := ""; ; {
			hits, next, err := i.Search(t.Context(), v, chat.List{Text: "needle", Page: page.Args{Size: size, After: after}})
			if err != nil || len(hits) > size {
				t.Fatalf("%d found, %v", len(hits), err)
			}
			for _, h := range hits {
				got = append(got, h.Conversation.ID)
			}
			if after = next; next == "" {
				break
			}
			if len(hits) < size && len(got) < len(wanted) {
				t.Errorf("a page of %d has %d", size, len(hits))
			}
		}
		if !slices.Equal(got, wanted) {
			t.Errorf("in pages of %d: %d of %d", size, len(got), len(wanted))
		}
	}
}
