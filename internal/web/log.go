package web

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
)

type requestKey struct{}

// RequestID is the id of the request that ctx belongs to, also sent as the header
// X-Request-Id; empty outside of requests.
func RequestID(ctx context.Context) string {
	s, _ := ctx.Value(requestKey{}).(string)
	return s
}

// logged gives the request an id of our own making and writes one line about it when
// it is over: nothing in the line comes from the client but the method's name.
//
// The mux notes the pattern in the request it gets, so nothing between here and the
// mux may replace the request.
func (s *server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.Clock.Now()
		requestID := id.New(id.Request)
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, requestID))
		w.Header().Set("X-Request-Id", requestID)
		rec := &recorder{ResponseWriter: w, request: r, patience: s.WriteTimeout}
		defer func() {
			s.Log.LogAttrs(r.Context(), levelOf(r.Pattern, rec.status), "request",
				slog.String("method", methodName(r.Method)),
				slog.String("route", routeName(r.Pattern)),
				slog.Int("status", rec.status),
				slog.Float64("ms", float64(s.Clock.Now().Sub(began).Microseconds())/1000),
				slog.Int64("bytes", rec.bytes),
				slog.String("request_id", requestID))
		}()
		next.ServeHTTP(rec, r)
		if rec.status == 0 {
			rec.status = http.StatusOK // what net/http sends for silence
		}
	})
}

// levelOf keeps the probes of machines out of the ordinary log while all is well.
func levelOf(pattern string, status int) slog.Level {
	switch {
	case status >= http.StatusInternalServerError:
		return slog.LevelWarn
	case pattern == "GET /healthz" || pattern == "GET /readyz":
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

func methodName(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return "OTHER"
}

func routeName(pattern string) string {
	if pattern == "" {
		return "none"
	}
	return pattern
}

// recovered turns a panic into an answer, so that one request ends and not the
// process. The log gets the stack, which holds no values; the panic's own value only
// when it is one of the runtime's, which are about code and not about content.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if err, ok := value.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(value) // asks net/http to drop the connection
			}
			requestID := RequestID(r.Context())
			s.Log.ErrorContext(r.Context(), "panic in a request", "request_id", requestID, "route", routeName(r.Pattern),
				"panic", fault.OfPanic(value), "stack", string(debug.Stack()))
			rec, ok := w.(*recorder)
			if ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look like a whole one
			}
			if s.isAPI(r) {
				s.API.Refuse(w, r, errPanic)
				return
			}
			refuse(w, http.StatusInternalServerError, "INTERNAL", "something failed here; if it happens again, report request "+requestID)
		}()
		next.ServeHTTP(w, r)
	})
}

// errPanic stands for a panic where an error is told of.
var errPanic = errors.New("panic in a request")

// recorder notes status and size of an answer, and cuts who doesn't read it. It stays out of
// the way of streams and websockets: flushing, hijacking and deadlines reach the connection.
type recorder struct {
	http.ResponseWriter
	request  *http.Request
	status   int
	bytes    int64
	lane     lane
	patience time.Duration // see Config.WriteTimeout
	timed    bool          // the handler sets deadlines of its own
}

// SetWriteDeadline leaves the deadlines of this answer to the handler.
func (r *recorder) SetWriteDeadline(deadline time.Time) error {
	r.timed = true
	return http.NewResponseController(r.ResponseWriter).SetWriteDeadline(deadline) //nolint:wrapcheck // net/http's own
}

// limit gives the next n bytes a time to make their way. net/http lifts the deadline when the
// answer is out. Where there is no connection, as in tests, there is nothing to limit.
func (r *recorder) limit(n int) {
	if r.timed {
		return
	}
	_ = http.NewResponseController(r.ResponseWriter).SetWriteDeadline(time.Now().Add(r.patience * time.Duration(1+n>>20))) //nolint:forbidigo // a deadline of a socket
}

// WriteHeader notes the final status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		r.status = status
		r.limit(0)
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	r.lane.conn = nil // until this is out too
	r.limit(len(p))
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// Flush sends what has been written so far.
func (r *recorder) Flush() {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	_ = http.NewResponseController(r.ResponseWriter).Flush() // a dead connection shows at the next write
}

// Hijack hands the connection over; what happens on it is not counted.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil && r.status == 0 {
		r.status = http.StatusSwitchingProtocols
	}
	return conn, rw, err
}

// Unwrap is for http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
