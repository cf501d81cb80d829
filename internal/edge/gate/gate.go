// Package gate counts long-lived connections (websockets and event streams) and
// refuses those beyond a cap: in total, per network address and per principal.
package gate

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Limits are numbers of open connections. Zero takes the default, a negative
// number means no limit.
type Limits struct {
	Total int // default 12,000: what one instance is measured for
	PerIP int // default 20; IPv6 addresses count by their /64 network
	// Log is told that connections of an address are refused, at most once a minute and
	// without the address: behind a proxy that is not trusted everybody has the same one.
	Log *slog.Logger
}

const tellEvery = time.Minute

// Scope says which cap refused a connection.
type Scope string

// The caps.
const (
	Total     Scope = "server"
	Address   Scope = "address"
	Principal Scope = "principal"
)

// Refusal is the error of a full gate.
type Refusal struct {
	Scope      Scope
	Limit      int
	RetryAfter time.Duration
}

// Error says which cap was reached and what to do.
func (r *Refusal) Error() string {
	switch r.Scope {
	case Address:
		return fmt.Sprintf("too many open connections from your address (limit %d): close some or try again later", r.Limit)
	case Principal:
		return fmt.Sprintf("too many open connections (limit %d): close other tabs or clients", r.Limit)
	case Total:
	}
	return "the server is full: try again later"
}

// Status is 503 when the server is full and 429 when the caller has too many.
func (r *Refusal) Status() int {
	if r.Scope == Total {
		return http.StatusServiceUnavailable
	}
	return http.StatusTooManyRequests
}

// Gate is safe for concurrent use and may be shared by several transports.
type Gate struct {
	limits Limits

	mu          sync.Mutex
	total       int
	byAddress   map[netip.Prefix]int
	byPrincipal map[string]int
	told        time.Time // that an address has too many
}

// New makes an empty gate.
func New(l Limits) *Gate {
	if l.Total == 0 {
		l.Total = 12_000
	}
	if l.PerIP == 0 {
		l.PerIP = 20
	}
	return &Gate{limits: l, byAddress: map[netip.Prefix]int{}, byPrincipal: map[string]int{}}
}

// Open is the number of connections inside.
func (g *Gate) Open() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}

// Enter admits a connection from the address, which may be invalid when it is
// unknown. The error is a *Refusal. Whoever got a Pass must call Leave.
func (g *Gate) Enter(from netip.Addr) (*Pass, error) {
	p := &Pass{gate: g, address: network(from)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.limits.Total >= 0 && g.total >= g.limits.Total {
		return nil, &Refusal{Scope: Total, Limit: g.limits.Total, RetryAfter: 5 * time.Second}
	}
	if p.address.IsValid() && g.limits.PerIP >= 0 && g.byAddress[p.address] >= g.limits.PerIP {
		if now := time.Now(); g.limits.Log != nil && now.Sub(g.told) >= tellEvery { //nolint:forbidigo // measures what is between two lines of the log
			g.told = now
			g.limits.Log.Warn("connections from one address are refused; if that is everybody's, name the proxy in TRUSTED_PROXIES, else raise SOCKETS_PER_IP", "limit", g.limits.PerIP)
		}
		return nil, &Refusal{Scope: Address, Limit: g.limits.PerIP, RetryAfter: 10 * time.Second}
	}
	g.total++
	if p.address.IsValid() {
		g.byAddress[p.address]++
	}
	return p, nil
}

// network is what an address counts as: itself, or its /64 for IPv6, because one
// customer has all of that.
func network(a netip.Addr) netip.Prefix {
	if !a.IsValid() {
		return netip.Prefix{}
	}
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// Pass is one admitted connection.
type Pass struct {
	gate      *Gate
	address   netip.Prefix
	principal string
	left      bool
}

// Claim counts the connection for a principal that may have at most limit of
// them (negative: any number). An empty principal is not counted. A second claim
// replaces the first. The error is a *Refusal; the pass stays valid then.
func (p *Pass) Claim(principal string, limit int) error {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.left || principal == p.principal {
		return nil
	}
	if principal != "" && limit >= 0 && g.byPrincipal[principal] >= limit {
		return &Refusal{Scope: Principal, Limit: limit, RetryAfter: 10 * time.Second}
	}
	p.release()
	if principal != "" {
		g.byPrincipal[principal]++
	}
	p.principal = principal
	return nil
}

// release forgets the claim; the gate is locked.
func (p *Pass) release() {
	if p.principal == "" {
		return
	}
	if p.gate.byPrincipal[p.principal]--; p.gate.byPrincipal[p.principal] == 0 {
		delete(p.gate.byPrincipal, p.principal)
	}
	p.principal = ""
}

// Leave frees the place. Further calls do nothing.
func (p *Pass) Leave() {
	g := p.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if p.left {
		return
	}
	p.left = true
	p.release()
	g.total--
	if p.address.IsValid() {
		if g.byAddress[p.address]--; g.byAddress[p.address] == 0 {
			delete(g.byAddress, p.address)
		}
	}
}
