package chat_test

import (
	"sync"
	"testing"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// standard is the tariff of most tests: in micro-credits, a token read costs 2, one of
// the cache 1, one written 10.
var standard = models.Price{Input: 2_000_000, CachedInput: 1_000_000, Output: 10_000_000}

// newShop is a house where replies cost credits, kept in the real books.
func newShop(t *testing.T) *house {
	t.Helper()
	h := newHouse(t)
	h.tariff.Store(&standard)
	return h
}

// keepBooks gives an instance the real books, when the house has a tariff.
func (h *house) keepBooks(db *database.DB, c *chat.Config) *credit.Service {
	if h.tariff.Load() == nil {
		return nil
	}
	books := credit.New(credit.Config{DB: db, Keys: c.Owners, Clock: clock.System{}, Ended: chat.EndedSQL})
	h.t.Cleanup(books.Close)
	c.Money = books
	if h.between != nil {
		c.Money = h.between(books)
	}
	c.Price = func(inference.Model) models.Price { return *h.tariff.Load() }
	return books
}

// customer is an account with credits.
type customer struct {
	viewer.Viewer
	i      *instance
	paid   int64
	wallet string
}

func (i *instance) customer(who string, micro int64) *customer {
	i.t.Helper()
	return i.fund(i.signIn(i.guest(), who), micro)
}

// fund opens an account's wallet and pays into it.
func (i *instance) fund(v viewer.Viewer, micro int64) *customer {
	i.t.Helper()
	c := &customer{Viewer: v, i: i, paid: micro}
	err := i.db.Tx(i.t.Context(), func(tx *gorm.DB) (err error) {
		if err := i.books.OpenTx(tx, v.OwnerID); err != nil {
			return err
		}
		if c.wallet, err = i.books.WalletTx(tx, v.OwnerID); err != nil || micro == 0 {
			return err
		}
		_, err = i.books.DepositTx(tx, c.wallet, models.PaymentStripe, id.New(id.Purchase), micro)
		return err
	})
	if err != nil {
		i.t.Fatal(err)
	}
	return c
}

func (c *customer) balance() models.Balance {
	c.i.t.Helper()
	b, err := c.i.books.BalanceOf(c.i.t.Context(), c.wallet)
	if err != nil {
		c.i.t.Fatal(err)
	}
	return b
}

// acts are the owner's usage rows, oldest first.
func (i *instance) acts(ownerID string) []models.UsageRow {
	i.t.Helper()
	var rows []models.UsageRow
	if err := i.db.Gorm(i.t.Context()).Where("owner_id = ?", ownerID).Order("id").Find(&rows).Error; err != nil {
		i.t.Fatal(err)
	}
	return rows
}

// settled fails unless exactly n acts were written down, nothing is held, what the wallet
// lost is what they say, and every invariant of the books holds (L8 too). It returns them.
func (c *customer) settled(n int) []models.UsageRow {
	t := c.i.t
	t.Helper()
	rows := c.i.acts(c.OwnerID)
	var sum int64
	refs := map[string]bool{}
	for _, r := range rows {
		sum += r.Credits
		refs[r.Ref] = true
		if (r.HoldID == "") != (r.PriceOutput == 0) {
			t.Errorf("act %s has hold %q at the price %d", r.Ref, r.HoldID, r.PriceOutput)
		}
	}
	if len(rows) != n || len(refs) != n {
		t.Fatalf("%d acts with %d refs were written down, want %d: %+v", len(rows), len(refs), n, rows)
	}
	if b := c.balance(); b.Posted != c.paid-sum || b.Held != 0 || b.Owed != 0 {
		t.Errorf("the wallet is %+v after %d micro-credits were charged of %d", b, sum, c.paid)
	}
	var open []string
	err := c.i.db.Gorm(t.Context()).Raw(`SELECT r.id FROM runs r JOIN ledger_holds h ON h.id = r.hold_id WHERE r.status <> 'RUNNING' AND h.status <> 'SETTLED'`).Scan(&open).Error
	if err != nil || len(open) > 0 {
		t.Errorf("runs that ended without a settlement: %v %v", open, err)
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
