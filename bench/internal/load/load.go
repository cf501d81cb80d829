// Package load makes the load of the figures and times the answers: streams of
// replies, many subscriptions of few replies, thousands of open sockets, lists.
// Every load is bounded by its Spec and stays on loopback addresses.
package load

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
	"github.com/kimi-k2/kimi-k2/bench/internal/procstat"
)

// Kind is a sort of load.
type Kind string

// The kinds.
const (
	Streams Kind = "streams" // N replies at Rate tokens/s each, one subscription per reply
	Fan     Kind = "fan"     // N subscriptions that share Replies replies at Rate
	Sockets Kind = "sockets" // N open sockets: what they cost in memory
	Lists   Kind = "lists"   // the viewer's newest conversations, over and over
	Viewers Kind = "viewers" // who is asking, over and over: little but finding that out
	Wholes  Kind = "wholes"  // short answers of /v1 in one piece, over and over
)

// Spec says what to load and for how long.
type Spec struct {
	Kind    Kind
	Floor   bool   // the target is the floor of this kind, else the product
	Addr    string // host:port of the target, a loopback address
	N       int    // streams, subscriptions, sockets or connections
	Replies int    // Fan, Sockets: replies that the subscriptions share
	Rate    float64
	Idle    bool // Sockets: subscriptions on which nothing happens
	Cut     bool // Fan: break off at the end instead of waiting for every token

	Ramp   time.Duration // until all of N have begun
	Settle time.Duration // Fan, Sockets: from there to the first token
	Warm   time.Duration // from there to the measured window
	Window time.Duration
	Probes int           // Streams: further replies, begun after the window
	Spread time.Duration // Streams: over which the probes are spread

	Cookies []string         // Lists, Viewers: one of them per request; "" is none
	Keys    []string         // Wholes, Streams: one of them per client, which asks /v1 as programs do
	Watch   map[string][]int // processes to sample with their descendants, by name

	gate string // the cookie that lets new guests send; set by Run
}

// Result is what a load measured. Quantiles are in microseconds.
type Result struct {
	Tokens int64 // received in the window
	All    int64 // received the whole load long
	Lost   int64 // ordered but not received, the whole load long
	Extra  int64 // received again or beyond the order, the whole load long
	Asked  int64 // Lists, Viewers, Wholes: answers in the window
	Errors int64
	Error  string // the first of them

	Added Quantiles // per token: written by the engine -> received; Lists: per answer
	Late  Quantiles // per token: due -> received
	First Quantiles // per probe: first token written by the engine -> received
	Send  Quantiles // per probe: message sent -> first token, without the engine's own time

	Seconds float64            // the window's true length
	CPU     map[string]float64 // seconds by process in the window
	Other   float64            // CPU seconds of everything else on the machine
	Memory  map[string]int64   // Sockets, Streams: bytes of RSS that were added, by process
	Opened  float64            // Sockets: seconds until all were open
}

// Quantiles of a distribution, in microseconds.
type Quantiles struct{ N, P50, P90, P99, Max float64 }

func quantiles(h *hist.H) Quantiles {
	us := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
	return Quantiles{float64(h.N()), us(h.Quantile(0.5)), us(h.Quantile(0.9)), us(h.Quantile(0.99)), us(h.Max())}
}

// Run puts the load on its target and waits for its end. Failures of single
// streams are counted in the result; the error is for loads that could not be made.
func Run(s Spec) (Result, error) {
	if !s.Floor && len(s.Keys) == 0 && !s.asks() {
		var err error
		if s.gate, err = settle(s.Addr, 0); err != nil {
			return Result{}, err
		}
	}
	switch s.Kind {
	case Streams:
		return streams(s)
	case Fan:
		return fan(s)
	case Sockets:
		return sockets(s)
	case Lists:
		return lists(s)
	case Viewers:
		return viewers(s)
	case Wholes:
		return wholes(s)
	}
	return Result{}, fmt.Errorf("no load is called %q", s.Kind)
}

// window is the measured time of a load.
type window struct{ from, to time.Time }

func (w window) holds(t time.Time) bool { return !t.Before(w.from) && t.Before(w.to) }

// failures counts errors and keeps the first.
type failures struct {
	mu    sync.Mutex
	n     int64
	first error
}

func (f *failures) add(err error) {
	if err == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.first == nil {
		f.first = err
	}
}

func (f *failures) into(r *Result) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r.Errors = f.n
	if f.first != nil {
		r.Error = f.first.Error()
	}
}

// snapshot is the CPU time used so far.
type snapshot struct {
	at   time.Time
	busy time.Duration
	cpu  map[string]time.Duration
}

func snap(s Spec) snapshot {
	out := snapshot{at: time.Now(), busy: procstat.Busy(), cpu: map[string]time.Duration{}}
	for name, pids := range s.Watch {
		out.cpu[name] = procstat.Of(pids, true).CPU
	}
	out.cpu["load"] = procstat.Of([]int{os.Getpid()}, false).CPU
	return out
}

// sample watches the processes over the window; call the returned function after it.
func sample(s Spec, w window) func(*Result) {
	done := make(chan [2]snapshot, 1)
	go func() {
		time.Sleep(time.Until(w.from))
		a := snap(s)
		time.Sleep(time.Until(w.to))
		done <- [2]snapshot{a, snap(s)}
	}()
	return func(r *Result) {
		both := <-done
		a, b := both[0], both[1]
		r.Seconds, r.Other, r.CPU = b.at.Sub(a.at).Seconds(), (b.busy - a.busy).Seconds(), map[string]float64{}
		for name, used := range b.cpu {
			r.CPU[name] = (used - a.cpu[name]).Seconds()
			r.Other -= r.CPU[name]
		}
	}
}

// each runs f for 0…n-1, evenly begun over the ramp, and waits for all.
func each(n int, ramp time.Duration, f func(i int) error) *failures {
	var wg sync.WaitGroup
	errs, start := new(failures), time.Now()
	for i := range n {
		wg.Go(func() {
			time.Sleep(time.Until(start.Add(ramp * time.Duration(i) / time.Duration(n))))
			errs.add(f(i))
		})
	}
	wg.Wait()
	return errs
}

// check refuses specs that would divide by zero or never end.
func (s Spec) check() error {
	switch {
	case s.N <= 0 || s.Window < 0 || s.Ramp < 0 || s.Warm < 0:
		return errors.New("a load needs a size and bounds")
	case !s.asks() && !s.Idle && s.Rate <= 0:
		return errors.New("a load of tokens needs a rate")
	case (s.Kind == Fan || s.Kind == Sockets) && s.Replies <= 0:
		return errors.New("subscriptions need replies to share")
	case (s.Kind == Lists || s.Kind == Viewers) && len(s.Cookies) == 0:
		return errors.New("questions need viewers")
	case s.Kind == Wholes && len(s.Keys) == 0:
		return errors.New("programs need keys")
	}
	return nil
}

// asks reports whether the load is questions with short answers.
func (s Spec) asks() bool { return s.Kind == Lists || s.Kind == Viewers || s.Kind == Wholes }
