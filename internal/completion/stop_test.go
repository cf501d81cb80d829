package completion_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// begun is a request that has got its first words, and how it ends.
func (i *instance) begun(v viewer.Viewer, r completion.Request) <-chan heard {
	i.t.Helper()
	i.h.engine.Queue(inferencetest.Script{inferencetest.Say("some words"), inferencetest.Hang()})
	run, err := i.Begin(i.t.Context(), v, r)
	if err != nil {
		i.t.Fatal(err)
	}
	said, ended := make(chan struct{}), make(chan heard, 1)
	go func() {
		ended <- stream(context.Background(), run, func(inference.Delta) error { close(said); return nil })
	}()
	inferencetest.Await(i.t, said, "the first words")
	return ended
}

// A revoked key ends what is written for it on every instance, and it is charged for what
// came; other keys go on. Nothing new begins.
func TestARevokedKeyStopsEverywhere(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	c := a.customer("leaker", 10_000_000)
	k, other := a.newKey(c.owner, apikey.Create{Name: "other"})
	here, there, others := a.begun(c.Viewer, saying("one")), b.begun(c.Viewer, saying("two")), b.begun(other, saying("three"))
	if _, err := a.keys.Revoke(t.Context(), c.owner, c.key.ID); err != nil {
		t.Fatal(err)
	}
	revoked := time.Now()
	for _, end := range []<-chan heard{here, there} {
		got := inferencetest.Await(t, end, "the end")
		wantFault(t, got.err, fault.KeyRevoked)
		if got.out.Credits != costs(promptOf("one"), 0, tokensOf("some words")) {
			t.Errorf("%+v", got.out)
		}
	}
	if took := time.Since(revoked); took > time.Second {
		t.Errorf("it took %v", took)
	}
	for _, i := range []*instance{a, b} {
		_, err := i.Begin(t.Context(), c.Viewer, saying("four"))
		wantFault(t, err, fault.KeyRevoked)
	}
	select {
	case got := <-others:
		t.Errorf("another key's request ended: %+v", got)
	default:
	}
	if _, err := a.keys.Revoke(t.Context(), c.owner, k.ID); err != nil {
		t.Fatal(err)
	}
	wantFault(t, inferencetest.Await(t, others, "the end").err, fault.KeyRevoked)
}

// P95: what needs a consent that was withdrawn stops on every instance.
func TestAllOfAnOwnersRequestsStop(t *testing.T) {
	h := newHouse(t)
	a, b := h.open(), h.open()
	c, d := a.customer("one", 10_000_000), a.customer("two", 10_000_000)
	here, there, others := a.begun(c.Viewer, saying("one")), b.begun(c.Viewer, saying("two")), b.begun(d.Viewer, saying("three"))
	if err := a.StopAll(t.Context(), c.owner); err != nil {
		t.Fatal(err)
	}
	for _, end := range []<-chan heard{here, there} {
		wantFault(t, inferencetest.Await(t, end, "the end").err, fault.Interrupted)
	}
	if rows := c.settled(2); rows[0].Status != models.RunStopped || rows[0].Credits == 0 {
		t.Errorf("%+v", rows)
	}
	if b.Running() != 1 {
		t.Error("somebody else's request was stopped")
	}
	b.Revoked(d.OwnerID, d.KeyID)
	inferencetest.Await(t, others, "the end")
}

// Who missed a revocation finds it when its leases are due.
func TestAMissedRevocationIsFound(t *testing.T) {
	h := newHouse(t)
	h.change = func(c *completion.Config) { c.Bus = nil }
	i := h.open()
	c := i.customer("cut-off", 10_000_000)
	end := i.begun(c.Viewer, saying("go"))
	if err := i.db.Gorm(t.Context()).Exec(`UPDATE api_keys SET revoked_at = created_at WHERE id = ?`, c.KeyID).Error; err != nil {
		t.Fatal(err)
	}
	h.ahead.Store(int64(25 * time.Second))
	wantFault(t, inferencetest.Await(t, end, "the end").err, fault.KeyRevoked)
	c.only()
}

// Shutting down waits for what is under way, and then breaks it off and settles it.
func TestDrainWaitsAndThenSettles(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("drained", 10_000_000)
	end := i.begun(c.Viewer, saying("go"))
	release := make(chan struct{})
	h.engine.Queue(append(inferencetest.Script{inferencetest.Wait(release)}, inferencetest.Reply("done")...))
	run, err := i.Begin(t.Context(), c.Viewer, saying("quick"))
	if err != nil {
		t.Fatal(err)
	}
	quick := make(chan heard, 1)
	go func() { quick <- stream(context.Background(), run, nil) }()
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() { i.Drain(ctx); close(drained) }()
	eventually(t, "new requests to be refused", func() bool { return i.Ready() != nil })
	_, err = i.Begin(t.Context(), c.Viewer, saying("late"))
	wantFault(t, err, fault.ShuttingDown)
	close(release)
	if got := inferencetest.Await(t, quick, "the quick one"); got.err != nil {
		t.Error(got.err)
	}
	select {
	case <-drained:
		t.Error("it didn't wait")
	default:
	}
	cancel()
	got := inferencetest.Await(t, end, "the slow one")
	inferencetest.Await(t, drained, "the end of the drain")
	wantFault(t, got.err, fault.ShuttingDown)
	if rows := c.settled(2); i.Running() != 0 || got.out.Credits != costs(promptOf("go"), 0, tokensOf("some words")) || rows[0].Status != models.RunInterrupted && rows[1].Status != models.RunInterrupted {
		t.Errorf("%+v", rows)
	}
}

// shut is a gate that lets nobody through.
type shut struct{ open }

func (shut) CheckTx(*gorm.DB, viewer.Viewer) error {
	return fault.New(fault.ConsentRequired, "agree first")
}

func (shut) QueueChecks(_ *pgx.Batch, vs []viewer.Viewer, refuse func(int, error)) {
	for n := range vs {
		refuse(n, fault.New(fault.ConsentRequired, "agree first"))
	}
}

// limits are limits of a test.
type limits struct {
	refuse error
	asked  []completion.Ask
	done   []int64
}

func (l *limits) Admit(_ context.Context, _ viewer.Viewer, ask completion.Ask) (completion.Permit, error) {
	l.asked = append(l.asked, ask)
	return permit{l}, l.refuse
}

type permit struct{ l *limits }

func (p permit) Done(tokens int64) { p.l.done = append(p.l.done, tokens) }

// P122, T20: scope, gate, model, length and limits are looked at before anything else; the
// engine hears nothing of what was refused, and nothing is kept or held.
func TestWhatIsRefusedReachesNobody(t *testing.T) {
	h := newHouse(t)
	l := &limits{}
	h.change = func(c *completion.Config) { c.Limits = l }
	i := h.open()
	c := i.customer("asker", 10_000_000)
	_, reader := i.newKey(c.owner, apikey.Create{Name: "reader", Scopes: []models.Scope{models.ScopeModelsRead}})
	refused := func(i *instance, v viewer.Viewer, r completion.Request, code fault.Code) {
		t.Helper()
		_, err := i.Begin(t.Context(), v, r)
		wantFault(t, err, code)
	}
	refused(i, viewer.Viewer{}, saying("go"), fault.Unauthenticated)
	refused(i, i.accounts.Visitor(i.accounts.NewTicket()), saying("go"), fault.Unauthenticated)
	refused(i, reader, saying("go"), fault.ScopeMissing)
	unknown := saying("go")
	unknown.ModelID = "gpt-5"
	refused(i, c.Viewer, unknown, fault.ModelUnavailable)
	refused(i, c.Viewer, completion.Request{}, fault.Invalid)
	long := saying("go")
	long.Prompt.Messages[0].Text = string(make([]byte, 4*1024*1024))
	refused(i, c.Viewer, long, fault.ContextTooLong)
	if len(l.asked) != 0 {
		t.Errorf("the limits were asked for what can't be: %+v", l.asked)
	}
	l.refuse = &fault.Fault{Code: fault.RateLimited, Message: "too many", RetryAfter: time.Minute}
	refused(i, c.Viewer, saying("go"), fault.RateLimited)
	l.refuse = nil
	if got := i.ask(t.Context(), c.Viewer, saying("go")); got.err != nil || len(l.done) != 1 || l.done[0] != got.out.Usage.PromptTokens+got.out.Usage.OutputTokens {
		t.Errorf("%+v, the limits were told %v", got, l.done)
	}
	if want := (completion.Ask{Route: "POST /v1/chat/completions", Tokens: promptOf("go")}); l.asked[len(l.asked)-1] != want {
		t.Errorf("the limits were asked %+v", l.asked)
	}
	h.change = func(c *completion.Config) { c.Limits, c.Gate = l, shut{} }
	gated := h.open()
	refused(gated, c.Viewer, keyed("key", "go"), fault.ConsentRequired)
	refused(gated, c.Viewer, saying("go"), fault.ConsentRequired)
	if len(l.done) != 3 || l.done[1] != 0 || l.done[2] != 0 {
		t.Errorf("the limits were told %v", l.done)
	}
	c.only()
	if len(h.engine.Requests()) != 1 || len(c.kept()) != 0 {
		t.Errorf("%d requests were made", len(h.engine.Requests()))
	}
}

// What the program asked for is what the engine is asked, with the output clamped.
func TestTheEngineIsAskedWhatTheProgramAsked(t *testing.T) {
	h := newHouse(t)
	i := h.open()
	c := i.customer("builder", 10_000_000)
	r := saying("go")
	r.Prompt.MaxOutputTokens = 1 << 30
	r.Prompt.Tools = []inference.Tool{{Name: "f", Parameters: json.RawMessage(`{"type":"object"}`)}}
	h.engine.Queue(inferencetest.Script{inferencetest.ToolCall(0, "functions.f:0", "f", "{}"), inferencetest.Finish("tool_calls"), inferencetest.Usage(), inferencetest.Done()})
	got := i.ask(t.Context(), c.Viewer, r)
	if len(got.calls) == 0 || got.calls[0].Name != "f" || got.out.FinishReason != "tool_calls" || got.err != nil {
		t.Errorf("%+v", got)
	}
	asked := h.engine.Requests()[0]
	if asked.OutputLimit() != got.run.Model.MaxOutputTokens || len(asked.Tools) != 1 || asked.Model != got.run.Model.EngineID || asked.User != "" {
		t.Errorf("%s", asked.Body)
	}
}
