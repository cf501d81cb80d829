package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
)

// marked sends what browsers and networks tell of people with every request.
type marked struct{ http.RoundTripper }

// traces are marks of what is not collected; none may be found anywhere afterwards.
var traces = map[string]string{
	"X-Forwarded-For": "203.0.113.77", "X-Real-Ip": "203.0.113.78", "Forwarded": "for=203.0.113.79", "Referer": "https://canary-referer.example/", "Accept-Language": "tlh-canary",
	"User-Agent":   "Mozilla/5.0 (X11; Linux x86_64; canary-agent) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.7204.49 Safari/537.36 canary-build/138.0.7204",
	"X-Request-Id": "canary-request", "Cookie": "tracker=canary-cookie", "Sec-Ch-Ua-Model": "canary-model", "Cf-Ipcountry": "canary-country", "Traceparent": "00-canary-trace",
}

// RoundTrip is http.RoundTripper's.
func (m marked) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range traces {
		if name == "Cookie" {
			r.Header.Add(name, value)
			continue
		}
		r.Header.Set(name, value)
	}
	return m.RoundTripper.RoundTrip(r)
}

// P5, P29, P69: what browsers and networks tell of people by themselves (addresses, full
// identifications, where they come from) is in no table and in no line of the log: of a
// device its kind, system and browser are.
func TestARequestLeavesNoTrace(t *testing.T) {
	p := start(t, "TRUSTED_PROXIES=127.0.0.0/8,::1/128", "GOOGLE_CLIENT_ID=id", "GOOGLE_CLIENT_SECRET=secret")
	guest, ada := p.browser(), p.signIn("ada")
	for _, b := range []*browser{guest, ada} {
		b.http.Transport = marked{b.http.Transport}
		b.finished("hello")
		b.ask(`mutation($i: ConsentSetInput!) { consentSet(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"kind": "PREFERENCES_COOKIE", "granted": true}})
	}
	program := ada.program(map[string]any{"scopes": []string{"models:read"}})
	program.ask(`{ models { id } }`, nil)
	guest.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := guest.http.Get(p.url + "/auth/google?return=/canary-path")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if to := resp.Header.Get("Location"); !strings.HasPrefix(to, "https://accounts.google.com/") {
		t.Errorf("a sign-in begins with %d %q", resp.StatusCode, to)
	}
	var devices int
	if err := p.server.db.Gorm(t.Context()).Raw(`SELECT count(*) FROM sessions WHERE browser = 'Firefox' AND browser_version = 140 AND os = 'Linux'`).Scan(&devices).Error; err != nil || devices == 0 {
		t.Errorf("%d sessions say which kind of browser it was: %v", devices, err)
	}
	for where, text := range map[string]string{"database": dbtest.Dump(t, p.server.db), "log": p.logs.String(), "DATA_DIR": everyFile(t, p.server.cfg.DataDir)} {
		for _, trace := range []string{"203.0.113.", "canary", "tlh", ".7204", "127.0.0.1:", "AppleWebKit", "remote"} {
			if i := strings.Index(text, trace); i >= 0 && (where != "log" || trace != "127.0.0.1:") {
				t.Errorf("the %s holds %q: …%s…", where, trace, text[max(0, i-80):min(len(text), i+80)])
			}
		}
	}
}
