package chat_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// P17: the reply is stored as it was streamed, with usage, before the end is announced.
func TestAReplyIsStreamedAndStored(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	h.engine.Queue(inferencetest.Script{inferencetest.Think("Let me ", "see. "), inferencetest.Say("Hello", ", ", "wörld 🙂"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()})
	sent := i.send(i.guest(), "Hi there")
	v := sent.Viewer
	if v.Kind != viewer.Guest || sent.Conversation.Title != "Hi there" || sent.Message.Text != "Hi there" || sent.Reply.Status != models.MessagePending {
		t.Fatalf("%+v", sent)
	}
	got := i.follow(v, sent.Reply.ID)
	end, ok := got.end.(*models.ReplyFinished)
	if got.text != "Hello, wörld 🙂" || got.reasoning != "Let me see. " || !ok || end.Status != models.MessageComplete {
		t.Fatalf("%+v", got)
	}
	m := i.find(v, sent.Reply.ID)
	if m.Text != got.text || m.Reasoning != got.reasoning || m.Status != models.MessageComplete || m.LastSeq != got.seq || m.FinishReason != "stop" || m.ReasoningMs == 0 {
		t.Fatalf("%+v", m)
	}
	if u := m.Usage(); u == nil || *u != *end.Usage || u.OutputTokens != 5 || u.Estimated {
		t.Fatalf("usage %+v", u)
	}
	// Who comes back with the last position gets the end only; who comes new, all.
	again := heard{text: got.text, reasoning: got.reasoning, seq: got.seq}
	if err := i.followInto(t.Context(), v, m.ID, &again, nil); err != nil || again.snapshots != 0 || again.text != got.text || again.end == nil {
		t.Fatalf("%+v %v", again, err)
	}
	if fresh := i.follow(v, m.ID); fresh.text != got.text || fresh.reasoning != got.reasoning || fresh.seq != got.seq {
		t.Fatalf("%+v", fresh)
	}
}

// F1, F2, F6: reloads, tabs on two instances and lost bus messages change nothing of
// what is seen: each follower pieces the same text together.
func TestFollowersComeAndGoOnTwoInstancesWithLoss(t *testing.T) {
	h := newHouse(t)
	h.drop = func() bool { return rand.IntN(10) < 3 }
	a, b := h.open(), h.open()
	const n = 400
	pieces := words(n)
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, pieces))
	sent := a.send(a.guest(), "go")
	v, id := sent.Viewer, sent.Reply.ID
	var done atomic.Bool
	go func() { beats(beat, n, 5*time.Millisecond); done.Store(true) }()
	var wg sync.WaitGroup
	for f := range 40 {
		i := []*instance{a, b}[f%2]
		wg.Go(func() {
			var got heard
			for reload := 0; got.end == nil; reload++ {
				left := 1 + rand.IntN(20)
				err := i.followInto(t.Context(), v, id, &got, func() bool { left--; return reload < 20 && left == 0 })
				if err != nil {
					t.Errorf("follower %d: %v", f, err)
					return
				}
				if f%3 == 0 && got.end == nil { // a reloaded page knows nothing
					got = heard{}
				}
				i = []*instance{a, b}[rand.IntN(2)]
			}
			if got.text != all(pieces) {
				t.Errorf("follower %d pieced %d of %d bytes together", f, len(got.text), len(all(pieces)))
			}
		})
	}
	wg.Wait()
	if m := b.find(v, id); m.Text != all(pieces) || m.Status != models.MessageComplete {
		t.Errorf("stored %d bytes, %s", len(m.Text), m.Status)
	}
}

// P66: one client id is one message, one reply and one request to the engine.
func TestEqualRequestsAreOneTurn(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	v := i.guest()
	in := chat.Send{ClientID: "same", Text: "once"}
	var mu sync.Mutex
	replies := map[string]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			sent, err := i.Send(t.Context(), v, in)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			replies[sent.Reply.ID+sent.Message.ID+sent.Conversation.ID]++
			v = sent.Viewer
			mu.Unlock()
		})
	}
	wg.Wait()
	if len(replies) != 1 {
		t.Fatalf("%d different turns", len(replies))
	}
	_, err := i.Send(t.Context(), v, chat.Send{ClientID: "same", Text: "another"})
	wantFault(t, err, fault.Conflict)
	for key := range replies {
		i.follow(v, key[:len("msg_")+32])
	}
	if n := len(h.engine.Requests()); n != 1 {
		t.Fatalf("%d requests reached the engine", n)
	}
	if left, _, err := i.accounts.Allowance(t.Context(), v); err != nil || left != h.limit-1 {
		t.Fatalf("%d messages left, %v", left, err)
	}
}

// F7, P62: Stop freezes the text at what was produced, from any instance, and really
// ends the engine's work.
func TestStopFromAnotherInstance(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(50)))
	sent := a.send(a.guest(), "go")
	v, id := sent.Viewer, sent.Reply.ID
	for range 10 {
		beat <- struct{}{}
	}
	eventually(t, "ten tokens", func() bool { return strings.Contains(a.find(v, id).Text, "tök9 ") })
	asked := time.Now()
	m, err := b.Stop(t.Context(), v, id)
	if err != nil {
		t.Fatal(err)
	}
	receive(t, "the engine to see the cancellation", h.engine.Cancelled())
	if d := time.Since(asked); d > 500*time.Millisecond {
		t.Errorf("the engine went on for %v", d)
	}
	if m.Status != models.MessageStopped || m.Text != all(words(10)) || !m.UsageEstimated {
		t.Fatalf("%s %q", m.Status, m.Text)
	}
	if got := b.follow(v, id); got.text != m.Text || got.end.(*models.ReplyFinished).Status != models.MessageStopped {
		t.Fatalf("%+v", got)
	}
	if again, err := a.Stop(t.Context(), v, id); err != nil || again.Text != m.Text {
		t.Fatalf("%v", err)
	}
}

// expire makes an instance dead to the others: what it holds is void and its lease is over.
func (h *house) expire(i *instance) {
	h.t.Helper()
	if err := i.db.Gorm(h.t.Context()).Exec("UPDATE runs SET epoch = epoch + 1, lease_expires_at = now() - interval '1 second' WHERE status = 'RUNNING'").Error; err != nil {
		h.t.Fatal(err)
	}
}

// F4: a run whose owner lost its lease is continued by another instance with an engine
// that can continue; the old owner is fenced off, its followers go on with the new text.
func TestTakeOverContinuesTheSameReply(t *testing.T) {
	h := newHouse(t)
	h.continu = true
	a := h.open()
	first, second := make(chan struct{}), make(chan struct{})
	h.engine.Queue(paced(first, words(100)))
	sent := a.send(a.guest(), "go")
	v, id := sent.Viewer, sent.Reply.ID
	result := make(chan heard, 1)
	go func() { result <- a.follow(v, id) }()
	for range 10 {
		first <- struct{}{}
	}
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, a) >= len(all(words(10))) })
	h.engine.Answer(func(r inferencetest.Request) inferencetest.Script {
		last := r.Messages[len(r.Messages)-1]
		if last.Role != "assistant" || !strings.HasPrefix(all(words(100)), last.Content) {
			t.Errorf("the engine was not asked to continue the prefix but %q", last.Content)
		}
		return append(inferencetest.Script{inferencetest.Wait(second)}, inferencetest.Reply(all(words(20))[len(last.Content):])...)
	})
	b := h.open()
	h.expire(a)
	receive(t, "the old owner to be fenced off", h.engine.Cancelled())
	close(second)
	got := receive(t, "the follower", result)
	if m := b.find(v, id); got.text != all(words(20)) || m.Text != got.text || m.Status != models.MessageComplete {
		t.Fatalf("follower %q, stored %q %s", got.text, m.Text, m.Status)
	}
}

func checkpointed(t *testing.T, i *instance) (n int) {
	t.Helper()
	if err := i.db.Gorm(t.Context()).Raw("SELECT coalesce(max(seq & 16777215), 0) FROM run_chunks").Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// The end of a reply waits for a checkpoint under way: its statement would not see the piece
// that is being stored, and leave it behind.
func TestAnEndLeavesNoCheckpointBehind(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(2)))
	sent := i.send(i.guest(), "go")
	waits := func(part string) bool {
		var n int
		err := i.db.Gorm(t.Context()).Raw("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE ?", "%"+part+"%").Scan(&n).Error
		if err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	tx := i.db.Gorm(t.Context()).Begin()
	if err := tx.Exec("SELECT FROM runs FOR UPDATE").Error; err != nil {
		t.Fatal(err)
	}
	beat <- struct{}{}
	eventually(t, "a checkpoint to wait", func() bool { return waits("INSERT INTO run_chunks") })
	beat <- struct{}{}
	// An end that doesn't wait for the checkpoint waits for the run now.
	for watch := clock.StartStopwatch(); watch.Elapsed() < 300*time.Millisecond && !waits("DELETE FROM run_chunks"); {
		<-time.After(10 * time.Millisecond)
	}
	if err := tx.Rollback().Error; err != nil {
		t.Fatal(err)
	}
	if got := i.follow(sent.Viewer, sent.Reply.ID); got.text != all(words(2)) {
		t.Fatalf("%q", got.text)
	}
	if n := checkpointed(t, i); n != 0 {
		t.Errorf("a piece up to %d was left behind", n)
	}
}

// Without such an engine the reply is left interrupted with its text, and Continue goes on.
func TestTakeOverInterruptsAndContinueGoesOn(t *testing.T) {
	h := newHouse(t)
	a := h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(100)))
	sent := a.send(a.guest(), "go")
	v, id := sent.Viewer, sent.Reply.ID
	for range 10 {
		beat <- struct{}{}
	}
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, a) >= len(all(words(10))) })
	b := h.open()
	h.expire(a)
	got := b.follow(v, id)
	if got.end.(*models.ReplyFinished).Status != models.MessageInterrupted || got.text != all(words(10)) {
		t.Fatalf("%+v", got)
	}
	// A client that saw more than was stored is given the stored text again.
	more := heard{text: got.text + "lost", seq: len(got.text) + 4}
	if err := b.followInto(t.Context(), v, id, &more, nil); err != nil || more.snapshots != 1 || more.text != got.text {
		t.Fatalf("%+v %v", more, err)
	}
	release := make(chan struct{})
	h.engine.Answer(func(r inferencetest.Request) inferencetest.Script {
		return append(inferencetest.Script{inferencetest.Wait(release)}, inferencetest.Reply("and the rest")...)
	})
	m, err := b.Continue(t.Context(), v, id)
	if err != nil || !m.Status.Live() {
		t.Fatalf("%+v %v", m, err)
	}
	if again, err := a.Continue(t.Context(), v, id); err != nil || !again.Status.Live() {
		t.Fatalf("continuing twice: %+v %v", again, err)
	}
	close(release)
	if got := b.follow(v, id); got.text != all(words(10))+"and the rest" {
		t.Fatalf("%q", got.text)
	}
	if m := b.find(v, id); m.Text != all(words(10))+"and the rest" || m.Status != models.MessageComplete {
		t.Fatalf("%+v", m)
	}
	reqs := h.engine.Requests()
	last := reqs[len(reqs)-1].Messages
	if len(last) != 3 || last[1].Role != "assistant" || last[1].Content != all(words(10)) {
		t.Fatalf("%+v", last)
	}
}

// A stop that nobody could be told is obeyed by whoever takes over.
func TestStopOfADeadOwnersRun(t *testing.T) {
	h := newHouse(t)
	h.continu = true
	a := h.open()
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some "), inferencetest.Hang()})
	sent := a.send(a.guest(), "go")
	v, id := sent.Viewer, sent.Reply.ID
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, a) > 0 })
	if err := a.db.Gorm(t.Context()).Exec("UPDATE runs SET instance_id = 'ins_gone', epoch = epoch + 1, stop_requested = true, lease_expires_at = now() - interval '1 s'").Error; err != nil {
		t.Fatal(err)
	}
	b := h.open()
	if got := b.follow(v, id); got.text != "some " || got.end.(*models.ReplyFinished).Status != models.MessageStopped {
		t.Fatalf("%+v", got)
	}
}

// A run that this instance took and could not begin is nobody's: its lease ends although
// the instance is alive and renews others, and then somebody takes it.
func TestARunThatWasTakenAndNotBegunIsTakenAgain(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	sent := i.send(i.guest(), "one")
	v, id := sent.Viewer, sent.Reply.ID
	i.follow(v, id)
	h.engine.Queue(inferencetest.Script{inferencetest.Say("busy"), inferencetest.Hang()})
	i.send(v, "two")
	for _, sql := range []string{
		"UPDATE runs SET status = 'RUNNING', epoch = epoch + 1, lease_expires_at = now() + interval '1 second' WHERE reply_id = ?",
		"UPDATE messages SET status = 'PENDING', finished_at = NULL WHERE id = ?",
	} {
		if err := i.db.Gorm(t.Context()).Exec(sql, id).Error; err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the run to be ended", func() bool { return i.find(v, id).Status == models.MessageInterrupted })
}

// SIGTERM: a run that does not end in time is handed over at once, not after its lease.
func TestDrainHandsRunsOver(t *testing.T) {
	h := newHouse(t)
	h.continu = true
	a := h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(100)))
	sent := a.send(a.guest(), "go")
	v, id := sent.Viewer, sent.Reply.ID
	for range 10 {
		beat <- struct{}{}
	}
	eventually(t, "ten tokens", func() bool { return strings.Contains(a.find(v, id).Text, "tök9 ") })
	b := h.open()
	h.engine.Answer(func(r inferencetest.Request) inferencetest.Script { return inferencetest.Reply("end") })
	began := time.Now()
	a.close()
	_, err := a.Send(t.Context(), v, chat.Send{ClientID: clientID(), Text: "late"})
	wantFault(t, err, fault.ShuttingDown)
	if got := b.follow(v, id); got.text != all(words(10))+"end" {
		t.Fatalf("%q", got.text)
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("handing over took %v, as long as a lease", d)
	}
}

// A drain lets runs end that end in time.
func TestDrainWaitsForRuns(t *testing.T) {
	h := newHouse(t)
	a := h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(3)))
	sent := a.send(a.guest(), "go")
	go func() {
		for range 3 {
			beat <- struct{}{}
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	a.Drain(ctx)
	if m := a.find(sent.Viewer, sent.Reply.ID); m.Status != models.MessageComplete || m.Text != all(words(3)) {
		t.Fatalf("%+v", m)
	}
	a.closed = true
	a.Close()
}

// The engine's failures are kept with the reply as typed errors; text so far is kept.
func TestEngineFailuresAreTypedAndRetriable(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	first := i.send(i.guest(), "hello")
	v := first.Viewer
	i.follow(v, first.Reply.ID)
	for _, c := range []struct {
		name   string
		script inferencetest.Script
		code   fault.Code
		text   string
	}{
		{"refused key", inferencetest.Refuse(401, `{"error":{"message":"bad key"}}`), fault.UpstreamAuth, ""},
		{"no such model", inferencetest.Refuse(404, `{"error":{"message":"no such model"}}`), fault.ModelUnavailable, ""},
		{"no such address", inferencetest.Refuse(405, ``), fault.UpstreamFailed, ""},
		{"too large", inferencetest.Refuse(413, ``), fault.ContextTooLong, ""},
		{"busy", inferencetest.Refuse(429, `{"error":{"message":"slow down"}}`, "Retry-After", "7"), fault.UpstreamRateLimit, ""},
		{"broken", inferencetest.Refuse(500, `<html>oops</html>`), fault.UpstreamFailed, ""},
		{"cut", inferencetest.Script{inferencetest.Say("half a "), inferencetest.Cut()}, fault.UpstreamFailed, "half a "},
	} {
		h.engine.Queue(c.script)
		sent := i.send(v, c.name)
		got := i.follow(v, sent.Reply.ID)
		end, ok := got.end.(*models.ReplyFailed)
		m := i.find(v, sent.Reply.ID)
		if !ok || end.Error.Code != models.ErrorCode(c.code) || got.text != c.text || m.Status != models.MessageFailed || m.Text != c.text || m.Error().Message != end.Error.Message {
			t.Errorf("%s: %+v %+v", c.name, got.end, m)
		}
		if c.code == fault.UpstreamRateLimit && (end.Error.RetryAfterMs == nil || *end.Error.RetryAfterMs != 7000) {
			t.Errorf("%s: no time to wait", c.name)
		}
		if c.text == "" && m.OutputTokens != 0 {
			t.Errorf("%s: %d tokens for nothing", c.name, m.OutputTokens)
		}
		again, err := i.Regenerate(t.Context(), v, chat.Regenerate{ClientID: clientID(), ReplyID: m.ID})
		if err != nil {
			t.Fatal(err)
		}
		if got := i.follow(v, again.Reply.ID); got.text == "" || again.Message.ID != sent.Message.ID {
			t.Errorf("%s: no second reply", c.name)
		}
	}
}

// Reasoning and text may come mixed; a client of the live stream and one that comes
// after the end see the same.
func TestMixedReasoningAndText(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	release := make(chan struct{})
	h.engine.Queue(inferencetest.Script{inferencetest.Think("a"), inferencetest.Say("b"), inferencetest.Wait(release), inferencetest.Think("c"), inferencetest.Say("d"), inferencetest.Finish("stop"), inferencetest.Done()})
	sent := i.send(i.guest(), "go")
	var half heard
	if err := i.followInto(t.Context(), sent.Viewer, sent.Reply.ID, &half, func() bool { return half.text == "b" }); err != nil {
		t.Fatal(err)
	}
	close(release)
	got := i.follow(sent.Viewer, sent.Reply.ID)
	if err := i.followInto(t.Context(), sent.Viewer, sent.Reply.ID, &half, nil); err != nil {
		t.Fatal(err)
	}
	if got.text != "bd" || got.reasoning != "ac" || half.text != "bd" || half.reasoning != "ac" {
		t.Fatalf("%+v %+v", got, half)
	}
}

// A slow follower gets more at once; windows bound the number of events.
func TestDeltasMerge(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	beat := make(chan struct{})
	h.engine.Queue(paced(beat, words(200)))
	sent := i.send(i.guest(), "go")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	slow, err := i.Follow(ctx, sent.Viewer, chat.Follow{ReplyID: sent.Reply.ID})
	if err != nil {
		t.Fatal(err)
	}
	wide, err := i.Follow(ctx, sent.Viewer, chat.Follow{ReplyID: sent.Reply.ID, Window: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	var wideHeard heard
	deltas := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for e := range wide {
			if _, ok := e.(*models.ReplyDelta); ok {
				deltas++
			}
			if err := wideHeard.apply(e); err != nil {
				t.Error(err)
			}
		}
	}()
	began := time.Now()
	beats(beat, 200, 2*time.Millisecond)
	receive(t, "the follower with a window", done)
	if most := int(time.Since(began)/(100*time.Millisecond)) + 2; deltas > most || wideHeard.text != all(words(200)) {
		t.Errorf("%d deltas in %v, %d bytes", deltas, time.Since(began), len(wideHeard.text))
	}
	var slowHeard heard
	n := 0
	for e := range slow { // reads only now
		n++
		if err := slowHeard.apply(e); err != nil {
			t.Error(err)
		}
	}
	if n > 5 || slowHeard.text != all(words(200)) {
		t.Errorf("%d events, %d bytes", n, len(slowHeard.text))
	}
}

func TestPositionsBeyondTheEndAreRefused(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	sent := i.send(i.guest(), "go")
	got := i.follow(sent.Viewer, sent.Reply.ID)
	for _, at := range []int{got.seq + 1, -1, 1 << 30} {
		_, err := i.Follow(t.Context(), sent.Viewer, chat.Follow{ReplyID: sent.Reply.ID, AfterSeq: &at})
		wantFault(t, err, fault.Invalid)
	}
	_, err := i.Follow(t.Context(), sent.Viewer, chat.Follow{ReplyID: sent.Reply.ID, Window: time.Hour})
	wantFault(t, err, fault.Invalid)
	_, err = i.Follow(t.Context(), sent.Viewer, chat.Follow{ReplyID: sent.Message.ID})
	wantFault(t, err, fault.NotFound)
}

// P80, R-CRYPT: what people and models write, and titles, are nowhere in a dump.
func TestADumpHoldsNoPlaintext(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	const asked, thought, said, title = "canary-question", "canary-thought", "canary-answer", "canary-title"
	release := make(chan struct{})
	h.engine.Queue(inferencetest.Script{inferencetest.Think(thought), inferencetest.Say(said), inferencetest.Wait(release), inferencetest.Finish("stop"), inferencetest.Done()})
	sent := i.send(i.guest(), asked)
	name := title
	if _, err := i.UpdateConversation(t.Context(), sent.Viewer, chat.Update{ConversationID: sent.Conversation.ID, Title: &name}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a checkpoint", func() bool { return checkpointed(t, i) >= len(thought+said) })
	search := func(when string) {
		dump := dbtest.Dump(t, i.db)
		if !strings.Contains(dump, sent.Reply.ID) {
			t.Fatal("the dump does not hold the reply at all")
		}
		for _, canary := range []string{asked, thought, said, title} {
			if strings.Contains(dump, canary) {
				t.Errorf("%s: %q is in the dump", when, canary)
			}
		}
	}
	search("running")
	close(release)
	i.follow(sent.Viewer, sent.Reply.ID)
	search("ended")
	if m := i.find(sent.Viewer, sent.Reply.ID); m.Text != said || m.Reasoning != thought {
		t.Fatalf("%+v", m)
	}
}

// Deleting a conversation while its reply streams ends the stream and leaves no row.
func TestDeleteWhileStreaming(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some"), inferencetest.Hang()})
	sent := a.send(a.guest(), "go")
	v := sent.Viewer
	events, err := b.Events(t.Context(), v, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteConversation(t.Context(), v, sent.Conversation.ID); err != nil {
		t.Fatal(err)
	}
	receive(t, "the engine to see the cancellation", h.engine.Cancelled())
	for {
		e := receive(t, "the deletion's event", events)
		if d, ok := e.(*models.ConversationDeleted); ok {
			if d.ConversationID != sent.Conversation.ID {
				t.Error("another conversation's id")
			}
			break
		}
	}
	for _, table := range []string{"conversations", "messages", "runs", "run_chunks"} {
		var n int
		if err := a.db.Gorm(t.Context()).Raw("SELECT count(*) FROM " + table).Scan(&n).Error; err != nil || n != 0 {
			t.Errorf("%d rows in %s, %v", n, table, err)
		}
	}
	_, err = a.Follow(t.Context(), v, chat.Follow{ReplyID: sent.Reply.ID})
	wantFault(t, err, fault.NotFound)
}

// An event that can't be told ends its subscription, so that the page reads anew: it would
// show the state of before until it is reloaded.
func TestAnEventThatCannotBeLoadedEndsItsFollower(t *testing.T) {
	h := newHouse(t)
	a := h.open()
	sent := a.send(a.guest(), "go")
	a.follow(sent.Viewer, sent.Reply.ID)
	events, err := a.Events(t.Context(), sent.Viewer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.db.Gorm(t.Context()).Exec("ALTER TABLE messages RENAME TO away").Error; err != nil {
		t.Fatal(err)
	}
	if err := a.bus.Publish("owner."+sent.Viewer.OwnerID, []byte(`{"kind": "ended", "conversation": "`+sent.Conversation.ID+`", "reply": "`+sent.Reply.ID+`"}`)); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case _, more := <-events:
			if !more {
				return
			}
		case <-time.After(patience):
			t.Fatal("the subscription goes on")
		}
	}
}

// A generated title replaces the first words, but never one that the owner chose.
func TestTitles(t *testing.T) {
	h := newHouse(t)
	h.titles = true
	i := h.open()
	h.engine.Answer(func(r inferencetest.Request) inferencetest.Script {
		if r.Stream {
			return inferencetest.Reply("An answer.")
		}
		return inferencetest.Reply("\"A fine title.\"")
	})
	sent := i.send(i.guest(), "What is this?")
	v := sent.Viewer
	i.follow(v, sent.Reply.ID)
	eventually(t, "the title", func() bool {
		c, err := i.FindConversation(t.Context(), v, sent.Conversation.ID)
		return err == nil && c.Title == "A fine title"
	})
}

// Whoever follows is rung for once for each event, when it is there, and once at the end:
// when its context is over, the room closes, or it doesn't take what comes.
func TestEachEventIsRungFor(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	sent := i.send(i.guest(), "go")
	v := sent.Viewer
	i.follow(v, sent.Reply.ID)
	follow := func(ctx context.Context) (<-chan models.ViewerEvent, func() (models.ViewerEvent, bool)) {
		rings := make(chan struct{}, 1000)
		events, err := i.Events(ctx, v, func() { rings <- struct{}{} })
		if err != nil {
			t.Fatal(err)
		}
		return events, func() (models.ViewerEvent, bool) {
			receive(t, "a ring", rings)
			select {
			case e, more := <-events:
				return e, more
			default:
				t.Fatal("rung for nothing")
				return nil, false
			}
		}
	}
	rename := func(title string) {
		if _, err := i.UpdateConversation(t.Context(), v, chat.Update{ConversationID: sent.Conversation.ID, Title: &title}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, next := follow(ctx)
	_, beside := follow(t.Context())
	for _, title := range []string{"one", "two", "three"} {
		rename(title)
		for _, next := range []func() (models.ViewerEvent, bool){next, beside} {
			e, _ := next()
			for _, ended := e.(*models.ReplyEnded); ended; _, ended = e.(*models.ReplyEnded) { // of the reply before
				e, _ = next()
			}
			if c, ok := e.(*models.ConversationChanged); !ok || c.Conversation.Title != title {
				t.Fatalf("%+v", e)
			}
		}
	}
	cancel()
	if e, more := next(); more {
		t.Fatalf("%+v after the end", e)
	}
	silent, _ := follow(t.Context())
	for n := range 200 {
		rename("title " + strconv.Itoa(n))
	}
	eventually(t, "the one that takes nothing to be let go", func() bool {
		select {
		case _, more := <-silent:
			return !more
		default:
			return false
		}
	})
	i.close()
	for _, more := beside(); more; _, more = beside() {
	}
}

func TestVisitorsHaveNothingToFollow(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	_, err := i.Events(t.Context(), i.guest(), nil)
	wantFault(t, err, fault.Unauthenticated)
	_, err = i.Send(t.Context(), viewer.Viewer{}, chat.Send{ClientID: "x", Text: "hi"})
	if _, ok := fault.Of(err); !ok || errors.Is(err, context.Canceled) {
		t.Fatalf("nobody could send: %v", err)
	}
}

// A database that goes away in the middle costs nothing: the stream goes on, readers
// are told what to do, and the end is stored when it is back.
func TestTheDatabaseGoesAwayMidStream(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	beat := make(chan struct{})
	pieces := words(60)
	h.engine.Queue(paced(beat, pieces))
	sent := i.send(i.guest(), "go")
	v, id := sent.Viewer, sent.Reply.ID
	result := make(chan heard, 1)
	go func() { result <- i.follow(v, id) }()
	beats(beat, 20, time.Millisecond)
	admin, err := pgx.Connect(t.Context(), dbtest.Admin(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(t.Context())) }()
	name := i.db.Pool().Config().ConnConfig.Database
	do := func(sql string, args ...any) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	do(`ALTER DATABASE "` + name + `" ALLOW_CONNECTIONS false`)
	do(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, name)
	beats(beat, 40, 10*time.Millisecond)
	_, err = i.Send(t.Context(), v, chat.Send{ClientID: "while away", Text: "hello?"})
	wantFault(t, err, fault.StorageUnavailable)
	_, _, err = i.Conversations(t.Context(), v, chat.List{Page: page.Args{Size: 5}})
	wantFault(t, err, fault.StorageUnavailable)
	_, err = i.FindConversation(t.Context(), v, sent.Conversation.ID)
	wantFault(t, err, fault.StorageUnavailable)
	do(`ALTER DATABASE "` + name + `" ALLOW_CONNECTIONS true`)
	if got := receive(t, "the end of the reply", result); got.text != all(pieces) {
		t.Fatalf("%d of %d bytes", len(got.text), len(all(pieces)))
	}
	if m := i.find(v, id); m.Text != all(pieces) || m.Status != models.MessageComplete {
		t.Fatalf("%+v", m)
	}
	if sent, err := i.Send(t.Context(), v, chat.Send{ClientID: "while away", Text: "hello?"}); err != nil || sent.Message.Text != "hello?" {
		t.Fatalf("sending again: %v", err)
	}
}
