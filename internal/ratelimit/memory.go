package ratelimit

import (
	"hash/maphash"
	"sync"
)

const (
	shards    = 64
	shardIdle = 1024 // how many buckets a shard holds before it forgets full ones
)

// memory counts rates of this instance.
type memory struct {
	seed   maphash.Seed
	shards [shards]shard
}

// shard holds when buckets are full again, in nanoseconds since 1970.
type shard struct {
	mu   sync.Mutex
	tats map[string]int64
	tidy int // from so many on the full ones are forgotten
}

func newMemory() *memory {
	m := &memory{seed: maphash.MakeSeed()}
	for i := range m.shards {
		m.shards[i] = shard{tats: map[string]int64{}, tidy: shardIdle}
	}
	return m
}

func (m *memory) shard(key string) *shard { return &m.shards[maphash.String(m.seed, key)%shards] }

// take takes units off a bucket and gives its level afterwards; false when there are too
// few.
func (m *memory) take(t take, now int64) (level int64, ok bool) {
	s := m.shard(t.owner)
	s.mu.Lock()
	defer s.mu.Unlock()
	level = max(s.tats[t.owner], now)
	if level-now+min(t.measure(), t.most()) > t.most() {
		return level, false
	}
	level += t.measure()
	s.tats[t.owner] = level
	if len(s.tats) > s.tidy {
		s.forget(now)
	}
	return level, true
}

// back gives back what was taken off a bucket.
func (m *memory) back(t take) {
	s := m.shard(t.owner)
	s.mu.Lock()
	defer s.mu.Unlock()
	if tat, ok := s.tats[t.owner]; ok {
		s.tats[t.owner] = tat - t.measure()
	}
}

// level is a bucket's level.
func (m *memory) level(key string) int64 {
	s := m.shard(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tats[key]
}

// forget drops the full buckets, which are as good as none. mu is held.
func (s *shard) forget(now int64) {
	for key, tat := range s.tats {
		if tat <= now {
			delete(s.tats, key)
		}
	}
	s.tidy = max(shardIdle, 2*len(s.tats))
}
