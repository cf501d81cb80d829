package ratelimit

import (
	"maps"
	"sync"
)

// places are the streams that this instance holds: what is written in the database of
// them is made of this, so that nothing is lost there for longer than until it is
// written again.
type places struct {
	mu   sync.Mutex
	held map[address]int64
	left map[address]int64 // of those, what others go on with
}

func newPlaces() *places { return &places{held: map[address]int64{}, left: map[address]int64{}} }

func (p *places) count(at address) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held[at]
}

func (p *places) hold(b bucket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held[b.address]++
}

func (p *places) release(at address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[at]--; p.held[at] <= 0 {
		delete(p.held, at)
	}
}

func (p *places) leave(b bucket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left[b.address]++
}

// bequest is what others go on with.
func (p *places) bequest() (owners, names []string, n []int32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, left := range p.left {
		owners, names, n = append(owners, at.owner), append(names, at.name), append(n, int32(left))
	}
	return owners, names, n
}

func (p *places) all() map[address]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.held)
}

// free gives a place back, here at once and for the others with the next batch, unless it
// stays lent.
func (s *Service) free(b bucket) {
	s.places.release(b.address)
	if !s.ahead.keeps(b) {
		s.writer.stale(b)
	}
}
