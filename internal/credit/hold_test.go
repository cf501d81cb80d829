package credit_test

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// refusal is the fault of a refusal for lack of credits.
func refusal(t *testing.T, err error) *fault.Fault {
	t.Helper()
	list, ok := fault.Of(err)
	if !ok || len(list) != 1 || list[0].Code != fault.InsufficientCredits {
		t.Fatalf("it gives %v", err)
	}
	return list[0]
}

// P60, T26, F11: of 200 at once exactly those are admitted whom the balance covers.
func TestParallelHoldsAdmitExactlyWhatFits(t *testing.T) {
	r := newRoom(t)
	p := r.person(7*1000 + 999)
	var admitted atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			_, err := r.hold(p, 1000)
			switch {
			case err == nil:
				admitted.Add(1)
			case !fault.Is(err, fault.InsufficientCredits):
				t.Errorf("a hold gives %v", err)
			}
		})
	}
	wg.Wait()
	if n := admitted.Load(); n != 7 {
		t.Errorf("%d holds were admitted, want 7", n)
	}
	r.wants(p, 7999, 7000, 0)
	r.sound()
}

// P67: who lacks credits learns how many are needed and how many there are.
func TestTheRefusalSaysWhatIsNeededAndAvailable(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	r.mustHold(p, 60)
	_, err := r.hold(p, 41)
	if f := refusal(t, err); f.Needed != 41 || f.Available != 40 {
		t.Errorf("needed are %d of %d", f.Needed, f.Available)
	}
	r.takeBack(p, "pur_1/1", 50)
	_, err = r.hold(p, 1)
	if f := refusal(t, err); f.Needed != 1 || f.Available != 0 {
		t.Errorf("in debt needed are %d of %d", f.Needed, f.Available)
	}
	if h := r.mustHold(p, 0); h.ID == "" {
		t.Error("what is free needs no credits")
	}
	if _, err := r.hold(r.person(0), math.MaxInt64); !fault.Is(err, fault.InsufficientCredits) {
		t.Errorf("all there is gives %v", err)
	}
	r.sound()
}

func TestGuestsHoldNothingAndAccountsNeedAWallet(t *testing.T) {
	r := newRoom(t)
	for _, v := range []viewer.Viewer{{}, {Kind: viewer.Visitor}, r.guest().Viewer} {
		h, err := r.hold(person{Viewer: v}, 1<<40)
		if h != (models.Hold{}) || err != nil {
			t.Errorf("%s holds %+v, %v", v, h, err)
		}
		b, w, err := r.Balance(t.Context(), v)
		if b != nil || w != nil || err != nil {
			t.Errorf("%s has %v, %v, %v", v, b, w, err)
		}
	}
	g := r.guest()
	g.Kind = viewer.Account
	if _, err := r.hold(g, 1); !errors.Is(err, credit.ErrNoWallet) {
		t.Errorf("without a wallet it gives %v", err)
	}
	if _, err := r.BalanceOf(t.Context(), "lac_revenue"); !errors.Is(err, credit.ErrNoWallet) {
		t.Errorf("the installation's account gives %v", err)
	}
}

// P68: the price of the hold counts for all its slices.
func TestSlicesAreHeldAtThePriceOfTheHold(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	h, other := r.mustHold(p, 10), r.mustHold(p, 10)
	refused, err := r.More(t.Context(), []models.HoldMore{{HoldID: h.ID, OutputTokens: 50}, {HoldID: other.ID}})
	r.must(err)
	if len(refused) > 0 {
		t.Errorf("refused are %v", refused)
	}
	r.wants(p, 100, 70, 0)
	c, err := r.Settle(t.Context(), act(p, h, "run/0", 60))
	r.must(err)
	if c.Credits != 60 {
		t.Errorf("charged are %d", c.Credits)
	}
	r.sound()
}

// P60: slices that many ask for at once are granted as far as the balance goes.
func TestSlicesBeyondTheBalanceAreRefusedOneByOne(t *testing.T) {
	r := newRoom(t)
	p, q := r.person(100), r.person(100)
	a, b, c, done := r.mustHold(p, 10), r.mustHold(p, 10), r.mustHold(q, 10), r.mustHold(q, 1)
	_, err := r.Settle(t.Context(), act(q, done, "run/0", 0))
	r.must(err)
	refused, err := r.More(t.Context(), []models.HoldMore{
		{HoldID: a.ID, OutputTokens: 60}, {HoldID: b.ID, OutputTokens: 30}, {HoldID: c.ID, OutputTokens: 90},
		{HoldID: done.ID, OutputTokens: 1}, {HoldID: "hld_unknown"},
	})
	r.must(err)
	if f := refusal(t, refused[a.ID]); f.Needed != 60 || f.Available != 80 || len(refused) != 3 ||
		!errors.Is(refused[done.ID], credit.ErrHoldResolved) || !errors.Is(refused["hld_unknown"], credit.ErrHoldResolved) {
		t.Errorf("refused are %v", refused)
	}
	r.wants(p, 100, 50, 0)
	r.wants(q, 100, 100, 0)
	refused, err = r.More(t.Context(), []models.HoldMore{{HoldID: a.ID, OutputTokens: math.MaxInt64}})
	r.must(err)
	refusal(t, refused[a.ID])
	r.takeBack(p, "pur_1/1", 60)
	refused, err = r.More(t.Context(), []models.HoldMore{{HoldID: a.ID, OutputTokens: 1}, {HoldID: b.ID}})
	r.must(err)
	if f := refusal(t, refused[a.ID]); len(refused) != 1 || f.Available != 0 {
		t.Errorf("in debt refused are %v", refused)
	}
	r.sound()
}

// P60: holds and slices that race for one balance never take more than there is.
func TestHoldsSlicesAndSettlementsRace(t *testing.T) {
	r := newRoom(t)
	p := r.person(5000)
	var wg sync.WaitGroup
	var charged atomic.Int64
	for i := range 60 {
		wg.Go(func() {
			h, err := r.hold(p, 100)
			if fault.Is(err, fault.InsufficientCredits) {
				return
			}
			if err == nil {
				_, err = r.More(t.Context(), []models.HoldMore{{HoldID: h.ID, OutputTokens: 100}})
			}
			if err == nil && i%3 == 0 {
				err = r.Void(t.Context(), h.ID)
			}
			if err != nil {
				t.Error(err)
				return
			}
			c, err := r.Settle(t.Context(), act(p, h, fmt.Sprintf("run%d/0", i), 150))
			if err != nil {
				t.Error(err)
			}
			charged.Add(c.Credits)
		})
	}
	wg.Wait()
	r.wants(p, 5000-charged.Load(), 0, 0)
	r.sound()
}

// T28, to the second: a hold without a run goes when its lease ends, not before; one with
// a run gets another lease.
func TestTheSweepVoidsWhatNobodyWillSettle(t *testing.T) {
	r := newRoom(t)
	p, q := r.person(100), r.person(100)
	dead, alive, renewed := r.mustHold(p, 10), r.mustHold(p, 20), r.mustHold(q, 30)
	r.alive[alive.ID] = true
	sweep := func(voided, kept int) {
		t.Helper()
		v, k, err := r.Sweep(t.Context())
		r.must(err)
		if v != voided || k != kept {
			t.Errorf("%d were voided and %d renewed, want %d and %d", v, k, voided, kept)
		}
	}
	r.pass(credit.DefaultHoldTTL - time.Second)
	sweep(0, 0)
	_, err := r.More(t.Context(), []models.HoldMore{{HoldID: renewed.ID}})
	r.must(err)
	r.pass(time.Second)
	sweep(1, 1)
	r.wants(p, 100, 20, 0)
	r.wants(q, 100, 30, 0)
	if told := r.wasTold(); len(told) != 1 || told[0] != p.OwnerID {
		t.Errorf("told are %v", told)
	}
	r.pass(credit.DefaultHoldTTL - time.Second)
	sweep(1, 0)
	delete(r.alive, alive.ID)
	r.pass(time.Second)
	sweep(1, 0)
	sweep(0, 0)
	r.wants(p, 100, 0, 0)
	if n := r.count(`SELECT count(*) FROM ledger_holds WHERE id = $1 AND status = 'VOID'`, dead.ID); n != 1 {
		t.Error("the hold is not void")
	}
	r.sound()
}

func TestTheSweepTouchesNothingWhileNobodyKnowsTheRuns(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	r.mustHold(p, 10)
	r.pass(time.Hour)
	r.failed = errors.New("no answer")
	if _, _, err := r.Sweep(t.Context()); !errors.Is(err, r.failed) {
		t.Errorf("it gives %v", err)
	}
	r.wants(p, 100, 10, 0)
	r.Join(nil, nil)
	if voided, _, err := r.Sweep(t.Context()); voided != 1 || err != nil {
		t.Errorf("%d were voided, %v", voided, err)
	}
}

// What a lapsed hold releases pays what is owed, and many are swept in one go.
func TestTheSweepGoesThroughAllAndPaysDebts(t *testing.T) {
	r := newRoom(t)
	p := r.person(600)
	for range 600 {
		r.mustHold(p, 1)
	}
	r.takeBack(p, "pur_1/1", 550)
	r.wants(p, 600, 600, 550)
	r.pass(credit.DefaultHoldTTL)
	if voided, _, err := r.Sweep(t.Context()); voided != 600 || err != nil {
		t.Errorf("%d were voided, %v", voided, err)
	}
	r.wants(p, 50, 0, 0)
	r.sound()
}

func TestAHoldOfARolledBackMessageIsNone(t *testing.T) {
	r := newRoom(t)
	p := r.person(100)
	lost := errors.New("no message after all")
	err := r.tx(func(tx *gorm.DB) error {
		if _, err := r.HoldTx(tx, p.Viewer, models.HoldAsk{Price: unit, OutputTokens: 10}); err != nil {
			return err
		}
		return lost
	})
	if !errors.Is(err, lost) {
		t.Errorf("it gives %v", err)
	}
	r.wants(p, 100, 0, 0)
	r.sound()
}
