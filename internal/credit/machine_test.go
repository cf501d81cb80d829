package credit_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// sequences is how many sequences of deeds are tried: CHAOS=1 asks for 10,000, and
// LEDGER_SEQUENCES for any number.
func sequences() int {
	if n, err := strconv.Atoi(os.Getenv("LEDGER_SEQUENCES")); err == nil {
		return n
	}
	if os.Getenv("CHAOS") != "" {
		return 10_000
	}
	return 300
}

// T25, T28, P54, P59 to P61: after any sequence of deeds, repeated and in any order, the
// books are those of a model that fits on a page.
func TestChaosTheBooksAreThoseOfAModel(t *testing.T) {
	r, _ := newDesk(t)
	checks(t, sequences(), func(t *rapid.T) {
		m := &machine{r: r, people: []*modelled{newModelled(r.person(0)), newModelled(r.person(0))}}
		t.Repeat(map[string]func(*rapid.T){
			"deposit": m.deposit, "take back": m.takeBack, "give back": m.giveBack, "hold": m.hold, "more": m.more,
			"settle": m.settle, "settle again": m.settle, "void": m.void, "void again": m.void, "sweep": m.sweep,
			"adjust": m.adjust, "open again": m.open, "go": m.remove, "": m.compare,
		})
	})
	r.sound()
}

// modelled is a person and what its books must say.
type modelled struct {
	person
	gone               bool
	posted, held, owed int64
	refs               map[string]bool
	holds              []*modelHold
	acts               map[string]models.Charge
	adjusted           map[string]int64 // by what the operator called it
}

type modelHold struct {
	models.Hold
	status  string
	expires time.Time
}

func newModelled(p person) *modelled {
	return &modelled{person: p, refs: map[string]bool{}, acts: map[string]models.Charge{}, adjusted: map[string]int64{}}
}

// repay pays what is owed with what there is.
func (p *modelled) repay() {
	paid := min(p.owed, p.posted-p.held)
	p.posted, p.owed = p.posted-paid, p.owed-paid
}

// once reports whether the deed is new.
func (p *modelled) once(kind, ref string) bool {
	if p.refs[kind+ref] {
		return false
	}
	p.refs[kind+ref] = true
	return true
}

func (p *modelled) release(h *modelHold, status string) {
	h.status = status
	p.held -= h.Amount
}

// machine does deeds to the books and to the model.
type machine struct {
	r      *room
	people []*modelled
}

func (m *machine) somebody(t *rapid.T) *modelled { return rapid.SampledFrom(m.people).Draw(t, "who") }

func (m *machine) aHold(t *rapid.T) (*modelled, *modelHold) {
	p := m.somebody(t)
	if len(p.holds) == 0 {
		t.Skip("no holds")
	}
	return p, rapid.SampledFrom(p.holds).Draw(t, "hold")
}

func amount(t *rapid.T) int64 { return rapid.Int64Range(1, 120).Draw(t, "amount") }

func (m *machine) must(t *rapid.T, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

// paid does a deed of billing's, named by one of few refs.
func (m *machine) paid(t *rapid.T, kind string, deed func(tx *gorm.DB, p *modelled, ref string, n int64) error, effect func(p *modelled, n int64)) {
	p, n := m.somebody(t), amount(t)
	ref := fmt.Sprint(rapid.IntRange(0, 4).Draw(t, "ref"))
	m.must(t, m.r.tx(func(tx *gorm.DB) error { return deed(tx, p, p.wallet+ref, n) }))
	if p.once(kind, ref) && !p.gone {
		effect(p, n)
		p.repay()
	}
}

func (m *machine) deposit(t *rapid.T) {
	m.paid(t, "deposit", func(tx *gorm.DB, p *modelled, ref string, n int64) error {
		_, err := m.r.DepositTx(tx, p.wallet, models.PaymentCreem, ref, n)
		return err
	}, func(p *modelled, n int64) { p.posted += n })
}

func (m *machine) takeBack(t *rapid.T) {
	kind := rapid.SampledFrom([]models.TransferKind{models.TransferRefund, models.TransferDispute}).Draw(t, "kind")
	m.paid(t, string(kind), func(tx *gorm.DB, p *modelled, ref string, n int64) error {
		return m.r.TakeBackTx(tx, p.wallet, models.PaymentCreem, kind, ref, n)
	}, func(p *modelled, n int64) {
		taken := min(n, p.posted-p.held)
		p.posted, p.owed = p.posted-taken, p.owed+n-taken
	})
}

func (m *machine) giveBack(t *rapid.T) {
	m.paid(t, "give back", func(tx *gorm.DB, p *modelled, ref string, n int64) error {
		return m.r.GiveBackTx(tx, p.wallet, models.PaymentCreem, ref, n)
	}, func(p *modelled, n int64) { p.posted += n })
}

func (m *machine) hold(t *rapid.T) {
	p, n := m.somebody(t), amount(t)-1
	h, err := m.r.hold(p.person, n)
	switch {
	case p.gone:
		if !errors.Is(err, credit.ErrNoWallet) {
			t.Fatalf("who is gone holds %+v, %v", h, err)
		}
	case n == 0 || p.owed == 0 && p.posted-p.held >= n:
		m.must(t, err)
		p.holds = append(p.holds, &modelHold{Hold: h, status: "PENDING", expires: m.r.now.Load().Add(credit.DefaultHoldTTL)})
		p.held += n
	case !fault.Is(err, fault.InsufficientCredits):
		t.Fatalf("holding %d of %d gives %v", n, p.posted-p.held, err)
	}
}

func (m *machine) more(t *rapid.T) {
	p, h := m.aHold(t)
	n := amount(t) - 1
	refused, err := m.r.More(m.r.t.Context(), []models.HoldMore{{HoldID: h.ID, OutputTokens: n}})
	m.must(t, err)
	fits := n == 0 || p.owed == 0 && p.posted-p.held >= n
	switch {
	case h.status != "PENDING":
		if !errors.Is(refused[h.ID], credit.ErrHoldResolved) {
			t.Fatalf("more of a resolved hold gives %v", refused)
		}
		return
	case fits != (refused[h.ID] == nil):
		t.Fatalf("%d more of %d gives %v", n, p.posted-p.held, refused)
	case fits:
		p.held, h.Amount = p.held+n, h.Amount+n
	}
	h.expires = m.r.now.Load().Add(credit.DefaultHoldTTL)
}

func (m *machine) settle(t *rapid.T) {
	p, h := m.aHold(t)
	ref, tokens := fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "ref")), amount(t)-1
	settle := m.r.settleTx
	if rapid.Bool().Draw(t, "with others") {
		settle = func(s models.Settlement) (models.Charge, error) { return m.r.Settle(m.r.t.Context(), s) }
	}
	c, err := settle(act(p.person, h.Hold, ref, tokens))
	if before, there := p.acts[ref]; there {
		before.Again = true
		if err != nil || c != before {
			t.Fatalf("settled again it is %+v, %v; want %+v", c, err, before)
		}
		return
	}
	if p.gone || h.status == "SETTLED" {
		if !errors.Is(err, credit.ErrHoldResolved) {
			t.Fatalf("settling on a hold that is %s gives %+v, %v", h.status, c, err)
		}
		return
	}
	m.must(t, err)
	want := int64(0)
	if h.status == "PENDING" {
		want = min(tokens, h.Amount)
		p.release(h, "SETTLED")
		p.posted -= want
		p.repay()
	}
	if c.Credits != want || c.Again || (c.TransferID != "") != (want > 0) {
		t.Fatalf("the charge is %+v, want %d", c, want)
	}
	p.acts[ref] = c
}

func (m *machine) void(t *rapid.T) {
	p, h := m.aHold(t)
	m.must(t, m.r.Void(m.r.t.Context(), h.ID))
	if h.status == "PENDING" {
		p.release(h, "VOID")
		p.repay()
	}
}

// sweep lets time pass and some runs stay at work.
func (m *machine) sweep(t *rapid.T) {
	m.r.pass(time.Duration(rapid.IntRange(0, 180).Draw(t, "seconds")) * time.Second)
	alive := rapid.SliceOfN(rapid.Bool(), 8, 8).Draw(t, "alive")
	now := *m.r.now.Load()
	clear(m.r.alive)
	for _, p := range m.people {
		for i, h := range p.holds {
			m.r.alive[h.ID] = alive[i%len(alive)]
			switch {
			case h.status != "PENDING" || h.expires.After(now):
			case m.r.alive[h.ID]:
				h.expires = now.Add(credit.DefaultHoldTTL)
			default:
				p.release(h, "VOID")
				p.repay()
			}
		}
	}
	_, _, err := m.r.Sweep(m.r.t.Context())
	m.must(t, err)
}

// adjust gives or takes as the operator does, who may say the same twice, or something
// else by the same name.
func (m *machine) adjust(t *rapid.T) {
	p, n := m.somebody(t), amount(t)*rapid.SampledFrom([]int64{1, -1}).Draw(t, "sign")
	ref := fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "ref"))
	operator := m.r.operator()
	b, _, err := m.r.Adjust(m.r.t.Context(), operator, m.r.Keys.(*desk), credit.Adjustment{ClientID: p.wallet + ref, Account: p.OwnerID, Amount: n, Reason: "so"})
	before, again := p.adjusted[ref]
	switch {
	case p.gone:
		if !errors.Is(err, credit.ErrNoWallet) {
			t.Fatalf("adjusting who is gone gives %v", err)
		}
		return
	case again && before != n && (before > 0) == (n > 0):
		if !fault.Is(err, fault.Conflict) {
			t.Fatalf("%d after %d by the same name gives %v", n, before, err)
		}
		return
	case !again && n < 0 && -n > p.posted-p.held:
		if !fault.Is(err, fault.InsufficientCredits) {
			t.Fatalf("taking %d of %d gives %v", -n, p.posted-p.held, err)
		}
		return
	case again && before != n: // the other way: refused for either reason
		if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.InsufficientCredits) {
			t.Fatalf("%d after %d by the same name gives %v", n, before, err)
		}
		return
	case !again:
		p.adjusted[ref] = n
		p.posted += n
		p.repay()
	}
	if err != nil || b.Posted != p.posted {
		t.Fatalf("adjusting by %d gives %+v, %v; want %d", n, b, err, p.posted)
	}
}

// open does again what was done when somebody signed in.
func (m *machine) open(t *rapid.T) {
	p := m.somebody(t)
	if p.gone {
		t.Skip("gone")
	}
	m.must(t, m.r.tx(func(tx *gorm.DB) error { return m.r.OpenTx(tx, p.OwnerID) }))
}

// remove takes one of ten who are asked away, with everything that names them.
func (m *machine) remove(t *rapid.T) {
	p := m.somebody(t)
	if p.gone || rapid.IntRange(0, 9).Draw(t, "go") != 0 {
		t.Skip("stays")
	}
	m.r.remove(p.person)
	p.gone = true
	clear(p.acts)
}

func (m *machine) compare(t *rapid.T) {
	for _, p := range m.people {
		b, err := m.r.BalanceOf(m.r.t.Context(), p.wallet)
		m.must(t, err)
		if b.Posted != p.posted || b.Held != p.held || b.Owed != p.owed {
			t.Fatalf("the books say %+v, the model %d posted, %d held, %d owed", b, p.posted, p.held, p.owed)
		}
	}
}
