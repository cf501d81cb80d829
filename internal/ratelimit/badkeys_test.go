package ratelimit_test

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
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
				done, err := s.TryKey(t.Context(), netip.MustParseAddr(from))
				if err == nil {
					let.Add(1)
					done(true)
				} else if list, ok := fault.Of(err); !ok || list[0].Code != fault.RateLimited || list[0].RetryAfter != time.Second {
					t.Errorf("refused otherwise: %v", err)
				}
			})
		}
		wg.Wait()
		return let.Load()
	}
	// Many more good ones than an address may try bad ones, all at once: none is refused.
	var good sync.WaitGroup
	begin := make(chan struct{})
	for range 500 {
		good.Go(func() {
			<-begin
			done, err := s.TryKey(t.Context(), netip.MustParseAddr("203.0.113.7"))
			if err != nil {
				t.Error("a good key counts:", err)
				return
			}
			runtime.Gosched()
			done(false)
		})
	}
	close(begin)
	good.Wait()
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
	if done, err := s.TryKey(t.Context(), netip.Addr{}); err != nil {
		t.Error(err)
	} else {
		done(true)
	}
	// Who waits for others' tries leaves with its context.
	held, err := s.TryKey(t.Context(), netip.MustParseAddr("192.0.2.1"))
	for err == nil {
		_, err = s.TryKey(expired(t), netip.MustParseAddr("192.0.2.1"))
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("who waits got %v", err)
	}
	held(false)
}

// expired is a context that is over.
func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
