package inference

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// post sends the request and returns a 2xx answer that may be a completion.
func (e *Engine) post(ctx context.Context, r Request, stream bool) (*http.Response, *trouble) {
	body, err := e.encode(r, stream)
	if err != nil {
		return nil, &trouble{cause: err, fault: fault.New(fault.Internal, "The request could not be written.")}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "", bytes.NewReader(body))
	if err != nil {
		return nil, unreachable(err)
	}
	req.URL, req.Host = e.completions, e.completions.Host
	e.authorize(req)
	req.Header.Set("Content-Type", "application/json")
	if stream {
		req.Header.Set("Accept", "text/event-stream")
	}
	// An empty list lets the transport try once more on a new connection when a kept
	// one turns out to be closed before anything was answered; it is not sent.
	req.Header["Idempotency-Key"] = []string{}
	resp, err := e.client.Transport.RoundTrip(req) // no redirect is followed, and no cookie kept
	if err != nil {
		return nil, unreachable(err)
	}
	kind := contentType(resp)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, e.refusal(resp)
	case strings.HasPrefix(kind, "text/html"), strings.HasSuffix(kind, "xml"):
		_ = resp.Body.Close()
		return nil, notOurs(kind)
	}
	return resp, nil
}

// plainToTLS is what Go's and nginx' servers answer to HTTP on a TLS port.
var plainToTLS = regexp.MustCompile(`HTTP request (to an HTTPS server|was sent to HTTPS port)`)

// refusal reads the body of an answer that was not 2xx.
func (e *Engine) refusal(resp *http.Response) *trouble {
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		body = nil // the status says enough
	}
	if resp.StatusCode == http.StatusBadRequest && plainToTLS.Match(body) {
		return &trouble{cause: errors.New("plain HTTP to a TLS port"), fault: fault.New(fault.UpstreamFailed, "The inference engine speaks TLS: INFERENCE_URL must begin with https:// instead of http://.").Because(ReasonOperator, nil)}
	}
	return e.refused(resp.StatusCode, resp.Header, body)
}

func (e *Engine) authorize(req *http.Request) {
	req.Header.Set("User-Agent", "kimi-k2")
	if e.key != "" {
		req.Header.Set("Authorization", "Bearer "+e.key)
	}
}

func isJSON(resp *http.Response) bool { return contentType(resp) == "application/json" }

func isEventStream(resp *http.Response) bool { return contentType(resp) == "text/event-stream" }

func contentType(resp *http.Response) string {
	told := resp.Header.Get("Content-Type")
	kind, _, _ := strings.Cut(told, ";")
	if kind == "text/event-stream" || kind == "application/json" { // nearly always
		return kind
	}
	kind, _, _ = mime.ParseMediaType(told)
	return kind
}

// encode writes the request in the words of the model and the engine.
func (e *Engine) encode(r Request, stream bool) ([]byte, error) {
	m := r.Model
	limit := r.MaxOutputTokens
	if limit <= 0 || m.MaxOutputTokens > 0 && limit > m.MaxOutputTokens {
		limit = m.MaxOutputTokens
	}
	out := openai.Request{Model: m.EngineID, Messages: make([]openai.Message, len(r.Messages)), Stream: stream, User: r.User}
	if out.Model == "" {
		out.Model = m.ID
	}
	if m.OutputLimit == LimitMaxCompletionTokens {
		out.MaxCompletionTokens = limit
	} else {
		out.MaxTokens = limit
	}
	if stream {
		out.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
	sample(&out, r)
	for i, msg := range r.Messages {
		out.Messages[i] = wireMessage(msg)
	}
	equip(&out, r)
	if r.Continue && len(r.Messages) > 0 {
		e.encodeContinue(&out, r)
	}
	return out.Encode()
}

// encodeContinue marks the last message as the beginning of the reply.
func (e *Engine) encodeContinue(out *openai.Request, r Request) {
	last := &out.Messages[len(out.Messages)-1]
	last.ReasoningContent = r.Messages[len(r.Messages)-1].Reasoning
	switch r.Model.Continuation {
	case ContinuePartial:
		last.Partial = true
	case ContinueFinalMessage:
		no := false
		out.ContinueFinalMessage, out.AddGenerationPrompt = true, &no
	}
}
