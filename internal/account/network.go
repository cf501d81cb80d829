package account

import (
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// maxNetworks bounds the memory of the counter. When it is full an arbitrary
// network is forgotten: filling it must not lock everybody else out.
const maxNetworks = 100_000

// networks counts the new guests of each network, so that clearing the cookie does
// not give unlimited use. It lives in memory only and holds no addresses: networks
// and tickets appear as hashes under a salt that is thrown away every UTC day.
type networks struct {
	clock clock.Clock
	limit int

	mu     sync.Mutex
	day    time.Time
	salt   [32]byte
	guests map[mark][]mark // the tickets that each network made guests of today
}

// mark is a salted hash.
type mark [12]byte

func newNetworks(c clock.Clock, limit int) *networks {
	return &networks{clock: c, limit: limit}
}

// admit counts the ticket as a new guest of the address's network, once however
// often it is asked. At the limit it refuses with RATE_LIMITED until the day ends.
func (n *networks) admit(addr netip.Addr, ticket []byte) error {
	network, ok := networkOf(addr)
	if !ok {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.clock.Now()
	n.rotate(now)
	place, guest := n.mark(network), n.mark(ticket)
	guests := n.guests[place]
	if slices.Contains(guests, guest) {
		return nil
	}
	if len(guests) >= n.limit {
		f := fault.New(fault.RateLimited, "too many people have begun from this network today: try again tomorrow")
		f.RetryAfter = n.day.Add(day).Sub(now)
		return f
	}
	if len(guests) == 0 && len(n.guests) >= maxNetworks {
		for other := range n.guests {
			delete(n.guests, other)
			break
		}
	}
	n.guests[place] = append(guests, guest)
	return nil
}

// rotate forgets everything when a new day has begun. mu is held.
func (n *networks) rotate(now time.Time) {
	today := now.Truncate(day)
	if today.Equal(n.day) {
		return
	}
	n.day, n.guests = today, map[mark][]mark{}
	_, _ = rand.Read(n.salt[:]) // never fails, it ends the process instead
}

// mark is the salted hash of b. mu is held.
func (n *networks) mark(b []byte) mark {
	sum := sha256.Sum256(append(n.salt[:], b...))
	return mark(sum[:len(mark{})])
}

// networkOf is the network that an address counts for; ok is false for unknown
// addresses and this machine's own.
func networkOf(addr netip.Addr) (network []byte, ok bool) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || addr.IsLoopback() {
		return nil, false
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return nil, false
	}
	return prefix.Addr().AsSlice(), true
}
