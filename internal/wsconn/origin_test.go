package wsconn_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/edge/edgetest"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// P35, T11: pages of other origins get no socket, whatever Host they claim.
func TestOriginsAndHosts(t *testing.T) {
	s := edgetest.Start(t)
	own, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		host    string
		origins []string
		more    http.Header
		status  int
	}{
		"same origin":                {origins: []string{s.URL}, status: http.StatusSwitchingProtocols},
		"same origin, other case":    {host: "LOCALHOST:" + own.Port(), origins: []string{"http://localhost:" + own.Port()}, status: http.StatusSwitchingProtocols},
		"evil":                       {origins: []string{"https://evil.example"}, status: http.StatusForbidden},
		"evil as Host and Origin":    {host: "evil.example", origins: []string{"https://evil.example"}, status: http.StatusForbidden},
		"rebound name":               {host: "evil.example:" + own.Port(), origins: []string{"http://evil.example:" + own.Port()}, status: http.StatusForbidden},
		"evil Host only":             {host: "evil.example", origins: []string{s.URL}, status: http.StatusForbidden},
		"null":                       {origins: []string{"null"}, status: http.StatusForbidden},
		"empty":                      {origins: []string{""}, status: http.StatusForbidden},
		"two":                        {origins: []string{s.URL, "https://evil.example"}, status: http.StatusForbidden},
		"another port":               {origins: []string{"http://127.0.0.1:1"}, status: http.StatusForbidden},
		"another loopback name":      {origins: []string{"http://localhost:" + own.Port()}, status: http.StatusForbidden},
		"suffix":                     {origins: []string{"http://" + own.Host + ".evil.example"}, status: http.StatusForbidden},
		"prefix":                     {origins: []string{"http://evil" + own.Host}, status: http.StatusForbidden},
		"as user":                    {origins: []string{"http://" + own.Host + "@evil.example"}, status: http.StatusForbidden},
		"with a user":                {origins: []string{"http://user@" + own.Host}, status: http.StatusForbidden},
		"file":                       {origins: []string{"file://" + own.Host}, status: http.StatusForbidden},
		"extension":                  {origins: []string{"chrome-extension://abcdef"}, status: http.StatusForbidden},
		"not a URL":                  {origins: []string{"://"}, status: http.StatusForbidden},
		"missing, with a key":        {more: http.Header{"Authorization": {"Bearer k2_x"}}, status: http.StatusSwitchingProtocols},
		"missing, with a cookie":     {more: http.Header{"Cookie": {"sid=1"}}, status: http.StatusForbidden},
		"evil, with a key":           {origins: []string{"https://evil.example"}, more: http.Header{"Authorization": {"Bearer k2_x"}}, status: http.StatusForbidden},
		"missing, cookie, evil Host": {host: "evil.example", more: http.Header{"Authorization": {"Bearer k2_x"}}, status: http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{}
			for k, v := range tc.more {
				h[k] = v
			}
			if tc.origins != nil {
				h["Origin"] = tc.origins
			}
			if tc.host != "" {
				h.Set("Host", tc.host)
			}
			ws, resp, _ := dialWith(s, h, wsconn.Subprotocol)
			if ws != nil {
				defer ws.Close()
			}
			if resp == nil || resp.StatusCode != tc.status {
				t.Errorf("got %+v, want %d", resp, tc.status)
			}
		})
	}
}

// T11: without an Origin a key must come with the connection_init at the latest.
func TestWithoutOriginAKeyIsNeeded(t *testing.T) {
	s := edgetest.Start(t)
	connect := func() *client {
		t.Helper()
		ws, _, err := dialWith(s, nil, wsconn.Subprotocol)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ws.Close() })
		return &client{t: t, ws: ws}
	}
	for _, payload := range []string{`null`, `{}`, `{"authorization":""}`, `{"authorization":1}`, `"x"`} {
		c := connect()
		c.send(`{"type":"connection_init","payload":` + payload + `}`)
		c.expectClose(wsconn.CloseForbidden)
	}
	c := connect()
	c.send(`{"type":"connection_init","payload":{"authorization":"Bearer k2_live_x"}}`)
	c.expect(`{"type":"connection_ack"}`)
}

func TestConfiguredHosts(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Hosts = []string{"chat.example.com", "staging.example.com:8443"}
	})
	for _, tc := range []struct {
		host, origin string
		ok           bool
	}{
		{"chat.example.com", "https://chat.example.com", true},
		{"chat.example.com:8080", "http://chat.example.com:8080", true},
		{"chat.example.com:8080", "https://chat.example.com", false},
		{"chat.example.com", "https://chat.example.com:8443", false},
		{"chat.example.com", "http://chat.example.com:8080", false},
		{"staging.example.com:8443", "https://staging.example.com:8443", true},
		{"staging.example.com", "https://staging.example.com", false},
		{"localhost:8080", "http://localhost:8080", false},
		{"chat.example.com", "https://example.com", false},
		{"chat.example.com", "https://chat.example.com.evil.example", false},
	} {
		ws, resp, err := dialWith(s, http.Header{"Origin": {tc.origin}, "Host": {tc.host}}, wsconn.Subprotocol)
		if ws != nil {
			ws.Close()
		}
		if (err == nil) != tc.ok {
			t.Errorf("%s from %s: %v %+v", tc.host, tc.origin, err, resp)
		}
	}
}

func TestOriginsOfYourOwn(t *testing.T) {
	s := edgetest.Start(t, func(set *edgetest.Setup) {
		set.Websocket.Origins = func(r *http.Request) bool { return r.Header.Get("Origin") == "https://partner.example" }
	})
	for origin, ok := range map[string]bool{"https://partner.example": true, s.URL: false} {
		ws, _, err := dialWith(s, http.Header{"Origin": {origin}}, wsconn.Subprotocol)
		if ws != nil {
			ws.Close()
		}
		if (err == nil) != ok {
			t.Errorf("%s: %v", origin, err)
		}
	}
}

func TestOnlyWebsocketsAreTaken(t *testing.T) {
	s := edgetest.Start(t)
	for _, h := range []http.Header{
		{"Sec-Websocket-Version": {"8"}},
		{"Sec-Websocket-Key": {"short"}},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = http.Header{
			"Origin": {s.URL}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		}
		for k, v := range h {
			req.Header[k] = v
		}
		tr := &http.Transport{}
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		tr.CloseIdleConnections()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d", h, resp.StatusCode)
		}
	}
	if st := s.Sockets.Stats(); st != (wsconn.Stats{}) {
		t.Errorf("%+v left", st)
	}
}
