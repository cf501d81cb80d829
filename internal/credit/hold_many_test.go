package credit_test

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// holdMany sets credits aside for all of them together.
func (r *room) holdMany(asks ...models.HoldFor) (holds []models.Hold, errs []error) {
	r.t.Helper()
	holds, errs = make([]models.Hold, len(asks)), make([]error, len(asks))
	told := make([]int, len(asks))
	var b pgx.Batch
	r.QueueHolds(&b, asks, func(n int, h models.Hold, err error) {
		holds[n], errs[n] = h, err
		told[n]++
	})
	r.must(r.db.Pool().SendBatch(r.t.Context(), &b).Close())
	for n, times := range told {
		if times != 1 {
			r.t.Errorf("hold %d was told of %d times", n, times)
		}
	}
	return holds, errs
}

func askFor(p person, micro int64) models.HoldFor {
	return models.HoldFor{OwnerID: p.OwnerID, KeyID: "key_1", HoldAsk: models.HoldAsk{Price: unit, OutputTokens: micro}}
}

// P60, P67: holds that are made together are those that are made one by one: of each wallet
// as many as it covers, the small ones first, and the others are told what is needed.
func TestHoldsThatAreMadeTogether(t *testing.T) {
	r := newRoom(t)
	rich, poor, debtor := r.person(1000), r.person(100), r.person(100)
	r.takeBack(debtor, "pur_1/1", 150)
	nobody := r.guest()
	holds, errs := r.holdMany(askFor(rich, 600), askFor(poor, 70), askFor(rich, 300), askFor(rich, 150), askFor(poor, 30), askFor(poor, 0), askFor(debtor, 1), askFor(debtor, 0), askFor(nobody, 1))
	for n, amount := range map[int]int64{1: 70, 2: 300, 3: 150, 4: 30, 5: 0, 7: 0} {
		if errs[n] != nil || holds[n].ID == "" || holds[n].Amount != amount || holds[n].Price != unit {
			t.Errorf("%d: %+v %v", n, holds[n], errs[n])
		}
	}
	if f := refusal(t, errs[0]); f.Needed != 600 || f.Available != 1000 {
		t.Errorf("needed are %d of %d", f.Needed, f.Available)
	}
	if f := refusal(t, errs[6]); f.Needed != 1 || f.Available != 0 {
		t.Errorf("in debt needed are %d of %d", f.Needed, f.Available)
	}
	if _, refused := fault.Of(errs[8]); refused || errs[8] == nil {
		t.Errorf("who has no wallet gets %v, not %v", errs[8], credit.ErrNoWallet)
	}
	r.wants(rich, 1000, 450, 0)
	r.wants(poor, 100, 100, 0)
	c, err := r.Settle(t.Context(), act(rich, holds[2], "cmp_1", 200))
	r.must(err)
	if c.Credits != 200 {
		t.Errorf("%+v", c)
	}
	r.wants(rich, 800, 150, 0)
	r.sound()
}

// T26: batches at once admit together exactly what fits.
func TestParallelBatchesAdmitExactlyWhatFits(t *testing.T) {
	r := newRoom(t)
	p, q := r.person(7*1000+999), r.person(5*1000)
	var mu sync.Mutex
	admitted := map[string]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			asks := []models.HoldFor{askFor(p, 1000), askFor(q, 1000), askFor(p, 1000), askFor(q, 1000)}
			_, errs := r.holdMany(asks...)
			mu.Lock()
			defer mu.Unlock()
			for n, err := range errs {
				if err == nil {
					admitted[asks[n].OwnerID]++
				} else if !fault.Is(err, fault.InsufficientCredits) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if admitted[p.OwnerID] != 7 || admitted[q.OwnerID] != 5 {
		t.Errorf("%v were admitted", admitted)
	}
	r.sound()
}
