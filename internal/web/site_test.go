package web_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/kimi-k2/kimi-k2/internal/web"
)

func TestFilesComeInTheBestFormTheClientAccepts(t *testing.T) {
	f := newFixture(t, local, nil)
	for _, c := range []struct{ path, accept, encoding, body string }{
		{"/", "gzip, deflate, br, zstd", "br", "index as brotli"},
		{"/", "br;q=0.5, gzip;q=1", "br", "index as brotli"},
		{"/", "BR", "br", "index as brotli"},
		{"/", "gzip", "gzip", "index as gzip"},
		{"/", "br;q=0, gzip", "gzip", "index as gzip"},
		{"/", "br; q=0.000, *", "gzip", "index as gzip"},
		{"/", "*", "br", "index as brotli"},
		{"/", "*;q=0", "", "<!doctype html>index"},
		{"/", "identity", "", "<!doctype html>index"},
		{"/", "brotli", "", "<!doctype html>index"},
		{"/", "", "", "<!doctype html>index"},
		{"/c/con_1", "br", "br", "index as brotli"},
		{"/index.html", "gzip", "gzip", "index as gzip"},
		{"/assets/app-1.js", "br", "", "app"},
		{"/assets/app-1.js", "br, gzip", "gzip", "app as gzip"},
		{"/assets/font-1.woff2", "br, gzip", "", "font"},
	} {
		res := f.ask(t, "GET", c.path, "Accept-Encoding", c.accept)
		if body := bodyOf(t, res); res.StatusCode != http.StatusOK || body != c.body || res.Header.Get("Content-Encoding") != c.encoding {
			t.Errorf("%s %q: %d %q %q", c.path, c.accept, res.StatusCode, res.Header.Get("Content-Encoding"), body)
		}
		if res.Header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: Vary %q", c.path, res.Header.Get("Vary"))
		}
		head := f.ask(t, "HEAD", c.path, "Accept-Encoding", c.accept)
		if bodyOf(t, head) != "" || head.Header.Get("Content-Length") != res.Header.Get("Content-Length") || head.Header.Get("ETag") != res.Header.Get("ETag") {
			t.Errorf("HEAD %s differs", c.path)
		}
	}
}

func TestCachesKeepFilesApartByTag(t *testing.T) {
	f := newFixture(t, local, nil)
	tags := map[string]bool{}
	for _, accept := range []string{"", "gzip", "br"} {
		tag := f.ask(t, "GET", "/", "Accept-Encoding", accept).Header.Get("ETag")
		tags[tag] = true
		for _, known := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			res := f.ask(t, "GET", "/", "Accept-Encoding", accept, "If-None-Match", known)
			if bodyOf(t, res) != "" || res.StatusCode != http.StatusNotModified || res.Header.Get("ETag") != tag {
				t.Errorf("%q knows %q: %d", accept, known, res.StatusCode)
			}
		}
		if res := f.ask(t, "GET", "/", "Accept-Encoding", accept, "If-None-Match", `"x"`); res.StatusCode != http.StatusOK {
			t.Errorf("%q with an old tag: %d", accept, res.StatusCode)
		}
	}
	if len(tags) != 3 {
		t.Errorf("three forms have %d tags", len(tags))
	}
}

func TestOnlyNamesThatChangeWithTheirContentAreCachedForever(t *testing.T) {
	f := newFixture(t, local, nil)
	for path, want := range map[string]string{
		"/":                    "no-cache",
		"/c/con_1":             "no-cache",
		"/boot.js":             "no-cache",
		"/schema.graphql":      "no-cache",
		"/assets/app-1.js":     "public, max-age=31536000, immutable",
		"/assets/font-1.woff2": "public, max-age=31536000, immutable",
		"/assets/missing.js":   "no-store",
		"/graphql":             "no-store",
	} {
		if got := f.ask(t, "GET", path).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
}

func TestMissingFilesAreNotThePage(t *testing.T) {
	f := newFixture(t, local, nil)
	for _, path := range []string{"/assets/app-2.js", "/assets/", "/assets/x", "/favicon.ico", "/index.html.br", "/a/b.css", "/%2e%2e/server.go", "/.env"} {
		res := f.ask(t, "GET", path)
		if body := bodyOf(t, res); res.StatusCode != http.StatusNotFound || strings.Contains(body, "index") {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
	for path, want := range map[string]string{"/": "text/html; charset=utf-8", "/boot.js": "text/javascript; charset=utf-8", "/assets/font-1.woff2": "font/woff2"} {
		if got := f.ask(t, "GET", path).Header.Get("Content-Type"); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestWithoutFrontendThePageSaysHowToBuildIt(t *testing.T) {
	for _, empty := range []fstest.MapFS{nil, {}, {"robots.txt": &fstest.MapFile{}}} {
		f := newFixture(t, local, func(c *web.Config) {
			if c.Static = empty; empty == nil {
				c.Static = nil
			}
		})
		res := f.ask(t, "GET", "/")
		if body := bodyOf(t, res); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "make build") {
			t.Errorf("%d %s", res.StatusCode, body)
		}
		if res := f.ask(t, "GET", "/healthz"); res.StatusCode != http.StatusOK {
			t.Error("the rest does not work")
		}
	}
}
