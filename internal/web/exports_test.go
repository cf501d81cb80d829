package web_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// box has one file, and takes files in; with err it fails.
type box struct{ err error }

func (b box) Open(_ context.Context, v viewer.Viewer, token string) (*export.File, error) {
	if token != "good" {
		return nil, fault.New(fault.NotFound, "there is no such file")
	}
	text := "PK of " + v.OwnerID
	file := &export.File{Reader: strings.NewReader(text), Closer: io.NopCloser(nil), Name: "export.zip", Size: int64(len(text))}
	if b.err != nil {
		file.Reader = io.MultiReader(strings.NewReader("PK half"), iotest.ErrReader(b.err))
	}
	return file, nil
}

func (b box) Import(_ context.Context, v viewer.Viewer, body io.Reader) (restore.Result, error) {
	text, err := io.ReadAll(body)
	if err != nil {
		return restore.Result{}, err
	}
	if b.err != nil {
		return restore.Result{}, b.err
	}
	return restore.Result{Source: restore.Source(v.OwnerID), Messages: len(text)}, nil
}

func boxed(t *testing.T, b box) *fixture {
	t.Helper()
	return newFixture(t, local, func(c *web.Config) { c.Exports, c.Imports = b, b })
}

// P111: the file of an export comes as a download to whom it is opened for; refusals are
// text.
func TestExportsAreDownloads(t *testing.T) {
	f := boxed(t, box{})
	for name, c := range map[string]struct{ path, cookie, want string }{
		"its owner":    {"/exports/good", "guest=guest", "200 PK of own_1"},
		"another path": {"/exports/bad", "guest=guest", "404 NOT_FOUND: there is no such file\n"},
		"nobody":       {"/exports/good", "", "401 UNAUTHENTICATED: sign in as whoever made this file: nobody else gets it\n"},
		"a visitor":    {"/exports/good", "guest=visitor", "401 UNAUTHENTICATED: sign in as whoever made this file: nobody else gets it\n"},
	} {
		res := f.ask(t, "GET", c.path, "Cookie", c.cookie)
		if got := fmt.Sprint(res.StatusCode, " ", bodyOf(t, res)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if res.StatusCode == http.StatusOK && (res.Header.Get("Content-Disposition") != `attachment; filename="export.zip"` || res.Header.Get("Content-Type") != "application/zip" || res.Header.Get("Cache-Control") != "no-store") {
			t.Errorf("%s: %v", name, res.Header)
		}
	}
	for range 10 {
		f.ask(t, "GET", "/exports/good", "Cookie", "guest=guest")
	}
	if res := f.ask(t, "GET", "/exports/good", "Cookie", "guest=guest"); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("without an end: %d", res.StatusCode)
	}
}

// An export that breaks in the middle doesn't look like a whole one.
func TestHalfAnExportIsCutOff(t *testing.T) {
	f := boxed(t, box{err: errors.New("the disk is away")})
	server := httptest.NewServer(f)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/exports/good", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", "guest=guest")
	res, err := server.Client().Do(req)
	if err == nil {
		_, err = io.ReadAll(res.Body)
		_ = res.Body.Close()
	}
	server.Client().CloseIdleConnections()
	if err == nil || !strings.Contains(f.log.String(), "the disk is away") {
		t.Errorf("%v; the log says %s", err, f.log)
	}
}

// Files that are brought are answered in the shape that the page reads, and refusals say
// nothing of the inside.
func TestImportsAreAnswered(t *testing.T) {
	for name, c := range map[string]struct {
		cookie string
		err    error
		want   string
	}{
		"a file":         {"guest=guest", nil, `200 {"source":"own_1","conversations":0,"messages":5,"skipped":0}`},
		"nobody":         {"", nil, `401 {"errors":[{"message":"sign in, or send`},
		"a bad file":     {"guest=guest", fault.On("file", fault.Invalid, "no"), `400 {"errors":[{"message":"no","extensions":{"code":"INVALID"}}]}`},
		"a known reason": {"guest=guest", fault.On("file", fault.Invalid, "no").Because("zip_unpacks", map[string]string{"most": "1024"}), `400 {"errors":[{"message":"no","extensions":{"code":"INVALID","reason":"zip_unpacks","values":{"most":"1024"}}}]}`},
		"a full disk":    {"guest=guest", fault.New(fault.StorageFull, "full"), `503 {"errors":[{"message":"full"`},
		"something else": {"guest=guest", errors.New("canary"), `500 {"errors":[{"message":"something failed here and nothing was changed`},
	} {
		f := boxed(t, box{err: c.err})
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, local+"/imports", strings.NewReader("12345"))
		req.Header.Set("Cookie", c.cookie)
		rec := httptest.NewRecorder()
		f.ServeHTTP(rec, req)
		if got := fmt.Sprint(rec.Code, " ", rec.Body); !strings.HasPrefix(got, c.want) || strings.Contains(got, "canary") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
