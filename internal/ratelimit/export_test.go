package ratelimit

import (
	"context"
	"sync/atomic"
)

// RenewOnce renews the leases of the instance's places now.
func (s *Service) RenewOnce(ctx context.Context) error { return s.renewOnce(ctx) }

// Lent is of how many of an owner's limits something is lent to the instance.
func (s *Service) Lent(owner string) int { return len(s.ahead.of(owner)) }

// CountBatches counts the statements from now on; call it before anything is asked.
func (s *Service) CountBatches() *atomic.Int64 {
	n, take := new(atomic.Int64), s.writer.take
	s.writer.take = func(ctx context.Context, b batch) ([]verdict, error) {
		n.Add(1)
		return take(ctx, b)
	}
	return n
}
