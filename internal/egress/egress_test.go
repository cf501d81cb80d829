package egress_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/egress"
)

// way is the proxy of the environment, which Go reads once; it answers for everybody and
// remembers whom it was asked for.
var way struct {
	sync.Mutex
	asked []string
}

func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		way.Lock()
		defer way.Unlock()
		way.asked = append(way.asked, r.Host)
		_, _ = io.WriteString(w, "by the proxy")
	}))
	if err := os.Setenv("HTTP_PROXY", proxy.URL); err != nil {
		panic(err)
	}
	code := m.Run()
	proxy.Close()
	os.Exit(code)
}

// P94: behind a proxy the list counts as well: the proxy is asked for who is on it and for
// nobody else, and is no way to anybody by itself.
func TestTheListCountsBehindAProxy(t *testing.T) {
	g := newGuard(new(bytes.Buffer))
	if err := g.Allow("engine", "http://listed.example.test/v1"); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"http://canary.example.test/", "http://listed.example.test:81/"} {
		if _, err := get(t, g, address); !errors.As(err, new(*egress.RefusedError)) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if body, err := get(t, g, "http://listed.example.test/"); err != nil || body != "by the proxy" {
		t.Fatal(body, err)
	}
	via := egress.Proxy("http://listed.example.test/")
	if via == nil || egress.Proxy("http://127.0.0.1/") != nil {
		t.Fatal(via)
	}
	if _, err := get(t, g, via.String()); !errors.As(err, new(*egress.RefusedError)) {
		t.Errorf("the proxy itself: %v", err)
	}
	way.Lock()
	defer way.Unlock()
	if !slices.Equal(way.asked, []string{"listed.example.test"}) {
		t.Errorf("the proxy was asked for %v", way.asked)
	}
}

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func newGuard(log *bytes.Buffer) *egress.Guard {
	return egress.New(egress.Config{Clock: clock.Func(func() time.Time { return noon }), Log: slog.New(slog.NewTextHandler(log, nil))})
}

func get(t *testing.T, g *egress.Guard, address string) (string, error) {
	t.Helper()
	transport := g.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// P94: what is on the list is reached; another port of the same machine is not, nor is a
// host whose name would have to be looked up.
func TestOnlyWhatIsOnTheListIsReached(t *testing.T) {
	var log bytes.Buffer
	g := newGuard(&log)
	called := false
	other := serve(t, func(http.ResponseWriter, *http.Request) { called = true })
	engine := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	if err := g.Allow("engine", engine.URL); err != nil {
		t.Fatal(err)
	}
	if body, err := get(t, g, engine.URL+"/v1/models"); err != nil || body != "hello" {
		t.Fatal(body, err)
	}
	for _, address := range []string{other.URL, "https://canary.example.test/path?canary=1", "http://canary.example.test:8080/"} {
		_, err := get(t, g, address)
		if refused := new(egress.RefusedError); !errors.As(err, &refused) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if calls, last := g.Refused(); called || calls != 3 || !last.Equal(noon) {
		t.Errorf("%d calls refused, the last at %s; called: %v", calls, last, called)
	}
	if n := strings.Count(log.String(), "canary.example.test"); n != 1 || strings.Contains(log.String(), "canary=1") {
		t.Errorf("the log names the host %d times:\n%s", n, log.String())
	}
	if _, err := g.Dial("tcp", strings.TrimPrefix(other.URL, "http://")); err == nil {
		t.Error("a dial past HTTP is not refused")
	}
}

// P21: a redirect leads nowhere that is not on the list.
func TestARedirectDoesNotLeaveTheList(t *testing.T) {
	g := newGuard(new(bytes.Buffer))
	called := false
	away := serve(t, func(http.ResponseWriter, *http.Request) { called = true })
	engine := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, away.URL, http.StatusFound) })
	if err := g.Allow("engine", engine.URL); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t, g, engine.URL); !errors.As(err, new(*egress.RefusedError)) || called {
		t.Errorf("%v, called: %v", err, called)
	}
}

// Without a list, code that was given none reaches this machine and nothing else.
func TestNoGuardReachesThisMachineOnly(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "here") })
	if body, err := get(t, nil, s.URL); err != nil || body != "here" {
		t.Error(body, err)
	}
	if _, err := get(t, nil, "http://192.0.2.1:9/"); !errors.As(err, new(*egress.RefusedError)) {
		t.Error(err)
	}
}

func TestAddressesAreReadAlike(t *testing.T) {
	for in, want := range map[string]string{
		"https://API.Example.test/v1": "api.example.test:443", "http://h:8080": "h:8080", "smtp://u:p@mail.test": "mail.test:587", "smtps://mail.test": "mail.test:465",
		"nats://a": "a:4222", "H.test.:25": "h.test:25", "http://[::1]:9": "[::1]:9", "h": "", "ftp://h": "", "https://": "", ":80": "",
	} {
		if got, err := egress.Address(in); got != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v; want %q", in, got, err, want)
		}
	}
	g := newGuard(new(bytes.Buffer))
	if g.Allow("x", "https://good.test", "bad") == nil || len(g.Recipients()) != 0 {
		t.Error("half of a wrong list counts")
	}
	if err := g.Allow("sign-in", "https://b.test", "https://a.test"); err != nil || !slices.Equal(g.Addresses("sign-in"), []string{"a.test:443", "b.test:443"}) {
		t.Error(g.Addresses("sign-in"), err)
	}
}
