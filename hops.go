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
				h := &models.Hop{Name: "Outgoing proxy", Way: models.HopProxy, Host: via}
				h.Protect(models.TransparencyGreen, models.HopPassing)
				all = append(all, h)
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
	h := &models.Hop{Name: "Your browser to this server", Way: models.HopBrowser}
	u, err := url.Parse(public)
	if err != nil { // the program would not have started
		h.Protect(models.TransparencyRed, models.HopUnreadable)
		return h
	}
	h.Host = u.Host
	switch {
	case u.Scheme == "https":
		h.Protect(models.TransparencyGreen, models.HopFronted)
	case egress.LoopbackName(u.Hostname()):
		h.Protect(models.TransparencyGreen, models.HopLocal)
	default:
		h.Protect(models.TransparencyRed, models.HopPlainPublic)
	}
	return h
}

// encrypting are the schemes of addresses that are called encrypted. Mail servers off this
// machine must speak TLS whatever the scheme is (package mail).
var encrypting = map[string]bool{"https": true, "tls": true, "wss": true, "smtp": true, "smtps": true}

// hopTo is the way to a recipient: the worst of those to its addresses.
func hopTo(name string, addresses []string) *models.Hop {
	h := &models.Hop{Name: "This server to " + name, Way: models.HopRecipient, To: name}
	h.Protect(models.TransparencyGreen, models.HopLocal)
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
			h.Protect(models.TransparencyRed, models.HopPlain)
		case h.State == models.TransparencyGreen:
			h.Protect(h.State, models.HopVerified)
		}
	}
	h.Host = strings.Join(hosts, ", ")
	return h
}

// databaseHop is the way to the database: the strictest of what the settings allow counts.
func databaseHop(address string) *models.Hop {
	h := &models.Hop{Name: "This server to its database", Way: models.HopDatabase}
	h.Protect(models.TransparencyGreen, models.HopLocal)
	if address == "" {
		return h
	}
	c, err := pgx.ParseConfig(address)
	if err != nil { // the program would not have started
		h.Protect(models.TransparencyRed, models.HopUnreadable)
		return h
	}
	worst := func(state models.TransparencyState, by models.HopProtection) {
		if h.State.Worse(state) != h.State {
			h.Protect(state, by)
		}
	}
	h.Host = c.Host
	judge := func(host string, verified, encrypted bool) {
		switch {
		case strings.HasPrefix(host, "/") || egress.LoopbackName(host):
		case !encrypted:
			worst(models.TransparencyRed, models.HopMaybePlain)
		case !verified:
			worst(models.TransparencyAmber, models.HopUnverified)
		case h.State == models.TransparencyGreen:
			h.Protect(h.State, models.HopVerified)
		}
	}
	judge(c.Host, c.TLSConfig != nil && !c.TLSConfig.InsecureSkipVerify, c.TLSConfig != nil)
	for _, f := range c.Fallbacks {
		judge(f.Host, f.TLSConfig != nil && !f.TLSConfig.InsecureSkipVerify, f.TLSConfig != nil)
	}
	return h
}
