package ratelimit

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/kimi-k2/kimi-k2/models"
)

// Who gives up waiting while its batch is under way keeps no place, although it was given
// one; those who wait while a batch is under way share the next.
func TestAPlaceThatNobodyWaitsForIsGivenBack(t *testing.T) {
	begun, release := make(chan int), make(chan struct{})
	freed := make(chan bucket, 1)
	var batches atomic.Int64
	w := newWriter(func(_ context.Context, b batch) ([]verdict, error) {
		batches.Add(1)
		begun <- len(b.asks)
		<-release
		out := make([]verdict, len(b.asks))
		for i := range out {
			out[i].refused = -1
		}
		return out, nil
	}, func(b bucket) { freed <- b })
	place := []take{{bucket{address: address{"own_1", "key_1 streams"}, what: models.LimitStreams, limit: 1}, 1}}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() { _, err := w.do(ctx, place); gone <- err }()
	<-begun
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	const others = 20
	done := make(chan error, others)
	for range others {
		go func() { _, err := w.do(t.Context(), place); done <- err }()
	}
	for n := 0; n < others; {
		w.mu.Lock()
		n = len(w.next.asks)
		w.mu.Unlock()
	}
	release <- struct{}{}
	if b := <-freed; b.name != "key_1 streams" {
		t.Error(b)
	}
	if n := <-begun; n != others {
		t.Errorf("%d of %d in one batch", n, others)
	}
	release <- struct{}{}
	for range others {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	w.close()
	if n := batches.Load(); n != 2 {
		t.Errorf("%d batches", n)
	}
}

// What a failed batch was to write down goes with the next.
func TestCorrectionsOutliveAFailedBatch(t *testing.T) {
	got := make(chan batch, 2)
	var fail atomic.Bool
	fail.Store(true)
	w := newWriter(func(_ context.Context, b batch) ([]verdict, error) {
		got <- b
		if fail.Load() {
			return nil, errors.New("away")
		}
		return make([]verdict, len(b.asks)), nil
	}, func(bucket) {})
	tokens := bucket{address: address{"own_1", "key_1 tokens"}, what: models.LimitTokens, limit: 1000}
	w.fix(tokens, 5, true)
	<-got
	w.idle.Wait()
	if !w.away() {
		t.Error("it is not away")
	}
	fail.Store(false)
	w.fix(tokens, 7, false)
	if b := <-got; b.fixes[tokens.address].by != 12 {
		t.Errorf("%+v", b.fixes)
	}
	w.close()
	if w.away() {
		t.Error("it is still away")
	}
}
