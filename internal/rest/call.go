package rest

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// call is one request under way and the line that will be recorded of it.
type call struct {
	*API
	w      http.ResponseWriter
	r      *http.Request
	d      dialect
	viewer viewer.Viewer
	entry  Entry
	watch  clock.Stopwatch
	limits []Allowance // what is left, the tightest first
}

// call begins a request.
func (a *API) call(w http.ResponseWriter, r *http.Request, route string) *call {
	v := viewer.From(r.Context())
	return &call{API: a, w: w, r: r, d: dialectOf(r), viewer: v, watch: clock.StartStopwatch(),
		entry: Entry{ID: a.RequestID(r.Context()), OwnerID: v.OwnerID, KeyID: v.KeyID, Route: route, Status: http.StatusOK}}
}

// over records the request.
func (c *call) over() {
	if c.Requests != nil {
		c.entry.At, c.entry.Took = c.Clock.Now(), c.watch.Elapsed()
		c.Requests.Record(c.entry)
	}
}

// counted takes one request off the limits of the key, before anything of it is read, and
// answers if there is none left.
func (c *call) counted() bool {
	if c.Limits == nil {
		return true
	}
	limits, err := c.Limits.Admit(c.r.Context(), c.viewer, c.entry.Route)
	c.took(limits, err != nil)
	switch {
	case err == nil:
		return true
	case left(c.r.Context()):
		c.gone()
	default:
		c.refuse(err)
	}
	return false
}

// took notes what is left of further limits: what refused comes first, else the tightest.
func (c *call) took(of []Allowance, refused bool) {
	if len(c.limits) > 0 && len(of) > 0 && !refused && !of[0].tighter(c.limits[0]) {
		c.limits = slices.Concat(c.limits, of)
		return
	}
	c.limits = slices.Concat(of, c.limits)
}

// tighter reports whether less of it is left, as a part of the whole.
func (a Allowance) tighter(than Allowance) bool {
	return float64(a.Remaining)*float64(than.Limit) < float64(than.Remaining)*float64(a.Limit)
}

// headers sets what every answer has.
func (c *call) headers() {
	h := c.w.Header()
	c.d.headers(h, c.entry.ID, c.limits)
	h.Set("Openai-Processing-Ms", strconv.FormatInt(c.watch.Elapsed().Milliseconds(), 10))
}

// refuse answers with an error, logging what is none of the client's business.
func (c *call) refuse(err error) {
	p := c.blame(err)
	c.headers()
	p.answer(c.w, c.d)
}

// blame turns an error into what is told and recorded of it.
func (c *call) blame(err error) *problem {
	ctx := c.r.Context()
	p := c.problemOf(ctx, err)
	c.entry.Status, c.entry.Code = p.status, string(p.fault)
	if p.fault == fault.Internal {
		c.Log.ErrorContext(ctx, "answer a program", "request_id", c.entry.ID, "route", c.entry.Route, "error", err)
	}
	return p
}

// gone notes that the client left before the end.
func (c *call) gone() { c.entry.Status, c.entry.Code = statusClientGone, "" }

// body is the whole body of the request, within the limits.
func (c *call) body() ([]byte, error) {
	if !isJSON(c.r.Header.Get("Content-Type")) {
		return nil, &problem{status: http.StatusUnsupportedMediaType, kind: invalidRequest, code: "unsupported_media_type", fault: fault.Invalid,
			message: "send JSON with the header Content-Type: application/json"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &problem{status: http.StatusRequestEntityTooLarge, kind: invalidRequest, code: "request_too_large", fault: fault.Invalid,
			message: "the body is larger than 4 MiB"}
	case err != nil:
		return nil, &problem{status: http.StatusBadRequest, kind: invalidRequest, fault: fault.Invalid, message: "the body did not arrive whole"}
	}
	return body, nil
}

func isJSON(contentType string) bool {
	if contentType == "application/json" { // nearly always
		return true
	}
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/json"
}

// used notes what the request cost. What is replayed was counted when it was written.
func (c *call) used(run Run, o completion.Outcome) {
	if run.Replayed {
		return
	}
	e := &c.entry
	e.PromptTokens, e.CachedTokens, e.OutputTokens, e.ReasoningTokens = o.Usage.PromptTokens, o.Usage.CachedTokens, o.Usage.OutputTokens, o.Usage.ReasoningTokens
	e.Credits, e.FirstToken = o.Credits, o.FirstToken
}

// left reports whether the client is gone.
func left(ctx context.Context) bool { return ctx.Err() != nil }

func invalid(param, message string) *problem {
	p := of(fault.New(fault.Invalid, "%s", message))
	p.param = param
	return p
}
