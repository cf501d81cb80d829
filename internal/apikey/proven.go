package apikey

import (
	"crypto/sha256"
	"sync"
)

// maxProven bounds the memory of proven keys. When it is full an arbitrary one is forgotten.
const maxProven = 100_000

// proven are the keys, by their SHA-256, that were good on this instance when they were last
// shown.
type proven struct {
	mu   sync.Mutex
	keys map[[sha256.Size]byte]struct{}
}

func newProven() *proven { return &proven{keys: map[[sha256.Size]byte]struct{}{}} }

func (p *proven) has(hash [sha256.Size]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.keys[hash]
	return ok
}

func (p *proven) add(hash [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.keys[hash]; ok {
		return
	}
	for other := range p.keys {
		if len(p.keys) < maxProven {
			break
		}
		delete(p.keys, other)
	}
	p.keys[hash] = struct{}{}
}

func (p *proven) drop(hash [sha256.Size]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.keys, hash)
}
