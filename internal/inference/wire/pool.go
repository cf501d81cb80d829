package wire

import (
	"sync"
	"time"
)

// pool keeps connections for the next request, by address; the one last used comes first.
type pool struct {
	mu    sync.Mutex
	idle  map[string][]*conn
	timer *time.Timer
}

// take is a kept connection that is open, nil when there is none.
func (p *pool) take(address string, limit time.Duration) *conn {
	for {
		c := p.last(address)
		if c == nil {
			return nil
		}
		if time.Since(c.since) < limit && c.alive() { //nolint:forbidigo // a connection's age
			return c
		}
		c.close()
	}
}

func (p *pool) last(address string) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.idle[address]
	if len(list) == 0 {
		return nil
	}
	c := list[len(list)-1]
	list[len(list)-1] = nil
	p.idle[address] = list[:len(list)-1]
	return c
}

// put keeps the connection unless there are enough.
func (p *pool) put(c *conn, most int, limit time.Duration) {
	c.since = time.Now() //nolint:forbidigo // a connection's age
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle[c.address]) >= most {
		c.close()
		return
	}
	if p.idle == nil {
		p.idle = map[string][]*conn{}
	}
	p.idle[c.address] = append(p.idle[c.address], c)
	if p.timer == nil {
		p.timer = time.AfterFunc(limit, func() { p.tidy(limit) })
	}
}

// tidy closes what has been kept for long enough, and comes back for the rest.
func (p *pool) tidy(limit time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := 0
	for address, list := range p.idle {
		old := 0
		for old < len(list) && time.Since(list[old].since) >= limit { //nolint:forbidigo // a connection's age
			list[old].close()
			old++
		}
		p.idle[address] = append([]*conn(nil), list[old:]...)
		left += len(list) - old
	}
	p.timer = nil
	if left > 0 {
		p.timer = time.AfterFunc(limit, func() { p.tidy(limit) })
	}
}

func (p *pool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, list := range p.idle {
		for _, c := range list {
			c.close()
		}
	}
	p.idle = nil
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}
