package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/export"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/restore"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// Exports hands out the files of exports.
type Exports interface {
	// Open gives the file of a token to whom it was made for.
	Open(ctx context.Context, v viewer.Viewer, token string) (*export.File, error)
}

// Imports makes conversations out of files.
type Imports interface {
	Import(ctx context.Context, v viewer.Viewer, body io.Reader) (restore.Result, error)
}

// How often somebody may fetch or bring a file, and how long one may take to come.
const (
	filesPerMinute = 10
	filesAtOnce    = 2
	importTimeout  = 10 * time.Minute
	// importPause ends a file that stops coming; after it, one that comes more slowly than
	// importPace bytes a second is ended too.
	importPause = 30 * time.Second
	importPace  = 16 << 10
)

// exportRoutes are for browsers with their cookie: a file that is fetched, and one that is
// brought as the body of a request. Nothing is set there and nobody becomes a guest.
func (s *server) exportRoutes(mux *http.ServeMux) {
	if s.Exports != nil {
		paced := newPace(s.Clock, filesPerMinute, filesAtOnce).of("files", "a file is being sent to you already")
		mux.Handle("GET /exports/{token}", s.exported(paced))
	}
	if s.Imports != nil {
		paced := newPace(s.Clock, filesPerMinute, 1).of("files", "a file of yours is being read already")
		mux.Handle("POST /imports", s.imported(paced))
	}
}

func (s *server) exported(paced *pace) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := s.who(r)
		if err != nil {
			s.unidentified(w, r, err)
			return
		}
		if err := s.sendExport(w, r, paced, v); err != nil {
			s.fileFailed(r, "an export failed", err)
			refuseText(w, r, err)
		}
	})
}

// sendExport sends a file. What it returns was refused before the first byte; a file that
// breaks later is cut off, so that it doesn't look like a whole one.
func (s *server) sendExport(w http.ResponseWriter, r *http.Request, paced *pace, v viewer.Viewer) error {
	if !v.IsOwner() {
		return fault.New(fault.Unauthenticated, "sign in as whoever made this file: nobody else gets it")
	}
	done, err := paced.begin(v.OwnerID)
	if err != nil {
		return err
	}
	defer done()
	file, err := s.Exports.Open(r.Context(), v, r.PathValue("token"))
	if err != nil {
		return err //nolint:wrapcheck // says what failed
	}
	defer func() { _ = file.Close() }()
	out := &download{w: w, name: file.Name, kind: "application/zip"}
	w.Header().Set("Content-Length", strconv.FormatInt(file.Size, 10))
	if _, err := io.Copy(out, file); err != nil {
		s.fileFailed(r, "an export broke on its way", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (s *server) imported(paced *pace) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := s.who(r)
		if err != nil {
			s.unidentified(w, r, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), importTimeout)
		defer cancel()
		result, err := s.takeImport(ctx, w, r, paced, v)
		if err != nil {
			s.fileFailed(r, "an import failed", err)
			refuseImport(w, r, err)
			return
		}
		writeJSON(w, http.StatusOK, result)
	})
}

func (s *server) takeImport(ctx context.Context, w http.ResponseWriter, r *http.Request, paced *pace, v viewer.Viewer) (restore.Result, error) {
	if !v.IsOwner() {
		return restore.Result{}, fault.New(fault.Unauthenticated, "sign in, or send a first message: there is nobody yet whose conversations these could be")
	}
	done, err := paced.begin(v.OwnerID)
	if err != nil {
		return restore.Result{}, err
	}
	defer done()
	body := &steady{Reader: r.Body, conn: http.NewResponseController(w), began: time.Now()} //nolint:forbidigo // a deadline of a socket
	return s.Imports.Import(ctx, v, body)                                                   //nolint:wrapcheck // says what failed
}

// steady gives each part of a body a time to come, and all of it.
type steady struct {
	io.Reader
	conn  *http.ResponseController
	began time.Time
	n     int64
}

// until is when the next part must be here: soon, in time for the whole file, and as fast as
// the least pace wants it.
func (b *steady) until(now time.Time) time.Time {
	at := now.Add(importPause)
	for _, end := range []time.Time{b.began.Add(importTimeout), b.began.Add(importPause + time.Duration(b.n)*time.Second/importPace)} {
		if end.Before(at) {
			at = end
		}
	}
	return at
}

// Read reads a part. A body that doesn't come is the sender's to bring again.
func (b *steady) Read(p []byte) (int, error) {
	// Where there is no connection, as in tests, there is nothing to limit.
	_ = b.conn.SetReadDeadline(b.until(time.Now())) //nolint:forbidigo // a deadline of a socket
	n, err := b.Reader.Read(p)
	b.n += int64(n)
	if err != nil {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fault.On("file", fault.Invalid, "the file did not come to its end: try again").Because("cut_off", nil)
	}
	return n, err //nolint:wrapcheck // the end
}

// fileFailed logs what is nobody's refusal.
func (s *server) fileFailed(r *http.Request, what string, err error) {
	if _, known := fault.Of(err); !known && r.Context().Err() == nil {
		s.Log.ErrorContext(r.Context(), what, "request_id", RequestID(r.Context()), "error", err)
	}
}

// refuseImport says why a file was refused in the shape that the page reads.
func refuseImport(w http.ResponseWriter, r *http.Request, err error) {
	list, known := fault.Of(err)
	if !known || len(list) == 0 {
		refuse(w, http.StatusInternalServerError, "INTERNAL", "something failed here and nothing was changed; if it happens again, report request "+RequestID(r.Context()))
		return
	}
	status, ok := tableStatus[list[0].Code]
	if !ok {
		status = http.StatusBadRequest
	}
	if after := retryAfter(err); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(after))
	}
	refuseFor(w, status, list[0])
}
