package policy

import (
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// maxRemembered bounds what is remembered of owners; all is forgotten when it is
// reached.
const maxRemembered = 50_000

// choiceTTL is how long a choice is remembered: withdrawing counts everywhere within a
// second.
const choiceTTL = 500 * time.Millisecond

// settled remembers the owners of whom nothing is left to ask under one version of the
// policy. That is never taken back but with the owner.
type settled struct {
	mu      sync.Mutex
	version string
	owners  map[string]struct{}
}

func newSettled() *settled { return &settled{owners: map[string]struct{}{}} }

func (s *settled) has(ownerID, version string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.owners[ownerID]
	return ok && s.version == version
}

func (s *settled) add(ownerID, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.version != version || len(s.owners) >= maxRemembered {
		s.version = version
		clear(s.owners)
	}
	s.owners[ownerID] = struct{}{}
}

// choices remembers consents for a moment.
type choices struct {
	clock clock.Clock
	mu    sync.Mutex
	known map[string]map[models.ConsentKind]known // by owner
	turn  uint64                                  // grows with every forget
}

type known struct {
	choice viewer.Choice
	until  time.Time
}

func newChoices(c clock.Clock) *choices {
	return &choices{clock: c, known: map[string]map[models.ConsentKind]known{}}
}

// get is the remembered choice, else what read finds. A choice that was read while
// another was stored is not remembered.
func (c *choices) get(ownerID string, kind models.ConsentKind, read func() (viewer.Choice, error)) (viewer.Choice, error) {
	now := c.clock.Now()
	c.mu.Lock()
	k, ok := c.known[ownerID][kind]
	turn := c.turn
	c.mu.Unlock()
	if ok && now.Before(k.until) && k.until.Sub(now) <= choiceTTL { // the clock may have been set back
		return k.choice, nil
	}
	choice, err := read()
	if err != nil {
		return choice, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn != turn {
		return choice, nil
	}
	if len(c.known) >= maxRemembered {
		clear(c.known)
	}
	if c.known[ownerID] == nil {
		c.known[ownerID] = map[models.ConsentKind]known{}
	}
	c.known[ownerID][kind] = known{choice, now.Add(choiceTTL)}
	return choice, nil
}

func (c *choices) forget(ownerID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	delete(c.known, ownerID)
}
