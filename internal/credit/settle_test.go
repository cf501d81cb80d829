package credit_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/models"
)

// both runs a test through SettleTx and through the writer that commits many at once.
func both(t *testing.T, test func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error))) {
	t.Run("in a transaction", func(t *testing.T) {
		r := newRoom(t)
		test(t, r, r.settleTx)
	})
	t.Run("with others", func(t *testing.T) {
		r := newRoom(t)
		test(t, r, func(s models.Settlement) (models.Charge, error) { return r.Settle(t.Context(), s) })
	})
}

// P61: an act is settled once, whoever asks again and however.
func TestAnActIsSettledOnce(t *testing.T) {
	both(t, func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error)) {
		p := r.person(100)
		h := r.mustHold(p, 60)
		r.wants(p, 100, 60, 0)
		first, err := settle(act(p, h, "run/0", 25))
		r.must(err)
		if first.Credits != 25 || first.Again || !id.Is(id.Transfer, first.TransferID) {
			t.Errorf("the charge is %+v", first)
		}
		r.wants(p, 75, 0, 0)
		again, err := settle(act(p, h, "run/0", 60))
		r.must(err)
		first.Again = true
		if again != first {
			t.Errorf("settled again it is %+v, want %+v", again, first)
		}
		if _, err := settle(act(p, h, "another/0", 1)); !errors.Is(err, credit.ErrHoldResolved) {
			t.Errorf("another act of the hold gives %v", err)
		}
		r.wants(p, 75, 0, 0)
		r.sound()
	})
}

func TestTheRowOfUsageSaysWhatWasUsed(t *testing.T) {
	both(t, func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error)) {
		p := r.person(1_000_000)
		var h models.Hold
		price := models.Price{Input: 600_000, CachedInput: 150_000, Output: 2_500_000}
		r.must(r.tx(func(tx *gorm.DB) (err error) {
			h, err = r.HoldTx(tx, p.Viewer, models.HoldAsk{Price: price, PromptTokens: 1000, OutputTokens: 1024})
			return err
		}))
		if h.Amount != 600+2560 || h.Price != price {
			t.Fatalf("the hold is %+v", h)
		}
		s := models.Settlement{OwnerID: p.OwnerID, HoldID: h.ID, Ref: "run/1", ReplyID: "msg_1", Source: models.SourceAPIKey, KeyID: "key_1",
			Feature: models.FeatureContinue, ModelID: "k2", EngineName: "k2\x00-1", Status: models.RunStopped,
			Usage:         models.Usage{PromptTokens: 1000, CachedTokens: 400, OutputTokens: 101, ReasoningTokens: 50, Estimated: true},
			CountedPrompt: 999, CountedOutput: 100, Absurd: &models.Usage{OutputTokens: -7}, FirstToken: 1500 * time.Microsecond, Took: 2 * time.Second}
		c, err := settle(s)
		r.must(err)
		const want = 673 // 600 tokens at 0.6, 400 at 0.15, 101 at 2.5: 672.5, rounded up
		if c.Credits != want {
			t.Errorf("it costs %d, want %d", c.Credits, want)
		}
		var u models.UsageRow
		r.must(r.db.Gorm(t.Context()).First(&u).Error)
		if !strings.Contains(string(u.Reported), "-7") {
			t.Errorf("reported is %s", u.Reported)
		}
		u.Reported = nil
		wanted := models.UsageRow{OwnerID: p.OwnerID, ID: u.ID, Ref: "run/1", HoldID: h.ID, TransferID: c.TransferID, ReplyID: "msg_1", Source: models.SourceAPIKey,
			KeyID: "key_1", Feature: models.FeatureContinue, ModelID: "k2", EngineName: "k2-1", Status: models.RunStopped, PromptTokens: 1000, CachedTokens: 400,
			OutputTokens: 101, ReasoningTokens: 50, Estimated: true, CountedPrompt: 999, CountedOutput: 100, Quarantined: true, PriceInput: 600_000,
			PriceCached: 150_000, PriceOutput: 2_500_000, Credits: want, FirstTokenMs: 1, LatencyMs: 2000, CreatedAt: *r.now.Load()}
		u.CreatedAt = u.CreatedAt.UTC()
		if got, want := fmt.Sprintf("%+v", u), fmt.Sprintf("%+v", wanted); got != want {
			t.Errorf("the row is\n%s, want\n%s", got, want)
		}
		r.sound()
	})
}

// P63: what was not written is not charged, and the hold is released.
func TestNoOutputCostsNothing(t *testing.T) {
	both(t, func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error)) {
		p := r.person(100)
		h := r.mustHold(p, 60)
		s := act(p, h, "run/0", 0)
		s.Status, s.Usage.PromptTokens = models.RunFailed, 20
		c, err := settle(s)
		r.must(err)
		if c != (models.Charge{}) {
			t.Errorf("the charge is %+v", c)
		}
		r.wants(p, 100, 0, 0)
		if n := r.count(`SELECT count(*) FROM usage_rows WHERE credits = 0 AND hold_id = $1`, h.ID); n != 1 {
			t.Errorf("there are %d rows of usage", n)
		}
		r.sound()
	})
}

func TestAChargeIsAtMostWhatIsHeld(t *testing.T) {
	both(t, func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error)) {
		p := r.person(100)
		c, err := settle(act(p, r.mustHold(p, 60), "run/0", 1<<62))
		r.must(err)
		if c.Credits != 60 {
			t.Errorf("charged are %d", c.Credits)
		}
		r.wants(p, 40, 0, 0)
		r.sound()
	})
}

func TestGuestsAreChargedNothingAndSettledOnce(t *testing.T) {
	both(t, func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error)) {
		g := r.guest()
		h, err := r.hold(g, 50)
		r.must(err)
		if h != (models.Hold{}) {
			t.Fatalf("a guest holds %+v", h)
		}
		for _, again := range []bool{false, true} {
			c, err := settle(act(g, h, "run/0", 10))
			r.must(err)
			if c != (models.Charge{Again: again}) {
				t.Errorf("the charge is %+v", c)
			}
		}
		if n := r.count(`SELECT count(*) FROM usage_rows`); n != 1 {
			t.Errorf("there are %d rows of usage", n)
		}
		if told := r.wasTold(); len(told) > 0 {
			t.Errorf("told are %v", told)
		}
		r.sound()
	})
}

// A reply whose hold was swept is stored, and free.
func TestAVoidedHoldChargesNothing(t *testing.T) {
	both(t, func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error)) {
		p := r.person(100)
		h := r.mustHold(p, 60)
		r.must(r.Void(t.Context(), h.ID))
		r.must(r.Void(t.Context(), h.ID))
		r.wants(p, 100, 0, 0)
		c, err := settle(act(p, h, "run/0", 10))
		r.must(err)
		if c != (models.Charge{}) {
			t.Errorf("the charge is %+v", c)
		}
		r.wants(p, 100, 0, 0)
		r.sound()
	})
}

func TestNobodySettlesOnAnothersHold(t *testing.T) {
	both(t, func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error)) {
		p, thief := r.person(100), r.person(0)
		h := r.mustHold(p, 60)
		for name, s := range map[string]models.Settlement{
			"another's": act(thief, h, "run/0", 10), "a guest's": act(r.guest(), h, "run/0", 10), "unknown": act(p, models.Hold{ID: "hld_x"}, "run/0", 10),
		} {
			if _, err := settle(s); !errors.Is(err, credit.ErrHoldResolved) {
				t.Errorf("%s hold gives %v", name, err)
			}
		}
		r.wants(p, 100, 60, 0)
		if n := r.count(`SELECT count(*) FROM usage_rows`); n != 0 {
			t.Errorf("there are %d rows of usage", n)
		}
		r.sound()
	})
}

// P61, F11: however many settle the same act and its like at the same time, it is charged once.
func TestManySettleAtOnceAndEachActIsChargedOnce(t *testing.T) {
	r := newRoom(t)
	people := []person{r.person(10_000), r.person(10_000)}
	const acts, times = 20, 4
	var wg sync.WaitGroup
	for _, p := range people {
		for i := range acts {
			h := r.mustHold(p, 10)
			for n := range times {
				wg.Go(func() {
					settle := r.settleTx
					if n%2 == 0 {
						settle = func(s models.Settlement) (models.Charge, error) { return r.Settle(t.Context(), s) }
					}
					if c, err := settle(act(p, h, fmt.Sprintf("run%d/0", i), 7)); err != nil || c.Credits != 7 {
						t.Errorf("the charge is %+v, %v", c, err)
					}
				})
			}
		}
	}
	wg.Wait()
	for _, p := range people {
		r.wants(p, 10_000-acts*7, 0, 0)
	}
	r.sound()
}

// One settlement that the database refuses does not take its neighbours along.
func TestABadSettlementHurtsNobodyElse(t *testing.T) {
	r := newRoom(t)
	p := r.person(10_000)
	var wg sync.WaitGroup
	for i := range 64 {
		h := r.mustHold(p, 10)
		wg.Go(func() {
			s := act(p, h, fmt.Sprintf("run%d/0", i), 7)
			bad := i%16 == 0
			if bad {
				s.Feature = "NONE"
			}
			if _, err := r.Settle(t.Context(), s); (err != nil) != bad {
				t.Errorf("settlement %d gives %v", i, err)
			}
		})
	}
	wg.Wait()
	r.wants(p, 10_000-60*7, 40, 0)
	r.sound()
}

func TestSettlingTellsTheOwnerOnceAndCloseEndsIt(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	h := r.mustHold(p, 10)
	for range 2 {
		if _, err := r.Settle(t.Context(), act(p, h, "run/0", 7)); err != nil {
			t.Fatal(err)
		}
	}
	if told := r.wasTold(); len(told) != 1 || told[0] != p.OwnerID {
		t.Errorf("told are %v", told)
	}
	r.Close()
	if _, err := r.Settle(t.Context(), act(p, h, "run/0", 7)); err == nil || fault.Is(err, fault.StorageUnavailable) {
		t.Errorf("after closing it gives %v", err)
	}
}

// P60 with debts: what a settlement releases pays what is owed, in the same transaction.
func TestWhatASettlementReleasesPaysTheDebt(t *testing.T) {
	both(t, func(t *testing.T, r *room, settle func(models.Settlement) (models.Charge, error)) {
		p := r.person(100)
		h := r.mustHold(p, 60)
		r.takeBack(p, "pur_1/1", 90)
		r.wants(p, 60, 60, 50)
		_, err := settle(act(p, h, "run/0", 25))
		r.must(err)
		r.wants(p, 0, 0, 15)
		var transfer string
		r.must(r.db.Pool().QueryRow(t.Context(), `SELECT id FROM ledger_transfers WHERE kind = 'REPAYMENT' AND ref = $1`, h.ID).Scan(&transfer))
		if !id.Is(id.Transfer, transfer) {
			t.Errorf("the repayment's id is %q", transfer)
		}
		r.sound()
	})
}
