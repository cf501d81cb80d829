package fairqueue

import (
	"slices"
	"time"
)

// waiter is a request that waits for its turn.
type waiter struct {
	principal string
	turn      chan struct{} // holds one when its turn has come
	moved     chan struct{} // holds one when place has changed
	place     int
	said      int // the place that tell was last told
	tell      func(place int)
	deadline  time.Time // of the first token, from when its turn came first
	last      error     // what the engine said when it was too busy
}

// say tells a place once. Who never waited is told nothing.
func (w *waiter) say(place int) {
	if w.tell == nil || w.said == place {
		return
	}
	w.said = place
	w.tell(place)
}

// line is who waits: a line for each principal, served in turn.
type line struct {
	all    int
	of     map[string]*lane
	served []*lane // in the order in which they are served: the first is next
}

// lane is one principal's line.
type lane struct {
	principal string
	waiters   []*waiter
}

func newLine() line { return line{of: map[string]*lane{}} }

// size is how many wait, in all and of one principal.
func (l *line) size(principal string) (all, own int) {
	if lane := l.of[principal]; lane != nil {
		own = len(lane.waiters)
	}
	return l.all, own
}

func (l *line) lane(principal string) *lane {
	found := l.of[principal]
	if found == nil {
		found = &lane{principal: principal}
		l.of[principal] = found
		l.served = append(l.served, found)
	}
	return found
}

// push puts w at the end of its principal's line.
func (l *line) push(w *waiter) {
	of := l.lane(w.principal)
	of.waiters = append(of.waiters, w)
	l.all++
}

// pushFirst puts w before all others: it has had its turn already.
func (l *line) pushFirst(w *waiter) {
	of := l.lane(w.principal)
	of.waiters = slices.Insert(of.waiters, 0, w)
	i := slices.Index(l.served, of)
	l.served = slices.Insert(slices.Delete(l.served, i, i+1), 0, of)
	l.all++
}

// pop is whose turn is next; there must be somebody. Its principal is served last then.
func (l *line) pop() *waiter {
	of := l.served[0]
	w := of.waiters[0]
	of.waiters[0] = nil
	of.waiters = of.waiters[1:]
	l.served = l.served[1:]
	l.all--
	if len(of.waiters) == 0 {
		delete(l.of, of.principal)
	} else {
		l.served = append(l.served, of)
	}
	return w
}

// remove takes w out; false when it is not in the line.
func (l *line) remove(w *waiter) bool {
	of := l.of[w.principal]
	if of == nil {
		return false
	}
	i := slices.Index(of.waiters, w)
	if i < 0 {
		return false
	}
	of.waiters = slices.Delete(of.waiters, i, i+1)
	l.all--
	if len(of.waiters) == 0 {
		delete(l.of, of.principal)
		l.served = slices.DeleteFunc(l.served, func(x *lane) bool { return x == of })
	}
	return true
}

// places gives each who waits its place, from 1, if nobody else comes.
func (l *line) places(give func(w *waiter, place int)) {
	place := 0
	for round := 0; place < l.all; round++ {
		for _, of := range l.served {
			if round < len(of.waiters) {
				place++
				give(of.waiters[round], place)
			}
		}
	}
}
