package load

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/client"
	"github.com/kimi-k2/kimi-k2/bench/internal/procstat"
	"github.com/kimi-k2/kimi-k2/bench/internal/wire"
)

// plan is when the tokens of subscriptions come: after all have subscribed.
type plan struct {
	begin  time.Time // the first token of the first reply
	window window
	tokens int
	step   time.Duration
}

func (s Spec) plan() plan {
	p := plan{begin: time.Now().Add(s.Ramp + s.Settle)}
	if s.Kind == Sockets {
		p.begin = p.begin.Add(warmRamp)
	}
	p.window.from = p.begin.Add(s.Warm)
	p.window.to = p.window.from.Add(s.Window)
	if s.Rate > 0 {
		p.step = time.Duration(float64(time.Second) / s.Rate)
		p.tokens = int((s.Warm + s.Window + slack).Seconds() * s.Rate)
	}
	return p
}

// order is the i-th of n streams, their tokens spread over the time of one token.
func (p plan) order(i, n int, rate float64) wire.Order {
	first := time.Until(p.begin) + p.step*time.Duration(i)/time.Duration(n)
	return wire.Order{Tokens: p.tokens, Rate: rate, First: first}
}

// fan lets N subscriptions follow Replies replies.
func fan(s Spec) (Result, error) {
	if err := s.check(); err != nil {
		return Result{}, err
	}
	p := s.plan()
	replies, err := s.begin(p)
	if err != nil {
		return Result{}, err
	}
	deadline := p.window.to.Add(slack + patience)
	if s.Cut {
		deadline = p.window.to.Add(slack)
	}
	tallies := make([]*tally, s.N)
	finish := sample(s, p.window)
	errs := each(s.N, s.ramp(p), func(i int) error {
		tallies[i] = newTally(p.window)
		ws, err := s.subscribe(p, replies, i)
		if err != nil {
			return err
		}
		defer ws.Close()
		if err := ws.SetDeadline(deadline); err != nil {
			return err
		}
		if err := follow(ws, tallies[i]); !s.Cut || time.Now().Before(p.window.to) {
			return err
		}
		return nil
	})
	var r Result
	finish(&r)
	merge(&r, tallies)
	for _, t := range tallies {
		if !s.Cut {
			r.balance(p.tokens, t)
		}
	}
	errs.into(&r)
	return r, nil
}

// ramp is what is left of the time to subscribe in.
func (s Spec) ramp(p plan) time.Duration { return max(0, time.Until(p.begin)-s.Settle) }

// begin sends the messages whose replies are shared; the floor needs none.
func (s Spec) begin(p plan) ([]reply, error) {
	if s.Floor {
		return nil, nil
	}
	replies := make([]reply, s.Replies)
	errs := each(s.Replies, s.Ramp/4, func(i int) (err error) {
		o := p.order(i, s.Replies, s.Rate)
		if s.Idle {
			o = wire.Order{Tokens: 1, Rate: 1000}
		}
		replies[i], err = send(s.Addr, s.gate, o, i)
		return err
	})
	if errs.first != nil {
		return nil, fmt.Errorf("%d of %d replies did not begin: %w", errs.n, s.Replies, errs.first)
	}
	return replies, nil
}

// subscribe opens the i-th socket with its subscription.
func (s Spec) subscribe(p plan, replies []reply, i int) (*client.WS, error) {
	switch {
	case s.Floor && s.Idle:
		return openIdle(s.Addr, "", i)
	case s.Floor:
		return openFloor(s.Addr, p.order(i, s.N, s.Rate), i)
	case s.Idle:
		return openIdle(s.Addr, replies[i%s.Replies].cookie, i)
	}
	return replies[i%s.Replies].open(s.Addr, i)
}

// openIdle opens a socket with a subscription on which nothing happens.
func openIdle(addr, cookie string, i int) (*client.WS, error) {
	w, err := client.DialWS(addr, path, i, origin(addr), "Cookie: "+cookie)
	if err != nil {
		return nil, err
	}
	if err := w.Subscribe(payload(idleDoc, nil)); err != nil {
		w.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return w, nil
}

// warmSockets are opened before memory is first looked at, so that what a server
// makes once is not counted.
const (
	warmSockets = 100
	warmRamp    = 500 * time.Millisecond
)

// sockets opens N sockets, holds them for the window and reports how much memory
// they added. When they are not idle, tokens keep coming meanwhile.
func sockets(s Spec) (Result, error) {
	if err := s.check(); err != nil {
		return Result{}, err
	}
	p := s.plan()
	replies, err := s.begin(p)
	if err != nil {
		return Result{}, err
	}
	h := &held{spec: s, plan: p, replies: replies}
	defer h.closeAll()
	if errs := each(warmSockets, warmRamp/2, h.open); errs.first != nil {
		return Result{}, fmt.Errorf("open the first sockets: %w", errs.first)
	}
	before, start := memory(s), time.Now()
	finish := sample(s, p.window)
	errs := each(s.N, s.ramp(p), func(i int) error { return h.open(warmSockets + i) })
	r := Result{Opened: time.Since(start).Seconds(), Memory: map[string]int64{}}
	finish(&r)
	for name, bytes := range memory(s) {
		r.Memory[name] = bytes - before[name]
	}
	h.closeAll()
	for _, t := range h.tallies {
		r.add(t)
	}
	h.errs.into(&r)
	if r.Errors == 0 {
		errs.into(&r)
	}
	return r, nil
}

func memory(s Spec) map[string]int64 {
	out := map[string]int64{}
	for name, pids := range s.Watch {
		out[name] = procstat.Of(pids, true).RSS
	}
	out["load"] = procstat.Of([]int{os.Getpid()}, false).RSS
	return out
}

// held are open sockets, each with a goroutine that reads it.
type held struct {
	spec    Spec
	plan    plan
	replies []reply
	errs    failures
	wg      sync.WaitGroup

	mu      sync.Mutex
	sockets []*client.WS
	tallies []*tally
}

// open opens the i-th socket and reads it until it is closed.
func (h *held) open(i int) error {
	ws, err := h.spec.subscribe(h.plan, h.replies, i)
	if err != nil {
		return err
	}
	t := &tally{window: h.plan.window}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets, h.tallies = append(h.sockets, ws), append(h.tallies, t)
	h.wg.Go(func() {
		if err := follow(ws, t); err != nil && time.Now().Before(h.plan.window.to) {
			h.errs.add(err)
		}
	})
	return nil
}

// closeAll closes the sockets and waits for their goroutines.
func (h *held) closeAll() {
	h.mu.Lock()
	for _, ws := range h.sockets {
		ws.Close()
	}
	h.sockets = nil
	h.mu.Unlock()
	h.wg.Wait()
}
