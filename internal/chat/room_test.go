package chat_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/bus"
	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// house is a database and an engine that instances share.
type house struct {
	t       *testing.T
	url     string
	engine  *inferencetest.Engine
	keeper  *seal.Keeper
	route   string
	drop    func() bool
	limit   int
	continu bool // the engine can continue a prefix
	titles  bool
	every   time.Duration                 // between checkpoints
	tariff  atomic.Pointer[models.Price]  // what tokens cost; nil: there are no credits
	between func(chat.Money) chat.Money   // stands between chat and the books
	front   func(chat.Engine) chat.Engine // stands between chat and the engine
	real    string                        // where a real engine is, instead of the other one
	stall   time.Duration                 // between tokens, until the engine is given up
	gate    func(*database.DB) chat.Gate  // instead of one that lets everybody through
	clock   clock.Clock                   // instead of the system's
	told    *slog.Logger                  // is told of every statement
	model   string                        // what the engine serves; "" for a Kimi K2
	streams int64                         // of one API key at once; 0: there are no limits
	few     bool                          // replies at once are as few as by default
}

func newHouse(t *testing.T) *house {
	t.Helper()
	keeper, err := seal.NewKeeper(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, url: dbtest.URL(t), engine: inferencetest.New(t), keeper: keeper, limit: 1000, every: 50 * time.Millisecond, stall: patience}
}

// open is a gate that lets everybody through.
type open struct{}

func (open) CheckTx(*gorm.DB, viewer.Viewer) error { return nil }
func (open) KeepTx(*gorm.DB, viewer.Viewer) error  { return nil }

// instance is one server's rooms.
type instance struct {
	*chat.Service
	t        *testing.T
	db       *database.DB
	accounts *account.Service
	bus      *bus.Bus
	books    *credit.Service // where there is a tariff
	limits   *ratelimit.Service
	closed   bool
}

func (h *house) open() *instance {
	t := h.t
	t.Helper()
	ctx := t.Context()
	owner := "somebody"
	if h.continu {
		owner = "vllm"
	}
	h.engine.ModelInfos(openai.ModelInfo{ID: cmp.Or(h.model, inferencetest.ModelID), Object: "model", OwnedBy: owner})
	db := h.database()
	accounts := account.New(account.Config{DB: db, Audit: audittest.New(db), Keeper: h.keeper, Clock: clock.System{}, GuestLimit: h.limit, CookieKey: bytes.Repeat([]byte{8}, 32)})
	if err := accounts.VerifyKey(ctx); err != nil {
		t.Fatal(err)
	}
	var routes []string
	if h.route != "" {
		routes = []string{h.route}
	}
	b, err := bus.Open(ctx, bus.Config{ClusterListen: "127.0.0.1:0", ClusterToken: "test", ClusterRoutes: routes, DropFraction: h.drop})
	if err != nil {
		t.Fatal(err)
	}
	if h.route == "" {
		h.route = b.ClusterAddr()
	} else {
		eventually(t, "the instances to find each other", func() bool { return b.Peers() > 0 })
	}
	url := h.engine.URL()
	if h.real != "" {
		url = h.real
	}
	engine, err := inference.New(inference.Config{BaseURL: url, FirstTokenTimeout: patience, TokenTimeout: h.stall})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	c := chat.Config{DB: db, Owners: accounts, Gate: open{}, Engine: engine, Bus: b, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
		Lease: 2 * time.Second, Checkpoint: h.every, RunsPerGuest: 100, RunsPerAccount: 100, Titles: h.titles}
	if h.few {
		c.RunsPerGuest, c.RunsPerAccount = 0, 0
	}
	if h.clock != nil {
		c.Clock = h.clock
	}
	if h.front != nil {
		c.Engine = h.front(engine)
	}
	if h.gate != nil {
		c.Gate = h.gate(db)
	}
	books := h.keepBooks(db, &c)
	limits := h.limits(db)
	if limits != nil {
		c.Limits = messages{limits}
	}
	s := chat.New(c)
	accounts.Join(open{}, nil, s)
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	i := &instance{Service: s, t: t, db: db, accounts: accounts, bus: b, books: books, limits: limits}
	if books != nil {
		books.Join(s, nil)
	}
	t.Cleanup(func() { i.close(); engine.Close(); b.Close() })
	return i
}

// database is the instance's own way to the database.
func (h *house) database() *database.DB {
	if h.told == nil {
		return dbtest.Open(h.t, h.url)
	}
	db, err := database.Open(h.t.Context(), database.Config{URL: h.url, MaxConns: 10, SlowStatement: 1, Log: h.told})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = db.Close(context.Background()) })
	return db
}

// close goes down in order, without patience for running replies.
func (i *instance) close() {
	if i.closed {
		return
	}
	i.closed = true
	now, cancel := context.WithCancel(context.Background())
	cancel()
	i.Drain(now)
	i.Close()
	if i.limits != nil {
		i.limits.Close()
	}
}

// guest is a viewer that has sent nothing yet.
func (i *instance) guest() viewer.Viewer { return i.accounts.Visitor(i.accounts.NewTicket()) }

var clients atomic.Int64

// clientID is a fresh idempotency key.
func clientID() string { return fmt.Sprintf("client-%d-%d", clients.Add(1), rand.Int64()) }

// send sends a text that must be accepted.
func (i *instance) send(v viewer.Viewer, text string, conversation ...string) *chat.Sent {
	i.t.Helper()
	in := chat.Send{ClientID: clientID(), Text: text}
	if len(conversation) > 0 {
		in.ConversationID = &conversation[0]
	}
	sent, err := i.Send(i.t.Context(), v, in)
	if err != nil {
		i.t.Fatalf("send: %v", err)
	}
	return sent
}

// heard is what a follower pieced together.
type heard struct {
	text, reasoning string
	seq             int
	snapshots       int
	end             models.ReplyEvent
}

// apply is what every client does with an event.
func (h *heard) apply(e models.ReplyEvent) error {
	at := h.seq
	switch e := e.(type) {
	case *models.ReplySnapshot:
		h.text, h.reasoning, h.seq = e.Text, e.Reasoning, e.Seq
		h.snapshots++
		if e.Seq < at {
			return fmt.Errorf("snapshot at %d after %d", e.Seq, at)
		}
		return nil
	case *models.ReplyDelta:
		h.text += e.Text
		h.seq = e.Seq
	case *models.ReplyReasoningDelta:
		h.reasoning += e.Text
		h.seq = e.Seq
	default:
		h.end = e
		return nil
	}
	if h.seq <= at {
		return fmt.Errorf("seq %d after %d", h.seq, at)
	}
	return nil
}

// follow follows a reply to its end.
func (i *instance) follow(v viewer.Viewer, replyID string) heard {
	i.t.Helper()
	var h heard
	ctx, cancel := context.WithTimeout(i.t.Context(), patience)
	defer cancel()
	if err := i.followInto(ctx, v, replyID, &h, nil); err != nil {
		i.t.Fatalf("follow: %v", err)
	}
	return h
}

// followInto follows on from what h has until the end, or until stop says so.
func (i *instance) followInto(ctx context.Context, v viewer.Viewer, replyID string, h *heard, stop func() bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := chat.Follow{ReplyID: replyID}
	if h.seq > 0 {
		f.AfterSeq = &h.seq
	}
	events, err := i.Follow(ctx, v, f)
	if err != nil {
		return err
	}
	for e := range events {
		if err := h.apply(e); err != nil {
			return err
		}
		if stop != nil && stop() {
			return nil
		}
	}
	if h.end == nil && ctx.Err() != nil {
		return errors.New("no end came in time")
	}
	return nil
}

func (i *instance) find(v viewer.Viewer, id string) *models.Message {
	i.t.Helper()
	m, err := i.FindMessage(i.t.Context(), v, id)
	if err != nil {
		i.t.Fatalf("find message: %v", err)
	}
	return m
}

// eventually waits until a condition holds that no channel tells of.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func receive[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

func wantFault(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}

// words are n pieces of text that differ from each other.
func words(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("tök%d ", i)
	}
	return out
}

// paced says each piece after a beat of the channel.
func paced[T any](beat <-chan T, pieces []string) inferencetest.Script {
	var s inferencetest.Script
	for _, p := range pieces {
		s = append(s, inferencetest.Wait(beat), inferencetest.Say(p))
	}
	return append(s, inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done())
}

// beats sends n beats, a little apart.
func beats(beat chan<- struct{}, n int, apart time.Duration) {
	t := time.NewTicker(apart)
	defer t.Stop()
	for range n {
		<-t.C
		select {
		case beat <- struct{}{}:
		case <-time.After(patience): // the reply has ended early, as its test will see
			return
		}
	}
}

func all(pieces []string) string { return strings.Join(pieces, "") }
