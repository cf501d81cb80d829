package credit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// deed is one call of a history, and what it was told.
type deed struct {
	kind          string
	amount, held  int64 // held: of the hold that is settled, voided or swept
	charged       int64
	ok            bool
	posted, owing int64
	holding       int64
	asked         []int64 // of holds that are made together, ascending
	admitted      int     // so many of them
}

// wallet is the state of the sequential wallet.
type wallet struct{ posted, held, owed int64 }

func (w wallet) repaid() wallet {
	paid := min(w.owed, w.posted-w.held)
	return wallet{w.posted - paid, w.held, w.owed - paid}
}

// hold sets so much aside, if the wallet covers it.
func (w wallet) hold(amount int64) (bool, wallet) {
	if amount > 0 && (w.owed > 0 || w.posted-w.held < amount) {
		return false, w
	}
	w.held += amount
	return true, w
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
	case "hold", "more":
		fits, next := w.hold(d.amount)
		return fits == d.ok, next
	case "hold together": // the small ones first
		for n, amount := range d.asked {
			fits, next := w.hold(amount)
			if fits != (n < d.admitted) {
				return false, w
			}
			w = next
		}
		return true, w
	case "settle", "void", "sweep":
		w.held -= d.held
		w.posted -= min(d.amount, d.held)
		return d.charged == min(d.amount, d.held), w.repaid()
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

// client does random deeds to a wallet at an instance, and notes when each began and ended.
type client struct {
	r       *room
	p       person
	name    int
	runs    *atWork
	tick    *atomic.Int64
	random  *rand.Rand
	deeds   int // so far, to tell one from another
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

// ref names a deed of the client's.
func (c *client) ref() string {
	c.deeds++
	return fmt.Sprintf("%s/%d/%d", c.p.wallet, c.name, c.deeds)
}

func (c *client) work(rounds int) {
	for range rounds {
		n := c.random.Int64N(40) + 1
		switch c.random.IntN(7) {
		case 0:
			c.note(func() (deed, error) {
				c.r.deposit(c.p, c.ref(), n)
				return deed{kind: "deposit", amount: n}, nil
			})
		case 1:
			c.note(func() (deed, error) {
				c.r.takeBack(c.p, c.ref(), n)
				return deed{kind: "take back", amount: n}, nil
			})
		case 2:
			c.note(c.look)
		case 3:
			c.together()
		default:
			c.spend(n)
		}
	}
}

// spend holds, may extend what it holds, and ends it.
func (c *client) spend(n int64) {
	var h models.Hold
	c.note(func() (deed, error) {
		var err error
		h, err = c.r.hold(c.p, n)
		return deed{kind: "hold", amount: n, ok: h.ID != ""}, unlessRefused(err)
	})
	if h.ID == "" {
		return
	}
	for range c.random.IntN(3) {
		c.note(func() (deed, error) { return c.more(&h) })
	}
	c.end(h)
}

// more extends a hold by a little.
func (c *client) more(h *models.Hold) (deed, error) {
	n := c.random.Int64N(20)
	refused, err := c.r.More(c.r.t.Context(), []models.HoldMore{{HoldID: h.ID, OutputTokens: n}})
	if err == nil {
		err = unlessRefused(refused[h.ID])
	}
	d := deed{kind: "more", amount: n, ok: refused[h.ID] == nil}
	if d.ok {
		h.Amount += n
	}
	return d, err
}

// together makes holds in one batch, and ends those that were made.
func (c *client) together() {
	var holds []models.Hold
	c.note(func() (deed, error) {
		d := deed{kind: "hold together"}
		var asks []models.HoldFor
		for range 1 + c.random.IntN(3) {
			n := c.random.Int64N(20)
			d.asked = append(d.asked, n)
			asks = append(asks, askFor(c.p, n))
		}
		made, errs := c.r.holdMany(asks...)
		var wrong error
		for n, h := range made {
			wrong = errors.Join(wrong, unlessRefused(errs[n]))
			if h.ID != "" {
				holds = append(holds, h)
			}
		}
		slices.Sort(d.asked)
		d.admitted = len(holds)
		return d, wrong
	})
	for _, h := range holds {
		c.end(h)
	}
}

// end settles a hold, voids it, or leaves it to be swept, at a moment at which every lease
// is over: a sweep leaves those alone whose run is at work.
func (c *client) end(h models.Hold) {
	used := c.random.Int64N(h.Amount + 5)
	s := act(c.p, h, c.ref(), used)
	c.note(func() (deed, error) {
		switch c.random.IntN(4) {
		case 0:
			return deed{kind: "void", held: h.Amount}, c.r.Void(c.r.t.Context(), h.ID)
		case 1:
			c.runs.leave(h.ID)
			_, _, err := c.r.Sweep(c.r.t.Context())
			return deed{kind: "sweep", held: h.Amount}, err
		case 2:
			got, err := c.r.settleTx(s)
			return deed{kind: "settle", amount: used, held: h.Amount, charged: got.Credits}, err
		}
		got, err := c.r.Settle(c.r.t.Context(), s)
		return deed{kind: "settle", amount: used, held: h.Amount, charged: got.Credits}, err
	})
}

// unlessRefused lets errors through but for the refusal that a wallet doesn't cover it.
func unlessRefused(err error) error {
	if fault.Is(err, fault.InsufficientCredits) {
		return nil
	}
	return err
}

func (c *client) look() (deed, error) {
	b, err := c.r.BalanceOf(c.r.t.Context(), c.p.wallet)
	return deed{kind: "look", posted: b.Posted, holding: b.Held, owing: b.Owed}, err
}

// atWork are the runs of the clients, all of them until they are left, and the time.
type atWork struct {
	left sync.Map
	time atomic.Int64
}

// leave lets a run be given up, and the time pass until all leases so far are over.
func (a *atWork) leave(hold string) {
	a.left.Store(hold, true)
	a.time.Add(int64(2 * credit.DefaultHoldTTL))
}

// Now is the time of all instances.
func (a *atWork) Now() time.Time {
	return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(a.time.Load()))
}

// Alive says whose holds somebody will settle.
func (a *atWork) Alive(_ context.Context, holds []string) (map[string]bool, error) {
	at := map[string]bool{}
	for _, h := range holds {
		_, left := a.left.Load(h)
		at[h] = !left
	}
	return at, nil
}

// instances are the books as two servers keep them: each has a pool and a writer of its own.
func instances(t *testing.T, runs *atWork) []*room {
	t.Helper()
	url := dbtest.URL(t)
	rooms := make([]*room, 2)
	for i := range rooms {
		r := &room{t: t, db: dbtest.Open(t, url)}
		r.Service = credit.New(credit.Config{DB: r.db, Audit: audittest.New(r.db), Clock: runs, Runs: runs})
		t.Cleanup(r.Close)
		rooms[i] = r
	}
	return rooms
}

// P60: what many do to one wallet at the same time, at two instances, is what they could have
// done one after the other, in an order that fits when each began and ended.
func TestWalletsAreLinearizable(t *testing.T) {
	runs := &atWork{}
	rooms := instances(t, runs)
	for round := range 6 {
		p := rooms[0].person(0)
		var tick atomic.Int64
		clients := make([]*client, 6)
		var wg sync.WaitGroup
		for i := range clients {
			clients[i] = &client{r: rooms[i%len(rooms)], p: p, name: i, runs: runs, tick: &tick, random: rand.New(rand.NewPCG(uint64(i), uint64(round)))} //nolint:gosec // makes a history
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
	rooms[0].sound()
}
