package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// maxHops bounds how far X-Forwarded-For is followed.
const maxHops = 20

// ClientIP returns a function that tells a request's client: the peer of the
// connection, or, when that is a trusted proxy, the nearest hop of X-Forwarded-For
// that is not one. What stands further left was written by the client and counts for
// nothing. The address is invalid when the transport has none.
func ClientIP(trusted []netip.Prefix) func(*http.Request) netip.Addr {
	return func(r *http.Request) netip.Addr {
		client := parseHop(r.RemoteAddr)
		if !contains(trusted, client) {
			return client
		}
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
			hop := parseHop(strings.TrimSpace(hops[i]))
			if !hop.IsValid() {
				return client
			}
			client = hop
			if !contains(trusted, client) {
				return client
			}
		}
		return client
	}
}

// parseHop reads an address with or without a port.
func parseHop(s string) netip.Addr {
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone("")
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func contains(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}
