package web

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Books writes what somebody paid and used as tables. What it refuses, it refuses before
// it writes.
type Books interface {
	LedgerCSV(ctx context.Context, v viewer.Viewer, e credit.Export, w io.Writer) error
	ActsCSV(ctx context.Context, v viewer.Viewer, e credit.Export, w io.Writer) error
	DaysCSV(ctx context.Context, v viewer.Viewer, e credit.Export, w io.Writer) error
}

// How many tables somebody may ask for, and how long a part of one may take to be read.
const (
	tablesPerMinute = 20
	tablesAtOnce    = 2
	tableTimeout    = 30 * time.Second
)

// Requests keeps the logs of API requests. What it refuses to write as a table, it refuses
// before it writes.
type Requests interface {
	CSV(ctx context.Context, v viewer.Viewer, e requestlog.Export, w io.Writer) error
	// Record keeps a row for a request that came no further than here.
	Record(e requestlog.Entry)
}

// table writes one.
type table func(ctx context.Context, v viewer.Viewer, w io.Writer) error

// of is a table of the books.
func of(write func(ctx context.Context, v viewer.Viewer, e credit.Export, w io.Writer) error, e credit.Export) table {
	return func(ctx context.Context, v viewer.Viewer, w io.Writer) error { return write(ctx, v, e, w) }
}

// tableRoutes are files beside the pages of the app that begin with /billing and
// /developers: browsers fetch them with their cookie, nothing is set there and nobody
// becomes a guest.
func (s *server) tableRoutes(mux *http.ServeMux) {
	paced := newPace(s.Clock, tablesPerMinute, tablesAtOnce)
	if s.Requests != nil {
		mux.Handle("GET /developers/requests.csv", s.csv(paced, "requests", func(q question) (table, error) {
			e, err := q.requests()
			return func(ctx context.Context, v viewer.Viewer, w io.Writer) error { return s.Requests.CSV(ctx, v, e, w) }, err
		}))
	}
	if s.Books == nil {
		return
	}
	mux.Handle("GET /billing/ledger.csv", s.csv(paced, "ledger", func(q question) (table, error) {
		e, err := q.export("kind")
		return of(s.Books.LedgerCSV, e), err
	}))
	mux.Handle("GET /billing/usage.csv", s.csv(paced, "usage", func(q question) (table, error) {
		e, err := q.export("by")
		switch by := q.Get("by"); {
		case err != nil:
		case by == "day":
			return of(s.Books.DaysCSV, e), nil
		case by != "" && by != "act":
			err = fault.On("by", fault.Invalid, "`by` is act or day")
		}
		return of(s.Books.ActsCSV, e), err
	}))
}

// csv answers with a table, or with the refusal as text.
func (s *server) csv(paced *pace, name string, choose func(question) (table, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := s.who(r)
		if err != nil {
			s.unidentified(w, r, err)
			return
		}
		out := &download{w: w, name: name + "-" + s.Clock.Now().Format("2006-01-02") + ".csv"}
		if err = s.writeTable(r, paced, v, choose, out); err == nil {
			return
		}
		if _, known := fault.Of(err); !known && r.Context().Err() == nil {
			s.Log.ErrorContext(r.Context(), "a table failed", "table", name, "request_id", RequestID(r.Context()), "error", err)
		}
		if out.begun {
			panic(http.ErrAbortHandler) // half a table must not look like a whole one
		}
		refuseText(w, r, err)
	})
}

func (s *server) writeTable(r *http.Request, paced *pace, v viewer.Viewer, choose func(question) (table, error), out *download) error {
	if !v.IsOwner() {
		return fault.New(fault.Unauthenticated, "sign in first: nothing of yours is stored here")
	}
	write, err := choose(question{r.URL.Query()})
	if err != nil {
		return err
	}
	done, err := paced.begin(v.OwnerID)
	if err != nil {
		return err
	}
	defer done()
	return write(r.Context(), v, out)
}

// download is a file on its way to a browser. Its headers go with its first bytes, so
// that a refusal before them can still be an answer of its own. Who stops reading is cut.
type download struct {
	w     http.ResponseWriter
	name  string
	kind  string // empty: a table
	begun bool
}

// Write sends a part.
func (d *download) Write(p []byte) (int, error) {
	if !d.begun {
		d.begun = true
		h := d.w.Header()
		h.Set("Content-Type", cmp.Or(d.kind, "text/csv; charset=utf-8; header=present"))
		h.Set("Content-Disposition", `attachment; filename="`+d.name+`"`)
	}
	// Where there is no connection, as in tests, there is nothing to limit.
	_ = http.NewResponseController(d.w).SetWriteDeadline(time.Now().Add(tableTimeout)) //nolint:forbidigo // a deadline of a socket
	return d.w.Write(p)
}

// tableStatus is how refusals are told over HTTP; every other one is of what was asked.
var tableStatus = map[fault.Code]int{
	fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound, fault.RateLimited: http.StatusTooManyRequests,
	fault.StorageUnavailable: http.StatusServiceUnavailable, fault.StorageFull: http.StatusServiceUnavailable, fault.ShuttingDown: http.StatusServiceUnavailable,
}

// refuseText says in plain text why there is no file.
func refuseText(w http.ResponseWriter, r *http.Request, err error) {
	list, known := fault.Of(err)
	if !known || len(list) == 0 {
		writeText(w, http.StatusInternalServerError, "text/plain; charset=utf-8", "INTERNAL: something failed here; if it happens again, report request "+RequestID(r.Context())+"\n")
		return
	}
	status, ok := tableStatus[list[0].Code]
	if !ok {
		status = http.StatusBadRequest
	}
	if after := retryAfter(err); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(after))
	}
	writeText(w, status, "text/plain; charset=utf-8", list[0].Error()+"\n")
}
