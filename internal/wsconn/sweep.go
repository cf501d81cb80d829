package wsconn

import "time"

// sweepEvery bounds how far pings drift.
const sweepEvery = 250 * time.Millisecond

// sweep pings sockets while there are any.
func (t *Transport) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for range tick.C {
		t.mu.Lock()
		if len(t.sockets) == 0 {
			t.sweeping = false
			t.mu.Unlock()
			return
		}
		now := t.cfg.Clock.Now()
		for s := range t.sockets {
			s.look(now)
		}
		t.mu.Unlock()
	}
}

// look does what is due for one socket without waiting for it.
func (s *socket) look(now time.Time) {
	if !s.ready.Load() {
		return
	}
	if now.Sub(s.pinged) >= s.t.cfg.PingInterval {
		s.pinged = now
		go s.ping()
	}
}
