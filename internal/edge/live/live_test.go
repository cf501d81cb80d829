package live_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge/live"
)

type who struct{}

func as(ctx context.Context, name string) context.Context { return context.WithValue(ctx, who{}, name) }

func is(name string) func(ctx context.Context) bool {
	return func(ctx context.Context) bool { return ctx.Value(who{}) == name }
}

// T3: what matches is ended, once, and nothing else.
func TestRevokeEndsWhatMatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := live.New(live.Config{})
		var mine, other atomic.Int32
		c := r.Add(as(t.Context(), "mine"), func() { mine.Add(1) })
		r.Add(as(t.Context(), "mine"), func() { mine.Add(1) })
		r.Add(as(t.Context(), "other"), func() { other.Add(1) })
		gone := r.Add(as(t.Context(), "mine"), func() { t.Error("a connection that is over was ended") })
		gone.Remove()
		if n := r.Revoke(is("mine")); n != 2 {
			t.Errorf("%d were ended", n)
		}
		synctest.Wait()
		if r.Revoke(is("mine")) != 0 || mine.Load() != 2 || other.Load() != 0 || r.Len() != 1 {
			t.Errorf("mine %d, other %d, left %d", mine.Load(), other.Load(), r.Len())
		}
		c.Remove()
		c.Remove()
	})
}

// Each connection is asked about at once and then every minute; one that stands stays,
// and so does one that nobody can tell anything about.
func TestConnectionsAreAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		var dead, broken atomic.Bool
		r := live.New(live.Config{Log: slog.New(slog.DiscardHandler), Alive: func(context.Context) (bool, error) {
			asked.Add(1)
			if broken.Load() {
				return false, errors.New("the database is away")
			}
			return !dead.Load(), nil
		}})
		ended := make(chan struct{})
		r.Add(t.Context(), func() { close(ended) })
		pass := func(d time.Duration, want int32) {
			t.Helper()
			<-time.After(d)
			synctest.Wait()
			if asked.Load() != want || r.Len() != 1 {
				t.Fatalf("asked %d times, not %d; %d connections", asked.Load(), want, r.Len())
			}
		}
		pass(time.Second, 1)
		pass(58*time.Second, 1)
		pass(2*time.Second, 2)
		broken.Store(true)
		pass(time.Minute, 3)
		broken.Store(false)
		dead.Store(true)
		<-ended
		if asked.Load() != 4 || r.Len() != 0 {
			t.Errorf("asked %d times, %d connections", asked.Load(), r.Len())
		}
		<-time.After(time.Second) // the watch ends: synctest fails on goroutines that stay
	})
}

// Ten thousand connections that are opened at once are all asked about within the
// minute, never more than 8 at a time.
func TestQuestionsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most, asked atomic.Int32
		r := live.New(live.Config{Alive: func(context.Context) (bool, error) {
			n := running.Add(1)
			defer running.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				continue
			}
			asked.Add(1)
			<-time.After(5 * time.Millisecond)
			return true, nil
		}})
		all := make([]*live.Connection, 10_000)
		for i := range all {
			all[i] = r.Add(t.Context(), func() {})
		}
		<-time.After(time.Minute)
		if most.Load() > 8 || int(asked.Load()) < len(all) {
			t.Errorf("%d at once, %d asked", most.Load(), asked.Load())
		}
		for _, c := range all {
			c.Remove()
		}
		<-time.After(time.Second)
	})
}

// When nobody can tell, a few are asked about at each tick and nobody is ended.
func TestQuestionsThatFailStopTheRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		r := live.New(live.Config{Log: slog.New(slog.DiscardHandler), Alive: func(context.Context) (bool, error) {
			asked.Add(1)
			return false, errors.New("the database is away")
		}})
		all := make([]*live.Connection, 1000)
		for i := range all {
			all[i] = r.Add(t.Context(), func() { t.Error("a connection was ended") })
		}
		<-time.After(time.Second)
		if n := asked.Load(); n == 0 || n > 8*4 {
			t.Errorf("%d were asked about in four ticks", n)
		}
		for _, c := range all {
			c.Remove()
		}
		<-time.After(time.Second)
	})
}

func TestANilRegistryKnowsNothing(t *testing.T) {
	var r *live.Registry
	r.Add(t.Context(), func() {}).Remove()
	if r.Revoke(is("")) != 0 || r.Len() != 0 {
		t.Error("it knows something")
	}
}
