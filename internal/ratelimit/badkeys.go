package ratelimit

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// listedPerKey is of how many refusals of one key a minute each instance lets a row be kept.
const listedPerKey = 60

// tries are the keys that are being looked at, by address.
type tries struct {
	mu sync.Mutex
	by map[string]*trying
}

// trying is how many keys of an address are being looked at. more is closed when a try came
// back, or when none is under way any more.
type trying struct {
	n    int
	more chan struct{}
}

// TryKey takes one off what an address may try a minute of API keys that are not good, which
// this instance counts for itself; done says whether the key was one, and gives it back
// otherwise. Where all that is left is being tried it waits for what comes of that: good keys
// are not refused, however many come at once. It refuses with RATE_LIMITED.
func (s *Service) TryKey(ctx context.Context, from netip.Addr) (done func(bad bool), err error) {
	owner := network(from)
	if owner == "" || s.Limits.BadKeysPerAddress == 0 {
		return func(bool) {}, nil
	}
	t := tryOf("bad keys of "+owner, s.Limits.BadKeysPerAddress)
	for {
		wait, more := s.beginTry(t)
		switch {
		case wait == 0:
			return func(bad bool) { s.endTry(t, bad) }, nil
		case more == nil:
			f := fault.New(fault.RateLimited, "too many API keys that are not good came from your address: try again in %s", seconds(wait))
			f.RetryAfter = wait
			return nil, f
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// beginTry takes a try, or says how long until there is one, and what to wait for before that
// counts.
func (s *Service) beginTry(t take) (wait time.Duration, more <-chan struct{}) {
	s.tries.mu.Lock()
	defer s.tries.mu.Unlock()
	now := s.Clock.Now().UnixNano()
	level, ok := s.memory.take(t, now)
	under := s.tries.by[t.owner]
	switch {
	case ok && under == nil:
		s.tries.by[t.owner] = &trying{1, make(chan struct{})}
	case ok:
		under.n++
	case under != nil:
		more = under.more
	}
	if !ok {
		wait = time.Duration(max(level-now+t.measure()-t.most(), 1))
		wait = (wait + time.Millisecond - 1).Truncate(time.Millisecond)
	}
	return wait, more
}

func (s *Service) endTry(t take, bad bool) {
	s.tries.mu.Lock()
	defer s.tries.mu.Unlock()
	if !bad {
		s.memory.back(t)
	}
	under := s.tries.by[t.owner]
	under.n--
	switch {
	case under.n == 0:
		delete(s.tries.by, t.owner)
		close(under.more)
	case !bad:
		close(under.more)
		under.more = make(chan struct{})
	}
}

// ListKey reports whether a row may be kept of another refusal of a key that was good once.
func (s *Service) ListKey(keyID string) bool {
	_, ok := s.memory.take(tryOf("refusals of "+keyID, listedPerKey), s.Clock.Now().UnixNano())
	return ok
}

func tryOf(owner string, perMinute int64) take {
	return take{bucket{address: address{owner: owner}, what: models.LimitRequests, limit: perMinute, memory: true}, 1}
}
