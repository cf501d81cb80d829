package completion_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/bus"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// patience bounds every wait of these tests.
const patience = 20 * time.Second

// standard is the tariff: in micro-credits, a token read costs 2, one of the cache 1, one
// written 10.
var standard = models.Price{Input: 2_000_000, CachedInput: 1_000_000, Output: 10_000_000}

// house is a database, a broker and an engine that instances share.
type house struct {
	t      testing.TB
	url    string
	engine *inferencetest.Engine
	keeper *seal.Keeper
	route  string
	ahead  atomic.Int64 // of the clock of the instances, in nanoseconds
	stall  time.Duration
	change func(*completion.Config)
}

func newHouse(t testing.TB) *house {
	t.Helper()
	keeper, err := seal.NewKeeper(bytes.Repeat([]byte{7}, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, url: dbtest.URL(t), engine: inferencetest.New(t), keeper: keeper, stall: patience}
}

func (h *house) now() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) }

// open is a gate that lets everybody through.
type open struct{}

func (open) CheckTx(*gorm.DB, viewer.Viewer) error                     { return nil }
func (open) QueueChecks(*pgx.Batch, []viewer.Viewer, func(int, error)) {}
func (open) AdmitTx(_ *gorm.DB, _, _ viewer.Viewer) error              { return nil }
func (open) MoveTx(_ *gorm.DB, _ viewer.Viewer, _ viewer.Viewer) error { return nil }

// instance is one server's rooms.
type instance struct {
	*completion.Service
	t        testing.TB
	h        *house
	db       *database.DB
	accounts *account.Service
	keys     *apikey.Service
	books    *credit.Service
}

func (h *house) open() *instance {
	t := h.t
	t.Helper()
	ctx := t.Context()
	now := clock.Func(h.now)
	db := dbtest.Open(t, h.url)
	accounts := account.New(account.Config{DB: db, Audit: audittest.New(db), Keeper: h.keeper, Clock: now, GuestLimit: 10, CookieKey: bytes.Repeat([]byte{8}, 32)})
	if err := accounts.VerifyKey(ctx); err != nil {
		t.Fatal(err)
	}
	accounts.Join(open{}, nil)
	var routes []string
	if h.route != "" {
		routes = []string{h.route}
	}
	b, err := bus.Open(ctx, bus.Config{ClusterListen: "127.0.0.1:0", ClusterToken: "test", ClusterRoutes: routes})
	if err != nil {
		t.Fatal(err)
	}
	if h.route == "" {
		h.route = b.ClusterAddr()
	} else {
		eventually(t, "the instances to find each other", func() bool { return b.Peers() > 0 })
	}
	engine, err := inference.New(inference.Config{BaseURL: h.engine.URL(), FirstTokenTimeout: h.stall, TokenTimeout: h.stall})
	if err != nil {
		t.Fatal(err)
	}
	if err := engine.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	books := credit.New(credit.Config{DB: db, Audit: audittest.New(db), Keys: accounts, Clock: now})
	keys := apikey.New(apikey.Config{DB: db, Audit: audittest.New(db), Owners: accounts, Budgets: books, Clock: now, Log: slog.New(slog.DiscardHandler), Bus: b, Secret: bytes.Repeat([]byte{9}, 32)})
	c := completion.Config{DB: db, Gate: open{}, Keys: keys, Engine: engine, Money: books, Bus: b, Clock: now, Log: slog.New(slog.DiscardHandler),
		Price: func(inference.Model) models.Price { return standard }, Tick: 10 * time.Millisecond}
	if h.change != nil {
		h.change(&c)
	}
	s := completion.New(c)
	books.Join(s, nil)
	keys.StopWith(s)
	keys.OnRevoked(s.Revoked)
	if err := errors.Join(s.Start(ctx), keys.Start(ctx)); err != nil {
		t.Fatal(err)
	}
	i := &instance{Service: s, t: t, h: h, db: db, accounts: accounts, keys: keys, books: books}
	t.Cleanup(func() { keys.Close(); s.Close(); books.Close(); engine.Close(); b.Close() })
	return i
}

// customer is an account with credits and a key.
type customer struct {
	viewer.Viewer               // the key's
	owner         viewer.Viewer // the account's
	i             *instance
	paid          int64
	wallet        string
	key           *models.APIKey
}

func (i *instance) customer(who string, micro int64, make ...apikey.Create) *customer {
	i.t.Helper()
	e, err := i.accounts.SignIn(i.t.Context(), account.SignIn{From: i.accounts.Visitor(i.accounts.NewTicket()),
		Proof: account.Proof{Provider: models.ProviderGoogle, Subject: who, Name: who, Email: who + "@example.com", Verified: true}})
	if err != nil {
		i.t.Fatal(err)
	}
	c := &customer{owner: e.Viewer, i: i, paid: micro}
	err = i.db.Tx(i.t.Context(), func(tx *gorm.DB) (err error) {
		if err := i.books.OpenTx(tx, c.owner.OwnerID); err != nil {
			return err
		}
		if c.wallet, err = i.books.WalletTx(tx, c.owner.OwnerID); err != nil || micro == 0 {
			return err
		}
		_, err = i.books.DepositTx(tx, c.wallet, models.PaymentStripe, id.New(id.Purchase), micro)
		return err
	})
	if err != nil {
		i.t.Fatal(err)
	}
	in := apikey.Create{Name: "test"}
	if len(make) > 0 {
		in = make[0]
		in.Name = "test"
	}
	c.key, c.Viewer = i.newKey(c.owner, in)
	return c
}

func (i *instance) newKey(owner viewer.Viewer, in apikey.Create) (*models.APIKey, viewer.Viewer) {
	i.t.Helper()
	k, secret, err := i.keys.Create(i.t.Context(), owner, in)
	if err != nil {
		i.t.Fatal(err)
	}
	v, err := i.keys.Authenticate(i.t.Context(), secret, netip.Addr{})
	if err != nil {
		i.t.Fatal(err)
	}
	return k, v
}

func (c *customer) balance() models.Balance {
	c.i.t.Helper()
	b, err := c.i.books.BalanceOf(c.i.t.Context(), c.wallet)
	if err != nil {
		c.i.t.Fatal(err)
	}
	return b
}

// settled fails unless exactly n acts were written down, nothing is held, what the wallet
// lost is what they say, and every invariant of the books holds. It returns them.
func (c *customer) settled(n int) []models.UsageRow {
	t := c.i.t
	t.Helper()
	var rows []models.UsageRow
	if err := c.i.db.Gorm(context.Background()).Where("owner_id = ?", c.OwnerID).Order("id").Find(&rows).Error; err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, r := range rows {
		sum += r.Credits
		if r.Feature != models.FeatureAPI || r.Source != models.SourceAPIKey || r.KeyID != c.KeyID || !id.Is(id.Completion, r.Ref) || r.HoldID == "" {
			t.Errorf("%+v", r)
		}
	}
	if len(rows) != n {
		t.Fatalf("%d acts were written down, want %d: %+v", len(rows), n, rows)
	}
	if b := c.balance(); b.Posted != c.paid-sum || b.Held != 0 || b.Owed != 0 {
		t.Errorf("the wallet is %+v after %d micro-credits were charged of %d", b, sum, c.paid)
	}
	report, err := c.i.books.Verify(t.Context())
	if err != nil || !report.OK {
		t.Errorf("the books: %+v %v", report, err)
	}
	return rows
}

// only is the one act of the customer.
func (c *customer) only() models.UsageRow {
	c.i.t.Helper()
	return c.settled(1)[0]
}

// saying is a request of one message.
func saying(text string) completion.Request {
	return completion.Request{Prompt: inference.Request{Messages: []inference.Message{{Role: inference.RoleUser, Text: text}}},
		Fingerprint: sha256.Sum256([]byte(text)), Route: "POST /v1/chat/completions"}
}

// keyed is a request with an idempotency key.
func keyed(key, text string) completion.Request {
	r := saying(text)
	r.IdempotencyKey = key
	return r
}

// heard is what a client was given.
type heard struct {
	run             *completion.Run
	text, reasoning string
	calls           []inference.ToolCallDelta
	out             completion.Outcome
	err             error
}

// ask begins and streams a request.
func (i *instance) ask(ctx context.Context, v viewer.Viewer, r completion.Request) heard {
	i.t.Helper()
	run, err := i.Begin(ctx, v, r)
	if err != nil {
		i.t.Fatalf("begin: %v", err)
	}
	return stream(ctx, run, nil)
}

// stream streams a run; each, if any, sees every piece.
func stream(ctx context.Context, run *completion.Run, each func(inference.Delta) error) heard {
	h := heard{run: run}
	h.out, h.err = run.Stream(ctx, func(d inference.Delta) error {
		if each != nil {
			if err := each(d); err != nil {
				return err
			}
		}
		h.text += d.Text
		h.reasoning += d.Reasoning
		h.calls = append(h.calls, d.ToolCalls...)
		return nil
	})
	return h
}

// costs is the published rule at the standard tariff.
func costs(prompt, cached, output int64) int64 {
	if output == 0 {
		return 0
	}
	return 2*(prompt-cached) + cached + 10*output
}

func tokensOf(texts ...string) (n int64) {
	for _, s := range texts {
		n += int64(inference.EstimateTokens(s))
	}
	return n
}

// promptOf is our own count of a prompt of these messages.
func promptOf(texts ...string) int64 { return tokensOf(texts...) + 4*int64(len(texts)) }

// firstHold is what a request needs before it begins.
func firstHold(texts ...string) int64 { return costs(promptOf(texts...), 0, 1024) }

// together calls f n times at once and waits.
func together(n int, f func(n int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for k := range n {
		all.Go(func() { <-start; f(k) })
	}
	close(start)
	all.Wait()
}

// eventually waits until a condition holds that no channel tells of.
func eventually(t testing.TB, what string, ok func() bool) {
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

func wantFault(t *testing.T, err error, code fault.Code) {
	t.Helper()
	if !fault.Is(err, code) {
		t.Errorf("got %v, want %s", err, code)
	}
}
