package credit_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/models"
)

// commits is what batches do to a database that takes two milliseconds for each.
type commits struct {
	mu           sync.Mutex
	busy         map[string]int // in how many batches under way an owner is
	flying, most int
	shared       bool // by two batches under way
}

func (c *commits) commit(owners []string) {
	slices.Sort(owners)
	owners = slices.Compact(owners)
	c.count(owners, 1)
	<-time.After(2 * time.Millisecond) // of the bubble's time
	c.count(owners, -1)
}

func (c *commits) count(owners []string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flying += n
	c.most = max(c.most, c.flying)
	for _, owner := range owners {
		c.busy[owner] += n
		c.shared = c.shared || c.busy[owner] > 1
	}
}

// Many owners are settled by two writers, few by one, and no two batches wait for each
// other's wallets.
func TestTwoWritersShareNoOwner(t *testing.T) {
	for owners, want := range map[int]int{10: 1, 1000: 2} {
		synctest.Test(t, func(t *testing.T) {
			c := &commits{busy: map[string]int{}}
			settle, end := credit.Settler(c.commit)
			var wg sync.WaitGroup
			for caller := range 64 {
				wg.Go(func() {
					for n := caller * 20; n < caller*20+20; n++ {
						if err := settle(fmt.Sprint("own_", n%owners), n); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			end()
			if c.most != want || c.shared {
				t.Errorf("of %d owners %d batches were under way at once, sharing one: %v", owners, c.most, c.shared)
			}
		})
	}
}

// A charge of before charges were their acts' twins still finds its act.
func TestAnEarlierChargeFindsItsAct(t *testing.T) {
	r := newRoom(t)
	p := r.person(1000)
	_, err := r.Settle(t.Context(), act(p, r.mustHold(p, 100), "run/0", 70))
	r.must(err)
	r.must(r.exec(unguarded("ledger_holds", `UPDATE ledger_holds SET transfer_id = 'trf_before'`) + `; UPDATE usage_rows SET transfer_id = 'trf_before'`))
	_, err = r.Settle(t.Context(), act(p, r.mustHold(p, 100), "run/1", 30))
	r.must(err)
	entries, _, err := r.Entries(t.Context(), p.Viewer, credit.List{Page: page.Args{Size: 10}, Kinds: []models.TransferKind{models.TransferCharge}})
	r.must(err)
	if len(entries) != 2 {
		t.Fatalf("there are %d charges", len(entries))
	}
	for _, e := range entries {
		if e.Usage == nil || e.Usage.Credits != -e.Amount {
			t.Errorf("the charge of %d has the act %+v", -e.Amount, e.Usage)
		}
	}
	r.sound()
}
