// Package egress is the one way out. Everything of this program that calls another
// machine does so through a Guard, which reaches only what somebody has put on its list
// under the recipient's name, and refuses everything else before a name is looked up. So
// the list of recipients that people are shown and what the process can reach are one.
//
// The database is not a recipient: it is the installation's own store, and its driver
// dials by itself.
package egress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// dialTimeout bounds one try to connect; callers' contexts may end it before.
const dialTimeout = 10 * time.Second

// RefusedError means that an address is not on the list: nothing was sent, and no name
// was looked up.
type RefusedError struct{ Address string }

// Error names the address, which the settings don't.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is not on the list of recipients: nothing is sent there", e.Address)
}

// Config is what a Guard is made of.
type Config struct {
	Clock clock.Clock
	Log   *slog.Logger // hears of each refused host once; nil: nobody does
}

// Guard knows who may be called. It is safe for concurrent use. A nil Guard reaches
// loopback addresses and nothing else.
type Guard struct {
	clock  clock.Clock
	log    *slog.Logger
	dialer net.Dialer

	mu      sync.RWMutex
	allowed map[string]string // recipient by host:port
	proxies map[string]bool   // host:port of the environment's proxies
	told    map[string]bool   // refused hosts that the log has heard of
	refused int64
	last    time.Time
}

// maxTold bounds how many refused hosts are remembered.
const maxTold = 1000

// New makes a guard that reaches nothing yet.
func New(c Config) *Guard {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Guard{clock: c.Clock, log: c.Log, dialer: newDialer(), allowed: map[string]string{}, proxies: map[string]bool{}, told: map[string]bool{}}
}

func newDialer() net.Dialer { return net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second} }

// Allow puts addresses, URLs or host:port, on the list under the recipient's name. It
// refuses what names no host, and changes nothing then.
func (g *Guard) Allow(recipient string, addresses ...string) error {
	read := make([]string, len(addresses))
	for i, a := range addresses {
		var err error
		if read[i], err = Address(a); err != nil {
			return err
		}
	}
	if g == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range read {
		if _, known := g.allowed[a]; !known {
			g.allowed[a] = recipient
		}
	}
	return nil
}

// ports are those of addresses that name none.
var ports = map[string]string{"http": "80", "https": "443", "ws": "80", "wss": "443", "nats": "4222", "tls": "4222", "smtp": "587", "smtps": "465"}

// Address is the host:port that a URL or a host:port leads to, in small letters.
func Address(s string) (string, error) {
	if !strings.Contains(s, "://") {
		host, port, err := net.SplitHostPort(s)
		if err != nil || host == "" || port == "" {
			return "", errors.New("an address is host:port or a URL")
		}
		return join(host, port), nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", errors.New("an address is host:port or a URL")
	}
	return addressOf(u)
}

func addressOf(u *url.URL) (string, error) {
	if u.Hostname() == "" {
		return "", errors.New("a URL names no host")
	}
	port := u.Port()
	if port == "" {
		port = ports[u.Scheme]
	}
	if port == "" {
		return "", fmt.Errorf("nothing is known of addresses that begin with %s", u.Scheme)
	}
	return join(u.Hostname(), port), nil
}

func join(host, port string) string {
	return net.JoinHostPort(strings.ToLower(strings.TrimSuffix(host, ".")), port)
}

// Addresses are those on the list under the recipient's name, sorted.
func (g *Guard) Addresses(recipient string) (out []string) {
	if g == nil {
		return nil
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	for a, r := range g.allowed {
		if r == recipient {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}

// Recipients are the names on the list, sorted.
func (g *Guard) Recipients() (out []string) {
	if g == nil {
		return nil
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, r := range g.allowed {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

// Refused is how many calls were refused since the start, and when the last one was.
func (g *Guard) Refused() (calls int64, last time.Time) {
	if g == nil {
		return 0, time.Time{}
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.refused, g.last
}

// DialContext connects to an address on the list. It refuses others with *RefusedError.
func (g *Guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if g == nil {
		if !isLoopback(address) {
			return nil, &RefusedError{Address: address}
		}
		d := newDialer()
		return d.DialContext(ctx, network, address) //nolint:wrapcheck // says where to
	}
	read, err := Address(address)
	if err != nil {
		read = address
	}
	if err := g.check(read, true); err != nil {
		return nil, err
	}
	return g.dialer.DialContext(ctx, network, address) //nolint:wrapcheck // says where to
}

// check refuses a host:port that is not on the list; proxies lead to what was checked
// before.
func (g *Guard) check(address string, proxied bool) error {
	g.mu.RLock()
	_, ok := g.allowed[address]
	ok = ok || proxied && g.proxies[address]
	g.mu.RUnlock()
	if ok {
		return nil
	}
	g.note(address)
	return &RefusedError{Address: address}
}

// note counts a refused call. The log hears of each host once.
func (g *Guard) note(address string) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = "an address that is none"
	}
	g.mu.Lock()
	g.refused, g.last = g.refused+1, g.clock.Now()
	first := !g.told[host] && len(g.told) < maxTold
	if first {
		g.told[host] = true
	}
	g.mu.Unlock()
	if first {
		g.log.Error("a call to a host that is not on the list of recipients was refused", "host", host)
	}
}

func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	return LoopbackName(host)
}

// LoopbackName reports whether a host can only be this machine.
func LoopbackName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// Transport is for an HTTP client that calls what is on the list, by the environment's
// proxy where there is one. Redirects lead nowhere else: each request is checked. The
// caller may set everything but Proxy and the dialling functions.
func (g *Guard) Transport() *http.Transport {
	return &http.Transport{Proxy: g.proxy, DialContext: g.DialContext, TLSHandshakeTimeout: dialTimeout, IdleConnTimeout: 90 * time.Second}
}

// proxy refuses requests to hosts that are not on the list, which the dialler can't see
// where a proxy stands between, and lets the proxy itself be reached.
func (g *Guard) proxy(r *http.Request) (*url.URL, error) {
	if g == nil {
		return nil, nil //nolint:nilnil // no proxy leads to a loopback address
	}
	address, err := addressOf(r.URL)
	if err != nil {
		return nil, err
	}
	if err := g.check(address, false); err != nil {
		return nil, err
	}
	if LoopbackName(r.URL.Hostname()) {
		return nil, nil //nolint:nilnil // as http.ProxyFromEnvironment says it
	}
	via, err := http.ProxyFromEnvironment(r)
	if err != nil || via == nil {
		return via, err //nolint:wrapcheck // names the variable
	}
	if address, err = proxyAddress(via); err != nil {
		return nil, err
	}
	g.mu.Lock()
	g.proxies[address] = true
	g.mu.Unlock()
	return via, nil
}

// proxyAddress is where a proxy listens.
func proxyAddress(via *url.URL) (string, error) {
	port := via.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[via.Scheme]
	}
	if via.Hostname() == "" || port == "" {
		return "", errors.New("the environment's proxy has no address")
	}
	return join(via.Hostname(), port), nil
}

// Proxy is the proxy through which an address would be called, nil when there is none.
func Proxy(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil || LoopbackName(u.Hostname()) {
		return nil
	}
	via, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err != nil {
		return nil
	}
	return via
}

// Dial is DialContext for callers that have no context, such as a message broker's client.
func (g *Guard) Dial(network, address string) (net.Conn, error) {
	return g.DialContext(context.Background(), network, address)
}
