package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/client"
	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
)

// listMark is in every answer that holds a conversation.
var listMark = []byte(`"lastMessage":{"id":"`)

// lists asks for lists over N connections: as fast as answers come, or Rate times
// per second; then an answer's time counts from when its request was due.
func lists(s Spec) (Result, error) {
	return ask(s, listDocument, listMark)
}

// ask sends a document with one of the cookies after another, "" for none; mark is in
// every right answer.
func ask(s Spec, document string, mark []byte) (Result, error) {
	requests := make([][]byte, len(s.Cookies))
	for i, cookie := range s.Cookies {
		headers := []string{origin(s.Addr)}
		if cookie != "" {
			headers = append(headers, "Cookie: "+cookie)
		}
		requests[i] = client.Request(s.Addr, path, payload(document, nil), headers...)
	}
	return askAll(s, requests, mark)
}

// askAll sends one of the requests after another over N connections.
func askAll(s Spec, requests [][]byte, mark []byte) (Result, error) {
	if err := s.check(); err != nil {
		return Result{}, err
	}
	start := time.Now()
	w := window{from: start.Add(s.Warm)}
	w.to = w.from.Add(s.Window)
	finish := sample(s, w)
	times := make([]hist.H, s.N)
	var next atomic.Int64
	errs := each(s.N, 0, func(i int) error {
		l := lister{spec: s, window: w, start: start, next: &next, requests: requests, mark: mark, rnd: rand.New(rand.NewPCG(uint64(i), 1)), times: &times[i]}
		return l.run(i)
	})
	var r Result
	finish(&r)
	var all hist.H
	for i := range times {
		all.Merge(&times[i])
	}
	r.Asked, r.Added = int64(all.N()), quantiles(&all)
	errs.into(&r)
	return r, nil
}

// lister is one connection that asks.
type lister struct {
	spec     Spec
	window   window
	start    time.Time
	next     *atomic.Int64 // requests begun by all connections
	requests [][]byte
	mark     []byte // is in every right answer
	rnd      *rand.Rand
	times    *hist.H
}

// run asks until the window is over or an answer is wrong.
func (l *lister) run(i int) error {
	c := client.NewHTTP(l.spec.Addr, i)
	defer c.Close()
	for {
		began := l.turn()
		if !began.Before(l.window.to) {
			return nil
		}
		a, err := c.Do(l.requests[l.rnd.IntN(len(l.requests))], began.Add(patience))
		if err != nil {
			return err
		}
		if !bytes.Contains(a.Body, l.mark) {
			return fmt.Errorf("an answer without %s: %.300s", l.mark, a.Body)
		}
		now := time.Now()
		if l.spec.Rate > 0 && l.window.holds(began) || l.spec.Rate == 0 && l.window.holds(now) {
			l.times.Add(now.Sub(began))
		}
	}
}

// turn is when the next request begins; it waits for that.
func (l *lister) turn() time.Time {
	if l.spec.Rate == 0 {
		return time.Now()
	}
	due := l.start.Add(time.Duration(float64(l.next.Add(1)) / l.spec.Rate * float64(time.Second)))
	if !due.Before(l.window.to) {
		return due
	}
	time.Sleep(time.Until(due))
	// What the timer of the generator is late by is not the server's.
	if now := time.Now(); now.Sub(due) < 2*time.Millisecond {
		return now
	}
	return due
}
