// Package floor holds the floors that figures are ratios to: servers that do the
// least that can be done, so that no real server on the same runtime beats them by
// much. They are yardsticks, not products: they check nothing.
package floor

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Relay passes HTTP requests on to an engine and its answers back, with one flush
// per read: a gateway without any work of its own. With Keys it asks for one of them, and
// with Charge it meters: an answer ends when its charge is durable, and a whole one begins
// only then.
type Relay struct {
	Keys   map[string]int          // the account of each; nil: nobody is asked
	Charge func(account int) error // nil: nothing costs anything

	engine    *url.URL
	transport *http.Transport
}

// NewRelay leads to the engine at the base URL; request paths are appended to its host.
func NewRelay(engine *url.URL) *Relay {
	return &Relay{engine: engine, transport: &http.Transport{
		MaxIdleConns: 10_000, MaxIdleConnsPerHost: 10_000, DisableCompression: true,
	}}
}

// Close ends the idle connections to the engine.
func (h *Relay) Close() { h.transport.CloseIdleConnections() }

// ServeHTTP relays one request.
func (h *Relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	account, ok := h.Keys[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok && h.Keys != nil {
		http.Error(w, `{"error":{"message":"unknown key"}}`, http.StatusUnauthorized)
		return
	}
	// The engine may answer before the transport has seen the body's end, and net/http
	// closes r.Body with the first byte of the answer: so it is read before.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	out := (&http.Request{
		Method: r.Method, Host: h.engine.Host, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		URL:    &url.URL{Scheme: h.engine.Scheme, Host: h.engine.Host, Path: r.URL.Path},
		Header: http.Header{"Content-Type": {"application/json"}},
	}).WithContext(r.Context())
	resp, err := h.transport.RoundTrip(out)
	if err != nil {
		http.Error(w, "engine: "+err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	w.Header()["Content-Type"] = resp.Header["Content-Type"]
	if resp.ContentLength >= 0 {
		h.whole(w, resp, account)
		return
	}
	w.WriteHeader(resp.StatusCode)
	pass(w, resp.Body)
	if h.Charge != nil && h.Charge(account) != nil {
		panic(http.ErrAbortHandler) // the end of the answer would say that it is paid for
	}
}

// whole passes on an answer that comes in one piece.
func (h *Relay) whole(w http.ResponseWriter, resp *http.Response, account int) {
	body, err := io.ReadAll(resp.Body)
	if err == nil && h.Charge != nil {
		err = h.Charge(account)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(body) // the client may be gone
}

// pass copies the body as it comes, flushing after every read. A body that breaks
// breaks the answer.
func pass(w http.ResponseWriter, body io.Reader) {
	flush := func() {}
	if f, ok := w.(http.Flusher); ok {
		flush = f.Flush
	}
	buf := make([]byte, 8<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return
			}
			flush()
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the client must not take what came for all
		}
	}
}
