package chat_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// AdmitTx lets everybody have an account.
func (open) AdmitTx(*gorm.DB, viewer.Viewer, viewer.Viewer) error { return nil }

// signIn signs somebody in who was from until now.
func (i *instance) signIn(from viewer.Viewer, who string) viewer.Viewer {
	i.t.Helper()
	e, err := i.accounts.SignIn(i.t.Context(), account.SignIn{From: from, Proof: proofOf(who)})
	if err != nil {
		i.t.Fatalf("sign in: %v", err)
	}
	return e.Viewer
}

func proofOf(who string) account.Proof {
	return account.Proof{Provider: models.ProviderGoogle, Subject: who, Name: who, Email: who + "@example.com", Verified: true}
}

// rows counts what an owner has in chat's tables.
func (i *instance) rows(ownerID string) (n int) {
	i.t.Helper()
	for _, table := range []string{"conversations", "messages", "runs", "run_chunks"} {
		var here int64
		if err := i.db.Gorm(i.t.Context()).Table(table).Where("owner_id = ?", ownerID).Count(&here).Error; err != nil {
			i.t.Fatal(err)
		}
		n += int(here)
	}
	return n
}

func finished(h heard) bool {
	end, ok := h.end.(*models.ReplyFinished)
	return ok && end.Status == models.MessageComplete
}

// P43: a guest's running reply becomes the account's without a gap. It is written on
// one instance, claimed on another and followed on all three, by who followed as the
// guest before and by who comes as the account after; each sees every byte once.
func TestAClaimKeepsARunningStream(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b, c := h.open(), h.open(), h.open()
	claimer := b.signIn(viewer.Viewer{}, "ann")
	const n = 150
	pieces := words(n)
	for round, writer := range []*instance{a, c, b} {
		beat := make(chan struct{})
		h.engine.Queue(paced(beat, pieces))
		sent := writer.send(writer.guest(), "go")
		guest, reply := sent.Viewer, sent.Reply.ID
		results := make(chan heard, 6)
		for _, i := range []*instance{a, b, c} {
			go func() { results <- i.follow(guest, reply) }()
		}
		half := make(chan struct{})
		go func() {
			beats(beat, n/3, time.Millisecond)
			close(half)
			beats(beat, n-n/3, 4*time.Millisecond)
		}()
		receive(t, "some of the reply", half)
		for range 3 { // repeating is a no-op
			if v := b.signIn(guest, "ann"); v.OwnerID != claimer.OwnerID {
				t.Fatalf("signed in as %s, not %s", v, claimer)
			}
		}
		for _, i := range []*instance{a, b, c} {
			go func() { results <- i.follow(claimer, reply) }()
		}
		for range 6 {
			got := receive(t, "a follower", results)
			if got.text != all(pieces) || !finished(got) {
				t.Errorf("round %d: %d of %d bytes, %+v", round, len(got.text), len(all(pieces)), got.end)
			}
		}
		m := a.find(claimer, reply)
		if m.Text != all(pieces) || m.Status != models.MessageComplete || m.ConversationID != sent.Conversation.ID {
			t.Errorf("stored %d bytes, %s", len(m.Text), m.Status)
		}
		if left := a.rows(guest.OwnerID); left != 0 {
			t.Errorf("%d rows of the guest are left", left)
		}
		_, err := c.Follower(t.Context(), guest, chat.Follow{ReplyID: reply})
		wantFault(t, err, fault.NotFound)
	}
}

// P43: what the bus loses is found again: the writer goes on with its next checkpoint,
// followers when they ask for more.
func TestAClaimThatNobodyHearsOf(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.drop = func() bool { return true }
	a, b := h.open(), h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(60)))
	sent := a.send(a.guest(), "go")
	b.signIn(viewer.Viewer{}, "ann")
	results := make(chan heard, 2)
	attached := make(chan struct{})
	var once sync.Once
	go func() {
		var got heard
		err := b.followInto(t.Context(), sent.Viewer, sent.Reply.ID, &got, func() bool {
			once.Do(func() { close(attached) })
			return false
		})
		if err != nil {
			t.Error(err)
		}
		results <- got
	}()
	receive(t, "the guest's follower", attached)
	beats(beat, 20, time.Millisecond)
	to := b.signIn(sent.Viewer, "ann")
	go func() { results <- b.follow(to, sent.Reply.ID) }()
	beats(beat, 40, 40*time.Millisecond)
	for range 2 {
		if got := receive(t, "a follower", results); got.text != all(words(60)) || !finished(got) {
			t.Errorf("followed %q, ended %+v", got.text, got.end)
		}
	}
	if m := b.find(to, sent.Reply.ID); m.Text != all(words(60)) || m.Status != models.MessageComplete {
		t.Errorf("stored %q, %s", m.Text, m.Status)
	}
}

// P43: who followed as the guest on another instance sees the end of a reply that ends
// right after the claim.
func TestAReplyThatEndsRightAfterItsClaim(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.open(), h.open()
	b.signIn(viewer.Viewer{}, "ann")
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(20)))
	sent := a.send(a.guest(), "go")
	beats(beat, 10, time.Millisecond)
	followed := make(chan heard, 1)
	some := make(chan struct{})
	var once sync.Once
	go func() {
		var got heard
		if err := b.followInto(t.Context(), sent.Viewer, sent.Reply.ID, &got, func() bool {
			if strings.Contains(got.text, "tök9 ") {
				once.Do(func() { close(some) })
			}
			return false
		}); err != nil {
			t.Error(err)
		}
		followed <- got
	}()
	receive(t, "the follower to catch up", some)
	to := a.signIn(sent.Viewer, "ann")
	beats(beat, 10, time.Millisecond)
	if got := receive(t, "the follower", followed); got.text != all(words(20)) || !finished(got) {
		t.Errorf("followed %q, ended %+v", got.text, got.end)
	}
	if m := b.find(to, sent.Reply.ID); m.Text != all(words(20)) {
		t.Errorf("stored %q", m.Text)
	}
}

// P43: the account stops what the guest began, from any instance.
func TestAMovedReplyIsStopped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.open(), h.open()
	b.signIn(viewer.Viewer{}, "ann")
	for _, i := range []*instance{a, b} {
		h.engine.Queue(inferencetest.Script{inferencetest.Say("some "), inferencetest.Hang()})
		sent := a.send(a.guest(), "go")
		eventually(t, "some text", func() bool { return a.find(sent.Viewer, sent.Reply.ID).Text == "some " })
		to := b.signIn(sent.Viewer, "ann")
		m, err := i.Stop(t.Context(), to, sent.Reply.ID)
		if err != nil || m.Status != models.MessageStopped || m.Text != "some " {
			t.Fatalf("%+v %v", m, err)
		}
		receive(t, "the engine to be let go", h.engine.Cancelled())
	}
}

// P43, F9: an instance that dies after the claim is replaced for the account: what it
// has stored before and after the move is one text.
func TestATakeOverAfterAMove(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.continu = true
	a := h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(100)))
	sent := a.send(a.guest(), "go")
	reply := sent.Reply.ID
	beats(beat, 10, time.Millisecond)
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, a) >= len(all(words(10))) })
	b := h.open()
	b.signIn(viewer.Viewer{}, "ann")
	to := b.signIn(sent.Viewer, "ann")
	beats(beat, 10, time.Millisecond)
	eventually(t, "another checkpoint", func() bool { return checkpointed(t, a) >= len(all(words(20))) })
	followed := make(chan heard, 1)
	go func() { followed <- b.follow(to, reply) }()
	h.engine.Answer(func(r inferencetest.Request) inferencetest.Script {
		if last := r.Messages[len(r.Messages)-1]; last.Content != all(words(20)) {
			t.Errorf("the engine was asked to continue %q", last.Content)
		}
		return inferencetest.Reply("and the rest")
	})
	h.expire(a)
	got := receive(t, "the follower", followed)
	if m := b.find(to, reply); m.Text != all(words(20))+"and the rest" || got.text != m.Text {
		t.Errorf("stored %q, followed %q", m.Text, got.text)
	}
}

// P43: a checkpoint that is being stored while the claim comes is waited for, and moves
// with the rest.
func TestAClaimWaitsForACheckpoint(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.open(), h.open()
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some "), inferencetest.Hang()})
	sent := a.send(a.guest(), "go")
	guest := sent.Viewer
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, a) > 0 })
	claimed := make(chan viewer.Viewer, 1)
	b.signIn(viewer.Viewer{}, "ann")
	err := a.db.Tx(t.Context(), func(tx *gorm.DB) error {
		var run models.Run
		if err := tx.Raw("SELECT * FROM runs WHERE reply_id = ? FOR SHARE", sent.Reply.ID).Scan(&run).Error; err != nil {
			return err
		}
		place := seal.Place{Table: "run_chunks", Column: "body_sealed", Row: run.ID + "/100", Owner: guest.OwnerID}
		piece := models.RunChunk{OwnerID: guest.OwnerID, RunID: run.ID, Seq: 100, BodySealed: guest.Key.SealString(place, "\x00\x04more")}
		if err := tx.Create(&piece).Error; err != nil {
			return err
		}
		go func() { claimed <- b.signIn(guest, "ann") }()
		eventually(t, "the claim to wait", func() (waits bool) {
			err := b.db.Pool().QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')").Scan(&waits)
			return err == nil && waits
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if m := b.find(receive(t, "the claim", claimed), sent.Reply.ID); m.Text != "some more" {
		t.Errorf("stored %q", m.Text)
	}
}

// P43: claims at any moment of a stream whose checkpoints are made all the time.
func TestClaimsWhileCheckpointsAreMade(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.every = 8 * time.Millisecond // each run is stored once in every round of turns
	a, b := h.open(), h.open()
	b.signIn(viewer.Viewer{}, "ann")
	rounds, pieces := 100, words(30)
	if testing.Short() {
		rounds = 20
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 10)
	h.engine.Answer(func(inferencetest.Request) inferencetest.Script {
		return paced(time.NewTicker(time.Millisecond).C, pieces)
	})
	for round := range rounds {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			writer := []*instance{a, b}[round%2]
			sent, err := writer.Send(t.Context(), writer.guest(), chat.Send{ClientID: fmt.Sprint("chaos-", round), Text: "go"})
			if err != nil {
				t.Error(err)
				return
			}
			pause(t.Context(), time.Duration(rand.IntN(50))*time.Millisecond)
			e, err := b.accounts.SignIn(t.Context(), account.SignIn{From: sent.Viewer, Proof: proofOf("ann")})
			if err != nil {
				t.Error(err)
				return
			}
			// What is stored is without holes at any time: another instance reads it.
			for live := true; live; {
				m, err := []*instance{b, a}[round%2].FindMessage(t.Context(), e.Viewer, sent.Reply.ID)
				if err != nil || !strings.HasPrefix(all(pieces), m.Text) {
					t.Errorf("round %d: %+v, %v", round, m, err)
					return
				}
				live = m.Status.Live()
			}
			var got heard
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := []*instance{b, a}[round/2%2].followInto(ctx, e.Viewer, sent.Reply.ID, &got, nil); err != nil {
				t.Error(err)
				return
			}
			m, err := a.FindMessage(t.Context(), e.Viewer, sent.Reply.ID)
			if err != nil || m.Text != all(pieces) || got.text != all(pieces) || m.Status != models.MessageComplete {
				t.Errorf("round %d: followed %q, stored %+v, %v", round, got.text, m, err)
			}
		})
	}
	wg.Wait()
}

func pause(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

// P43: all that a guest has moves, whatever its size and shape: 2,000 messages, in an
// order that its ids don't show.
func TestAClaimMovesEverything(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	i := h.open()
	sent := i.send(i.guest(), "the first")
	i.follow(sent.Viewer, sent.Reply.ID)
	guest := sent.Viewer
	want := i.plant(guest, sent.Conversation.ID, sent.Reply.ID, 1998)
	title := "my words"
	if _, err := i.UpdateConversation(t.Context(), guest, chat.Update{ConversationID: sent.Conversation.ID, Title: &title, Pinned: new(true)}); err != nil {
		t.Fatal(err)
	}
	before, err := i.FindConversation(t.Context(), guest, sent.Conversation.ID)
	if err != nil {
		t.Fatal(err)
	}
	i.signIn(viewer.Viewer{}, "ann")
	to := i.signIn(guest, "ann")
	after, err := i.FindConversation(t.Context(), to, sent.Conversation.ID)
	if err != nil {
		t.Fatal(err)
	}
	if after.Title != title || !after.Pinned || *after.LeafID != *before.LeafID || !after.UpdatedAt.Equal(before.UpdatedAt) || !after.CreatedAt.Equal(before.CreatedAt) {
		t.Errorf("%+v\nwas %+v", after, before)
	}
	for ids := range slices.Chunk(slices.Collect(keys(want)), 500) {
		ms, err := i.FindMessages(t.Context(), to, ids)
		if err != nil {
			t.Fatal(err)
		}
		for n, m := range ms {
			if m == nil || m.Text != want[ids[n]].Text || *m.ParentID != *want[ids[n]].ParentID {
				t.Fatalf("%s: %+v", ids[n], m)
			}
		}
	}
	if left := i.rows(guest.OwnerID); left != 0 {
		t.Errorf("%d rows of the guest are left", left)
	}
	if _, err := i.FindMessage(t.Context(), guest, sent.Reply.ID); !fault.Is(err, fault.NotFound) {
		t.Errorf("the guest still finds its reply: %v", err)
	}
	if list, _, err := i.Conversations(t.Context(), to, chat.List{Page: page.Args{Size: 10}}); err != nil || len(list) != 1 {
		t.Errorf("%d conversations, %v", len(list), err)
	}
}

func keys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// plant writes messages below a reply as a former version might have: a tree whose
// later messages may have earlier ids.
func (i *instance) plant(v viewer.Viewer, conversation, reply string, n int) map[string]models.Message {
	i.t.Helper()
	ids := make([]string, n)
	for k := range ids {
		ids[k] = id.New(id.Message)
	}
	rand.Shuffle(n, func(x, y int) { ids[x], ids[y] = ids[y], ids[x] })
	want := map[string]models.Message{}
	rows := make([]models.Message, n)
	for k, mid := range ids {
		parent := reply
		if k > 0 {
			parent = ids[rand.IntN(k)]
		}
		m := models.Message{OwnerID: v.OwnerID, ID: mid, ConversationID: conversation, ParentID: &parent, Role: models.RoleUser, Status: models.MessageComplete,
			Text: fmt.Sprint("wörd ", k), CreatedAt: time.Now()}
		m.TextSealed = v.Key.SealString(seal.Place{Table: "messages", Column: "text_sealed", Row: m.ID, Owner: v.OwnerID}, m.Text)
		want[mid], rows[k] = m, m
	}
	for k := range rows { // one after the other: parents must be there
		if k%200 == 0 {
			if err := i.db.Gorm(i.t.Context()).Create(rows[k:min(k+200, n)]).Error; err != nil {
				i.t.Fatal(err)
			}
		}
	}
	return want
}

// P43, P66: a request that the guest has made is known when the account repeats it; a
// key that both have used stays the account's.
func TestRequestsAreKnownAfterAClaim(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	i := h.open()
	to := i.signIn(viewer.Viewer{}, "ann")
	own, err := i.Send(t.Context(), to, chat.Send{ClientID: "both", Text: "the account's"})
	if err != nil {
		t.Fatal(err)
	}
	first, err := i.Send(t.Context(), i.guest(), chat.Send{ClientID: "guest-1", Text: "the guest's"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := i.Send(t.Context(), first.Viewer, chat.Send{ClientID: "both", Text: "another of the guest's"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*chat.Sent{own, first, second} {
		i.follow(s.Viewer, s.Reply.ID)
	}
	i.signIn(first.Viewer, "ann")
	asked := len(h.engine.Requests())
	again, err := i.Send(t.Context(), to, chat.Send{ClientID: "guest-1", Text: "the guest's"})
	if err != nil || again.Reply.ID != first.Reply.ID {
		t.Errorf("%+v %v", again, err)
	}
	again, err = i.Send(t.Context(), to, chat.Send{ClientID: "both", Text: "the account's"})
	if err != nil || again.Reply.ID != own.Reply.ID {
		t.Errorf("%+v %v", again, err)
	}
	if m := i.find(to, second.Message.ID); m.Text != "another of the guest's" {
		t.Errorf("%+v", m)
	}
	if n := len(h.engine.Requests()); n != asked {
		t.Errorf("%d requests to the engine more", n-asked)
	}
}

// P43: the account's tabs learn of what joins it, and the guest's feed ends.
func TestFeedsLearnOfAClaim(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a, b := h.open(), h.open()
	to := a.signIn(viewer.Viewer{}, "ann")
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some "), inferencetest.Hang()})
	sent := a.send(a.guest(), "go")
	its, err := b.Events(t.Context(), to, nil)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := a.Events(t.Context(), sent.Viewer, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.signIn(sent.Viewer, "ann")
	var changed, started bool
	for !changed || !started {
		switch e := receive(t, "the account's feed", its).(type) {
		case *models.ConversationChanged:
			changed = e.Conversation.ID == sent.Conversation.ID && e.Conversation.Title == "go"
		case *models.ReplyStarted:
			started = e.Reply.ID == sent.Reply.ID
		}
	}
	eventually(t, "the guest's feed to end", func() bool {
		select {
		case _, more := <-theirs:
			return !more
		default:
			return false
		}
	})
}

// P43: a claim that can't be stored changes nothing, and the guest goes on.
func TestAClaimThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	i := h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(20)))
	sent := i.send(i.guest(), "go")
	to := i.signIn(viewer.Viewer{}, "ann")
	beats(beat, 10, time.Millisecond)
	broken := errors.New("the disk is full")
	err := i.db.Tx(t.Context(), func(tx *gorm.DB) error {
		if err := i.MoveTx(tx, sent.Viewer, to); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	beats(beat, 10, time.Millisecond)
	if got := i.follow(sent.Viewer, sent.Reply.ID); got.text != all(words(20)) {
		t.Errorf("%q", got.text)
	}
	if m := i.find(sent.Viewer, sent.Reply.ID); m.Text != all(words(20)) || i.rows(to.OwnerID) != 0 {
		t.Errorf("%+v, the account has %d rows", m, i.rows(to.OwnerID))
	}
	if err := i.db.Tx(t.Context(), func(tx *gorm.DB) error { return i.MoveTx(tx, i.guest(), to) }); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("somebody without rows was moved: %v", err)
	}
}

// P48: who has a reply being written is active.
func TestRunningRepliesKeepTheirOwnersBusy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	i := h.open()
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some "), inferencetest.Hang()})
	busy := i.send(i.guest(), "go")
	eventually(t, "some text", func() bool { return i.find(busy.Viewer, busy.Reply.ID).Text == "some " })
	idle := i.send(i.guest(), "go")
	i.follow(idle.Viewer, idle.Reply.ID)
	owners := []string{busy.Viewer.OwnerID, idle.Viewer.OwnerID, "own_nobody"}
	got, err := i.BusyTx(i.db.Gorm(t.Context()), owners)
	if err != nil || strings.Join(got, " ") != busy.Viewer.OwnerID {
		t.Errorf("%v %v", got, err)
	}
	counts, err := i.CountTx(i.db.Gorm(t.Context()), owners[1:])
	if err != nil || fmt.Sprint(counts) != "map[conversations:1 messages:2 run_chunks:0 runs:1]" {
		t.Errorf("%v %v", counts, err)
	}
}
