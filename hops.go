package main

import (
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/models"
)

// hops are all ways that data take, and how each is protected (P79).
func (s *server) hops() []*models.Hop {
	all := []*models.Hop{browserHop(s.cfg.PublicURL), databaseHop(s.cfg.DatabaseURL)}
	proxies := map[string]bool{}
	for _, r := range s.recipients() {
		all = append(all, hopTo(r.Name, r.urls))
		for _, address := range r.urls {
			if via := proxyOf(address); via != "" && !proxies[via] {
				proxies[via] = true
				all = append(all, &models.Hop{Name: "Outgoing proxy", Host: via, State: models.TransparencyGreen, About: "Calls go through it; what is encrypted stays so for it."})
			}
		}
	}
	return all
}

// proxyOf is the host of the proxy through which an address is called; empty when there is
// none.
func proxyOf(address string) string {
	if !strings.HasPrefix(address, "http") {
		return ""
	}
	if via := egress.Proxy(address); via != nil {
		return via.Host
	}
	return ""
}

// browserHop is the way from people to this server.
func browserHop(public string) *models.Hop {
	h := &models.Hop{Name: "Your browser to this server"}
	u, err := url.Parse(public)
	if err != nil {
		return h
	}
	h.Host = u.Host
	switch {
	case u.Scheme == "https":
		h.State, h.About = models.TransparencyGreen, "Encrypted (https), up to the operator's own proxy in front of this server."
	case egress.LoopbackName(u.Hostname()):
		h.State, h.About = models.TransparencyGreen, "It does not leave this machine."
	default:
		h.State, h.About = models.TransparencyRed, "Not encrypted: the operator allows http."
	}
	return h
}

// encrypting are the schemes of addresses that are called encrypted. Mail servers off this
// machine must speak TLS whatever the scheme is (package mail).
var encrypting = map[string]bool{"https": true, "tls": true, "wss": true, "smtp": true, "smtps": true}

// hopTo is the way to a recipient: the worst of those to its addresses.
func hopTo(name string, addresses []string) *models.Hop {
	h := &models.Hop{Name: "This server to " + name, State: models.TransparencyGreen, About: "It does not leave this machine."}
	var hosts []string
	for _, address := range addresses {
		host, err := egress.Address(address)
		if err != nil { // it could not be called either
			continue
		}
		hosts = append(hosts, host)
		scheme, _, _ := strings.Cut(address, "://")
		switch {
		case isLocal(host):
		case !encrypting[scheme]:
			h.State, h.About = models.TransparencyRed, "Not encrypted."
		case h.State == models.TransparencyGreen:
			h.About = "Encrypted (TLS), and the other end is verified."
		}
	}
	h.Host = strings.Join(hosts, ", ")
	return h
}

// databaseHop is the way to the database: the strictest of what the settings allow counts.
func databaseHop(address string) *models.Hop {
	h := &models.Hop{Name: "This server to its database", Host: "", State: models.TransparencyGreen, About: "It does not leave this machine."}
	if address == "" {
		return h
	}
	c, err := pgx.ParseConfig(address)
	if err != nil { // the program would not have started
		h.State, h.About = models.TransparencyRed, "Its address can't be read."
		return h
	}
	worst := func(state models.TransparencyState, about string) {
		if h.State.Worse(state) != h.State {
			h.State, h.About = state, about
		}
	}
	h.Host = c.Host
	judge := func(host string, verified, encrypted bool) {
		switch {
		case strings.HasPrefix(host, "/") || egress.LoopbackName(host):
		case !encrypted:
			worst(models.TransparencyRed, "It may be not encrypted: the operator sets sslmode=verify-full.")
		case !verified:
			worst(models.TransparencyAmber, "Encrypted (TLS), but the other end is not verified: the operator sets sslmode=verify-full.")
		case h.State == models.TransparencyGreen:
			h.About = "Encrypted (TLS), and the other end is verified."
		}
	}
	judge(c.Host, c.TLSConfig != nil && !c.TLSConfig.InsecureSkipVerify, c.TLSConfig != nil)
	for _, f := range c.Fallbacks {
		judge(f.Host, f.TLSConfig != nil && !f.TLSConfig.InsecureSkipVerify, f.TLSConfig != nil)
	}
	return h
}
