package credit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// batchSize is how many settlements are committed together at most.
	batchSize = 256
	// writers is how many batches are under way at once.
	writers = 2
	// second is how many wait, of as many owners, when the second writer begins: with fewer,
	// one large batch costs the database less than two small ones (measured: a fifth less at
	// 64 than at two times 32, which settle half as many again in the same time).
	second = 32
	// patience is how long a batch waits for its fair share of those who settle again
	// as soon as they have their answer.
	patience = 300 * time.Microsecond
	// writeTimeout bounds one batch.
	writeTimeout = 30 * time.Second
)

var errClosed = errors.New("the books are closed")

// outcome is what came of one settlement.
type outcome struct {
	charge models.Charge
	err    error
}

// waiting is a settlement and who waits for it.
type waiting struct {
	act  act
	done chan outcome
}

// writer commits waiting settlements together. It runs only while there are some.
type writer struct {
	commit func(ctx context.Context, batch []act) ([]outcome, error)
	turn   chan struct{} // holds one while a batch is gathered; a mutex would stop the time of tests
	enough chan struct{} // the queue has a fair share

	mu       sync.Mutex
	queue    []waiting
	running  int
	flying   int             // settlements in batches under way
	expected int             // how many were waiting or under way lately
	owners   int             // of how many the last batch was
	busy     map[string]bool // whose acts are in batches under way
	closed   bool
	idle     sync.WaitGroup
}

func newWriter(commit func(ctx context.Context, batch []act) ([]outcome, error)) *writer {
	return &writer{commit: commit, turn: make(chan struct{}, 1), enough: make(chan struct{}, 1), busy: map[string]bool{}}
}

// do adds a settlement to the next batch and waits for its outcome.
func (w *writer) do(ctx context.Context, a act) (models.Charge, error) {
	item := waiting{act: a, done: make(chan outcome, 1)}
	if err := w.add(ctx, item); err != nil {
		return models.Charge{}, err
	}
	select {
	case o := <-item.done:
		return o.charge, o.err
	case <-ctx.Done():
		return models.Charge{}, ctx.Err()
	}
}

func (w *writer) add(ctx context.Context, item waiting) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	w.queue = append(w.queue, item)
	w.expected = max(w.expected, len(w.queue)+w.flying)
	if len(w.queue) >= w.share() {
		select {
		case w.enough <- struct{}{}:
		default:
		}
	}
	if w.running == 0 || w.running < writers && len(w.queue) >= second && w.owners >= second {
		w.running++
		w.idle.Go(func() { w.drain(context.WithoutCancel(ctx)) })
	}
	return nil
}

// close refuses new settlements and waits for the others.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.idle.Wait()
}

// drain commits batches until nobody waits.
func (w *writer) drain(ctx context.Context) {
	for {
		batch := w.gather()
		if len(batch) == 0 {
			return
		}
		w.write(ctx, batch)
		w.finish(batch)
	}
}

// share is the part of those expected that one batch takes, so that all writers have
// about the same to do.
func (w *writer) share() int {
	n := max(w.running, 1)
	return min((w.expected+n-1)/n, batchSize)
}

// gather is the next batch: a fair share of those expected, or less when they don't come
// soon.
func (w *writer) gather() []waiting {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	w.mu.Lock()
	defer w.mu.Unlock()
	for timer := time.NewTimer(patience); len(w.queue) < w.share(); {
		w.mu.Unlock()
		var late bool
		select {
		case <-w.enough:
		case <-timer.C:
			late = true
		}
		w.mu.Lock()
		if late {
			break
		}
	}
	return w.take()
}

// take is a share of the queue. Whose acts are under way already waits for a later batch, so
// that no two batches wait for each other's wallets; and so does an act, or a hold, that
// the batch names already.
func (w *writer) take() []waiting {
	most := max(w.share(), 1)
	// Who does not come again is forgotten.
	w.expected = max(w.expected-1-w.expected/16, len(w.queue)+w.flying)
	var batch, later []waiting
	named := map[string]bool{}
	for i, item := range w.queue {
		if len(batch) == most {
			later = append(later, w.queue[i:]...)
			break
		}
		if w.busy[item.act.Owner] || named[item.act.key()] || item.act.Hold != "" && named[item.act.Hold] {
			later = append(later, item)
			continue
		}
		named[item.act.key()], named[item.act.Hold] = true, true
		batch = append(batch, item)
	}
	before := len(w.busy)
	for _, item := range batch {
		w.busy[item.act.Owner] = true
	}
	w.owners = len(w.busy) - before
	w.queue, w.flying = later, w.flying+len(batch)
	if len(batch) == 0 {
		w.running-- // what is left waits for the writer that has its owners' acts under way
	}
	return batch
}

// finish lets go of a batch that was written.
func (w *writer) finish(batch []waiting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flying -= len(batch)
	for _, item := range batch {
		delete(w.busy, item.act.Owner)
	}
}

// key names the act, which is settled once.
func (a act) key() string { return a.Owner + " " + a.Ref }

// write commits a batch. One that fails is tried again one by one, so that a bad
// settlement hurts nobody else.
func (w *writer) write(ctx context.Context, batch []waiting) {
	acts := make([]act, len(batch))
	for i, item := range batch {
		acts[i] = item.act
	}
	outcomes, err := w.attempt(ctx, acts)
	if err == nil {
		for i, item := range batch {
			item.done <- outcomes[i]
		}
		return
	}
	for i, item := range batch {
		alone, err := w.attempt(ctx, acts[i:i+1])
		if err != nil {
			alone = []outcome{{err: err}}
		}
		item.done <- alone[0]
	}
}

func (w *writer) attempt(ctx context.Context, acts []act) ([]outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return w.commit(ctx, acts)
}

// plannedOnceSQL is for the transaction that it stands in: its statements take arrays, whose
// length makes Postgres plan anew at every execution, which takes longer than all else. The
// one plan that remains must not be one for tables that were empty when it was made.
const plannedOnceSQL = `SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true)`

// commitBatch settles acts in one transaction and one round trip; a second one is needed
// only when some had been settled before.
func (s *Service) commitBatch(ctx context.Context, acts []act) ([]outcome, error) {
	charges := make(map[string]models.Charge, len(acts))
	var batch pgx.Batch // without a BEGIN of its own it is one transaction
	s.queueBatch(&batch, acts, charges)
	if err := s.DB.Pool().SendBatch(ctx, &batch).Close(); err != nil {
		return nil, err
	}
	if len(charges) < len(acts) {
		rows, err := s.DB.Pool().Query(ctx, beforeSQL, namesOf(acts)...)
		if err != nil {
			return nil, err
		}
		if err := readCharges(rows, charges, true); err != nil {
			return nil, err
		}
	}
	outcomes := make([]outcome, len(acts))
	for i, a := range acts {
		c, found := charges[a.ID]
		outcomes[i].charge = c
		if !found {
			outcomes[i].err = ErrHoldResolved
		}
	}
	return outcomes, nil
}

// queueBatch adds the statements that settle acts; charges is filled when they are read.
func (s *Service) queueBatch(batch *pgx.Batch, acts []act, charges map[string]models.Charge) {
	var holds []string
	for _, a := range acts {
		if a.Hold != "" {
			holds = append(holds, a.Hold)
		}
	}
	batch.Queue(plannedOnceSQL)
	if len(holds) > 0 {
		batch.Queue(lockHoldsSQL, holds)
	}
	batch.Queue(settleSQL(acts), append([]any{s.Clock.Now()}, columnsOf(acts)...)...).Query(func(rows pgx.Rows) error { return readCharges(rows, charges, false) })
}

// readCharges fills charges, by the id of the act; those that are there stay.
func readCharges(rows pgx.Rows, charges map[string]models.Charge, again bool) error {
	var key string
	c := models.Charge{Again: again}
	_, err := pgx.ForEachRow(rows, []any{&key, &c.Credits, &c.TransferID}, func() error {
		if _, there := charges[key]; !there {
			charges[key] = c
		}
		return nil
	})
	return err
}
