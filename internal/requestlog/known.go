package requestlog

import "sync"

// maxKnown bounds the memory of known.
const maxKnown = 50_000

// known remembers which sums of hours are there, so that they need not be made again.
type known struct {
	mu sync.Mutex
	by map[group]struct{}
}

// without is the groups that are not known.
func (k *known) without(groups []group) (out []group) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range groups {
		if _, ok := k.by[g]; !ok {
			out = append(out, g)
		}
	}
	return out
}

// put remembers groups of a transaction that was committed.
func (k *known) put(groups []group) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.by == nil || len(k.by) > maxKnown {
		k.by = map[group]struct{}{}
	}
	for _, g := range groups {
		k.by[g] = struct{}{}
	}
}

// forget forgets all: something went wrong.
func (k *known) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.by = nil
}
