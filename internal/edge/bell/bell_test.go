package bell_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/kimi-k2/kimi-k2/internal/edge/bell"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOneSourceTakesABell(t *testing.T) {
	if bell.Take(t.Context()) != nil {
		t.Error("there is a bell where nobody put one")
	}
	b := new(bell.Bell)
	ctx := bell.With(t.Context(), b)
	if b.Taken() {
		t.Error("taken by nobody")
	}
	if bell.Take(ctx) != b || !b.Taken() {
		t.Error("not to be had")
	}
	if bell.Take(context.WithoutCancel(ctx)) != nil {
		t.Error("taken twice")
	}
	b.Decline()
	if b.Taken() || bell.Take(ctx) != b {
		t.Error("not given back")
	}
	(*bell.Bell)(nil).Ring() // the source need not ask
	(*bell.Bell)(nil).Decline()
}

// Each ring is answered once, never two at a time, whenever it comes.
func TestEachRingIsAnsweredOnce(t *testing.T) {
	const sources, rings = 8, 500
	var b bell.Bell
	b.Ring() // before anybody listens
	var at, answered atomic.Int64
	done := make(chan struct{})
	b.Answer(func() bool {
		if at.Add(1) != 1 {
			t.Error("answered by two at a time")
		}
		at.Add(-1)
		if answered.Add(1) == sources*rings+1 {
			close(done)
		}
		return true
	})
	var all sync.WaitGroup
	for range sources {
		all.Go(func() {
			for range rings {
				b.Ring()
			}
		})
	}
	all.Wait()
	<-done
}

func TestNothingIsAnsweredAfterTheEnd(t *testing.T) {
	var b bell.Bell
	var answered atomic.Int64
	over := make(chan struct{})
	b.Answer(func() bool {
		defer close(over)
		answered.Add(1)
		return false
	})
	b.Ring()
	b.Ring()
	<-over
	b.Ring()
	if n := answered.Load(); n != 1 {
		t.Errorf("answered %d times", n)
	}
}
