package signin

import (
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// memo remembers what a provider says of itself. However many ask at once, the
// provider is asked once; a failure is not remembered.
type memo[T any] struct {
	clock clock.Clock
	one   singleflight.Group

	mu    sync.Mutex
	value T
	at    time.Time // zero: nothing is known
}

func newMemo[T any](c clock.Clock) *memo[T] { return &memo[T]{clock: c} }

// get is the value, learnt anew when it is as old as maxAge.
func (m *memo[T]) get(f *flow, maxAge time.Duration, learn func(*flow) (T, error)) (T, error) {
	if v, ok := m.fresh(maxAge); ok {
		return v, nil
	}
	learnt := m.one.DoChan("", func() (any, error) {
		v, err := learn(f.detached())
		if err == nil {
			m.keep(v)
		}
		return v, err
	})
	var none T
	select {
	case <-f.ctx.Done():
		return none, failed("documents", "the browser left")
	case r := <-learnt:
		if r.Err != nil {
			return none, r.Err
		}
		v, _ := r.Val.(T) // learn's own type
		return v, nil
	}
}

// fresh is the value if it is younger than maxAge. One from the future was learnt
// before the clock was set back.
func (m *memo[T]) fresh(maxAge time.Duration) (v T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	age := m.clock.Now().Sub(m.at)
	return m.value, !m.at.IsZero() && age >= 0 && age < maxAge
}

func (m *memo[T]) keep(v T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value, m.at = v, m.clock.Now()
}
