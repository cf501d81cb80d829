package account

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// cache remembers known viewers for a moment. All entries live equally long, so
// they expire in the order they came; the one nearest its end gives way when it is full.
type cache struct {
	clock clock.Clock
	ttl   time.Duration
	max   int

	mu        sync.Mutex
	entries   map[[sha256.Size]byte]viewer.Viewer
	order     []expiry
	forgotten uint64 // how often something was forgotten
}

type expiry struct {
	hash  [sha256.Size]byte
	until time.Time
}

func newCache(c clock.Clock, ttl time.Duration, size int) *cache {
	return &cache{clock: c, ttl: ttl, max: size, entries: map[[sha256.Size]byte]viewer.Viewer{}}
}

func (c *cache) get(hash [sha256.Size]byte) (viewer.Viewer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	v, ok := c.entries[hash]
	return v, ok
}

// mark is taken before the database is read; put refuses what was read before
// something was forgotten.
func (c *cache) mark() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgotten
}

func (c *cache) put(hash [sha256.Size]byte, v viewer.Viewer, mark uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	if _, ok := c.entries[hash]; ok || mark != c.forgotten {
		return
	}
	if len(c.order) >= c.max {
		c.dropFirst()
	}
	c.entries[hash] = v
	c.order = append(c.order, expiry{hash, c.clock.Now().Add(c.ttl)})
}

// forget drops the viewers of one session, or of all of an owner's when no session
// is named.
func (c *cache) forget(ownerID, sessionID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	for hash, v := range c.entries {
		if v.OwnerID == ownerID && (sessionID == "" || v.SessionID == sessionID) {
			delete(c.entries, hash)
		}
	}
}

// expire drops what is too old. mu is held.
func (c *cache) expire() {
	now := c.clock.Now()
	for len(c.order) > 0 && !now.Before(c.order[0].until) {
		c.dropFirst()
	}
}

// dropFirst drops the entry nearest its end. mu is held.
func (c *cache) dropFirst() {
	delete(c.entries, c.order[0].hash)
	c.order = c.order[1:]
}
