package billing_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Stripe's own client leaves a request's timer to run out, which takes seconds.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.setRequestCancel.func4"))
}

// room is a shop window with real books behind it.
type room struct {
	*billing.Service
	t        testing.TB
	db       *database.DB
	books    *credit.Service
	keeper   *seal.Keeper
	shop     *shop // Stripe
	creem    *shop
	now      atomic.Pointer[time.Time]
	mu       sync.Mutex
	told     []string
	logs     lines
	keyFails error
}

const price = 1000

var packs = []billing.Pack{
	{ID: "small", Name: "Small", Credits: 1_000_000_000, PriceMinor: price, Currency: "USD", CreemProductID: "prod_small"},
	{ID: "yen", Name: "Yen", Credits: 7, PriceMinor: 3, Currency: "JPY"},
}

func newRoom(t testing.TB) *room {
	t.Helper()
	keeper, err := seal.NewKeeper(make([]byte, seal.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	r := &room{t: t, db: dbtest.New(t), keeper: keeper,
		shop: &shop{name: "STRIPE", sessions: map[string]payment.Event{}}, creem: &shop{name: "CREEM", sessions: map[string]payment.Event{}}}
	began := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	r.now.Store(&began)
	r.books = credit.New(credit.Config{DB: r.db, Audit: audittest.New(r.db), Clock: r.clock()})
	t.Cleanup(r.books.Close)
	r.Service = r.instance(r.shop, r.creem)
	return r
}

func (r *room) clock() clock.Clock { return clock.Func(func() time.Time { return *r.now.Load() }) }

// instance is another instance of the service on the same database.
func (r *room) instance(providers ...payment.Provider) *billing.Service {
	return billing.New(billing.Config{DB: r.db, Audit: audittest.New(r.db), Keys: r, Clock: r.clock(), Log: slog.New(slog.NewTextHandler(&r.logs, nil)), Ledger: r.books, Providers: providers,
		Packs: packs, PublicURL: "https://kimi.example", Indexer: billing.NewIndexer([]byte("a secret of the installation")),
		Email:   func(context.Context, viewer.Viewer) (string, error) { return "buyer@example.com", nil },
		Changed: func(owner, purchase string) { r.hears(owner + " " + purchase) }})
}

// lines is what was logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (r *room) hears(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, s)
}

func (r *room) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

// Key opens an owner's key.
func (r *room) Key(ctx context.Context, owner string) (*seal.Key, error) {
	if r.keyFails != nil {
		return nil, r.keyFails
	}
	var wrapped [][]byte
	if err := r.db.Gorm(ctx).Raw(`SELECT key_wrapped FROM owners WHERE id = ?`, owner).Scan(&wrapped).Error; err != nil {
		return nil, err
	}
	if len(wrapped) == 0 {
		return nil, fault.New(fault.NotFound, "gone")
	}
	return r.keeper.Unwrap(owner, wrapped[0])
}

func (r *room) pass(d time.Duration) {
	later := r.now.Load().Add(d)
	r.now.Store(&later)
}

func (r *room) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) exec(query string, args ...any) {
	r.t.Helper()
	_, err := r.db.Pool().Exec(context.Background(), query, args...)
	r.must(err)
}

func (r *room) count(query string, args ...any) (n int64) {
	r.t.Helper()
	r.must(r.db.Pool().QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// account is an account with a wallet.
func (r *room) account() viewer.Viewer {
	r.t.Helper()
	owner := id.New(id.Owner)
	key, wrapped, err := r.keeper.NewKey(owner)
	r.must(err)
	r.exec(`INSERT INTO owners (id, kind, key_wrapped, created_at, last_active_at) VALUES ($1, 'ACCOUNT', $2, now(), now())`, owner, wrapped)
	r.must(r.db.Tx(context.Background(), func(tx *gorm.DB) error { return r.books.OpenTx(tx, owner) }))
	return viewer.Viewer{Kind: viewer.Account, OwnerID: owner, Key: key}
}

func (r *room) admin() viewer.Viewer {
	v := r.account()
	v.Admin = true
	return v
}

// buy begins a checkout of the small pack.
func (r *room) buy(v viewer.Viewer, click string) *models.Purchase {
	r.t.Helper()
	p, err := r.Checkout(context.Background(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe, ClientID: click})
	r.must(err)
	return p
}

// paid is what Stripe tells of the purchase's payment.
func paidFor(p *models.Purchase) payment.Event {
	return payment.Event{ID: "evt_paid_" + p.ID, Kind: "checkout.session.completed", OccurredAt: p.CreatedAt, Status: payment.Paid, Live: p.Live,
		PurchaseID: p.ID, SessionID: "cs_" + p.ID, PaymentID: "pi_" + p.ID, CustomerID: "cus_" + p.AccountID, AmountMinor: p.AmountMinor, Currency: p.Currency}
}

func refundOf(p *models.Purchase, minor int64) payment.Event {
	return payment.Event{ID: "evt_refund_" + p.ID + "_" + time.Duration(minor).String(), Kind: "charge.refunded", Status: payment.Refunded,
		PaymentID: "pi_" + p.ID, RefundedMinor: minor, Currency: p.Currency}
}

func disputeOf(p *models.Purchase, state string, minor int64) payment.Event {
	return disputeNo(p, 1, state, minor)
}

// disputeNo is what Stripe tells of one of several disputes of the purchase's payment.
func disputeNo(p *models.Purchase, n int, state string, minor int64) payment.Event {
	return payment.Event{ID: fmt.Sprintf("evt_dispute_%s_%d_%s", p.ID, n, state), Kind: "charge.dispute." + state, Status: payment.Disputed,
		PaymentID: "pi_" + p.ID, DisputeID: fmt.Sprintf("du_%s_%d", p.ID, n), Dispute: state, DisputedMinor: minor, Currency: p.Currency}
}

func (r *room) hook(s *billing.Service, provider string, e payment.Event) error {
	r.t.Helper()
	body, err := json.Marshal(e)
	r.must(err)
	return s.Webhook(context.Background(), provider, http.Header{"Signed": {"yes"}}, body)
}

// stripe delivers events of Stripe's.
func (r *room) stripe(es ...payment.Event) {
	r.t.Helper()
	for _, e := range es {
		r.must(r.hook(r.Service, "STRIPE", e))
	}
}

// inQuarantine is all that is in quarantine.
func (r *room) inQuarantine(v viewer.Viewer) ([]*models.QuarantinedPayment, error) {
	rows, _, err := r.Quarantined(context.Background(), v, page.Args{Size: page.MaxSize})
	return rows, err
}

// wants compares what a wallet holds and owes.
func (r *room) wants(v viewer.Viewer, posted, owed int64) {
	r.t.Helper()
	b, _, err := r.books.Balance(context.Background(), v)
	r.must(err)
	if b.Posted != posted || b.Owed != owed {
		r.t.Errorf("the wallet has %d and owes %d; want %d and %d", b.Posted, b.Owed, posted, owed)
	}
}

func (r *room) purchase(v viewer.Viewer, purchaseID string) *models.Purchase {
	r.t.Helper()
	p, err := r.Payment(context.Background(), v, purchaseID)
	r.must(err)
	return p
}

// sound fails unless the books and the purchases agree.
func (r *room) sound() {
	r.t.Helper()
	findings, err := r.Verify(context.Background())
	r.must(err)
	for _, f := range findings {
		if len(f.Faults) > 0 {
			r.t.Errorf("%s: %v", f.Invariant, f.Faults)
		}
	}
	report, err := r.books.Verify(context.Background())
	r.must(err)
	if !report.OK {
		r.t.Errorf("the books are wrong: %v", report.Findings)
	}
}
