package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/gorilla/websocket"
)

// P35, T11: behind a public address a socket is for its pages alone. Those of another port or
// over plain http are of the same site, so that the cookie comes along, and are refused all
// the same.
func TestSocketsAreForPagesOfThePublicAddress(t *testing.T) {
	p := start(t, "PUBLIC_URL=https://chat.example.com")
	server := httptest.NewServer(p.server.http.Handler)
	defer server.Close()
	d := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, NetDial: func(string, string) (net.Conn, error) {
		return net.Dial("tcp", server.Listener.Addr().String())
	}}
	for _, c := range []struct {
		host, origin string
		status       int
	}{
		{"chat.example.com", "https://chat.example.com", http.StatusSwitchingProtocols},
		{"chat.example.com", "https://chat.example.com:8443", http.StatusForbidden},
		{"chat.example.com:8443", "https://chat.example.com:8443", http.StatusMisdirectedRequest},
		{"chat.example.com", "http://chat.example.com", http.StatusForbidden},
		{"chat.example.com", "https://www.chat.example.com", http.StatusForbidden},
		{"chat.example.com", "https://x@chat.example.com", http.StatusForbidden},
		{"chat.example.com", "null", http.StatusForbidden},
		{"chat.example.com", "", http.StatusForbidden}, // with a cookie
	} {
		h := http.Header{"Cookie": {"__Host-kk_guest=x"}}
		if c.origin != "" {
			h.Set("Origin", c.origin)
		}
		conn, resp, err := d.DialContext(t.Context(), "ws://"+c.host+"/graphql", h)
		if conn != nil {
			_ = conn.Close()
		}
		if resp == nil || resp.StatusCode != c.status {
			t.Errorf("%s at %s: %v %v", c.origin, c.host, resp, err)
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
	}
	conn, resp, err := d.DialContext(t.Context(), "ws://chat.example.com/graphql", nil) // a program: its key comes later
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	_ = resp.Body.Close()
}

func TestThePublicOriginIsWrittenAsBrowsersDo(t *testing.T) {
	for public, origin := range map[string]string{
		"https://Chat.example.com:443": "https://chat.example.com", "http://chat.example.com:80": "http://chat.example.com",
		"https://chat.example.com:80": "https://chat.example.com:80", "https://[2001:db8::1]:8443": "https://[2001:db8::1]:8443",
	} {
		u, err := url.Parse(public)
		if err != nil {
			t.Fatal(err)
		}
		allowed := origins(u)
		if !allowed(&http.Request{Header: http.Header{"Origin": {origin}}}) || allowed(&http.Request{Header: http.Header{"Origin": {origin + ":1"}}}) {
			t.Error(public, origin)
		}
	}
	for _, local := range []string{"http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080"} {
		u, err := url.Parse(local)
		if err != nil {
			t.Fatal(err)
		}
		if origins(u) != nil {
			t.Error(local, "is not this machine")
		}
	}
}
