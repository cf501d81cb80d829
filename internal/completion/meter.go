package completion

import (
	"context"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/models"
)

// holdRenewal is how often a hold's lease is renewed at least. The lease is two minutes.
const holdRenewal = 20 * time.Second

// meter is how far a run has used its hold. Who streams writes what was made; what is held
// grows under the lock, also beside the stream.
type meter struct {
	first time.Time // the first token; of the one who streams

	mu             sync.Mutex
	text, thoughts inference.Counter // what was delivered
	held           int64             // tokens of output that are paid for
	renewed        time.Time         // the leases
}

// made is our own count of what was delivered. mu is held.
func (m *meter) made() int64 { return m.text.Tokens() + m.thoughts.Tokens() }

func (m *meter) add(d inference.Delta) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.text.Add(d.Text)
	m.thoughts.Add(d.Reasoning)
	for _, c := range d.ToolCalls {
		m.text.Add(c.Name)
		m.text.Add(c.Arguments)
	}
}

// counted is our own count at the end.
func (m *meter) counted(prompt int64) models.Usage {
	m.mu.Lock()
	defer m.mu.Unlock()
	return models.Usage{PromptTokens: prompt, OutputTokens: m.made(), ReasoningTokens: m.thoughts.Tokens(), Estimated: true}
}

// want is by how many tokens a hold has to grow so that half a slice is left once so many
// more are delivered; 0 when there is enough. mu is held.
func (m *meter) want(more, most int64) (tokens int64) {
	for m.made()+more > m.held+tokens-slice/2 && (most == 0 || m.held+tokens < most) {
		tokens += slice
	}
	return tokens
}

// afford makes sure that what comes next is covered before it is delivered. Usually it is:
// lookAfter has asked for the next slice when half of the last one was left. It says why
// the run has to end otherwise.
func (r *Run) afford(ctx context.Context, d inference.Delta) error {
	if r.hold == "" {
		return nil
	}
	m := &r.meter
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.text.Fresh()
	next.Add(d.Text)
	next.Add(d.Reasoning)
	for _, c := range d.ToolCalls {
		next.Add(c.Name)
		next.Add(c.Arguments)
	}
	if m.made()+next.Tokens() <= m.held {
		return nil
	}
	want := m.want(next.Tokens(), int64(r.req.MaxOutputTokens))
	if want == 0 {
		return nil // the engine writes more than it was allowed to: what is held bounds the charge
	}
	refused, err := r.s.Money.More(ctx, []models.HoldMore{{HoldID: r.hold, OutputTokens: want}})
	if err != nil {
		// The run goes on: what it is charged is bounded by what is held.
		r.s.Log.Warn("extend a hold", "completion", r.ID, "err", err)
		return nil
	}
	return r.grown(want, refused[r.hold])
}

// grown notes what came of asking for more. mu is held.
func (r *Run) grown(tokens int64, why error) error {
	if why == nil {
		r.meter.held += tokens
		r.meter.renewed = r.s.Clock.Now()
		return nil
	}
	if list, ok := fault.Of(why); ok {
		return list[0]
	}
	r.s.Log.Warn("extend a hold: it was given up, the completion ends here", "completion", r.ID, "err", why)
	return errBroke
}

// lookAfter extends holds and renews leases until the service closes.
func (s *Service) lookAfter() {
	t := time.NewTicker(s.Tick)
	defer t.Stop()
	for {
		select {
		case <-s.quit:
			return
		case <-t.C:
			s.lookOnce()
		}
	}
}

// due is a hold that is to grow, or to be renewed.
type due struct {
	run    *Run
	tokens int64
	renew  bool
}

// lookOnce asks for the next slice of those runs that have used half of their last one,
// and renews leases that are due. A run whose wallet doesn't cover its next slice goes on
// until that is used up: it asks once more itself then, and ends.
func (s *Service) lookOnce() {
	var all []due
	now := s.Clock.Now()
	for _, r := range s.hub.all() {
		if d, ok := r.due(now); ok {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), queryTimeout)
	defer cancel()
	s.extend(ctx, all)
	s.renewClaims(ctx, all)
	s.recheck(ctx, all)
}

const queryTimeout = 10 * time.Second

// due says whether there is something to do for the run. A run that is asking itself is
// left alone.
func (r *Run) due(now time.Time) (d due, ok bool) {
	m := &r.meter
	if !r.ready.Load() || !m.mu.TryLock() {
		return d, false
	}
	defer m.mu.Unlock()
	period := holdRenewal
	if r.claim != nil {
		period = min(period, r.s.Lease/3)
	}
	d = due{run: r, renew: now.Sub(m.renewed) >= period}
	switch {
	case r.hold != "":
		d.tokens = m.want(0, int64(r.req.MaxOutputTokens))
	case d.renew:
		m.renewed = now // there is no hold whose extension would note it
	}
	return d, d.renew || d.tokens > 0
}

// extend asks for all of them in one round trip.
func (s *Service) extend(ctx context.Context, all []due) {
	var more []models.HoldMore
	for _, d := range all {
		if d.run.hold != "" {
			more = append(more, models.HoldMore{HoldID: d.run.hold, OutputTokens: d.tokens})
		}
	}
	if len(more) == 0 {
		return
	}
	refused, err := s.Money.More(ctx, more)
	if err != nil {
		s.Log.Warn("extend holds, trying again", "completions", len(more), "err", err)
		return
	}
	for _, d := range all {
		if d.run.hold == "" {
			continue
		}
		d.run.meter.mu.Lock()
		if why := refused[d.run.hold]; why == nil {
			_ = d.run.grown(d.tokens, nil)
		}
		d.run.meter.mu.Unlock()
	}
}
