package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// keyring knows one good key, one that was revoked, and one that breaks the database.
type keyring struct{}

func (keyring) Surrender(context.Context, string, netip.Addr) error { return nil }

func (keyring) Authenticate(_ context.Context, key string, _ netip.Addr) (viewer.Viewer, error) {
	switch key {
	case "good":
		return viewer.Viewer{Kind: viewer.APIKey, OwnerID: "own_1"}, nil
	case "revoked":
		return viewer.Viewer{}, fault.New(fault.KeyRevoked, "revoked")
	case "broken":
		return viewer.Viewer{}, errors.New("the database is gone")
	}
	return viewer.Viewer{}, fault.New(fault.Unauthenticated, "unknown")
}

// api says who asked and how it was refused.
type api struct {
	viewer viewer.Viewer
	cookie string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.viewer, a.cookie = viewer.From(r.Context()), r.Header.Get("Cookie")
	if r.URL.Path == "/v1/panic" {
		panic("x")
	}
	_, _ = io.WriteString(w, "answered")
}

func (*api) Refuse(w http.ResponseWriter, _ *http.Request, err error) {
	w.WriteHeader(http.StatusTeapot)
	faults, _ := fault.Of(err)
	for _, f := range faults {
		_, _ = io.WriteString(w, string(f.Code))
	}
}

// T4: one authenticator for every way to send a key, and nothing but a key gets in.
func TestOnlyKeysGetIntoTheAPI(t *testing.T) {
	a := &api{}
	f := newFixture(t, local, func(c *web.Config) { c.Keys, c.API = keyring{}, a })
	for _, c := range []struct {
		headers string // name: value, separated by ;
		want    string
	}{
		{"", "UNAUTHENTICATED"},
		{"Cookie: guest=guest", "UNAUTHENTICATED"},
		{"Authorization: Bearer good", "answered"},
		{"X-Api-Key: good", "answered"},
		{"Authorization: Bearer good; X-Api-Key: good", "answered"},
		{"Authorization: Bearer good; X-Api-Key: other", "UNAUTHENTICATED"},
		{"Authorization: Bearer other; X-Api-Key: good", "UNAUTHENTICATED"},
		{"Authorization: Basic good", "UNAUTHENTICATED"},
		{"Authorization: Basic good; X-Api-Key: good", "UNAUTHENTICATED"},
		{"X-Api-Key: ", "UNAUTHENTICATED"},
		{"X-Api-Key: revoked", "KEY_REVOKED"},
		{"Authorization: Bearer revoked", "KEY_REVOKED"},
		{"Authorization: Bearer broken", ""},
		{"Origin: https://other.example; Sec-Fetch-Site: cross-site; Cookie: guest=guest", "UNAUTHENTICATED"},
		{"Origin: https://other.example; Sec-Fetch-Site: cross-site; Cookie: guest=guest; X-Api-Key: good", "answered"},
	} {
		var headers []string
		for h := range strings.SplitSeq(c.headers, ";") {
			if name, value, ok := strings.Cut(strings.TrimSpace(h), ":"); ok {
				headers = append(headers, name, strings.TrimSpace(value))
			}
		}
		for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/nothing"} {
			res := f.ask(t, "POST", path, headers...)
			body, _ := io.ReadAll(res.Body)
			if string(body) != c.want || res.Header.Get("Access-Control-Allow-Credentials") != "" || len(res.Cookies()) > 0 {
				t.Errorf("%s with %q: %d %s", path, c.headers, res.StatusCode, body)
			}
			if c.want == "answered" && (a.viewer.OwnerID != "own_1" || strings.Contains(c.headers, "Origin") && (a.cookie != "" || res.Header.Get("Access-Control-Allow-Origin") != "*")) {
				t.Errorf("%s with %q: %v, cookie %q, %v", path, c.headers, a.viewer, a.cookie, res.Header)
			}
		}
	}
	if !strings.Contains(f.log.String(), "the database is gone") {
		t.Error("the cause is nowhere")
	}
	res := f.ask(t, "POST", "/graphql", "X-Api-Key", "good")
	if f.seen.Kind == viewer.APIKey {
		t.Errorf("%d: x-api-key opens /graphql", res.StatusCode)
	}
}

// Whatever is refused on the way is refused in the words of the API's clients.
func TestTheAPIRefusesInItsOwnWords(t *testing.T) {
	f := newFixture(t, local, func(c *web.Config) { c.Keys, c.API = keyring{}, &api{} })
	for path, want := range map[string]string{"/v1/models?key=k2_live_x": "INVALID", "/v1/k2_live_x": "INVALID", "/v1": "UNAUTHENTICATED", "/v1/": "UNAUTHENTICATED"} {
		res := f.ask(t, "GET", path)
		if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusTeapot || string(body) != want {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	if res := f.ask(t, "GET", "/v1/panic", "X-Api-Key", "good"); res.StatusCode != http.StatusTeapot {
		t.Errorf("a panic: %d", res.StatusCode)
	}
	res := f.ask(t, "OPTIONS", "/v1/messages", "Origin", "https://other.example", "Sec-Fetch-Site", "cross-site", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-api-key")
	if allowed := res.Header.Get("Access-Control-Allow-Headers"); res.StatusCode != http.StatusNoContent || allowed != "authorization, *" || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the preflight: %d %v", res.StatusCode, res.Header)
	}
	f = newFixture(t, local, nil)
	if res := f.ask(t, "GET", "/v1/models"); res.StatusCode != http.StatusNotFound {
		t.Errorf("without an API: %d", res.StatusCode)
	}
}

// The log names the routes of programs as it does those of pages.
func TestTheLogNamesTheRoutesOfPrograms(t *testing.T) {
	f := newFixture(t, local, func(c *web.Config) { c.Keys, c.API = keyring{}, &api{} })
	for _, path := range []string{"/graphql", "/v1/models", "/v1/panic"} {
		f.ask(t, "POST", path, "Authorization", "Bearer good")
	}
	if got := f.log.String(); strings.Contains(got, "route=none") || !strings.Contains(got, "route=/graphql ") || strings.Count(got, "route=/v1/") < 2 {
		t.Error(got)
	}
}
