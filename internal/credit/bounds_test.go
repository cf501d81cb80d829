package credit_test

import (
	"math"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// L10, T27: what doesn't fit into an int64 is refused as a whole, wherever it comes from:
// nothing wraps round, and nothing of it is left in the books.
func TestAmountsThatDoNotFitAreRefused(t *testing.T) {
	r, d := newDesk(t)
	full, empty, some := r.person(math.MaxInt64), r.person(0), r.person(1000)
	operator := r.operator()
	paid := func(p person, kind models.TransferKind, ref string, n int64) error {
		return r.tx(func(tx *gorm.DB) error {
			switch kind {
			case models.TransferPurchase:
				_, err := r.DepositTx(tx, p.wallet, models.PaymentStripe, ref, n)
				return err
			case models.TransferReinstatement:
				return r.GiveBackTx(tx, p.wallet, models.PaymentStripe, ref, n)
			}
			return r.TakeBackTx(tx, p.wallet, models.PaymentStripe, kind, ref, n)
		})
	}
	r.must(paid(empty, models.TransferRefund, "owes all", math.MaxInt64))
	for name, deed := range map[string]func() error{
		"a purchase beyond a full wallet":    func() error { return paid(full, models.TransferPurchase, "p", 1) },
		"the largest purchase beyond it":     func() error { return paid(full, models.TransferPurchase, "p2", math.MaxInt64) },
		"credits given again beyond it":      func() error { return paid(full, models.TransferReinstatement, "r", 1) },
		"a refund beyond the largest debt":   func() error { return paid(empty, models.TransferRefund, "f", 1) },
		"a dispute beyond the largest debt":  func() error { return paid(empty, models.TransferDispute, "d", math.MaxInt64) },
		"a refund of less than nothing":      func() error { return paid(some, models.TransferRefund, "n", math.MinInt64) },
		"a purchase of less than nothing":    func() error { return paid(some, models.TransferPurchase, "n", math.MinInt64) },
		"an adjustment beyond a full wallet": func() error { return adjust(r, d, operator, full, "a", 1) },
		"an adjustment beyond all reason":    func() error { return adjust(r, d, operator, some, "b", math.MaxInt64) },
		"one that takes beyond all reason":   func() error { return adjust(r, d, operator, some, "c", math.MinInt64) },
		"a price that nobody can pay": func() error {
			return r.tx(func(tx *gorm.DB) error {
				_, err := r.HoldTx(tx, some.Viewer, models.HoldAsk{Price: models.Price{Input: math.MaxInt64, Output: math.MaxInt64}, PromptTokens: math.MaxInt64, OutputTokens: math.MaxInt64})
				return err
			})
		},
		"a price below nothing": func() error {
			return r.tx(func(tx *gorm.DB) error {
				_, err := r.HoldTx(tx, some.Viewer, models.HoldAsk{Price: models.Price{Output: math.MinInt64}, OutputTokens: 1})
				return err
			})
		},
	} {
		if err := deed(); err == nil {
			t.Errorf("%s is no error", name)
		}
	}
	r.wants(full, math.MaxInt64, 0, 0)
	r.wants(empty, 0, 0, math.MaxInt64)
	r.wants(some, 1000, 0, 0)
	r.sound()
}

func adjust(r *room, d *desk, v viewer.Viewer, p person, name string, micro int64) error {
	_, _, err := r.Adjust(r.t.Context(), v, d, credit.Adjustment{ClientID: name, Account: p.OwnerID, Amount: micro, Reason: "so"})
	return err
}

// A slice that no int64 can pay is refused, and the hold stays as it was; one of a full
// wallet is granted to the last millionth.
func TestTheLargestHold(t *testing.T) {
	r := newRoom(t)
	p := r.person(math.MaxInt64)
	h := r.mustHold(p, math.MaxInt64-1)
	for tokens, granted := range map[int64]bool{math.MaxInt64: false, 2: false} {
		refused, err := r.More(t.Context(), []models.HoldMore{{HoldID: h.ID, OutputTokens: tokens}})
		r.must(err)
		if (refused[h.ID] == nil) != granted {
			t.Errorf("%d more: %v", tokens, refused)
		}
	}
	refused, err := r.More(t.Context(), []models.HoldMore{{HoldID: h.ID, OutputTokens: 1}})
	if err != nil || len(refused) > 0 {
		t.Errorf("the last millionth: %v, %v", refused, err)
	}
	r.wants(p, math.MaxInt64, math.MaxInt64, 0)
	c, err := r.settleTx(act(p, h, "a", math.MaxInt64))
	if err != nil || c.Credits != math.MaxInt64 {
		t.Errorf("it is settled as %+v, %v", c, err)
	}
	r.wants(p, 0, 0, 0)
	r.sound()
}

// An operator's clientId means one adjustment: again it is the same, and it can't become
// another amount, another way or another account's.
func TestAnAdjustmentsNameMeansOneThing(t *testing.T) {
	r, d := newDesk(t)
	p, other := r.person(100), r.person(100)
	operator := r.operator()
	r.must(adjust(r, d, operator, p, "a", 7))
	r.must(adjust(r, d, operator, p, "a", 7))
	for name, err := range map[string]error{
		"another amount": adjust(r, d, operator, p, "a", 8), "the other way": adjust(r, d, operator, p, "a", -7), "another account": adjust(r, d, operator, other, "a", 7),
	} {
		if !fault.Is(err, fault.Conflict) {
			t.Errorf("%s gives %v", name, err)
		}
	}
	r.wants(p, 107, 0, 0)
	r.wants(other, 100, 0, 0)
	r.sound()
}

// Clocks of instances, and of the database, may differ by minutes or be set while a reply
// is written: a lease is never cut short for who is at work, nobody is charged twice, and
// nothing stays held for good.
func TestClocksThatDiffer(t *testing.T) {
	for name, off := range map[string]time.Duration{"ahead": 10 * time.Minute, "far ahead": 20 * 365 * 24 * time.Hour, "behind": -10 * time.Minute, "far behind": -20 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t) // its clock and the database's are months apart already
			p := r.person(1000)
			other := credit.New(credit.Config{DB: r.db, Audit: audittest.New(r.db), Runs: r, Clock: clock.Func(func() time.Time { return r.now.Load().Add(off) })})
			defer other.Close()
			working, dead, dying := r.mustHold(p, 100), r.mustHold(p, 10), r.mustHold(p, 1)
			r.alive[working.ID], r.alive[dying.ID] = true, true
			_, _, err := other.Sweep(t.Context())
			r.must(err)
			held := int64(111)
			if off > 0 || off < -time.Hour { // it takes the lease for ended: only who is at work keeps it
				held = 101
			}
			r.wants(p, 1000, held, 0)
			refused, err := other.More(t.Context(), []models.HoldMore{{HoldID: working.ID, OutputTokens: 5}})
			if err != nil || len(refused) > 0 {
				t.Errorf("more: %v, %v", refused, err)
			}
			voided, _, err := r.Sweep(t.Context()) // other's lease is not shorter than ours was
			r.must(err)
			if voided != 0 {
				t.Errorf("%d holds were voided at once", voided)
			}
			c, err := other.Settle(t.Context(), act(p, working, "w", 50))
			again, err2 := r.settleTx(act(p, working, "w", 50))
			if err != nil || err2 != nil || c.Credits != 50 || again.Credits != 50 || !again.Again {
				t.Errorf("settled by both it is %+v, %+v, %v, %v", c, again, err, err2)
			}
			r.alive[dying.ID] = false
			r.pass(credit.DefaultHoldTTL + 10*time.Minute) // at most by what the clocks differ
			_, _, err = r.Sweep(t.Context())
			r.must(err)
			r.wants(p, 950, 0, 0)
			c, err = r.settleTx(act(p, dead, "d", 5)) // it comes too late
			if err != nil || c.Credits != 0 {
				t.Errorf("settled late it is %+v, %v", c, err)
			}
			r.deposit(p, id.New(id.Purchase), 1)
			r.wants(p, 951, 0, 0)
			r.sound()
		})
	}
}
