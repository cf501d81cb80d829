package ratelimit_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// wire is a bus between the instances of one test.
type wire struct {
	mu    sync.Mutex
	heard map[string]func([]byte, func([]byte) error)
	calls int
}

var errNobody = errors.New("nobody listens")

func (w *wire) Subscribe(subject string, handle func([]byte, func([]byte) error)) (stop func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard[subject] = handle
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.heard, subject)
	}, nil
}

func (w *wire) Request(ctx context.Context, subject string, data []byte) ([]byte, error) {
	w.mu.Lock()
	handle := w.heard[subject]
	w.calls++
	w.mu.Unlock()
	if handle == nil {
		return nil, errNobody
	}
	answer := make(chan []byte, 1)
	handle(data, func(b []byte) error { answer <- b; return nil })
	select {
	case b := <-answer:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cut makes instances deaf.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.heard)
}

func (w *wire) called() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

// lending are instances on one database that take loans.
func lending(t *testing.T, n int, l ratelimit.Limits) ([]*ratelimit.Service, *hand, *wire) {
	t.Helper()
	url, now, bus := dbtest.URL(t), newHand(), &wire{heard: map[string]func([]byte, func([]byte) error){}}
	var out []*ratelimit.Service
	for range n {
		s := ratelimit.New(ratelimit.Config{DB: dbtest.Open(t, url), Clock: now, Exact: now, Log: slog.New(slog.DiscardHandler), Limits: l, Bus: bus})
		t.Cleanup(s.Close)
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out, now, bus
}

// busy makes an instance take loans of so many of the viewer's limits, and returns what it
// asked for that.
func busy(t *testing.T, s *ratelimit.Service, v viewer.Viewer, ask ratelimit.Ask, limits int) (asked []*ratelimit.Permit) {
	t.Helper()
	for range 100 {
		if s.Lent(v.OwnerID) == limits {
			return asked
		}
		p, err := s.Admit(t.Context(), v, ask)
		if err != nil {
			t.Fatal(err)
		}
		asked = append(asked, p)
	}
	t.Fatal("nothing is lent")
	return nil
}

// P74: instances that take some of a limit ahead let through exactly as many as one that
// counts each request, however many ask at once, and neither more nor less a moment later.
func TestLoansEndExactlyAtTheEdge(t *testing.T) {
	for name, c := range map[string]struct {
		limits ratelimit.Limits
		ask    ratelimit.Ask
		lent   int
	}{
		"requests of a key":     {ratelimit.Limits{RequestsPerKey: 600}, ratelimit.Ask{Route: ratelimit.RouteCompletions}, 1},
		"tokens of an account":  {ratelimit.Limits{TokensPerAccount: 60_000}, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 100}, 1},
		"both, and of the keys": {ratelimit.Limits{RequestsPerKey: 600, RequestsPerAccount: 700, TokensPerKey: 90_000}, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 100}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			all, now, bus := lending(t, 3, c.limits)
			v := key("own_1", "key_1")
			before := len(busy(t, all[0], v, c.ask, c.lent))
			in, _ := storm(t, all[1:], 1200, one(v), c.ask)
			if len(in)+before != 600 {
				t.Errorf("%d were let in", len(in)+before)
			}
			if bus.called() == 0 {
				t.Error("nothing was called in")
			}
			now.move(15 * time.Second)
			if in, _ := storm(t, all, 600, one(v), c.ask); len(in) != 150 {
				t.Errorf("%d were let in after a quarter of a minute", len(in))
			}
		})
	}
}

// P74: nobody is refused for what another instance has ahead: all that is left is had at once,
// and nothing more.
func TestNobodyIsRefusedForALoan(t *testing.T) {
	all, _, _ := lending(t, 2, ratelimit.Limits{TokensPerKey: 60_000})
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 100}
	left := 60_000 - 100*int64(len(busy(t, all[0], v, ask, 1)))
	if _, err := all[1].Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: left}); err != nil {
		t.Errorf("the last %d tokens: %v", left, err)
	}
	for i, s := range all {
		if _, err := s.Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 1}); err == nil {
			t.Errorf("instance %d gives out one more", i)
		}
	}
}

// P74: while one instance alone is asked, most requests don't reach the database, and the
// limit is as exact.
func TestALoanSparesTheDatabase(t *testing.T) {
	all, now, bus := lending(t, 1, ratelimit.Limits{RequestsPerKey: 6000, TokensPerKey: 1_000_000, StreamsPerKey: 80, RequestsPerAccount: 6000})
	s, v, ask := all[0], key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 10, Stream: true}
	batches := s.CountBatches()
	wide := key("own_2", "key_2") // far from its limits, where what is lent passes unused
	for range 1000 {
		now.move(20 * time.Millisecond)
		p, err := s.Admit(t.Context(), wide, ask)
		if err != nil {
			t.Fatal(err)
		}
		p.Done(20)
	}
	if n := batches.Load(); n > 12 {
		t.Errorf("1000 requests in 20 seconds took %d statements", n)
	}
	batches.Store(0)
	for range 5999 {
		p, err := s.Admit(t.Context(), v, ask)
		if err != nil {
			t.Fatal(err)
		}
		p.Done(20)
	}
	if n := batches.Load(); n > 600 {
		t.Errorf("5999 requests, one after the other, took %d statements", n)
	}
	if in, _ := storm(t, all, 10, one(v), ask); len(in) != 1 {
		t.Errorf("%d of the last one were let in", len(in))
	}
	now.move(time.Minute)
	if in, _ := storm(t, all, 6500, one(v), ratelimit.Ask{Route: ratelimit.RouteCompletions}); len(in) != 6000 {
		t.Errorf("%d were let in after a minute", len(in))
	}
	if bus.called() != 0 {
		t.Error("somebody was called who is nobody else")
	}
}

// P74: a request that is counted when it comes, and what it needs when that is known, is one
// request, and doesn't reach the database either where a loan covers both.
func TestARequestIsCountedOnce(t *testing.T) {
	all, now, _ := lending(t, 1, ratelimit.Limits{RequestsPerKey: 6000, TokensPerKey: 1_000_000, StreamsPerKey: 80, RequestsPerAccount: 6000})
	s, v := all[0], key("own_1", "key_1")
	batches := s.CountBatches()
	for range 1000 {
		now.move(20 * time.Millisecond)
		if _, err := s.Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions}); err != nil {
			t.Fatal(err)
		}
		p, err := s.Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 10, Stream: true, Counted: true})
		if err != nil {
			t.Fatal(err)
		}
		p.Done(20)
	}
	if n := batches.Load(); n > 24 {
		t.Errorf("1000 requests in 20 seconds took %d statements", n)
	}
	now.move(time.Minute)
	for range 10 {
		if _, err := s.Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 10, Stream: true, Counted: true}); err != nil {
			t.Fatal(err)
		}
	}
	if in, _ := storm(t, all, 6500, one(v), ratelimit.Ask{Route: ratelimit.RouteCompletions}); len(in) != 6000 {
		t.Errorf("%d were let in after what was counted before", len(in))
	}
}

// P74: places that an instance has ahead are no streams: others get them.
func TestPlacesAheadAreCalledIn(t *testing.T) {
	all, _, _ := lending(t, 2, ratelimit.Limits{StreamsPerKey: 64})
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Stream: true}
	held := busy(t, all[0], v, ask, 1)
	in, _ := storm(t, all[1:], 100, one(v), ask)
	if len(in)+len(held) != 64 {
		t.Errorf("%d streams of 64", len(in)+len(held))
	}
	for _, p := range append(held, in...) {
		p.Done(-1)
	}
	settled(t, all[0], v, 64)
}

// P74: what is lent to an instance that died counts as used up, so that no more is let
// through than the limit, until it would have come back anyway.
func TestALoanOfADeadInstanceIsNotGivenOutTwice(t *testing.T) {
	all, now, bus := lending(t, 2, ratelimit.Limits{RequestsPerKey: 600})
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions}
	asked := len(busy(t, all[0], v, ask, 1))
	bus.cut()
	in, _ := storm(t, all[1:], 700, one(v), ask)
	lost := 600 - asked - len(in)
	if lost <= 0 || lost > 75 {
		t.Errorf("%d of 600 are lost with the instance", lost)
	}
	now.move(time.Minute)
	if in, _ := storm(t, all[1:], 700, one(v), ask); len(in) != 600 {
		t.Errorf("%d were let in a minute later", len(in))
	}
}

// P75: what is told of limits is what is used of them, whatever is lent to whom; and an
// instance that closes gives back what it has.
func TestWhatIsToldKnowsNoLoans(t *testing.T) {
	all, _, _ := lending(t, 2, ratelimit.Limits{RequestsPerKey: 600, StreamsPerKey: 64})
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Stream: true}
	used := int64(0)
	told := func(of *ratelimit.Service) map[models.RateLimitName]int64 {
		states, err := of.States(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		left := map[models.RateLimitName]int64{}
		for _, s := range states {
			left[s.Name] = s.Remaining
		}
		return left
	}
	for i, s := range all {
		used += int64(len(busy(t, all[0], v, ask, 2)))
		if left := told(s); left[models.LimitRequests] != 600-used || left[models.LimitStreams] != 64-used {
			t.Errorf("instance %d tells %v of which %d are used", i, left, used)
		}
	}
	w := key("own_3", "key_3")
	used = int64(len(busy(t, all[0], w, ask, 2)))
	all[0].Close()
	states, err := all[1].States(t.Context(), w)
	if err != nil || states[0].Remaining != 600-used {
		t.Errorf("%+v after the other closed, %d are used: %v", states, used, err)
	}
}

// P7: a loan of somebody who is deleted leaves nothing behind.
func TestALoanOutlivesNobody(t *testing.T) {
	all, _, _ := lending(t, 2, ratelimit.Limits{RequestsPerKey: 600, TokensPerKey: 100_000, StreamsPerKey: 64})
	v, ask := key("own_1", "key_1"), ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 5, Stream: true}
	held := busy(t, all[0], v, ask, 3)
	pool := all[0].DB.Pool()
	for _, table := range []string{"rate_buckets", "rate_places"} {
		if _, err := pool.Exec(t.Context(), `DELETE FROM `+table); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range held {
		p.Done(5000)
	}
	all[0].Close()
	var rows int
	if err := all[1].DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM rate_buckets) + (SELECT count(*) FROM rate_places)`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows came back: %v", rows, err)
	}
}

// P74: whatever instances ask when, in no span of time are more let through than the limit
// at once and one more for each of its parts.
func TestNoSpanOfTimeHasMoreThanTheLimit(t *testing.T) {
	const limit, unit = 120, time.Minute / 120
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // makes a history
	all, now, bus := lending(t, 3, ratelimit.Limits{RequestsPerKey: limit, TokensPerKey: limit * 10})
	v := key("own_1", "key_1")
	var let []time.Time
	for range 2000 {
		switch random.IntN(40) {
		case 0:
			now.move(time.Duration(random.Int64N(int64(20 * time.Second))))
		case 1:
			if random.IntN(6) == 0 {
				bus.cut()
			}
		case 2, 3, 4, 5:
			now.move(time.Duration(random.Int64N(int64(unit))))
		}
		p, err := all[random.IntN(len(all))].Admit(t.Context(), v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: 10})
		if err == nil {
			let = append(let, now.Now())
			p.Done(10)
		}
	}
	for i, from := range let {
		for n, to := range let[i:] {
			if most := limit + int(to.Sub(from)/unit) + 1; n+1 > most {
				t.Fatalf("%d were let in within %s, seed %d", n+1, to.Sub(from), seed)
			}
		}
	}
	if !slices.IsSortedFunc(let, time.Time.Compare) || len(let) < limit {
		t.Errorf("%d were let in, seed %d", len(let), seed)
	}
}
