package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// maxNetworks bounds the memory of the counter. When it is full an arbitrary network
// is forgotten: filling it must not lock everybody else out.
const maxNetworks = 100_000

// attempts lets each network (an IPv4 /24, an IPv6 /48) try so many times in any
// minute. It lives in memory and holds salted hashes, no addresses.
type attempts struct {
	clock clock.Clock
	limit int
	salt  [32]byte

	mu    sync.Mutex
	tries map[mark][]time.Time // the youngest last
	swept time.Time
}

type mark [12]byte

func newAttempts(c clock.Clock, limit int) *attempts {
	a := &attempts{clock: c, limit: limit, tries: map[mark][]time.Time{}}
	_, _ = rand.Read(a.salt[:]) // never fails, it ends the process instead
	return a
}

// admit counts a try, or refuses it with RATE_LIMITED. This machine's own addresses
// and unknown ones are not counted.
func (a *attempts) admit(addr netip.Addr) error {
	place, ok := a.mark(addr)
	if !ok {
		return nil
	}
	now := a.clock.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	tries := recent(a.tries[place], now)
	if len(tries) >= a.limit {
		return busy(tries[0].Add(time.Minute).Sub(now))
	}
	if len(tries) == 0 && len(a.tries) >= maxNetworks {
		a.forget(now)
	}
	a.tries[place] = append(tries, now)
	return nil
}

// recent drops what is a minute old, or in the future because the clock was set back.
func recent(tries []time.Time, now time.Time) []time.Time {
	var out []time.Time
	for _, t := range tries {
		if age := now.Sub(t); age >= 0 && age < time.Minute {
			out = append(out, t)
		}
	}
	return out
}

// forget makes room: of everything old, for which it looks through all once a minute
// at most, else of anything. mu is held.
func (a *attempts) forget(now time.Time) {
	if now.Sub(a.swept).Abs() >= time.Minute {
		a.swept = now
		for place, tries := range a.tries {
			if len(recent(tries, now)) == 0 {
				delete(a.tries, place)
			}
		}
	}
	for place := range a.tries {
		if len(a.tries) < maxNetworks {
			return
		}
		delete(a.tries, place)
	}
}

func (a *attempts) mark(addr netip.Addr) (mark, bool) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || addr.IsLoopback() {
		return mark{}, false
	}
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return mark{}, false
	}
	sum := sha256.Sum256(append(a.salt[:], prefix.Addr().AsSlice()...))
	return mark(sum[:len(mark{})]), true
}
