package web_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/web"
	"github.com/kimi-k2/kimi-k2/models"
)

// showcase has one link that opens, "good", and one that ended, "gone".
type showcase struct{}

func (showcase) Look(_ context.Context, link string) error {
	switch link {
	case "good":
		return nil
	case "gone":
		return fault.New(fault.Gone, "this link no longer opens")
	case "broken":
		return errors.New("canary")
	}
	return fault.New(fault.NotFound, "there is no such link")
}

func (s showcase) Read(ctx context.Context, link string) (*models.SharedConversation, error) {
	if err := s.Look(ctx, link); err != nil {
		return nil, err
	}
	return &models.SharedConversation{Title: "boats", Messages: []*models.SharedMessage{{Role: models.RoleUser, Text: "hello"}}}, nil
}

func showing(t *testing.T) *fixture {
	t.Helper()
	return newFixture(t, "https://chat.example", func(c *web.Config) { c.Shares = showcase{} })
}

// P96, T31: a link opens for everybody, whoever it is, with a status that tells whether it
// still does; nobody gets a cookie, no search engine lists it, nobody keeps it, no page that
// is left for learns it, and no log holds it.
func TestALinkOpensForEverybody(t *testing.T) {
	f := showing(t)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/s/good":            {http.StatusOK, "<!doctype html>index"},
		"/s/gone":            {http.StatusGone, "<!doctype html>index"},
		"/s/other":           {http.StatusNotFound, "<!doctype html>index"},
		"/s/good/snapshot":   {http.StatusOK, `{"title":"boats","by":"","messages":[{"role":"USER","status":"","text":"hello"`},
		"/s/gone/snapshot":   {http.StatusGone, `{"errors":[{"message":"this link no longer opens","extensions":{"code":"GONE"}}]}`},
		"/s/other/snapshot":  {http.StatusNotFound, `{"errors":[{"message":"there is no such link","extensions":{"code":"NOT_FOUND"}}]}`},
		"/s/broken/snapshot": {http.StatusInternalServerError, `{"errors":[{"message":"something failed here`},
		"/s/":                {http.StatusNotFound, `{"errors":[{"message":"there is nothing`},
		"/s/good/more":       {http.StatusNotFound, `{"errors":[{"message":"there is nothing`},
	} {
		for _, cookie := range []string{"", "__Host-guest=guest", "__Host-guest=visitor"} {
			res := f.ask(t, http.MethodGet, path, "Host", "chat.example", "Cookie", cookie, "If-None-Match", "*", "Sec-Fetch-Site", "cross-site")
			if body := bodyOf(t, res); res.StatusCode != want.status || !strings.HasPrefix(body, want.body) {
				t.Errorf("%s: %d %s", path, res.StatusCode, body)
			}
			h := res.Header
			if len(res.Cookies()) != 0 || h.Get("Cache-Control") != "no-store" || h.Get("ETag") != "" {
				t.Errorf("%s: %v", path, h)
			}
			if opens := path != "/s/" && path != "/s/good/more"; opens && (h.Get("X-Robots-Tag") != "noindex, nofollow, noarchive" || h.Get("Referrer-Policy") != "no-referrer") {
				t.Errorf("%s: %v", path, h)
			}
		}
	}
	if f.seen.Kind != "" {
		t.Error("a reader was asked for")
	}
	for _, secret := range []string{"/s/good", "/s/gone", "boats"} {
		if strings.Contains(f.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	if !strings.Contains(f.log.String(), `route="GET /s/{token}"`) || !strings.Contains(f.log.String(), "canary") {
		t.Errorf("what happened is not logged: %s", f.log)
	}
}

// P87, P96: the page of a link lives under the same policy as the app, and says itself that
// nobody may list it.
func TestThePageOfALinkIsUnlisted(t *testing.T) {
	files := site()
	files["index.html"].Data = []byte(`<!doctype html><html><head><title>x</title></head></html>`)
	f := newFixture(t, "https://chat.example", func(c *web.Config) { c.Shares, c.Static = showcase{}, files })
	res := f.ask(t, http.MethodGet, "/s/good", "Host", "chat.example", "Accept-Encoding", "br, gzip")
	policy := f.ask(t, http.MethodGet, "/", "Host", "chat.example").Header.Get("Content-Security-Policy")
	body := bodyOf(t, res)
	if !strings.Contains(body, `<head><meta name="robots" content="noindex, nofollow, noarchive"><title>`) || res.Header.Get("Content-Security-Policy") != policy || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%s %v", body, res.Header)
	}
	if res := f.ask(t, http.MethodPost, "/s/good", "Host", "chat.example", "Origin", "https://chat.example"); res.StatusCode == http.StatusOK {
		t.Error("it can be posted to")
	}
}

// P69: one address opens so many links a minute; another one is not kept waiting.
func TestLinksAreOpenedWithinBounds(t *testing.T) {
	f := showing(t)
	for n := range 120 {
		if res := f.ask(t, http.MethodGet, "/s/good", "Host", "chat.example"); res.StatusCode != http.StatusOK {
			t.Fatalf("%d after %d", res.StatusCode, n)
		}
	}
	if res := f.ask(t, http.MethodGet, "/s/good/snapshot", "Host", "chat.example"); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" || !strings.Contains(bodyOf(t, res), "RATE_LIMITED") {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	f = newFixture(t, "https://chat.example", func(c *web.Config) { c.Shares = nil })
	if res := f.ask(t, http.MethodGet, "/s/good", "Host", "chat.example"); res.StatusCode != http.StatusNotFound {
		t.Errorf("without links: %d", res.StatusCode)
	}
}
