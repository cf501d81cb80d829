package web_test

import (
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// gates keeps an accepted version as it is; a refusal is the word "refused".
type gates struct{}

var refusedUntil = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func (gates) Stamp(g viewer.Gate) (string, time.Duration) {
	switch {
	case g == viewer.Gate{}:
		return "", 0
	case g == g.Refusal():
		return "refused", 24 * time.Hour
	}
	return g.AcceptedPolicy, 30 * 24 * time.Hour
}

func (gates) Read(value string) viewer.Gate {
	switch value {
	case "forged":
		return viewer.Gate{}
	case "refused":
		return viewer.Gate{AgeRefusedUntil: refusedUntil}
	}
	return viewer.Gate{AcceptedPolicy: value}
}

// becomes is a handler whose operation changes the viewer as fn does.
func becomes(fn func(v *viewer.Viewer)) func(*web.Config) {
	return func(c *web.Config) {
		c.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			v := viewer.From(r.Context())
			fn(&v)
			viewer.Become(r.Context(), v)
			_, _ = w.Write([]byte("{}"))
		})
	}
}

func cookieOf(res *http.Response, name string) *http.Cookie {
	for _, c := range res.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// What a visitor confirms is kept by a cookie of the answer, with the flags of the others.
func TestGateIsKeptByTheAnswersCookie(t *testing.T) {
	for _, c := range []struct {
		public, host, name string
		secure             bool
	}{{local, "localhost:8080", "gate", false}, {public, "chat.example", "__Host-gate", true}} {
		f := newFixture(t, c.public, becomes(func(v *viewer.Viewer) { v.Gate.AcceptedPolicy = "v1" }))
		k := cookieOf(f.ask(t, "POST", "/graphql", "Host", c.host), c.name)
		if k == nil || k.Value != "v1" || k.Secure != c.secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" || k.MaxAge != 30*24*3600 {
			t.Errorf("%s: %+v", c.public, k)
		}
	}
	f := newFixture(t, local, becomes(func(v *viewer.Viewer) { v.Gate = viewer.Gate{AgeRefusedUntil: refusedUntil} }))
	if k := cookieOf(f.ask(t, "POST", "/graphql", "Cookie", "guest=visitor; gate=v1"), "gate"); k == nil || k.MaxAge != 24*3600 || k.Value != "refused" {
		t.Errorf("%+v", k)
	}
}

func TestGateCookieIsReadAndLeftAlone(t *testing.T) {
	f := newFixture(t, local, nil)
	res := f.ask(t, "POST", "/graphql", "Cookie", "guest=visitor; gate=forged; gate=v1")
	if f.seen.Gate.AcceptedPolicy != "v1" || !f.seen.CanSetCookie || len(res.Cookies()) != 0 {
		t.Errorf("%+v, cookies %v", f.seen.Gate, res.Cookies())
	}
	f.ask(t, "GET", "/graphql", "Cookie", "guest=visitor; gate=v1", "Upgrade", "websocket", "Connection", "Upgrade")
	if f.seen.Gate.AcceptedPolicy != "v1" || f.seen.CanSetCookie {
		t.Errorf("a socket: %+v", f.seen)
	}
	f.ask(t, "POST", "/graphql", "Authorization", "Bearer k2_live_x")
	if f.seen.CanSetCookie {
		t.Error("a program's answer would carry cookies")
	}
}

// What a guest has confirmed stands in the database: only a refusal counts in its
// cookie, and the rest of it goes.
func TestGateCookieGoesOnceSomethingIsStored(t *testing.T) {
	f := newFixture(t, local, nil)
	res := f.ask(t, "POST", "/graphql", "Cookie", "guest=guest; gate=v1")
	if k := cookieOf(res, "gate"); k == nil || k.MaxAge >= 0 || f.seen.Gate != (viewer.Gate{}) {
		t.Errorf("%+v %+v", k, f.seen.Gate)
	}
	res = f.ask(t, "POST", "/graphql", "Cookie", "guest=guest; gate=refused")
	if cookieOf(res, "gate") != nil || f.seen.Gate.AgeRefusedUntil != refusedUntil {
		t.Errorf("%v %+v", res.Cookies(), f.seen.Gate)
	}
	f = newFixture(t, local, becomes(func(v *viewer.Viewer) { *v = viewer.Viewer{Kind: viewer.Guest, OwnerID: "own_2"} }))
	if k := cookieOf(f.ask(t, "POST", "/graphql", "Cookie", "guest=visitor; gate=v1"), "gate"); k == nil || k.MaxAge >= 0 {
		t.Errorf("after the first message: %+v", k)
	}
}

// P33: withdrawing takes the preferences cookie away.
func TestPreferencesCookieGoesWithItsConsent(t *testing.T) {
	f := newFixture(t, public, becomes(func(v *viewer.Viewer) { v.ForgetPreferences = true }))
	if k := cookieOf(f.ask(t, "POST", "/graphql", "Host", "chat.example", "Cookie", "__Host-guest=guest"), "prefs"); k == nil || k.MaxAge >= 0 {
		t.Errorf("%+v", k)
	}
}

// Once the header has gone nothing promises a cookie any more.
func TestAnAnswerUnderWaySetsNoCookie(t *testing.T) {
	var late bool
	f := newFixture(t, local, func(c *web.Config) {
		c.GraphQL = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			v := viewer.From(r.Context())
			late = v.CanSetCookie
			v.Gate.AcceptedPolicy = "v1"
			viewer.Become(r.Context(), v)
			_, _ = w.Write([]byte("{}"))
		})
	})
	if res := f.ask(t, "POST", "/graphql", "Cookie", "guest=visitor"); late || cookieOf(res, "gate") != nil {
		t.Errorf("late %v, %v", late, res.Cookies())
	}
}

// P31: the cookies of this package are exactly the declared ones, and only one function
// sets any.
func TestCookiesAreTheDeclaredOnes(t *testing.T) {
	raw, err := os.ReadFile("../../policy/storage.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Entries []struct {
			Name, Kind, Purpose, TTL, Clause string
			Host                             bool
		}
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../policy/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, e := range d.Entries {
		if e.Purpose == "" || e.TTL == "" || !strings.Contains(string(text), "{#"+e.Clause+"}") {
			t.Errorf("%s is declared without purpose, end or clause", e.Name)
		}
		if e.Kind != "cookie" {
			continue
		}
		declared = append(declared, e.Name)
		if got := web.CookieName(e.Name) == "__Host-"+e.Name; got != e.Host {
			t.Errorf("%s: bound to the host: %v", e.Name, got)
		}
	}
	slices.Sort(declared)
	if ours := slices.Sorted(slices.Values(web.CookieNames)); !slices.Equal(declared, ours) {
		t.Errorf("declared %v, set %v", declared, ours)
	}
	setters := regexp.MustCompile(`http\.SetCookie|http\.Cookie\{|"Set-Cookie"`)
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := file.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == "cookies.go" {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if setters.Match(source) {
			t.Errorf("%s sets a cookie past cookies.go", name)
		}
	}
}
