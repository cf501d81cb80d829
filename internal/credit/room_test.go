package credit_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// unit is a price at which an output token costs one micro-credit, and reading nothing.
var unit = models.Price{Output: 1_000_000}

// room is the books of one test, with a clock that is moved by hand.
type room struct {
	*credit.Service
	t      testing.TB
	db     *database.DB
	now    atomic.Pointer[time.Time]
	alive  map[string]bool
	failed error // of asking whose runs are at work
	mu     sync.Mutex
	told   []string
}

func newRoom(t testing.TB) *room { return newRoomWith(t, nil) }

func newRoomWith(t testing.TB, change func(*credit.Config)) *room {
	t.Helper()
	r := &room{t: t, db: durable(t), alive: map[string]bool{}}
	began := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r.now.Store(&began)
	c := credit.Config{DB: r.db, Audit: audittest.New(r.db), Clock: clock.Func(func() time.Time { return *r.now.Load() }), Runs: r, Changed: r.changed}
	if change != nil {
		change(&c)
	}
	r.Service = credit.New(c)
	t.Cleanup(r.Close)
	return r
}

func (r *room) Alive(_ context.Context, holds []string) (map[string]bool, error) {
	at := map[string]bool{}
	for _, h := range holds {
		at[h] = r.alive[h]
	}
	return at, r.failed
}

func (r *room) changed(owner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, owner)
}

func (r *room) wasTold() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

func (r *room) pass(d time.Duration) {
	later := r.now.Load().Add(d)
	r.now.Store(&later)
}

func (r *room) tx(deed func(tx *gorm.DB) error) error { return r.db.Tx(r.t.Context(), deed) }

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// exec speaks SQL past the package, as an attacker or a bug would.
func (r *room) exec(query string, args ...any) error {
	_, err := r.db.Pool().Exec(r.t.Context(), query, args...)
	return err
}

func (r *room) count(query string, args ...any) (n int64) {
	r.t.Helper()
	r.must(r.db.Pool().QueryRow(r.t.Context(), query, args...).Scan(&n))
	return n
}

// person is an owner with a wallet.
type person struct {
	viewer.Viewer
	wallet string
}

// operator is an administrator, who is somebody.
func (r *room) operator() viewer.Viewer {
	r.t.Helper()
	r.must(r.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ('own_operator', 'ACCOUNT', '\x00', now(), now()) ON CONFLICT DO NOTHING`))
	return viewer.Viewer{Kind: viewer.Account, OwnerID: "own_operator", Admin: true}
}

func (r *room) guest() person {
	r.t.Helper()
	owner := id.New(id.Owner)
	r.must(r.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'GUEST', '', now(), now())`, owner))
	return person{Viewer: viewer.Viewer{Kind: viewer.Guest, OwnerID: owner}}
}

func (r *room) person(micro int64) person {
	r.t.Helper()
	p := r.guest()
	p.Kind = viewer.Account
	r.must(r.tx(func(tx *gorm.DB) (err error) {
		if err := r.OpenTx(tx, p.OwnerID); err != nil {
			return err
		}
		p.wallet, err = r.WalletTx(tx, p.OwnerID)
		return err
	}))
	if micro > 0 {
		r.deposit(p, id.New(id.Purchase), micro)
	}
	return p
}

func (r *room) remove(p person) {
	r.t.Helper()
	r.must(r.exec(`DELETE FROM owners WHERE id = $1`, p.OwnerID))
}

func (r *room) deposit(p person, ref string, micro int64) (credited bool) {
	r.t.Helper()
	r.must(r.tx(func(tx *gorm.DB) (err error) {
		credited, err = r.DepositTx(tx, p.wallet, models.PaymentStripe, ref, micro)
		return err
	}))
	return credited
}

func (r *room) takeBack(p person, ref string, micro int64) {
	r.t.Helper()
	r.must(r.tx(func(tx *gorm.DB) error {
		return r.TakeBackTx(tx, p.wallet, models.PaymentStripe, models.TransferRefund, ref, micro)
	}))
}

func (r *room) giveBack(p person, ref string, micro int64) {
	r.t.Helper()
	r.must(r.tx(func(tx *gorm.DB) error { return r.GiveBackTx(tx, p.wallet, models.PaymentStripe, ref, micro) }))
}

// hold sets micro-credits aside.
func (r *room) hold(p person, micro int64) (h models.Hold, err error) {
	err = r.tx(func(tx *gorm.DB) (err error) {
		h, err = r.HoldTx(tx, p.Viewer, models.HoldAsk{Price: unit, OutputTokens: micro})
		return err
	})
	return h, err
}

func (r *room) mustHold(p person, micro int64) models.Hold {
	r.t.Helper()
	h, err := r.hold(p, micro)
	r.must(err)
	return h
}

// act is a settlement of that many tokens, at one micro-credit each.
func act(p person, h models.Hold, ref string, tokens int64) models.Settlement {
	return models.Settlement{OwnerID: p.OwnerID, HoldID: h.ID, Ref: ref, Source: models.SourceWeb, Feature: models.FeatureChat, ModelID: "m",
		Status: models.RunComplete, Usage: models.Usage{PromptTokens: 3, OutputTokens: tokens}}
}

func (r *room) settleTx(s models.Settlement) (c models.Charge, err error) {
	err = r.tx(func(tx *gorm.DB) (err error) {
		c, err = r.SettleTx(tx, s)
		return err
	})
	return c, err
}

// wants compares what the wallet holds.
func (r *room) wants(p person, posted, held, owed int64) {
	r.t.Helper()
	b, err := r.BalanceOf(r.t.Context(), p.wallet)
	r.must(err)
	if b.Posted != posted || b.Held != held || b.Owed != owed {
		r.t.Errorf("the wallet has %d posted, %d held, %d owed; want %d, %d, %d", b.Posted, b.Held, b.Owed, posted, held, owed)
	}
}

// sound fails unless every invariant holds.
func (r *room) sound() {
	r.t.Helper()
	r.broken()
}

// broken fails unless exactly the named invariants are found broken.
func (r *room) broken(want ...string) {
	r.t.Helper()
	report, err := r.Verify(r.t.Context())
	r.must(err)
	if got := report.Broken(); !slices.Equal(got, want) || report.OK != (len(want) == 0) {
		r.t.Errorf("broken are %v, want %v: %s", got, want, fmt.Sprint(report.Findings))
	}
}

func durable(t testing.TB) *database.DB {
	if os.Getenv("DURABLE") == "" {
		return dbtest.New(t)
	}
	dir, _ := os.MkdirTemp("/var/tmp", "ledger")
	db, err := database.Open(t.Context(), database.Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.Background()); os.RemoveAll(dir) })
	return db
}
