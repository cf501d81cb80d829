package credit_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// deed is one call of a history, and what it was told.
type deed struct {
	kind          string
	amount, held  int64 // held: of the hold that is settled or voided
	ok            bool
	posted, owing int64
	holding       int64
}

// wallet is the state of the sequential wallet.
type wallet struct{ posted, held, owed int64 }

func (w wallet) repaid() wallet {
	paid := min(w.owed, w.posted-w.held)
	return wallet{w.posted - paid, w.held, w.owed - paid}
}

// step is what one deed does to a wallet when nobody else is there.
func step(w wallet, d deed) (bool, wallet) {
	switch d.kind {
	case "deposit":
		w.posted += d.amount
		return true, w.repaid()
	case "take back":
		taken := min(d.amount, w.posted-w.held)
		return true, wallet{w.posted - taken, w.held, w.owed + d.amount - taken}
	case "hold":
		fits := w.owed == 0 && w.posted-w.held >= d.amount
		if fits {
			w.held += d.amount
		}
		return fits == d.ok, w
	case "settle", "void":
		w.held -= d.held
		w.posted -= min(d.amount, d.held)
		return true, w.repaid()
	}
	return w == wallet{d.posted, d.holding, d.owing}, w
}

var sequential = porcupine.Model{
	Init: func() any { return wallet{} },
	Step: func(state, _, output any) (bool, any) {
		ok, next := step(state.(wallet), output.(deed))
		return ok, next
	},
}

// client does random deeds to a wallet and notes when each began and ended.
type client struct {
	r       *room
	p       person
	name    int
	tick    *atomic.Int64
	history []porcupine.Operation
}

func (c *client) note(do func() (deed, error)) {
	began := c.tick.Add(1)
	d, err := do()
	if err != nil {
		c.r.t.Error(err)
		return
	}
	c.history = append(c.history, porcupine.Operation{ClientId: c.name, Output: d, Call: began, Return: c.tick.Add(1)})
}

func (c *client) work(rounds int) {
	random := rand.New(rand.NewPCG(uint64(c.name), 7)) //nolint:gosec // makes a history
	for i := range rounds {
		n := random.Int64N(40) + 1
		switch random.IntN(6) {
		case 0:
			c.note(func() (deed, error) {
				c.r.deposit(c.p, fmt.Sprintf("%s/%d/%d", c.p.wallet, c.name, i), n)
				return deed{kind: "deposit", amount: n}, nil
			})
		case 1:
			c.note(func() (deed, error) {
				c.r.takeBack(c.p, fmt.Sprintf("%s/%d/%d", c.p.wallet, c.name, i), n)
				return deed{kind: "take back", amount: n}, nil
			})
		case 2:
			c.note(c.look)
		default:
			c.spend(n, i, random)
		}
	}
}

// spend holds, and settles or voids what it holds.
func (c *client) spend(n int64, round int, random *rand.Rand) {
	var h models.Hold
	c.note(func() (deed, error) {
		var err error
		h, err = c.r.hold(c.p, n)
		if fault.Is(err, fault.InsufficientCredits) {
			err = nil
		}
		return deed{kind: "hold", amount: n, ok: h.ID != ""}, err
	})
	if h.ID == "" {
		return
	}
	used := random.Int64N(n + 5)
	c.note(func() (deed, error) {
		s := act(c.p, h, fmt.Sprintf("%d/%d", c.name, round), used)
		switch random.IntN(3) {
		case 0:
			return deed{kind: "void", held: n}, c.r.Void(c.r.t.Context(), h.ID)
		case 1:
			_, err := c.r.settleTx(s)
			return deed{kind: "settle", amount: used, held: n}, err
		}
		_, err := c.r.Settle(c.r.t.Context(), s)
		return deed{kind: "settle", amount: used, held: n}, err
	})
}

func (c *client) look() (deed, error) {
	b, err := c.r.BalanceOf(c.r.t.Context(), c.p.wallet)
	return deed{kind: "look", posted: b.Posted, holding: b.Held, owing: b.Owed}, err
}

// P60: what many do to one wallet at the same time is what they could have done one after
// the other, in an order that fits when each began and ended.
func TestWalletsAreLinearizable(t *testing.T) {
	r := newRoom(t)
	for range 6 {
		p := r.person(0)
		var tick atomic.Int64
		clients := make([]*client, 6)
		var wg sync.WaitGroup
		for i := range clients {
			clients[i] = &client{r: r, p: p, name: i, tick: &tick}
			wg.Go(func() { clients[i].work(12) })
		}
		wg.Wait()
		var history []porcupine.Operation
		for _, c := range clients {
			history = append(history, c.history...)
		}
		if got := porcupine.CheckOperationsTimeout(sequential, history, 30*time.Second); got != porcupine.Ok {
			t.Fatalf("a history of %d deeds is %s", len(history), got)
		}
	}
	r.sound()
}
