package viewer

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Cache remembers known viewers for a moment, by the hash of what they showed. All
// entries live equally long, so they expire in the order they came; the one nearest its
// end gives way when it is full.
type Cache struct {
	now func() time.Time
	ttl time.Duration
	max int

	mu        sync.Mutex
	entries   map[[sha256.Size]byte]Viewer
	order     []expiry
	forgotten uint64 // how often something was forgotten
}

type expiry struct {
	hash  [sha256.Size]byte
	until time.Time
}

// NewCache makes a cache whose entries live for ttl, size of them at most.
func NewCache(now func() time.Time, ttl time.Duration, size int) *Cache {
	return &Cache{now: now, ttl: ttl, max: size, entries: map[[sha256.Size]byte]Viewer{}}
}

// Get is the viewer under the hash, if it is remembered.
func (c *Cache) Get(hash [sha256.Size]byte) (Viewer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expire()
	v, ok := c.entries[hash]
	return v, ok
}

// Mark is taken before the database is read; Put refuses what was read before
// something was forgotten.
func (c *Cache) Mark() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.forgotten
}

// Put remembers a viewer that was read after the mark was taken, unless something was
// forgotten since.
func (c *Cache) Put(hash [sha256.Size]byte, v Viewer, mark uint64) {
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
	c.order = append(c.order, expiry{hash, c.now().Add(c.ttl)})
}

// Forget drops the viewers that match.
func (c *Cache) Forget(match func(Viewer) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	for hash, v := range c.entries {
		if match(v) {
			delete(c.entries, hash)
		}
	}
}

// expire drops what is too old. mu is held.
func (c *Cache) expire() {
	now := c.now()
	for len(c.order) > 0 && !now.Before(c.order[0].until) {
		c.dropFirst()
	}
}

// dropFirst drops the entry nearest its end. mu is held.
func (c *Cache) dropFirst() {
	delete(c.entries, c.order[0].hash)
	c.order = c.order[1:]
}
