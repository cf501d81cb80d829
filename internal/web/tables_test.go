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
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// shelf writes what it was asked for as a table, then fails with err; with refused it
// fails before.
type shelf struct {
	refused, err error
	entered      chan struct{} // tells of each table that is begun
	leave        chan struct{} // and makes it wait
}

func (s *shelf) write(ctx context.Context, name string, v viewer.Viewer, e credit.Export, w io.Writer) error {
	if s.refused != nil {
		return s.refused
	}
	if s.entered != nil {
		s.entered <- struct{}{}
		select {
		case <-s.leave:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	moment := func(t time.Time) string {
		if t.IsZero() {
			return "-"
		}
		return t.UTC().Format(time.RFC3339)
	}
	_, err := fmt.Fprintln(w, name, v.OwnerID, moment(e.From), moment(e.To), e.Kinds, e.Zone)
	return errors.Join(err, s.err)
}

func (s *shelf) LedgerCSV(ctx context.Context, v viewer.Viewer, e credit.Export, w io.Writer) error {
	return s.write(ctx, "ledger", v, e, w)
}

func (s *shelf) ActsCSV(ctx context.Context, v viewer.Viewer, e credit.Export, w io.Writer) error {
	return s.write(ctx, "acts", v, e, w)
}

func (s *shelf) DaysCSV(ctx context.Context, v viewer.Viewer, e credit.Export, w io.Writer) error {
	return s.write(ctx, "days", v, e, w)
}

func tabled(t *testing.T, s *shelf, now func() time.Time) *fixture {
	t.Helper()
	return newFixture(t, local, func(c *web.Config) {
		c.Books = s
		if now != nil {
			c.Clock = clock.Func(now)
		}
	})
}

// P26: what the address of a table asks for reaches the books, and what it gets wrong is
// said in text.
func TestTables(t *testing.T) {
	f := tabled(t, new(shelf), func() time.Time {
		return time.Date(2026, 5, 1, 23, 0, 0, 0, time.UTC).Add(time.Duration(time.Now().UnixNano()))
	})
	for path, want := range map[string]string{
		"ledger.csv": "200 ledger own_1 - - []",
		"ledger.csv?from=2026-05-01&to=2026-05-02T12:00:00%2B02:00&kind=CHARGE&kind=GRANT": "200 ledger own_1 2026-05-01T00:00:00Z 2026-05-02T10:00:00Z [CHARGE GRANT]",
		"ledger.csv?from=2026-03-29&to=2026-03-30&timeZone=Europe/Berlin":                  "200 ledger own_1 2026-03-28T23:00:00Z 2026-03-29T22:00:00Z [] Europe/Berlin",
		"usage.csv":                                             "200 acts own_1 - - []",
		"usage.csv?by=act&timeZone=Asia/Kolkata":                "200 acts own_1 - - [] Asia/Kolkata",
		"usage.csv?by=day&from=2026-05-01&to=2026-05-02":        "200 days own_1 2026-05-01T00:00:00Z 2026-05-02T00:00:00Z []",
		"usage.csv?from=2026-04-30T22:00:00.000Z&to=2026-05-02": "200 acts own_1 2026-04-30T22:00:00Z 2026-05-02T00:00:00Z []",
		"usage.csv?by=week":                                     "400 INVALID: `by` is act or day",
		"usage.csv?kind=CHARGE":                                 "400 INVALID: there is no such parameter here: a table takes from, to, timeZone and by",
		"ledger.csv?by=day":                                     "400 INVALID: there is no such parameter here: a table takes from, to, timeZone and kind",
		"ledger.csv?kind=charge":                                "400 INVALID: there is no such kind: give CHARGE, PURCHASE, REFUND, DISPUTE, REINSTATEMENT, GRANT, ADJUSTMENT or REPAYMENT",
		"ledger.csv?from=yesterday":                             "400 INVALID: this is no time: give a day like 2026-05-01, or a moment like 2026-05-01T12:00:00Z",
		"ledger.csv?to=9999-12-31":                              "400 INVALID: this is no time: give a day like 2026-05-01, or a moment like 2026-05-01T12:00:00Z",
		"ledger.csv?to=0001-01-01":                              "400 INVALID: this is no time: give a day like 2026-05-01, or a moment like 2026-05-01T12:00:00Z",
		"ledger.csv?from=2026-05-01&from=2026-05-02":            "400 INVALID: this parameter can be given once",
		"ledger.csv?timeZone=..%2F..%2Fetc%2Fpasswd":            "400 INVALID: there is no such time zone: give an IANA name, for example Europe/Berlin",
		"usage.csv?timeZone=Local":                              "400 INVALID: there is no such time zone: give an IANA name, for example Europe/Berlin",
	} {
		res := f.ask(t, "GET", "/billing/"+path, "Cookie", "guest=guest")
		if got := fmt.Sprint(res.StatusCode, " ", strings.TrimSpace(bodyOf(t, res))); got != want {
			t.Errorf("%s gives %q, want %q", path, got, want)
		}
		h, ctype := res.Header, "text/plain; charset=utf-8"
		if res.StatusCode == http.StatusOK {
			ctype = "text/csv; charset=utf-8; header=present"
			if d := h.Get("Content-Disposition"); !strings.HasPrefix(d, `attachment; filename="`+path[:5]) || !strings.HasSuffix(d, `.csv"`) {
				t.Errorf("%s is stored as %s", path, d)
			}
		}
		if h.Get("Content-Type") != ctype || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" || len(h["Set-Cookie"]) > 0 {
			t.Errorf("%s has the headers %v", path, h)
		}
	}
}

// Who has nothing gets no table, what a table refuses is said with its status, and the
// pages beside the tables are still the app's.
func TestTablesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		cookie, path string
		err          error
		want         string
	}{
		"nobody":         {"", "ledger.csv", nil, "401 UNAUTHENTICATED: sign in first: nothing of yours is stored here\n"},
		"a visitor":      {"guest=visitor", "usage.csv", nil, "401 UNAUTHENTICATED: sign in first: nothing of yours is stored here\n"},
		"a guest":        {"guest=guest", "ledger.csv", fault.New(fault.Unauthenticated, "sign in"), "401 UNAUTHENTICATED: sign in\n"},
		"the database":   {"guest=guest", "usage.csv", fault.New(fault.StorageUnavailable, "wait"), "503 STORAGE_UNAVAILABLE: wait\n"},
		"a list":         {"guest=guest", "usage.csv", fault.List{fault.On("to", fault.Invalid, "later")}, "400 INVALID: later\n"},
		"something else": {"guest=guest", "usage.csv", errors.New("canary"), "500 INTERNAL: something failed here; if it happens again, report request "},
		"a page":         {"guest=guest", "", nil, "200 <!doctype html>index"},
		"another page":   {"guest=guest", "return", nil, "200 <!doctype html>index"},
		"another table":  {"guest=guest", "taxes.csv", nil, "404 not found\n"},
	} {
		f := tabled(t, &shelf{refused: c.err}, nil)
		res := f.ask(t, "GET", "/billing/"+c.path, "Cookie", c.cookie)
		if got := fmt.Sprint(res.StatusCode, " ", bodyOf(t, res)); !strings.HasPrefix(got, c.want) || strings.Contains(got, "canary") {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	f := tabled(t, new(shelf), nil)
	if res := f.ask(t, "POST", "/billing/ledger.csv", "Cookie", "guest=guest"); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("a POST gives %d", res.StatusCode)
	}
}

// A table that breaks in the middle doesn't look like a whole one.
func TestHalfATableIsCutOff(t *testing.T) {
	f := tabled(t, &shelf{err: errors.New("the database is away")}, nil)
	server := httptest.NewServer(f)
	defer server.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/billing/usage.csv", nil)
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
	if err == nil {
		t.Error("the reader takes it for a whole table")
	}
	if !strings.Contains(f.log.String(), "the database is away") {
		t.Errorf("the log says %s", f.log)
	}
}

// Somebody can ask for so many tables in a minute, and for two at once.
func TestTablesAreRateLimited(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	f := tabled(t, new(shelf), func() time.Time { return now })
	ask := func() *http.Response { return f.ask(t, "GET", "/billing/usage.csv", "Cookie", "guest=guest") }
	for range 20 {
		if res := ask(); res.StatusCode != http.StatusOK {
			t.Fatalf("one of the first gives %d", res.StatusCode)
		}
	}
	now = now.Add(10 * time.Second)
	if res := ask(); res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") != "50" {
		t.Errorf("one too many gives %d, to be tried after %s s", res.StatusCode, res.Header.Get("Retry-After"))
	}
	now = now.Add(50 * time.Second)
	if res := ask(); res.StatusCode != http.StatusOK {
		t.Errorf("a minute later it gives %d", res.StatusCode)
	}

	s := &shelf{entered: make(chan struct{}), leave: make(chan struct{})}
	f = tabled(t, s, nil)
	done := make(chan int, 2)
	for range 2 {
		go func() { done <- ask().StatusCode }()
		<-s.entered
	}
	if res := ask(); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a third one at once gives %d", res.StatusCode)
	}
	close(s.leave)
	if a, b := <-done, <-done; a != http.StatusOK || b != http.StatusOK {
		t.Errorf("the first two give %d and %d", a, b)
	}
	go func() { <-s.entered }()
	if res := ask(); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards one gives %d", res.StatusCode)
	}
}
