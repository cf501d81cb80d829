package load

import (
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

const (
	engineFirst = 200 * time.Millisecond // the engine's own time to the first token
	slack       = 500 * time.Millisecond // how long streams outlast the window
	patience    = 15 * time.Second       // for what is late after everything is due
	probeTokens = 3
)

// streams begins N replies which all outlast the window, and probes after it: what
// is measured in the window is the steady state, what a probe measures is a first
// token beside N streams.
func streams(s Spec) (Result, error) {
	if err := s.check(); err != nil {
		return Result{}, err
	}
	before, start := memory(s), time.Now()
	w := window{from: start.Add(s.Ramp + s.Warm)}
	w.to = w.from.Add(s.Window)
	end := w.to.Add(s.Spread + slack)
	deadline := end.Add(patience)

	tallies, orders := make([]*tally, s.N), make([]wire.Order, s.N)
	finish := sample(s, w)
	probed, after := make(chan probes, 1), map[string]int64{}
	go func() {
		time.Sleep(time.Until(w.to))
		after = memory(s)
		probed <- s.probe(deadline)
	}()
	errs := each(s.N, s.Ramp, func(i int) error {
		o := wire.Order{Rate: s.Rate, First: engineFirst}
		o.Tokens = int(max(0, time.Until(end)-o.First).Seconds()*s.Rate) + 1
		orders[i], tallies[i] = o, newTally(w)
		return s.stream(o, i, tallies[i], deadline)
	})
	p := <-probed
	r := Result{Memory: map[string]int64{}}
	finish(&r)
	for name, bytes := range after {
		r.Memory[name] = bytes - before[name]
	}
	merge(&r, tallies)
	for i, t := range tallies {
		r.balance(orders[i].Tokens, t)
	}
	r.First, r.Send = quantiles(&p.first), quantiles(&p.send)
	for _, err := range p.errs {
		errs.add(err)
	}
	errs.into(&r)
	return r, nil
}

// add counts what a stream brought.
func (r *Result) add(t *tally) {
	r.Tokens += t.in
	r.All += int64(t.got)
}

// balance holds what came against what was ordered.
func (r *Result) balance(ordered int, t *tally) {
	r.Lost += int64(max(0, ordered-t.got))
	r.Extra += int64(t.twice + max(0, t.got-ordered))
}

// merge adds the tallies up.
func merge(r *Result, tallies []*tally) {
	var added, late hist.H
	for _, t := range tallies {
		r.add(t)
		if t.added != nil {
			added.Merge(t.added)
			late.Merge(t.late)
		}
	}
	r.Added, r.Late = quantiles(&added), quantiles(&late)
}

// stream orders one reply and receives it to its end.
func (s Spec) stream(o wire.Order, i int, t *tally, deadline time.Time) error {
	if s.Floor || len(s.Keys) > 0 {
		return s.program(o, i, t, deadline)
	}
	r, err := send(s.Addr, s.gate, o, i)
	if err != nil {
		return err
	}
	ws, err := r.open(s.Addr, i)
	if err != nil {
		return err
	}
	defer ws.Close()
	if err := ws.SetDeadline(deadline); err != nil {
		return err
	}
	return follow(ws, t)
}

// probes are the first tokens of the replies begun after the window.
type probes struct {
	first, send hist.H
	errs        []error
}

func (s Spec) probe(deadline time.Time) probes {
	firsts, sends := make([]time.Duration, s.Probes), make([]time.Duration, s.Probes)
	errs := make([]error, s.Probes)
	each(s.Probes, s.Spread, func(i int) error {
		began := time.Now()
		t := &tally{first: func(added time.Duration, at time.Time) {
			firsts[i], sends[i] = added, at.Sub(began)-engineFirst
		}}
		o := wire.Order{Tokens: probeTokens, Rate: s.Rate, First: engineFirst}
		errs[i] = s.stream(o, s.N+i, t, deadline)
		return nil
	})
	var p probes
	for i, err := range errs {
		if err != nil {
			p.errs = append(p.errs, err)
			continue
		}
		p.first.Add(firsts[i])
		p.send.Add(sends[i])
	}
	return p
}
