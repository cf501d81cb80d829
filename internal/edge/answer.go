package edge

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// answer writes one response of a media type.
type answer struct {
	w         http.ResponseWriter
	mediaType string
	track     *record.Track
	// unread has a request paid for that is refused before there is a document; it is nil once
	// there is one.
	unread func() error
}

func (a *answer) refuse(status int, format string, args ...any) {
	a.fail(status, fault.New(fault.Invalid, format, args...))
}

func (a *answer) fail(status int, err error) { a.errors(status, faultErrors(err)) }

// errors answers a request that was not executed: without data.
func (a *answer) errors(status int, errs gqlerror.List) {
	if a.unread != nil {
		if broke := a.unread(); broke != nil {
			status, errs = http.StatusTooManyRequests, faultErrors(broke)
		}
	}
	a.track.Errors(errs)
	b, err := json.Marshal(struct {
		Errors gqlerror.List `json:"errors"`
	}{errs})
	if err != nil { // only extensions of ours could fail to marshal
		status, b = http.StatusInternalServerError, []byte(`{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]}`)
	}
	a.send(status, b)
}

// data answers an executed operation. The executor's bytes go out as they are.
func (a *answer) data(resp *graphql.Response) {
	a.track.Errors(resp.Errors)
	buf := newBody()
	defer freeBody(buf)
	if err := writeResponse(buf, resp); err != nil {
		a.fail(http.StatusInternalServerError, err)
		return
	}
	a.send(http.StatusOK, buf.Bytes())
}

func (a *answer) send(status int, body []byte) {
	a.track.Answered(status)
	h := a.w.Header()
	h.Set("Content-Type", a.mediaType+"; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	a.w.WriteHeader(status)
	_, _ = a.w.Write(body) // nobody is left to tell
}

// writeResponse writes a response as JSON without looking into its data again.
func writeResponse(w *bytes.Buffer, resp *graphql.Response) error {
	w.WriteByte('{')
	if len(resp.Errors) > 0 {
		w.WriteString(`"errors":`)
		if err := writeJSON(w, resp.Errors); err != nil {
			return err
		}
		w.WriteByte(',')
	}
	w.WriteString(`"data":`)
	if resp.Data == nil {
		w.WriteString("null")
	} else {
		w.Write(resp.Data)
	}
	if len(resp.Extensions) > 0 {
		w.WriteString(`,"extensions":`)
		if err := writeJSON(w, resp.Extensions); err != nil {
			return err
		}
	}
	w.WriteByte('}')
	return nil
}

func writeJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
