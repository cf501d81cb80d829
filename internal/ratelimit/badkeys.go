package ratelimit

import (
	"net/netip"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/models"
)

// listedPerKey is of how many refusals of one key a minute each instance lets a row be kept.
const listedPerKey = 60

// TryKey takes one off what an address may try a minute of API keys that are not good, which
// this instance counts for itself; back gives it back when the key was good. It refuses with
// RATE_LIMITED.
func (s *Service) TryKey(from netip.Addr) (back func(), err error) {
	owner := network(from)
	if owner == "" || s.Limits.BadKeysPerAddress == 0 {
		return func() {}, nil
	}
	t := tryOf("bad keys of "+owner, s.Limits.BadKeysPerAddress)
	now := s.Clock.Now().UnixNano()
	level, ok := s.memory.take(t, now)
	if ok {
		return func() { s.memory.back(t) }, nil
	}
	wait := time.Duration(max(level-now+t.measure()-t.most(), 1))
	wait = (wait + time.Millisecond - 1).Truncate(time.Millisecond)
	f := fault.New(fault.RateLimited, "too many API keys that are not good came from your address: try again in %s", seconds(wait))
	f.RetryAfter = wait
	return nil, f
}

// ListKey reports whether a row may be kept of another refusal of a key that was good once.
func (s *Service) ListKey(keyID string) bool {
	_, ok := s.memory.take(tryOf("refusals of "+keyID, listedPerKey), s.Clock.Now().UnixNano())
	return ok
}

func tryOf(owner string, perMinute int64) take {
	return take{bucket{address: address{owner: owner}, what: models.LimitRequests, limit: perMinute, memory: true}, 1}
}
