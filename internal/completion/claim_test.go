package completion_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/models"
)

// kept counts the rows of an owner.
func (c *customer) kept() (rows []models.Completion) {
	c.i.t.Helper()
	if err := c.i.db.Gorm(c.i.t.Context()).Where("owner_id = ?", c.OwnerID).Find(&rows).Error; err != nil {
		c.i.t.Fatal(err)
	}
	return rows
}

// retryIn is when a refusal lets its caller come again.
func retryIn(t *testing.T, err error) time.Duration {
	t.Helper()
	var f *fault.Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v, want a fault", err)
	}
	return f.RetryAfter
}

// P66: fifty retries of one request at once, on two instances: the engine is asked once,
// one is charged, and all who come back hear the same.
func TestRetriesWithOneKeyAreOneRequest(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	c := a.customer("retrier", 10_000_000)
	release := make(chan struct{})
	h.engine.Queue(append(inferencetest.Script{inferencetest.Wait(release), inferencetest.Think("hm")}, inferencetest.ToolCall(0, "functions.f:0", "f", "{", "}"), inferencetest.Say("the answer"),
		inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()))
	var busy atomic.Int64
	answers := make([]heard, 50)
	together(50, func(n int) {
		i := []*instance{a, b}[n%2]
		for {
			run, err := i.Begin(t.Context(), c.Viewer, keyed("key", "go"))
			if err == nil {
				answers[n] = stream(t.Context(), run, nil)
				return
			}
			wantFault(t, err, fault.Conflict)
			if retryIn(t, err) <= 0 {
				t.Error("who comes too early isn't told to come again")
				return
			}
			if busy.Add(1) == 49 {
				close(release)
			}
		}
	})
	fresh := 0
	for _, got := range answers {
		if !got.run.Replayed {
			fresh++
			if got.out.Credits == 0 {
				t.Error("the first cost nothing")
			}
		} else if got.out.Credits != 0 {
			t.Errorf("a replay cost %d", got.out.Credits)
		}
		if got.err != nil || got.text != "the answer" || got.reasoning != "hm" || len(got.calls) == 0 || got.run.ID != answers[0].run.ID || !got.run.CreatedAt.Equal(answers[0].run.CreatedAt) ||
			got.out.FinishReason != answers[0].out.FinishReason || got.out.Usage != answers[0].out.Usage || got.run.Model.ID != "kimi-k2" {
			t.Errorf("%+v", got)
		}
	}
	if fresh != 1 || len(h.engine.Requests()) != 1 {
		t.Errorf("%d were fresh, %d requests reached the engine", fresh, len(h.engine.Requests()))
	}
	c.only()
	if rows := c.kept(); len(rows) != 1 || bytes.Contains(rows[0].AnswerSealed, []byte("answer")) || rows[0].HoldID == "" {
		t.Errorf("%+v", rows)
	}
}

// P66: a key belongs to one request, of one API key.
func TestAKeyBelongsToOneRequest(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("mixer", 10_000_000)
	first := i.ask(t.Context(), c.Viewer, keyed("key", "go"))
	_, err := i.Begin(t.Context(), c.Viewer, keyed("key", "something else"))
	wantFault(t, err, fault.Conflict)
	if retryIn(t, err) != 0 {
		t.Error("told to come again with another request")
	}
	_, other := i.newKey(c.owner, apikey.Create{Name: "other"})
	if got := i.ask(t.Context(), other, keyed("key", "go")); got.run.Replayed || got.run.ID == first.run.ID {
		t.Error("another API key got the answer")
	}
	if got := i.ask(t.Context(), c.Viewer, saying("go")); got.run.Replayed {
		t.Error("a request without a key is a replay")
	}
}

// P66: what failed before anything was delivered runs anew; what was charged is replayed as
// far as it went, and never charged again.
func TestFailuresAreRetriedOrReplayed(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("unlucky", 10_000_000)
	h.engine.Queue(inferencetest.Refuse(500, `{"error":{"message":"no"}}`))
	first := i.ask(t.Context(), c.Viewer, keyed("early", "go"))
	wantFault(t, first.err, fault.UpstreamFailed)
	if len(c.kept()) != 0 {
		t.Error("a failure without an answer is kept")
	}
	again := i.ask(t.Context(), c.Viewer, keyed("early", "go"))
	if again.err != nil || again.run.Replayed || again.run.ID == first.run.ID || again.out.Credits == 0 {
		t.Errorf("%+v", again)
	}
	h.engine.Queue(inferencetest.Script{inferencetest.Say("half an"), inferencetest.Cut()})
	half := i.ask(t.Context(), c.Viewer, keyed("late", "go"))
	wantFault(t, half.err, fault.UpstreamFailed)
	replay := i.ask(t.Context(), c.Viewer, keyed("late", "go"))
	wantFault(t, replay.err, fault.UpstreamFailed)
	if !replay.run.Replayed || replay.text != "half an" || replay.out.Credits != 0 || replay.run.ID != half.run.ID || !reflect.DeepEqual(replay.out.Usage, half.out.Usage) || half.out.Credits == 0 {
		t.Errorf("%+v after %+v", replay, half)
	}
	closed, err := i.Begin(t.Context(), c.Viewer, keyed("closed", "go"))
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if got := i.ask(t.Context(), c.Viewer, keyed("closed", "go")); got.run.Replayed || got.err != nil {
		t.Errorf("%+v after a request that was given up", got)
	}
	if rows := c.settled(4); rows[0].Credits != 0 {
		t.Errorf("%+v", rows[0])
	}
}

// P66: who went away before the end gets, under the same key, what was charged by then, as
// an answer that ended early; who went before anything came asks anew.
func TestWhatWasChargedIsGivenAgainToWhoWentAway(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	for name, whole := range map[string]bool{"whole": true, "streamed": false} {
		c := i.customer(name, 10_000_000)
		r := keyed("key", "go")
		r.Whole = whole
		for _, said := range []string{"", "half an"} {
			h.engine.Queue(inferencetest.Script{inferencetest.Begin(), inferencetest.Say(said), inferencetest.Hang()})
			run, err := i.Begin(t.Context(), c.Viewer, r)
			if err != nil || run.Replayed {
				t.Fatalf("%s: replayed %v, %v", name, run.Replayed, err)
			}
			ctx, leave := context.WithCancel(t.Context())
			if said == "" {
				time.AfterFunc(50*time.Millisecond, leave)
			}
			gone := stream(ctx, run, func(inference.Delta) error { time.AfterFunc(50*time.Millisecond, leave); return nil })
			leave()
			wantFault(t, gone.err, fault.Interrupted)
			if charged := gone.out.Credits > 0; charged != (said != "") {
				t.Errorf("%s: %q cost %d", name, said, gone.out.Credits)
			}
		}
		again := i.ask(t.Context(), c.Viewer, r)
		wantFault(t, again.err, fault.Interrupted)
		if !again.run.Replayed || again.text != "half an" || again.out.FinishReason != "length" || again.out.Usage.OutputTokens == 0 || again.out.Credits != 0 {
			t.Errorf("%s: replayed %v, %+v", name, again.run.Replayed, again)
		}
	}
}

// A refused request leaves its key free.
func TestARefusalLeavesTheKeyFree(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("poor", 0)
	_, err := i.Begin(t.Context(), c.Viewer, keyed("key", "go"))
	wantFault(t, err, fault.InsufficientCredits)
	if len(c.kept()) != 0 {
		t.Error("the key is taken")
	}
}

// P64, P66: the claim and the hold of an instance that died are free once their leases have
// ended; if it lives after all, it charges nothing.
func TestADeadInstancesClaimIsTakenOver(t *testing.T) {
	h := newHouse(t)
	release := make(chan struct{})
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some words"), inferencetest.Wait(release), inferencetest.Finish("stop"), inferencetest.Done()})
	h.change = func(c *completion.Config) { c.Tick = time.Hour } // it renews nothing, as if it were gone
	dead := h.open()
	c := dead.customer("survivor", 10_000_000)
	run, err := dead.Begin(t.Context(), c.Viewer, keyed("key", "go"))
	if err != nil {
		t.Fatal(err)
	}
	said, ended := make(chan struct{}), make(chan heard, 1)
	go func() {
		ended <- stream(t.Context(), run, func(inference.Delta) error { close(said); return nil })
	}()
	inferencetest.Await(t, said, "the first words")
	h.change = nil
	alive := h.open()
	_, err = alive.Begin(t.Context(), c.Viewer, keyed("key", "go"))
	wantFault(t, err, fault.Conflict)
	h.ahead.Store(int64(2 * time.Minute))
	got := alive.ask(t.Context(), c.Viewer, keyed("key", "go"))
	if got.err != nil || got.run.Replayed || got.run.ID == run.ID {
		t.Errorf("%+v", got)
	}
	close(release)
	if late := inferencetest.Await(t, ended, "the late end"); late.out.Credits != 0 {
		t.Errorf("the fenced one charged %d", late.out.Credits)
	}
	if again := alive.ask(t.Context(), c.Viewer, keyed("key", "go")); !again.run.Replayed || again.run.ID != got.run.ID {
		t.Errorf("%+v", again)
	}
	if rows := c.settled(2); rows[0].Credits+rows[1].Credits != got.out.Credits {
		t.Errorf("%+v", rows)
	}
}

// The only instance frees what a former process was answering when it starts.
func TestTheOnlyInstanceFreesClaimsAtStart(t *testing.T) {
	h := newHouse(t)
	dead := h.open()
	c := dead.customer("restarter", 10_000_000)
	run, err := dead.Begin(t.Context(), c.Viewer, keyed("key", "go"))
	if err != nil {
		t.Fatal(err)
	}
	defer run.Close()
	h.change = func(c *completion.Config) { c.Sole = true }
	if got := h.open().ask(t.Context(), c.Viewer, keyed("key", "go")); got.err != nil || got.run.Replayed {
		t.Errorf("%+v", got)
	}
}

// P64: a hold of an instance that died is given back after its lease, and not before; one
// that is at work keeps its hold however long it takes.
func TestAHoldEndsWithItsLease(t *testing.T) {
	h := newHouse(t)
	a := h.open()
	c := a.customer("sleeper", 10_000_000)
	release := make(chan struct{})
	slow := append(inferencetest.Script{inferencetest.Wait(release)}, inferencetest.Reply("done")...)
	h.engine.Queue(slow)
	ended := make(chan heard, 1)
	run, err := a.Begin(t.Context(), c.Viewer, saying("go"))
	if err != nil {
		t.Fatal(err)
	}
	go func() { ended <- stream(t.Context(), run, nil) }()
	inferencetest.Await(t, h.engine.Started(), "the engine to be asked")
	// What a dead instance leaves: a hold without a run.
	err = a.db.Tx(t.Context(), func(tx *gorm.DB) error {
		_, err := a.books.HoldTx(tx, c.Viewer, models.HoldAsk{Price: standard, PromptTokens: 1, OutputTokens: 1})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	held := c.balance().Held
	sweep := func() (voided int) {
		voided, _, err := a.books.Sweep(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return voided
	}
	if sweep() != 0 || c.balance().Held != held {
		t.Error("a hold was given back before its lease ended")
	}
	h.ahead.Store(int64(3 * time.Minute))
	if sweep() != 1 || c.balance().Held != firstHold("go") {
		t.Errorf("%+v is held after the sweep", c.balance())
	}
	close(release)
	if got := inferencetest.Await(t, ended, "the end"); got.err != nil || got.out.Credits == 0 {
		t.Errorf("%+v", got)
	}
	c.only()
}

// Leases are renewed while a request is answered.
func TestLeasesAreRenewed(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("patient", 10_000_000)
	release := make(chan struct{})
	h.engine.Queue(append(inferencetest.Script{inferencetest.Wait(release)}, inferencetest.Reply("done")...))
	run, err := i.Begin(t.Context(), c.Viewer, keyed("key", "go"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan heard, 1)
	go func() { ended <- stream(t.Context(), run, nil) }()
	inferencetest.Await(t, h.engine.Started(), "the engine to be asked")
	until := func() (hold, claim time.Time) {
		row := c.kept()[0]
		if err := i.db.Gorm(t.Context()).Raw(`SELECT expires_at FROM ledger_holds WHERE id = ?`, row.HoldID).Scan(&hold).Error; err != nil {
			t.Fatal(err)
		}
		return hold, row.LeaseExpiresAt
	}
	hold, claim := until()
	h.ahead.Store(int64(25 * time.Second))
	eventually(t, "the leases to be renewed", func() bool {
		nowHold, nowClaim := until()
		return nowHold.Sub(hold) > 20*time.Second && nowClaim.Sub(claim) > 20*time.Second
	})
	close(release)
	if got := inferencetest.Await(t, ended, "the end"); got.err != nil {
		t.Error(got.err)
	}
}

// Kept answers are given again for a day and not a moment longer; they go with their owner.
func TestAnswersAreKeptForADay(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("keeper", 10_000_000)
	first := i.ask(t.Context(), c.Viewer, keyed("key", "go"))
	h.ahead.Store(int64(completion.KeptFor - time.Minute))
	if got := i.ask(t.Context(), c.Viewer, keyed("key", "go")); !got.run.Replayed {
		t.Errorf("%+v within the day", got)
	}
	h.ahead.Store(int64(completion.KeptFor + time.Minute))
	if got := i.ask(t.Context(), c.Viewer, keyed("key", "something else")); got.run.Replayed || got.run.ID == first.run.ID {
		t.Errorf("%+v after the day", got)
	}
	h.ahead.Store(int64(2*completion.KeptFor + 2*time.Minute))
	i.ask(t.Context(), c.Viewer, keyed("key", "go"))
	if err := i.db.Gorm(t.Context()).Exec(`DELETE FROM owners WHERE id = ?`, c.OwnerID).Error; err != nil {
		t.Fatal(err)
	}
	if len(c.kept()) != 0 {
		t.Error("answers outlive their owner")
	}
}

// An answer in a thousand pieces is kept in few, and given again as it was.
func TestLongAnswersAreKeptWhole(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("reader", 100_000_000)
	var pieces []string
	for n := range 2000 {
		pieces = append(pieces, fmt.Sprintf("wörd%d ", n))
	}
	h.engine.Queue(append(inferencetest.Script{inferencetest.Think("a", "b")}, inferencetest.Reply(pieces...)...))
	first := i.ask(t.Context(), c.Viewer, keyed("key", "go"))
	count := 0
	run, err := i.Begin(t.Context(), c.Viewer, keyed("key", "go"))
	if err != nil {
		t.Fatal(err)
	}
	again := stream(context.Background(), run, func(inference.Delta) error { count++; return nil })
	if again.text != first.text || again.text != strings.Join(pieces, "") || again.reasoning != "ab" || count > 10 {
		t.Errorf("%d bytes in %d pieces", len(again.text), count)
	}
}

// forgetful is money that loses the settlement after the answer was written.
type forgetful struct{ completion.Money }

func (forgetful) SettleTx(*gorm.DB, models.Settlement) (models.Charge, error) {
	return models.Charge{}, errLost
}

// P66: there is no kept answer without its charge: what could not be settled is asked anew.
func TestAnAnswerIsKeptWithItsCharge(t *testing.T) {
	h := newHouse(t)
	h.change = func(c *completion.Config) { c.Money = forgetful{c.Money} }
	broken := h.open()
	c := broken.customer("exact", 10_000_000)
	got := broken.ask(t.Context(), c.Viewer, keyed("key", "go"))
	wantFault(t, got.err, fault.StorageUnavailable)
	if rows := c.kept(); len(rows) != 1 || rows[0].Status != models.CompletionRunning || rows[0].AnswerSealed != nil {
		t.Errorf("%+v", rows)
	}
	h.change = nil
	h.ahead.Store(int64(3 * time.Minute))
	whole := h.open()
	again := whole.ask(t.Context(), c.Viewer, keyed("key", "go"))
	if again.err != nil || again.run.Replayed {
		t.Errorf("%+v", again)
	}
	if r := c.only(); r.Credits != again.out.Credits {
		t.Errorf("%+v", r)
	}
}
