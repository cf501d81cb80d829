package chat_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/models"
)

// long says more than half a slice of tokens per beat.
func long(beat <-chan struct{}, n int) (s inferencetest.Script, text string) {
	piece := strings.Repeat("abc ", 600) // 600 tokens by our own count
	for range n {
		s = append(s, inferencetest.Wait(beat), inferencetest.Say(piece))
		text += piece
	}
	return append(s, inferencetest.Finish("stop"), inferencetest.Done()), text
}

// P60: a long reply's hold grows before it is used up; what isn't used comes back.
func TestALongReplyExtendsItsHold(t *testing.T) {
	h := newShop(t)
	i := h.open()
	c := i.customer("novelist", 10_000_000)
	beat := make(chan struct{})
	script, text := long(beat, 4)
	h.engine.Queue(script)
	sent := i.send(c.Viewer, "go")
	for n := range int64(4) {
		beat <- struct{}{}
		atLeast := firstHold("go") + 10*1024*((n*600+600+511)/1024)
		eventually(t, "the hold to grow", func() bool { return c.balance().Held >= atLeast })
	}
	if got := i.follow(c.Viewer, sent.Reply.ID); !finished(got) {
		t.Fatalf("%+v", got.end)
	}
	if r := c.only(); r.Credits != costs(promptOf("go"), 0, tokensOf(text)) || r.OutputTokens != 2400 {
		t.Errorf("%+v", r)
	}
}

// P63, P67: a reply whose next slice the wallet doesn't cover ends there: its text is
// kept, and what is charged is never more than what was held.
func TestAReplyEndsWhenTheCreditsDo(t *testing.T) {
	h := newShop(t)
	i := h.open()
	c := i.customer("pauper", firstHold("go")+10*1024)
	beat := make(chan struct{}, 3)
	script, text := long(beat, 3)
	h.engine.Queue(append(script[:6], inferencetest.Hang()))
	sent := i.send(c.Viewer, "go")
	beat <- struct{}{}
	eventually(t, "the second slice", func() bool { return c.balance().Available() == 0 })
	beat <- struct{}{}
	beat <- struct{}{}
	got := i.follow(c.Viewer, sent.Reply.ID)
	end, ok := got.end.(*models.ReplyFailed)
	if !ok || end.Error.Code != models.ErrorCode(fault.InsufficientCredits) {
		t.Fatalf("%+v", got.end)
	}
	receive(t, "the engine to see the cancellation", h.engine.Cancelled())
	m := i.find(c.Viewer, sent.Reply.ID)
	if m.Status != models.MessageFailed || m.Text != got.text || !strings.HasPrefix(text, m.Text) || len(m.Text) < 2*2400 {
		t.Errorf("%s with %d bytes", m.Status, len(m.Text))
	}
	if r := c.only(); r.Status != models.RunFailed || r.Credits != min(c.paid, costs(promptOf("go"), 0, tokensOf(m.Text))) {
		t.Errorf("%+v", r)
	}
	_, err := i.Continue(t.Context(), c.Viewer, sent.Reply.ID)
	wantFault(t, err, fault.InsufficientCredits)
	if m := i.find(c.Viewer, sent.Reply.ID); m.Status != models.MessageFailed || m.Text != got.text {
		t.Errorf("a refused Continue left %+v", m)
	}
	c.settled(1)
}

// What was written beyond the hold before anybody looked is not charged.
func TestAChargeIsBoundedByItsHold(t *testing.T) {
	h := newShop(t)
	h.every = time.Second // between checkpoints, and so between looks
	i := h.open()
	c := i.customer("lucky", firstHold("go"))
	text := strings.Repeat("abc ", 5000)
	h.engine.Queue(inferencetest.Script{inferencetest.Say(text), inferencetest.Finish("stop"), inferencetest.Done()})
	sent := i.send(c.Viewer, "go")
	i.follow(c.Viewer, sent.Reply.ID)
	if r := c.only(); r.Credits != c.paid || r.OutputTokens == 0 {
		t.Errorf("%+v", r)
	}
}

// P68: the price of the moment the hold was made counts, whatever it becomes.
func TestAPriceChangeAltersNoRunningReply(t *testing.T) {
	h := newShop(t)
	i := h.open()
	c := i.customer("regular", 10_000_000)
	beat := make(chan struct{})
	script, text := long(beat, 2)
	h.engine.Queue(script)
	sent := i.send(c.Viewer, "go")
	beat <- struct{}{}
	eventually(t, "the hold to grow", func() bool { return c.balance().Held > firstHold("go") })
	dear := models.Price{Input: 40_000_000, CachedInput: 40_000_000, Output: 70_000_000}
	h.tariff.Store(&dear)
	beat <- struct{}{}
	i.follow(c.Viewer, sent.Reply.ID)
	if r := c.only(); r.Credits != costs(promptOf("go"), 0, tokensOf(text)) || r.PriceOutput != standard.Output {
		t.Errorf("%+v", r)
	}
	h.engine.Queue(inferencetest.Reply("next"))
	next := i.send(c.Viewer, "next")
	i.follow(c.Viewer, next.Reply.ID)
	if r := c.settled(2)[1]; r.Credits != 40+70 || r.PriceOutput != dear.Output {
		t.Errorf("%+v", r)
	}
}

// Guests spend nothing: one row without credits per reply. A guest's running reply that
// an account claims stays free; what the account asks for next isn't.
func TestAGuestsReplyStaysFreeWhenClaimed(t *testing.T) {
	h := newShop(t)
	i := h.open()
	release := make(chan struct{})
	h.engine.Queue(inferencetest.Reply("before"), append(inferencetest.Script{inferencetest.Say("some "), inferencetest.Wait(release)}, inferencetest.Reply("more")...))
	first := i.send(i.guest(), "one")
	guest := first.Viewer
	i.follow(guest, first.Reply.ID)
	if rows := i.acts(guest.OwnerID); len(rows) != 1 || rows[0].Credits != 0 || rows[0].HoldID != "" || rows[0].OutputTokens != 1 {
		t.Fatalf("%+v", rows)
	}
	sent := i.send(guest, "two", first.Conversation.ID)
	receive(t, "the first request", h.engine.Started())
	receive(t, "the second request", h.engine.Started())
	c := i.fund(i.signIn(guest, "claimer"), 1_000_000)
	close(release)
	if got := i.follow(c.Viewer, sent.Reply.ID); got.text != "some more" {
		t.Fatalf("%+v", got)
	}
	for _, r := range i.acts(c.OwnerID) {
		if r.ReplyID == sent.Reply.ID && (r.Credits != 0 || r.HoldID != "") {
			t.Errorf("%+v", r)
		}
	}
	if b := c.balance(); b.Posted != c.paid || b.Held != 0 {
		t.Errorf("%+v", b)
	}
	h.engine.Queue(inferencetest.Reply("again"))
	again, err := i.Regenerate(t.Context(), c.Viewer, chat.Regenerate{ClientID: clientID(), ReplyID: sent.Reply.ID})
	if err != nil {
		t.Fatal(err)
	}
	i.follow(c.Viewer, again.Reply.ID)
	rows := i.acts(c.OwnerID)
	if last := rows[len(rows)-1]; last.Feature != models.FeatureRegenerate || last.Credits != costs(3, 0, 1) || c.balance().Posted != c.paid-last.Credits {
		t.Errorf("%+v", last)
	}
}

// A conversation that is deleted while its reply is written: the reply is settled first.
func TestDeletingSettlesFirst(t *testing.T) {
	h := newShop(t)
	a, b := h.open(), h.open()
	c := a.customer("deleter", 1_000_000)
	h.engine.Queue(inferencetest.Script{inferencetest.Say("some words"), inferencetest.Hang()})
	sent := a.send(c.Viewer, "go")
	eventually(t, "some words", func() bool { return a.find(c.Viewer, sent.Reply.ID).Text != "" })
	if err := b.DeleteConversation(t.Context(), c.Viewer, sent.Conversation.ID); err != nil {
		t.Fatal(err)
	}
	if r := c.only(); r.Status != models.RunStopped || r.Credits != costs(promptOf("go"), 0, tokensOf("some words")) {
		t.Errorf("%+v", r)
	}
	h.engine.Queue(inferencetest.Script{inferencetest.Say("other words"), inferencetest.Hang()})
	sent = a.send(c.Viewer, "go")
	eventually(t, "other words", func() bool { return a.find(c.Viewer, sent.Reply.ID).Text != "" })
	if err := b.StopAll(t.Context(), c.Viewer); err != nil {
		t.Fatal(err)
	}
	c.settled(2)
}

// unreliable is money that fails at the end of a settlement, after it did everything.
type unreliable struct {
	chat.Money
	left atomic.Int64
}

func (u *unreliable) SettleTx(tx *gorm.DB, s models.Settlement) (models.Charge, error) {
	c, err := u.Money.SettleTx(tx, s)
	if u.left.Add(-1) >= 0 {
		err = errors.New("broken off")
	}
	return c, err
}

// P61: the settlement and the stored end are one transaction: neither is there without
// the other, and both come when it is tried again.
func TestASettlementAndItsReplyAreOneTransaction(t *testing.T) {
	h := newShop(t)
	var bad *unreliable
	h.between = func(m chat.Money) chat.Money { bad = &unreliable{Money: m}; return bad }
	i := h.open()
	c := i.customer("unlucky", 1_000_000)
	bad.left.Store(3)
	h.engine.Queue(inferencetest.Reply("words"))
	sent := i.send(c.Viewer, "go")
	eventually(t, "two tries", func() bool { return bad.left.Load() <= 1 })
	if m := i.find(c.Viewer, sent.Reply.ID); !m.Status.Live() || len(i.acts(c.OwnerID)) != 0 {
		t.Errorf("%s with %d acts before the settlement came through", m.Status, len(i.acts(c.OwnerID)))
	}
	if got := i.follow(c.Viewer, sent.Reply.ID); !finished(got) {
		t.Fatalf("%+v", got.end)
	}
	c.only()
}

// T28: the sweeper leaves the hold of a run alone that somebody will settle, and knows of
// ended ones that they must be settled.
func TestHoldsOfRunningRepliesStay(t *testing.T) {
	h := newShop(t)
	i := h.open()
	c := i.customer("slow", 1_000_000)
	release := make(chan struct{})
	h.engine.Queue(append(inferencetest.Script{inferencetest.Wait(release)}, inferencetest.Reply("at last")...))
	sent := i.send(c.Viewer, "go")
	db := i.db.Gorm(t.Context())
	var hold string
	if err := db.Raw("SELECT hold_id FROM runs WHERE reply_id = ?", sent.Reply.ID).Scan(&hold).Error; err != nil || hold == "" {
		t.Fatalf("%q %v", hold, err)
	}
	asked := []string{hold, "hld_unknown"}
	if alive, err := i.Alive(t.Context(), asked); err != nil || !alive[hold] || alive["hld_unknown"] {
		t.Errorf("%v %v", alive, err)
	}
	if err := db.Exec("UPDATE ledger_holds SET expires_at = now() - interval '1 hour' WHERE id = ?", hold).Error; err != nil {
		t.Fatal(err)
	}
	if voided, renewed, err := i.books.Sweep(t.Context()); voided != 0 || renewed != 1 || err != nil {
		t.Errorf("%d voided, %d renewed, %v", voided, renewed, err)
	}
	close(release)
	i.follow(c.Viewer, sent.Reply.ID)
	if ended, err := i.Ended(t.Context(), asked); err != nil || !ended[hold] || ended["hld_unknown"] {
		t.Errorf("%v %v", ended, err)
	}
	c.only()
}

// An account's tabs on every instance learn of credits and purchases.
func TestTabsLearnOfCredits(t *testing.T) {
	h := newShop(t)
	a, b := h.open(), h.open()
	c := a.customer("watcher", 1_000_000)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	events, err := b.Events(ctx, c.Viewer, nil)
	if err != nil {
		t.Fatal(err)
	}
	var first models.ViewerEvent
	eventually(t, "the instances to know who listens", func() bool {
		a.Notify(c.OwnerID, &models.CreditsChanged{})
		select {
		case first = <-events:
		default:
		}
		return first != nil
	})
	if _, ok := first.(*models.CreditsChanged); !ok {
		t.Errorf("%T", first)
	}
	a.Notify(c.OwnerID, &models.PurchaseChanged{PurchaseID: "pur_x"})
	for {
		e := receive(t, "the purchase", events)
		if p, ok := e.(*models.PurchaseChanged); ok {
			if p.PurchaseID != "pur_x" {
				t.Errorf("%+v", p)
			}
			return
		}
	}
}

// A database that goes away while a reply is written and its hold would have to grow:
// the reply goes on, and is charged once, at most what was held.
func TestAnOutageWhileAHoldGrows(t *testing.T) {
	h := newShop(t)
	i := h.open()
	c := i.customer("remote", 10_000_000)
	beat := make(chan struct{})
	script, text := long(beat, 2)
	h.engine.Queue(script)
	sent := i.send(c.Viewer, "go")
	receive(t, "the engine to be asked", h.engine.Started())
	admin, err := pgx.Connect(t.Context(), dbtest.Admin(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.WithoutCancel(t.Context())) }()
	name := i.db.Pool().Config().ConnConfig.Database
	for _, sql := range []string{`ALTER DATABASE "` + name + `" ALLOW_CONNECTIONS false`, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + name + `'`} {
		if _, err := admin.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	beats(beat, 2, 300*time.Millisecond)
	if _, err := admin.Exec(t.Context(), `ALTER DATABASE "`+name+`" ALLOW_CONNECTIONS true`); err != nil {
		t.Fatal(err)
	}
	if got := i.follow(c.Viewer, sent.Reply.ID); got.text != text {
		t.Fatalf("%d of %d bytes", len(got.text), len(text))
	}
	if r := c.only(); r.Credits == 0 || r.Credits > costs(promptOf("go"), 0, tokensOf(text)) {
		t.Errorf("%+v", r)
	}
}

// L8: the check of the books finds an ended run without its row of usage, also of one that
// cost nothing. What is deleted with its conversation, what guests ask for and what is being
// written is nothing to find.
func TestAnEndedRunWithoutItsRowOfUsageIsFound(t *testing.T) {
	h := newShop(t)
	i := h.open()
	c, other := i.customer("payer", 1_000_000), i.customer("other", 1_000_000)
	broken := func(want string) {
		t.Helper()
		report, err := i.books.Verify(t.Context())
		if err != nil || strings.Join(report.Broken(), " ") != want {
			t.Errorf("broken are %v, want %q: %v", report.Broken(), want, err)
		}
		for _, f := range report.Findings {
			if f.Invariant == "L8" && (len(f.Faults) > 0) != (want != "") {
				t.Errorf("%+v", f)
			}
		}
	}
	h.engine.Queue(inferencetest.Refuse(500, `{}`), inferencetest.Refuse(500, `{}`), inferencetest.Reply("hello"), inferencetest.Reply("free"))
	sent := i.send(c.Viewer, "one")
	i.follow(c.Viewer, sent.Reply.ID)
	gone := i.send(other.Viewer, "two")
	i.follow(other.Viewer, gone.Reply.ID)
	hello := i.send(other.Viewer, "three")
	i.follow(other.Viewer, hello.Reply.ID)
	guest := i.send(i.guest(), "four")
	i.follow(guest.Viewer, guest.Reply.ID)
	h.engine.Queue(inferencetest.Script{inferencetest.Say("half "), inferencetest.Hang()})
	i.send(c.Viewer, "five")
	broken("")
	sql := func(statement, arg string) {
		t.Helper()
		if err := i.db.Gorm(t.Context()).Exec(statement, arg).Error; err != nil {
			t.Fatal(err)
		}
	}
	sql(`DELETE FROM usage_rows WHERE reply_id = ?`, guest.Reply.ID)
	broken("")
	sql(`DELETE FROM usage_rows WHERE reply_id = ?`, sent.Reply.ID)
	broken("L8")
	if err := i.DeleteConversation(t.Context(), c.Viewer, sent.Conversation.ID); err != nil {
		t.Fatal(err)
	}
	broken("")
	if err := i.DeleteConversation(t.Context(), other.Viewer, hello.Conversation.ID); err != nil {
		t.Fatal(err)
	}
	if n := len(i.acts(other.OwnerID)); n != 2 {
		t.Errorf("%d rows of usage are left", n)
	}
	broken("")
	sql(`DELETE FROM owners WHERE id = ?`, other.OwnerID)
	broken("")
}
