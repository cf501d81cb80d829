package ratelimit_test

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
)

// R-LIMIT, T32: bad keys cost an address, with IPv6 a household's; good ones give back what they
// took, and the edge is exact however many try at once.
func TestBadKeysOfAnAddress(t *testing.T) {
	now := newHand()
	s := open(t, dbtest.New(t), now, ratelimit.Limits{BadKeysPerAddress: 60})
	try := func(from string, n int) int64 {
		var let atomic.Int64
		var wg sync.WaitGroup
		for range n {
			wg.Go(func() {
				_, err := s.TryKey(netip.MustParseAddr(from))
				if err == nil {
					let.Add(1)
				} else if list, ok := fault.Of(err); !ok || list[0].Code != fault.RateLimited || list[0].RetryAfter != time.Second {
					t.Errorf("refused otherwise: %v", err)
				}
			})
		}
		wg.Wait()
		return let.Load()
	}
	for range 200 {
		back, err := s.TryKey(netip.MustParseAddr("203.0.113.7"))
		if err != nil {
			t.Fatal("a good key counts:", err)
		}
		back()
	}
	if n := try("203.0.113.7", 100); n != 60 {
		t.Errorf("%d were let in", n)
	}
	if n := try("203.0.113.8", 1); n != 1 {
		t.Error("another address is shut out")
	}
	if n := try("2001:db8:1:2::1", 59) + try("2001:db8:1:2:ffff::2", 9); n != 60 {
		t.Errorf("%d of one household were let in", n)
	}
	now.move(3 * time.Second)
	if n := try("203.0.113.7", 9); n != 3 {
		t.Errorf("%d were let in after three seconds", n)
	}
	if back, err := s.TryKey(netip.Addr{}); err != nil {
		t.Error(err)
	} else {
		back()
	}
}
