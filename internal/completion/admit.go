package completion

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// admitTogether is how many requests are admitted in one round trip at most.
	admitTogether = 256
	// doors is how many such round trips are under way at once. The second begins when
	// many wait: below that, one large batch costs the database less than two small ones.
	doors = 2
)

// waiting is a run that waits to be admitted.
type waiting struct {
	run  *Run
	done chan error
}

// porch is where runs wait to be admitted together.
type porch struct {
	mu      sync.Mutex
	queue   []waiting
	running int
}

// admit checks gate and key and sets credits aside. What is simple is admitted together
// with others; a claim, a key with a limit of its own and who comes without a key have a
// transaction of their own.
func (s *Service) admit(ctx context.Context, run *Run, r Request) error {
	if r.IdempotencyKey == "" && run.v.KeyID != "" && !run.v.KeyCapped && run.v.Gate == (viewer.Gate{}) && s.Keys != nil && s.Money != nil {
		return s.admitTogether(ctx, run)
	}
	return s.admitAlone(ctx, run, r)
}

// admitAlone admits a run in a transaction of its own.
func (s *Service) admitAlone(ctx context.Context, run *Run, r Request) error {
	return s.DB.Tx(ctx, func(tx *gorm.DB) error {
		run.hold, run.claim, run.Replayed = "", nil, false // of an earlier try
		if run.v.KeyID != "" && s.Keys != nil {
			if err := s.Keys.CheckTx(tx, run.v); err != nil {
				return err
			}
		}
		if err := s.Gate.CheckTx(tx, run.v); err != nil {
			return err
		}
		if r.IdempotencyKey != "" {
			if err := s.claim(tx, run, r); err != nil || run.Replayed {
				return err
			}
		}
		return s.holdTx(tx, run)
	})
}

// admitTogether waits for the next round trip. It waits for its answer even when ctx has
// ended: what is held by then must be given back.
func (s *Service) admitTogether(ctx context.Context, run *Run) error {
	w := waiting{run, make(chan error, 1)}
	p := &s.porch
	p.mu.Lock()
	p.queue = append(p.queue, w)
	if p.running == 0 || p.running < doors && len(p.queue) >= admitTogether/2 {
		p.running++
		go s.openDoor(context.WithoutCancel(ctx))
	}
	p.mu.Unlock()
	return <-w.done
}

// openDoor admits until nobody waits.
func (s *Service) openDoor(ctx context.Context) {
	p := &s.porch
	for {
		p.mu.Lock()
		n := min(len(p.queue), admitTogether)
		batch := p.queue[:n:n]
		p.queue = p.queue[n:]
		if n == 0 {
			p.queue = nil
			p.running--
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		s.admitBatch(ctx, batch)
	}
}

// admitBatch admits runs in one round trip. Where that fails each has a transaction of its
// own, so that nobody is refused for another's sake.
func (s *Service) admitBatch(ctx context.Context, batch []waiting) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	refused, err := s.admitMany(ctx, batch)
	for n, w := range batch {
		switch {
		case err != nil:
			go func() { w.done <- s.admitAlone(context.WithoutCancel(ctx), w.run, Request{}) }()
		default:
			w.done <- s.refusedAfter(ctx, w.run, refused[n])
		}
	}
	if err != nil {
		s.Log.Warn("admit completions together, trying one by one", "completions", len(batch), "err", err)
	}
}

// refusedAfter gives back what was held for who may not ask: the checks and the holds go
// to the database together.
func (s *Service) refusedAfter(ctx context.Context, run *Run, why error) error {
	if why == nil || run.hold == "" {
		return why
	}
	if err := s.Money.Void(ctx, run.hold); err != nil {
		s.Log.Warn("give back what a refused completion held; its lease ends", "completion", run.ID, "err", err)
	}
	run.hold = ""
	return why
}

// admitMany asks the rooms whose say it is, all in one transaction and one round trip, and
// says who was refused and why.
func (s *Service) admitMany(ctx context.Context, batch []waiting) (refused []error, err error) {
	viewers, asks := make([]viewer.Viewer, len(batch)), make([]models.HoldFor, len(batch))
	for n, w := range batch {
		r := w.run
		viewers[n] = r.v
		asks[n] = models.HoldFor{OwnerID: r.v.OwnerID, KeyID: r.v.KeyID, HoldAsk: models.HoldAsk{Price: s.priceOf(r.Model), PromptTokens: r.Prompt, OutputTokens: r.firstSlice()}}
	}
	refused = make([]error, len(batch))
	holds, short := make([]string, len(batch)), make([]error, len(batch))
	refuse := func(n int, err error) {
		if refused[n] == nil {
			refused[n] = err
		}
	}
	var b pgx.Batch // without a BEGIN of its own it is one transaction
	// The holds come first: they have the statements of their transaction planned once.
	s.Money.QueueHolds(&b, asks, func(n int, h models.Hold, err error) { holds[n], short[n] = h.ID, err })
	s.Keys.QueueChecks(&b, viewers, refuse)
	s.Gate.QueueChecks(&b, viewers, refuse)
	if err := s.DB.Pool().SendBatch(ctx, &b).Close(); err != nil {
		return nil, fmt.Errorf("admit completions: %w", err)
	}
	for n, w := range batch {
		w.run.hold = holds[n]
		refuse(n, short[n]) // whose key is not good isn't told of its balance
	}
	return refused, nil
}
