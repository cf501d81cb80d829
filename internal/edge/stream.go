package edge

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// stream is one event stream. The mutex keeps heartbeats and events apart.
type stream struct {
	cfg    Streams
	cancel context.CancelCauseFunc
	track  *record.Track

	mu sync.Mutex
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (s *stream) open() {
	h := s.w.Header()
	h.Set("Content-Type", typeEvents+"; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	h.Set("X-Content-Type-Options", "nosniff")
	_ = s.rc.SetReadDeadline(time.Time{}) // the server's limit is for requests
	s.w.WriteHeader(http.StatusOK)
}

// watch sends heartbeats and ends the stream when it is time.
func (s *stream) watch(ctx context.Context) {
	beat := time.NewTicker(s.cfg.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.cfg.Stop:
			s.cancel(errStopped)
			return
		case <-beat.C:
			s.write([]byte(comment))
		}
	}
}

// run executes the operation and sends what it yields. How it ends says whether
// the client should come back: with `complete` it has everything.
func (s *stream) run(ctx context.Context, exec graphql.GraphExecutor, rc *graphql.OperationContext, errs gqlerror.List) {
	opCtx := graphql.WithOperationContext(ctx, rc)
	if len(errs) > 0 {
		s.refuse(exec.DispatchError(opCtx, errs).Errors)
		return
	}
	defer func() {
		if p := recover(); p != nil {
			err := rc.Recover(opCtx, p)
			s.refuse(exec.DispatchError(opCtx, gqlerror.List{gqlerror.WrapIfUnwrapped(err)}).Errors)
		}
	}()
	responses, opCtx := exec.DispatchOperation(opCtx, rc)
	s.write([]byte(comment)) // what happens from now on is sent: whoever reads the state now misses nothing
	var buf bytes.Buffer
	for resp := responses(opCtx); resp != nil && ctx.Err() == nil; resp = responses(opCtx) {
		s.track.Errors(resp.Errors)
		buf.Reset()
		if err := writeEvent(&buf, resp); err != nil {
			panic(err) // answered above
		}
		s.write(buf.Bytes())
	}
	switch {
	case errors.Is(context.Cause(ctx), errRevoked):
		s.refuse(faultErrors(fault.New(fault.Unauthenticated, "the session has ended: begin again, or sign in")))
	case ctx.Err() == nil:
		s.write([]byte(complete))
	}
}

// comment is an event that says nothing.
const comment = ":\n\n"

// complete ends a stream; browsers drop events without data.
const complete = "event: complete\ndata: \n\n"

func writeEvent(w *bytes.Buffer, resp *graphql.Response) error {
	w.WriteString(nextEvent)
	start := w.Len()
	if err := writeResponse(w, resp); err != nil {
		return err
	}
	oneLine(w.Bytes()[start:])
	w.WriteString("\n\n")
	return nil
}

const nextEvent = "event: next\ndata: "

// oneLine makes spaces of line ends: in JSON they can only stand between tokens,
// in an event they would end it.
func oneLine(b []byte) {
	for i, c := range b {
		if c == '\n' || c == '\r' {
			b[i] = ' '
		}
	}
}

// refuse sends errors as the only or last event.
func (s *stream) refuse(errs gqlerror.List) {
	s.track.Errors(errs)
	var buf bytes.Buffer
	buf.WriteString(nextEvent + `{"errors":`)
	if writeJSON(&buf, errs) != nil {
		return
	}
	buf.WriteString("}\n\n" + complete)
	s.write(buf.Bytes())
}

// write sends bytes at once and before the deadline; a failure ends the stream.
func (s *stream) write(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.rc.SetWriteDeadline(time.Now().Add(s.cfg.WriteTimeout)) //nolint:forbidigo // a socket deadline
	if _, err := s.w.Write(b); err != nil {
		s.cancel(err)
		return
	}
	if err := s.rc.Flush(); err != nil {
		s.cancel(err)
	}
}
