package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// How many owners are deleted in the midst of what they do, and how many of them at once.
// CHAOS asks for the long form, CHAOS_ERASURES for another number, CHAOS_SEED for the orders
// of an earlier run.
const interleaved, interleavedLong, crowd = 60, 500, 16

// P96, P101, P102, P104, P106, P108, P112, T34: guests and accounts are deleted at random
// moments among whatever else goes on for them on two instances: replies and answers to
// programs that are being written or taken over, titles, checkouts whose webhooks come
// before, in between and after, twice at once, exports, mails, links that are made and read,
// imports, all conversations being deleted, a second deletion, a guest signing in. Whatever
// the order is: every deletion is done, its receipt is genuine and counts exactly the rows
// that it deleted, nothing that comes late gets in or brings anybody back, no link opens any
// more, no row and no word of anybody is left in the database, among the exports or in the
// logs, and the books balance, with what was paid afterwards in suspense.
func TestChaosErasureAmongEverythingElse(t *testing.T) {
	n, seed := interleavedNow(t)
	c := newCrossing(t, seed)
	began := time.Now()
	all := make([]*interleaving, n)
	var wg sync.WaitGroup
	for worker := range crowd {
		wg.Go(func() {
			for k := worker; k < n && !t.Failed(); k += crowd {
				all[k] = c.begin(k)
				all[k].run()
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if t.Failed() {
		t.Fatalf("CHAOS_SEED=%d gives the same orders again", seed)
	}
	c.receipts(all)
	c.nothingLeft(all)
	c.books(all)
	t.Logf("%d owners were deleted in %v, the rest took %v: %v; CHAOS_SEED=%d", n, took, time.Since(began)-took, c.tally(all), seed)
}

func interleavedNow(t *testing.T) (n int, seed uint64) {
	t.Helper()
	n, seed = interleaved, rand.Uint64()
	if os.Getenv("CHAOS") != "" {
		n = interleavedLong
	}
	if s := os.Getenv("CHAOS_ERASURES"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	if s := os.Getenv("CHAOS_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	return n, seed
}

// interleaving is one owner, what goes on for it, and its deletion.
type interleaving struct {
	c     *crossing
	n     int
	rng   *rand.Rand // of the scheduler alone: acts get what they need of it before they begin
	guest bool
	b     *browser
	was   viewer.Viewer // as it was before its deletion
	first string        // its first conversation
	acts  []*act
	order []string
	late  sync.WaitGroup // what nobody waits for before the end

	mu      sync.Mutex
	owners  map[string]bool
	tickets map[string]string // of deletions, with their receipts once they are over
	bought  []*purchase
	links   []link
	email   string // of an account, or of the one that a guest has become
}

// act is something that goes on, step by step.
type act struct {
	name     string
	steps    []func()
	turn     chan struct{}
	done     chan struct{}
	let      int // steps that have had their turn
	finished int
}

// begin makes an owner with something of its own, and draws what will go on for it.
func (c *crossing) begin(n int) *interleaving {
	i := &interleaving{c: c, n: n, rng: rand.New(rand.NewPCG(c.seed, uint64(n))), owners: map[string]bool{}, tickets: map[string]string{}} //nolint:gosec // an order, no secret
	i.guest = i.rng.IntN(10) < 3
	i.b = c.any(i.rng).browser()
	if i.guest {
		i.first, _, _ = i.b.finished(i.words("first"))
		v, err := i.b.p.server.accounts.Viewer(c.t.Context(), i.b.cookies()["guest"])
		if err != nil || !v.IsOwner() {
			c.t.Fatal(v, err)
		}
		i.was = v
	} else {
		e := i.b.p.session(i.name())
		i.b.enter(e)
		i.first, _, _ = i.b.finished(i.words("first"))
		i.was, i.email = e.Viewer, i.name()+"@example.org"
	}
	i.owned(i.was.OwnerID)
	i.draw()
	return i
}

// draw takes the deletion, sometimes a second one, and some of all that can go on.
func (i *interleaving) draw() {
	i.add("delete", i.deletion())
	if i.rng.IntN(3) == 0 {
		i.add("delete again", i.deletion())
	}
	possible := []struct {
		name   string
		make   func() []func()
		guests bool
	}{
		{"reply", i.reply, true}, {"program", i.program, false}, {"checkout", i.checkout, false}, {"export", i.export, true}, {"mail", i.mail, false},
		{"share", i.sharing, false}, {"import", i.bring, true}, {"clear", i.clear, true}, {"sign in", i.claim, true},
	}
	for _, p := range possible {
		odds := 2
		if p.name == "reply" {
			odds = 4
		}
		if i.guest && !p.guests || !i.guest && p.name == "sign in" || i.rng.IntN(5) >= odds {
			continue
		}
		i.add(p.name, p.make())
	}
}

func (i *interleaving) add(name string, steps []func()) {
	i.acts = append(i.acts, &act{name: name, steps: steps, turn: make(chan struct{}, len(steps)), done: make(chan struct{}, len(steps))})
}

// turn lets a step of an act go; wait has it end before the next turn.
type turn struct {
	*act
	wait bool
}

// run lets all steps go in a random order, the steps of each act in theirs. Whether a step is
// over before the next one of another act begins is random too.
func (i *interleaving) run() {
	var turns []turn
	for _, a := range i.acts {
		for range a.steps {
			turns = append(turns, turn{a, i.rng.IntN(2) == 0})
		}
	}
	i.rng.Shuffle(len(turns), func(x, y int) { turns[x], turns[y] = turns[y], turns[x] })
	for _, t := range turns {
		i.order = append(i.order, t.name+map[bool]string{true: ".", false: ""}[t.wait])
	}
	var wg sync.WaitGroup
	for _, a := range i.acts {
		wg.Go(a.goOn)
	}
	for _, t := range turns {
		t.let++
		t.turn <- struct{}{}
		for t.wait && t.finished < t.let {
			<-t.done
			t.finished++
		}
	}
	wg.Wait()
	i.c.openAll(i.n)
	i.late.Wait()
	i.end()
}

// goOn takes the steps as they have their turns.
func (a *act) goOn() {
	defer close(a.done)
	for _, step := range a.steps {
		<-a.turn
		step()
		a.done <- struct{}{}
	}
}

// end deletes whoever the browser has become meanwhile, waits for the end of every deletion,
// and tries what comes too late.
func (i *interleaving) end() {
	i.over()
	if i.email != "" && i.guest { // it signed in, before its deletion or after it
		b := i.c.all[0].browser()
		e, err := i.c.all[0].signInAs(i.email, viewer.Viewer{})
		if err != nil {
			i.fault("sign in at last: %v", err)
			return
		}
		b.enter(e)
		i.owned(e.Viewer.OwnerID)
		i.erase(b, i.email)
	}
	if id, _ := at(i.ask(i.b, `{ viewer { id } }`, nil), "viewer", "id").(string); id != "" {
		i.owned(id)
		i.erase(i.b, "DELETE")
	}
	i.over()
	i.linksEnd()
	i.tooLate()
	if len(i.tickets) == 0 {
		i.fault("nothing was deleted")
	}
}

// over waits until every deletion is, and keeps the receipts.
func (i *interleaving) over() {
	i.mu.Lock()
	defer i.mu.Unlock()
	stranger := i.c.all[i.n%len(i.c.all)].browser()
	for ticket, receipt := range i.tickets {
		i.c.until(fmt.Sprint("the end of the deletion ", ticket), func() bool {
			if receipt == "" {
				receipt, _ = at(i.ask(stranger, deletionDocument, map[string]any{"ticket": ticket}), "deletion", "receipt").(string)
			}
			return receipt != ""
		})
		i.tickets[ticket] = receipt
	}
}

// erase asks for the deletion, and keeps its ticket.
func (i *interleaving) erase(b *browser, word string) {
	answer := at(i.ask(b, deleteDocument, map[string]any{"word": word}), "accountDelete")
	becameAccount := i.guest && i.email != "" // then its address has to be typed
	if code := at(answer, "userErrors", 0, "code"); code != nil && code != "UNAUTHENTICATED" && (code != "INVALID" || !becameAccount) {
		i.fault("the deletion was refused: %v", answer)
	}
	ticket, _ := at(answer, "deletion", "ticket").(string)
	if ticket == "" {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, known := i.tickets[ticket]; !known {
		i.tickets[ticket] = ""
	}
}

// owned notes that something may be stored of an owner.
func (i *interleaving) owned(id string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.owners[id] = true
}

// ask asks as a page does. No answer may say that something failed inside.
func (i *interleaving) ask(b *browser, document string, variables map[string]any) any {
	answer := b.ask(document, variables)
	if code := at(answer, "errors", 0, "extensions", "code"); code == "INTERNAL" {
		i.fault("%.60s… failed: %v %v", document, answer, b.p.errors())
	}
	return at(answer, "data")
}

func (i *interleaving) fault(format string, args ...any) {
	i.c.t.Errorf("owner %d (%s): %s", i.n, strings.Join(i.order, ", "), fmt.Sprintf(format, args...))
}

// name is what the owner is called: it can be an address, and is found again.
func (i *interleaving) name() string { return fmt.Sprintf("%s%04d", mark, i.n) }

// words are what the owner says in one place: they are found again.
func (i *interleaving) words(place string) string { return i.name() + " " + place }
