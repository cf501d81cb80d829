package ratelimit

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// horizon is how long a loan should last at the pace of late. Loans of places end with each
	// renewal of their leases, and what is lent of rates is had anew with them.
	horizon = 5 * time.Second
	// lately is how long the pace of a bucket is measured at most.
	lately = 2 * time.Second
	// worthwhile is from how many asks lately a loan saves anything.
	worthwhile = 4
	// part is what a loan is of a whole bucket at most: the eighth of it.
	part = 8
	// sharedFor is how long nothing is lent of what other instances count too.
	sharedFor = 10 * time.Second
)

// lot is what this instance has of a bucket ahead, and how fast that goes.
//
// What is lent of a rate is a stretch of time, as all that is taken of one is: [from, until)
// counts as used in the database, from is how far it is really used, and what of it is past
// is worth nothing any more, as it is full again there too. So many instances with
// loans let through exactly what one would. Of places until is how many this instance has
// in the database, and from how many others have.
type lot struct {
	of          bucket
	from, until int64
	ends        int64 // of places: when their lease does
	lent        bool

	since      int64 // what was asked for since then
	used, asks float64
}

// fits reports whether a take is covered, where this instance holds so many places.
func (l *lot) fits(t take, held, now int64) bool {
	switch {
	case l == nil || !l.lent:
		return false
	case t.places():
		return held+t.units <= l.until && now < l.ends
	}
	return t.measure() <= l.until-max(l.from, now)
}

// pace notes that so much was asked for. What is long ago counts for little.
func (l *lot) pace(used int64, asks float64, now int64) {
	if past := now - l.since; past > int64(lately) {
		fade := float64(lately/2) / float64(past)
		l.since, l.used, l.asks = now-int64(lately/2), l.used*fade, l.asks*fade
	}
	l.used, l.asks = l.used+float64(used), l.asks+asks
}

// wish is how much of the bucket is worth having ahead.
func (l *lot) wish(b bucket, held, now int64) int64 {
	if b.places() {
		return min(2*held+1, b.most()/part) // a place that is given back stays, and need not be written
	}
	if l.asks < worthwhile {
		return 0
	}
	// What is lent passes as time does, besides being used.
	want := int64(horizon) + int64(l.used*float64(horizon)/float64(max(now-l.since, int64(lately/2))))
	want = min(want, b.most()/part)
	if float64(want)*l.asks < worthwhile*l.used {
		return 0 // of a small limit: it would hold too few asks
	}
	return want
}

// ahead is what this instance has of buckets ahead, by owner and name.
type ahead struct {
	places *places
	clock  atomic.Int64 // what the database's clock said, less how long the service ran then

	mu     sync.Mutex
	lots   map[string]map[string]*lot
	shared map[string]int64 // until when others count for an owner too
}

func newAhead(p *places) *ahead {
	return &ahead{places: p, lots: map[string]map[string]*lot{}, shared: map[string]int64{}}
}

// take takes all that a request needs off what is lent, or nothing. What is taken of one
// owner's limits is of that owner only.
func (a *ahead) take(takes []take, now int64) (got verdict, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	lots := a.lots[takes[0].owner]
	for _, t := range takes {
		if !lots[t.name].fits(t, a.held(t), now) {
			return verdict{}, false
		}
	}
	got = verdict{now: now, levels: make([]int64, len(takes)), refused: -1}
	for i, t := range takes {
		l := lots[t.name]
		if t.places() {
			a.places.hold(t.bucket)
			got.levels[i] = l.from + a.held(t)
		} else {
			l.from = max(l.from, now) + t.measure()
			got.levels[i] = l.from
		}
		l.pace(t.measure(), 1, now)
	}
	return got, true
}

func (a *ahead) held(t take) int64 {
	if !t.places() {
		return 0
	}
	return a.places.count(t.address)
}

// fix adds to what is used of a rate; false when that is not lent, or not so much.
func (a *ahead) fix(b bucket, by, now int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.lots[b.owner][b.name]
	if l == nil || !l.lent || by > 0 && by > l.until-max(l.from, now) {
		return false
	}
	if by > 0 {
		l.from = max(l.from, now)
	}
	l.from += by
	return true
}

// keeps reports whether a place that was given back stays lent: nothing has to be written.
func (a *ahead) keeps(b bucket) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.lots[b.owner][b.name]
	return l != nil && l.lent
}

// call is what goes to the database of a bucket: what is left of its loan, which ends with
// that, and what is wished for the next one.
func (a *ahead) call(b bucket, used int64, asks float64, now int64) (came, kept, wish int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.lots[b.owner][b.name]
	if l == nil {
		if a.lots[b.owner] == nil {
			a.lots[b.owner] = map[string]*lot{}
		}
		l = &lot{since: now}
		a.lots[b.owner][b.name] = l
	}
	l.of = b
	if l.lent && !b.places() {
		came, kept = l.from, l.until
	}
	l.lent = false
	l.pace(used, asks, now)
	if now < a.shared[b.owner] {
		return came, kept, 0
	}
	held := int64(0)
	if b.places() {
		held = a.places.count(b.address) + used
	}
	return came, kept, l.wish(b, held, now)
}

// put notes what was lent.
func (a *ahead) put(b bucket, from, until, ends int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.lots[b.owner][b.name]; l != nil {
		l.from, l.until, l.ends, l.lent = from, until, ends, true
	}
}

// of are the buckets of an owner of which something is lent.
func (a *ahead) of(owner string) (all []bucket) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.lots[owner] {
		if l.lent {
			all = append(all, l.of)
		}
	}
	return all
}

// owners are those of whose buckets something is lent.
func (a *ahead) owners() (all []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for owner, lots := range a.lots {
		for _, l := range lots {
			if l.lent {
				all = append(all, owner)
				break
			}
		}
	}
	return all
}

// share says that others count for an owner too: nothing is lent of its limits for a while.
func (a *ahead) share(owner string, now int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shared[owner] = now + int64(sharedFor)
}

// isShared reports whether others count for an owner too.
func (a *ahead) isShared(owner string, now int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return now < a.shared[owner]
}

// tidy forgets what is worth nothing any more, and the loans of places, which it returns:
// what is written of them next is what is really held.
func (a *ahead) tidy(now int64) (lent []address) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for owner, lots := range a.lots {
		for name, l := range lots {
			if l.lent && l.of.places() {
				lent = append(lent, l.of.address)
			}
			l.lent = l.lent && !l.of.places() && l.until > now
			if !l.lent && now-l.since > int64(lately) {
				delete(lots, name)
			}
		}
		if len(lots) == 0 {
			delete(a.lots, owner)
		}
	}
	for owner, until := range a.shared {
		if until <= now {
			delete(a.shared, owner)
		}
	}
	return lent
}
