package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// callTimeout bounds the wait for another instance. One that doesn't answer may be dead;
// what is lent to it counts as used up until it is free by itself.
const callTimeout = time.Second

// subjectOf is where an instance hears that it is to give back.
func subjectOf(instance string) string { return "ratelimit.back." + instance }

// calls are those under way, one for each owner and instance.
type calls struct {
	mu   sync.Mutex
	open map[[2]string]chan struct{}
}

// Start lets the service take loans: from now on other instances can call them in. Without
// a bus, or without Start, every request is counted in the database.
func (s *Service) Start(ctx context.Context) error {
	if err := ctx.Err(); err != nil || s.Bus == nil {
		return err
	}
	deaf, err := s.Bus.Subscribe(subjectOf(s.instance), func(data []byte, reply func([]byte) error) {
		owner := string(data)
		go s.givenBack(owner, reply) // the database is waited for
	})
	if err != nil {
		return fmt.Errorf("listen for loans that are called in: %w", err)
	}
	s.deaf = deaf
	s.lends.Store(true)
	return nil
}

// givenBack gives back what is lent of an owner's limits, and says so.
func (s *Service) givenBack(owner string, reply func([]byte) error) {
	s.ahead.share(owner, s.now())
	err := s.writer.giveBack(owner)
	if err == nil {
		err = reply(nil)
	}
	if err != nil && !errors.Is(err, errClosed) {
		s.Log.Warn("give back what is lent of limits; it is free by itself soon", "err", database.Translate(err))
	}
}

// recall calls in what is lent of an owner's limits to another instance; the channel is
// closed when that is given back, or was waited for long enough. For a while nothing is lent
// of them here either.
func (s *Service) recall(owner, lender string) <-chan struct{} {
	s.ahead.share(owner, s.now())
	key := [2]string{owner, lender}
	c := &s.calls
	c.mu.Lock()
	defer c.mu.Unlock()
	if done, ok := c.open[key]; ok {
		return done
	}
	done := make(chan struct{})
	if s.Bus == nil {
		close(done)
		return done
	}
	if c.open == nil {
		c.open = map[[2]string]chan struct{}{}
	}
	c.open[key] = done
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		if _, err := s.Bus.Request(ctx, subjectOf(lender), []byte(owner)); err != nil {
			s.unheard.once(s.Clock.Now(), func(n int) {
				s.Log.Warn("call in what is lent of limits to another instance; it counts as used up until it is free by itself", "since the last warning", n, "err", err)
			})
		}
		c.mu.Lock()
		delete(c.open, key)
		c.mu.Unlock()
		close(done)
	}()
	return done
}

// fix corrects what was taken of a rate: of a loan if there is one, else with the next batch.
func (s *Service) fix(b bucket, by int64) {
	if !s.ahead.fix(b, by, s.now()) {
		s.writer.fix(b, by, !s.lends.Load() || s.ahead.isShared(b.owner, s.now()))
	}
}
