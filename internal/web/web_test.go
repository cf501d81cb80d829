package web_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// net/http lingers half a second on connections it refuses.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// people knows two good cookies: "guest" has written, "visitor" and "minted" have not.
type people struct {
	renew bool
	err   error
}

func (p people) Visitor(cookie string) viewer.Viewer {
	switch cookie {
	case "guest", "visitor", "minted":
		return viewer.Viewer{Kind: viewer.Visitor, Ticket: []byte(cookie)}
	}
	return viewer.Viewer{}
}

func (p people) Viewer(_ context.Context, cookie string) (viewer.Viewer, error) {
	if cookie == "guest" && p.err == nil {
		return viewer.Viewer{Kind: viewer.Guest, OwnerID: "own_1", Key: &seal.Key{}}, nil
	}
	return p.Visitor(cookie), p.err
}

func (p people) NewTicket() string { return "minted" }

func (p people) Renew(cookie string) (string, bool) { return cookie, p.renew && cookie != "" }

// journal is a log that tests read.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.String()
}

// fixture is a handler with what it was made of; change, if any, adapts the settings.
type fixture struct {
	http.Handler
	log  *journal
	seen viewer.Viewer // of the last request to /graphql
}

func newFixture(t *testing.T, public string, change func(*web.Config)) *fixture {
	t.Helper()
	u, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{log: &journal{}}
	c := web.Config{
		Account: people{},
		Gates:   gates{},
		GraphQL: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f.seen = viewer.From(r.Context())
			_, _ = io.WriteString(w, `{"data":null}`)
		}),
		SchemaSDL:    "type Query { a: Int }\n",
		Static:       site(),
		PublicURL:    u,
		Clock:        clock.System{},
		Log:          slog.New(slog.NewTextHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Ready:        func(context.Context) error { return nil },
		SupportEmail: "help@chat.example",
	}
	if change != nil {
		change(&c)
	}
	f.Handler = web.New(c)
	return f
}

func site() fstest.MapFS {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"index.html":          file("<!doctype html>index"),
		"index.html.br":       file("index as brotli"),
		"index.html.gz":       file("index as gzip"),
		"boot.js":             file("boot"),
		"assets/app-1.js":     file("app"),
		"assets/app-1.js.gz":  file("app as gzip"),
		"assets/font-1.woff2": file("font"),
	}
}

// ask sends a request; headers come as name, value, name, value. "Host" is the host.
func (f *fixture) ask(t *testing.T, method, path string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, "http://localhost:8080"+path, nil)
	r.RemoteAddr = "203.0.113.9:1234"
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result()
}

func bodyOf(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const local, public = "http://localhost:8080", "https://chat.example"

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	f := newFixture(t, public, nil)
	for _, path := range []string{"/", "/boot.js", "/assets/missing.js", "/graphql", "/healthz", "/readyz", "/schema.graphql", "/v1/models"} {
		for _, host := range []string{"chat.example", "evil.example"} {
			h := f.ask(t, "GET", path, "Host", host).Header
			for name, want := range map[string]string{
				"X-Content-Type-Options":       "nosniff",
				"X-Frame-Options":              "DENY",
				"Referrer-Policy":              "same-origin",
				"Cross-Origin-Opener-Policy":   "same-origin",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Strict-Transport-Security":    "max-age=31536000",
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s at %s: %s is %q", path, host, name, got)
				}
			}
			if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("Permissions-Policy") == "" {
				t.Errorf("%s at %s: no policy", path, host)
			}
			if !strings.HasPrefix(h.Get("X-Request-Id"), "req_") {
				t.Errorf("%s at %s: no request id", path, host)
			}
		}
	}
	if h := newFixture(t, local, nil).ask(t, "GET", "/").Header; h.Get("Strict-Transport-Security") != "" {
		t.Error("HSTS without https")
	}
}

func TestPagePolicyIsStrictAndNamesTheWebsocket(t *testing.T) {
	page := newFixture(t, public, nil).ask(t, "GET", "/c/con_1", "Host", "chat.example")
	want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self' wss://chat.example; " +
		"worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self' https://checkout.stripe.com; " +
		"require-trusted-types-for 'script'; trusted-types app"
	if got := page.Header.Get("Content-Security-Policy"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	page = newFixture(t, local, nil).ask(t, "GET", "/", "Host", "127.0.0.1:9000")
	if got := page.Header.Get("Content-Security-Policy"); !strings.Contains(got, "connect-src 'self' ws://127.0.0.1:9000;") {
		t.Error(got)
	}
	script := newFixture(t, local, nil).ask(t, "GET", "/assets/app-1.js")
	if got := script.Header.Get("Content-Security-Policy"); strings.Contains(got, "unsafe") || !strings.HasPrefix(got, "default-src 'self'") {
		t.Error(got)
	}
}

func TestHostsThatAreNotOursAreRefused(t *testing.T) {
	for _, c := range []struct {
		public, host string
		ok           bool
	}{
		{local, "localhost:8080", true}, {local, "LOCALHOST:8080", true}, {local, "127.0.0.1:8080", true}, {local, "[::1]:8080", true},
		{local, "localhost", true}, {local, "[::1]", true}, {local, "127.0.0.1:9", true}, {local, "127.8.8.8:1", true},
		{local, "", false}, {local, "evil.example", false}, {local, "evil.example:8080", false}, {local, "localhost.evil.example:8080", false},
		{local, "localhost:8080.evil.example", false}, {local, "localhost:80;x", false}, {local, "localhost:8080:8080", false},
		{local, "127.0.0.1.nip.io:8080", false}, {local, "0.0.0.0:8080", false}, {local, "192.168.1.5:8080", false}, {local, "[::]:8080", false},
		{local, "user@localhost:8080", false}, {local, "2130706433:8080", false}, {local, "[::1%25lo]:8080", false}, {local, "[fe80::1]:8080", false},
		{public, "chat.example", true}, {public, "chat.example:443", true}, {public, "CHAT.example", true},
		{public, "chat.example:80", false}, {public, "localhost:8080", false}, {public, "chat.example.evil.example", false}, {public, "xchat.example", false},
	} {
		f := newFixture(t, c.public, nil)
		res := f.ask(t, "GET", "/", "Host", c.host)
		if (res.StatusCode == http.StatusOK) != c.ok || (!c.ok && res.StatusCode != http.StatusMisdirectedRequest) {
			t.Errorf("%s asked as %q: %d", c.public, c.host, res.StatusCode)
		}
		if f.ask(t, "POST", "/graphql", "Host", c.host, "X-Forwarded-Host", "localhost:8080").StatusCode == http.StatusOK != c.ok {
			t.Errorf("graphql of %s asked as %q", c.public, c.host)
		}
		if got := f.ask(t, "GET", "/healthz", "Host", c.host).StatusCode; got != http.StatusOK {
			t.Errorf("a probe asking as %q got %d", c.host, got)
		}
	}
}

func TestOtherSitesPagesCannotWrite(t *testing.T) {
	for _, c := range []struct {
		headers []string
		ok      bool
	}{
		{nil, true}, // no browser
		{[]string{"Sec-Fetch-Site", "same-origin", "Origin", public}, true},
		{[]string{"Sec-Fetch-Site", "none"}, true},
		{[]string{"Origin", public}, true},
		{[]string{"Sec-Fetch-Site", "cross-site"}, false},
		{[]string{"Sec-Fetch-Site", "same-site"}, false},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, false},
		{[]string{"Sec-Fetch-Site", "nonsense"}, false},
		{[]string{"Origin", "https://evil.example"}, false},
		{[]string{"Origin", "null"}, false},
		{[]string{"Origin", "https://sub.chat.example"}, false},
		{[]string{"Origin", "https://chat.example.evil.example"}, false},
		{[]string{"Origin", "https://chat.example:8443"}, false},
	} {
		f := newFixture(t, public, nil)
		headers := append([]string{"Host", "chat.example", "Cookie", "__Host-guest=guest"}, c.headers...)
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
			res := f.ask(t, method, "/graphql", headers...)
			if ok := res.StatusCode == http.StatusOK; ok != c.ok || (!ok && res.StatusCode != http.StatusForbidden) {
				t.Errorf("%s %v: %d", method, c.headers, res.StatusCode)
			}
			if res.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("another origin may read")
			}
		}
		if c.ok != (f.seen.OwnerID == "own_1") {
			t.Errorf("%v reached the handler: %v", c.headers, f.seen)
		}
	}
}

func TestGuestCookieHasTheFlagsOfItsTransport(t *testing.T) {
	for _, c := range []struct {
		public, host, name string
		secure             bool
	}{{local, "localhost:8080", "guest", false}, {public, "chat.example", "__Host-guest", true}} {
		f := newFixture(t, c.public, nil)
		got := f.ask(t, "POST", "/graphql", "Host", c.host, "Sec-Fetch-Site", "same-origin").Cookies()
		if len(got) != 1 {
			t.Fatalf("%s: %d cookies", c.public, len(got))
		}
		k := got[0]
		if k.Name != c.name || k.Value != "minted" || k.Secure != c.secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode ||
			k.Path != "/" || k.Domain != "" || k.MaxAge != 30*24*3600 {
			t.Errorf("%s: %s", c.public, k.Raw)
		}
		if f.seen.Kind != viewer.Visitor || string(f.seen.Ticket) != "minted" {
			t.Errorf("%s: the request that got the cookie came from %v", c.public, f.seen)
		}
	}
}

// P33, P37: a visit leaves nothing in the browser.
func TestVisitsAndSocketsSetNoCookie(t *testing.T) {
	f := newFixture(t, local, nil)
	for _, c := range [][]string{
		{"GET", "/"}, {"GET", "/c/con_1"}, {"HEAD", "/"}, {"GET", "/boot.js"}, {"GET", "/graphql"}, {"OPTIONS", "/graphql"}, {"GET", "/schema.graphql"},
		{"GET", "/graphql", "Upgrade", "websocket", "Connection", "Upgrade"},
		{"POST", "/graphql", "Authorization", "Bearer k2_live_x"},
		{"POST", "/graphql", "Cookie", "guest=guest"},
		{"POST", "/graphql", "Cookie", "guest=visitor"},
		{"POST", "/graphql", "Cookie", "guest=forged; guest=guest"},
	} {
		res := f.ask(t, c[0], c[1], c[2:]...)
		if len(res.Cookies()) != 0 {
			t.Errorf("%v set %v", c, res.Cookies())
		}
	}
	if f.seen.OwnerID != "own_1" {
		t.Errorf("the good cookie behind a forged one led to %v", f.seen)
	}
	if res := f.ask(t, "POST", "/graphql", "Cookie", "guest=forged"); len(res.Cookies()) != 1 {
		t.Error("a forged cookie was not replaced")
	}
}

func TestOldGuestCookieIsRenewed(t *testing.T) {
	f := newFixture(t, local, func(c *web.Config) { c.Account = people{renew: true} })
	if got := f.ask(t, "POST", "/graphql", "Cookie", "guest=guest").Cookies(); len(got) != 1 || got[0].Value != "guest" {
		t.Error(got)
	}
	if got := f.ask(t, "GET", "/graphql", "Cookie", "guest=guest").Cookies(); len(got) != 0 {
		t.Error(got)
	}
}

func TestUnknownViewerIsToldToComeAgain(t *testing.T) {
	f := newFixture(t, local, func(c *web.Config) {
		c.Account = people{err: fault.New(fault.StorageUnavailable, "try again")}
	})
	res := f.ask(t, "POST", "/graphql", "Cookie", "guest=guest")
	if body := bodyOf(t, res); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" || !strings.Contains(body, `"code":"STORAGE_UNAVAILABLE"`) {
		t.Error(res.StatusCode, body)
	}
	f = newFixture(t, local, func(c *web.Config) { c.Account = people{err: errors.New("secret detail")} })
	res = f.ask(t, "POST", "/graphql", "Cookie", "guest=guest")
	if body := bodyOf(t, res); res.StatusCode != http.StatusInternalServerError || strings.Contains(body, "secret detail") || !strings.Contains(body, res.Header.Get("X-Request-Id")) {
		t.Error(res.StatusCode, body)
	}
}

// T32: what the client writes into X-Forwarded-For counts for nothing.
func TestClientIPBelievesOnlyTrustedProxies(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		peer string
		xff  []string
		want string
	}{
		{"203.0.113.9:1", nil, "203.0.113.9"},
		{"203.0.113.9:1", []string{"1.2.3.4"}, "203.0.113.9"},
		{"10.0.0.1:1", nil, "10.0.0.1"},
		{"10.0.0.1:1", []string{"1.2.3.4"}, "1.2.3.4"},
		{"10.0.0.1:1", []string{"6.6.6.6, 1.2.3.4"}, "1.2.3.4"},
		{"10.0.0.1:1", []string{"6.6.6.6", "1.2.3.4, 10.9.9.9"}, "1.2.3.4"},
		{"10.0.0.1:1", []string{"6.6.6.6, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"6.6.6.6, nonsense, 10.2.2.2"}, "10.2.2.2"},
		{"10.0.0.1:1", []string{"127.0.0.1"}, "127.0.0.1"},
		{"10.0.0.1:1", []string{"1.2.3.4:5678"}, "1.2.3.4"},
		{"10.0.0.1:1", []string{"[2001:db8::1]:5678"}, "2001:db8::1"},
		{"10.0.0.1:1", []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
		{"[::ffff:10.0.0.1]:1", []string{"1.2.3.4"}, "1.2.3.4"},
		{"[fd00::1]:1", []string{"2001:db8::2"}, "2001:db8::2"},
		{"10.0.0.1:1", []string{"10.1.1.1, 10.2.2.2"}, "10.1.1.1"},
		{"10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"6.6.6.6" + strings.Repeat(",10.3.3.3", 5000)}, "10.3.3.3"},
		{"@", []string{"1.2.3.4"}, "invalid IP"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for _, x := range c.xff {
			r.Header.Add("X-Forwarded-For", x)
		}
		r.Header.Set("Forwarded", "for=9.9.9.9")
		r.Header.Set("X-Real-Ip", "9.9.9.9")
		if got := web.ClientIP(trusted)(r).String(); got != c.want {
			t.Errorf("%s %.60v: %s, want %s", c.peer, c.xff, got, c.want)
		}
	}
}

func TestViewerKnowsItsNetworkAndAnUntrustedProxyIsPointedOut(t *testing.T) {
	f := newFixture(t, local, nil)
	f.ask(t, "POST", "/graphql", "X-Forwarded-For", "1.2.3.4")
	if f.seen.Network.String() != "203.0.113.9" {
		t.Error(f.seen.Network)
	}
	for _, peer := range []string{"127.0.0.1:5", "172.18.0.3:5", "[fd00::3]:5"} { // this machine, a network of containers
		f := newFixture(t, local, nil)
		for range 3 {
			r := httptest.NewRequest(http.MethodPost, local+"/graphql", nil)
			r.RemoteAddr = peer
			r.Header.Set("X-Forwarded-For", "1.2.3.4")
			f.ServeHTTP(httptest.NewRecorder(), r)
		}
		if n := strings.Count(f.log.String(), "TRUSTED_PROXIES"); n != 1 {
			t.Errorf("of %s it was said %d times", peer, n)
		}
	}
}

func TestReadinessTellsReasonsWithoutSecrets(t *testing.T) {
	var err error
	now := time.Now()
	f := newFixture(t, local, func(c *web.Config) {
		c.Clock = clock.Func(func() time.Time { return now })
		c.Ready = func(context.Context) error { return err }
	})
	if res := f.ask(t, "GET", "/readyz"); res.StatusCode != http.StatusOK {
		t.Error(res.StatusCode)
	}
	err = errors.Join(
		&web.Unready{Part: "database", Cause: fault.New(fault.StorageUnavailable, "it does not answer")},
		&web.Unready{Part: "bus", Cause: errors.New("dial nats://user:canary@host")},
		errors.New("canary"))
	if res := f.ask(t, "GET", "/readyz"); res.StatusCode != http.StatusOK {
		t.Error("the database is asked for every request")
	}
	now = now.Add(time.Second)
	res := f.ask(t, "GET", "/readyz")
	want := `{"reasons":["database: it does not answer","bus is not ready","server is not ready"],"status":"unavailable"}` + "\n"
	if body := bodyOf(t, res); res.StatusCode != http.StatusServiceUnavailable || body != want {
		t.Error(res.StatusCode, body)
	}
	if res := f.ask(t, "HEAD", "/healthz"); res.StatusCode != http.StatusOK {
		t.Error("health depends on readiness")
	}
}

func TestSecurityText(t *testing.T) {
	f := newFixture(t, public, func(c *web.Config) {
		c.Clock = clock.Func(func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) })
	})
	res := f.ask(t, "GET", "/.well-known/security.txt", "Host", "chat.example")
	want := "Contact: mailto:help@chat.example\nExpires: 2026-07-02T00:00:00Z\nPreferred-Languages: en, zh\nCanonical: https://chat.example/.well-known/security.txt\n"
	if body := bodyOf(t, res); body != want {
		t.Error(body)
	}
	f = newFixture(t, local, func(c *web.Config) { c.SupportEmail = "" })
	if res := f.ask(t, "GET", "/.well-known/security.txt"); res.StatusCode != http.StatusNotFound {
		t.Error(res.StatusCode)
	}
}

func TestPathsOfTheContractThatDoNotExistAreNotThePage(t *testing.T) {
	f := newFixture(t, local, nil)
	for _, path := range []string{"/v1/models", "/v1/chat/completions", "/webhooks/stripe", "/auth/google", "/exports/x", "/metrics", "/.well-known/x"} {
		res := f.ask(t, "GET", path)
		if body := bodyOf(t, res); res.StatusCode != http.StatusNotFound || !strings.Contains(body, `"NOT_FOUND"`) {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	res := f.ask(t, "POST", "/c/con_1")
	if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
		t.Error(res.StatusCode)
	}
	resp := f.ask(t, "GET", "/schema.graphql", "Origin", "https://other.example", "Sec-Fetch-Site", "cross-site")
	if resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("pages of other sites can't read the schema: %v", resp.Header)
	}
	if body := bodyOf(t, resp); body != "type Query { a: Int }\n" {
		t.Error(body)
	}
}
