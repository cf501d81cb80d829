package ratelimit

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

const (
	batchSize = 256
	// writeTimeout bounds one batch: whoever waits is told so soon.
	writeTimeout = 3 * time.Second
	// awayFor is how long the database counts as away after a batch failed.
	awayFor = time.Second
	// linger is how long a correction waits for a batch that is made anyway, where nobody
	// else counts.
	linger = 100 * time.Millisecond
	// maxTries is how often loans to others are called in for one ask: several instances may have
	// taken one, one after the other, before each knows of the others.
	maxTries = 6
)

var errClosed = errors.New("the limits are closed")

// verdict is what came of an ask: the levels of what it asked for, the number of what
// refused it, -1 for nothing.
type verdict struct {
	now     int64
	levels  []int64
	refused int
	lender  string // the instance to which something of what refused it is lent; "" for none
	err     error
}

// waiting is an ask and who waits for it.
type waiting struct {
	takes []take
	done  chan verdict
	tries int         // how often it was refused for what is lent to others
	over  atomic.Bool // either it was answered or nobody waits any more
}

// correction is to be added to a bucket.
type correction struct {
	bucket bucket
	by     int64
}

// batch is what one statement does.
type batch struct {
	asks  []*waiting
	fixes map[address]correction
	stale map[address]bucket // places of which this instance holds another number now
	back  map[string]bool    // owners of whose limits nothing stays lent to this instance
}

func (b batch) empty() bool { return len(b.asks)+len(b.fixes)+len(b.stale)+len(b.back) == 0 }

// writer takes all asks that wait at a moment in one round trip. It runs only while there
// are some, one batch after the other.
type writer struct {
	take   func(ctx context.Context, b batch) ([]verdict, error)
	free   func(b bucket)                             // gives a place back
	recall func(owner, lender string) <-chan struct{} // has given back what is lent to another instance; closed then
	turn   sync.Mutex                                 // of whoever talks to the database

	mu      sync.Mutex
	next    batch
	running bool
	waits   bool // a timer will begin the next batch
	due     bool // it did
	closed  bool
	idle    sync.WaitGroup
	up      clock.Stopwatch
	failed  time.Duration // when a batch last failed, by up; 0: the last one did not
}

func newWriter(take func(ctx context.Context, b batch) ([]verdict, error), free func(b bucket)) *writer {
	w := &writer{take: take, free: free, up: clock.StartStopwatch()}
	w.next = w.fresh()
	return w
}

func (*writer) fresh() batch {
	return batch{fixes: map[address]correction{}, stale: map[address]bucket{}, back: map[string]bool{}}
}

// do has an ask judged. When ctx ends first, what is taken nevertheless is given back as
// far as others could miss it: its places.
func (w *writer) do(ctx context.Context, takes []take) (verdict, error) {
	item := &waiting{takes: takes, done: make(chan verdict, 1)}
	if !w.add(true, func(b *batch) { b.asks = append(b.asks, item) }) {
		return verdict{}, errClosed
	}
	select {
	case v := <-item.done:
		return v, v.err
	case <-ctx.Done():
		if item.over.CompareAndSwap(false, true) {
			return verdict{}, ctx.Err()
		}
		v := <-item.done
		return v, v.err
	}
}

// fix adds to a bucket with the next batch, which comes at once or soon.
func (w *writer) fix(b bucket, by int64, atOnce bool) {
	w.add(atOnce, func(next *batch) { next.fix(b, by) })
}

func (b *batch) fix(of bucket, by int64) {
	by = max(min(b.fixes[of.address].by+by, maxTaken), -maxTaken)
	b.fixes[of.address] = correction{of, by}
}

// giveBack gives back what is lent of an owner's limits, and returns when it is.
func (w *writer) giveBack(owner string) error {
	item := &waiting{done: make(chan verdict, 1)}
	if !w.add(true, func(b *batch) { b.back[owner], b.asks = true, append(b.asks, item) }) {
		return errClosed
	}
	return (<-item.done).err
}

// stale has the number of places that are held here written down with the next batch.
func (w *writer) stale(b bucket) {
	w.add(true, func(next *batch) { next.stale[b.address] = b })
}

// add puts something into the next batch, and begins it where it is to come at once.
func (w *writer) add(atOnce bool, put func(*batch)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	put(&w.next)
	w.due = w.due || atOnce
	w.begin()
	return true
}

// begin begins the next batch, or has it begun later. mu is held.
func (w *writer) begin() {
	switch {
	case w.running || w.closed:
	case w.due:
		w.running = true
		w.idle.Go(w.drain)
	case !w.waits:
		w.waits = true
		time.AfterFunc(linger, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.waits, w.due = false, true
			w.begin()
		})
	}
}

// away reports whether the database has just failed.
func (w *writer) away() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed > 0 && w.up.Elapsed()-w.failed < awayFor
}

// close refuses new asks and waits for the others.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.idle.Wait()
}

func (w *writer) drain() {
	for {
		b, more := w.gather()
		if !more {
			return
		}
		w.turn.Lock()
		ctx, cancel := context.WithTimeout(context.Background(), writeTimeout)
		got, err := w.take(ctx, b)
		cancel()
		w.turn.Unlock()
		if w.answered(b, got, err) {
			return
		}
	}
}

// gather is the next batch; false when there is nothing to do.
func (w *writer) gather() (batch, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.next
	if b.empty() || !w.due {
		w.running = false
		if !b.empty() {
			w.begin()
		}
		return b, false
	}
	w.next, w.due = w.fresh(), false
	if len(b.asks) > batchSize {
		b.asks, w.next.asks = b.asks[:batchSize:batchSize], slices.Clone(b.asks[batchSize:])
		w.due = true
	}
	return b, true
}

// answered tells those who waited. What nobody waits for is kept when the batch failed,
// for the next one; it reports whether to rest until that comes.
func (w *writer) answered(b batch, got []verdict, err error) (rest bool) {
	for i, item := range b.asks {
		v := verdict{err: err}
		if err == nil {
			v = got[i]
		}
		if v.lender != "" && item.tries < maxTries {
			go w.again(item, v)
			continue
		}
		w.answer(item, v)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.failed = 0
		return false
	}
	w.failed = max(w.up.Elapsed(), 1)
	for _, c := range b.fixes {
		w.next.fix(c.bucket, c.by)
	}
	for _, item := range b.asks { // nobody knows whether they were taken
		for _, t := range item.takes {
			if t.places() {
				b.stale[t.address] = t.bucket
			}
		}
	}
	maps.Copy(w.next.stale, b.stale)
	maps.Copy(w.next.back, b.back)
	if len(w.next.asks) > 0 {
		return false
	}
	w.running = false
	return true
}

// again has an ask judged once more when what is lent to another instance was given back.
func (w *writer) again(item *waiting, v verdict) {
	item.tries++
	<-w.recall(item.takes[0].owner, v.lender)
	if !w.add(true, func(b *batch) { b.asks = append(b.asks, item) }) {
		w.answer(item, verdict{err: errClosed})
	}
}

// answer tells who waited, or gives the place back of who doesn't any more.
func (w *writer) answer(item *waiting, v verdict) {
	if item.over.CompareAndSwap(false, true) {
		item.done <- v
		return
	}
	for _, t := range item.takes {
		if t.places() && v.err == nil && v.refused < 0 {
			w.free(t.bucket)
		}
	}
}
