package wsconn

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

var (
	errHost   = errors.New("this host name is not served here")
	errOrigin = errors.New("websockets from this origin are not allowed")
)

// admissible checks Host and Origin, which together keep foreign pages and
// rebound names out. keyless is true when the request has no Origin and has not
// yet shown a key: its connection_init must bring one.
func (t *Transport) admissible(r *http.Request) (keyless bool, err error) {
	if !t.hostAllowed(r.Host) {
		return false, errHost
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		if r.Header.Get("Authorization") != "" {
			return false, nil
		}
		if r.Header.Get("Cookie") != "" {
			return false, errOrigin
		}
		return true, nil
	}
	if len(origins) > 1 {
		return false, errOrigin
	}
	allowed := t.cfg.Origins
	if allowed == nil {
		allowed = sameOrigin
	}
	if !allowed(r) {
		return false, errOrigin
	}
	return false, nil
}

func (t *Transport) hostAllowed(host string) bool {
	if len(t.cfg.Hosts) == 0 {
		return isLoopback(hostname(host))
	}
	for _, h := range t.cfg.Hosts {
		if strings.EqualFold(h, host) || strings.EqualFold(h, hostname(host)) {
			return true
		}
	}
	return false
}

// sameOrigin compares host and port: a page on another port of this host is another's.
func sameOrigin(r *http.Request) bool {
	u, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.Host == "" {
		return false
	}
	return strings.EqualFold(u.Host, r.Host)
}

// hostname is host without its port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func isLoopback(name string) bool {
	if strings.EqualFold(name, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(name)
	return err == nil && a.Unmap().IsLoopback()
}
