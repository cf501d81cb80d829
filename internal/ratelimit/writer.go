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
)

var errClosed = errors.New("the limits are closed")

// verdict is what came of an ask: the levels of what it asked for, the number of what
// refused it, -1 for nothing.
type verdict struct {
	now     int64
	levels  []int64
	refused int
	err     error
}

// waiting is an ask and who waits for it.
type waiting struct {
	takes []take
	done  chan verdict
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
}

func (b batch) empty() bool { return len(b.asks)+len(b.fixes)+len(b.stale) == 0 }

// writer takes all asks that wait at a moment in one round trip. It runs only while there
// are some, one batch after the other.
type writer struct {
	take func(ctx context.Context, b batch) ([]verdict, error)
	free func(b bucket) // gives a place back
	turn sync.Mutex     // of whoever talks to the database

	mu      sync.Mutex
	next    batch
	running bool
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
	return batch{fixes: map[address]correction{}, stale: map[address]bucket{}}
}

// do has an ask judged. When ctx ends first, what is taken nevertheless is given back as
// far as others could miss it: its places.
func (w *writer) do(ctx context.Context, takes []take) (verdict, error) {
	item := &waiting{takes: takes, done: make(chan verdict, 1)}
	if !w.add(func(b *batch) { b.asks = append(b.asks, item) }) {
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

// fix adds to a bucket with the next batch.
func (w *writer) fix(b bucket, by int64) {
	w.add(func(next *batch) { next.fix(b, by) })
}

func (b *batch) fix(of bucket, by int64) {
	by = max(min(b.fixes[of.address].by+by, maxTaken), -maxTaken)
	b.fixes[of.address] = correction{of, by}
}

// stale has the number of places that are held here written down with the next batch.
func (w *writer) stale(b bucket) {
	w.add(func(next *batch) { next.stale[b.address] = b })
}

func (w *writer) add(put func(*batch)) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	put(&w.next)
	if !w.running {
		w.running = true
		w.idle.Go(w.drain)
	}
	return true
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
	if b.empty() {
		w.running = false
		return b, false
	}
	w.next = w.fresh()
	if len(b.asks) > batchSize {
		b.asks, w.next.asks = b.asks[:batchSize:batchSize], slices.Clone(b.asks[batchSize:])
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
	if len(w.next.asks) > 0 {
		return false
	}
	w.running = false
	return true
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
