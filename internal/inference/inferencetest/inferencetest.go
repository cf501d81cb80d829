// Package inferencetest is an inference engine for tests: a real HTTP server that
// speaks the OpenAI-compatible protocol from scripts. It answers from a queue of
// scripts, then from a function, then with Text; it records every request and signals
// when a client goes away. It never sleeps: scripts wait for channels.
package inferencetest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
)

// ModelID is the model that the engine lists unless told otherwise; it is an alias of
// "kimi-k2" in the built-in catalogue.
const ModelID = "moonshotai/Kimi-K2-Instruct"

// Request is one chat request as the engine received it.
type Request struct {
	openai.Request
	Header http.Header
	Body   []byte // as it came, for fields that must not be there
}

// LastUser is the text of the last message of the user, "" when there is none.
func (r Request) LastUser() string {
	for _, m := range slices.Backward(r.Messages) {
		if m.Role == "user" {
			return m.Content
		}
	}
	return ""
}

// prefix is the beginning of the reply that is to be continued, "" when none is.
func (r Request) prefix() string {
	if len(r.Messages) == 0 {
		return ""
	}
	last := r.Messages[len(r.Messages)-1]
	if last.Role != "assistant" || !last.Partial && !r.ContinueFinalMessage {
		return ""
	}
	return last.Content
}

// Engine is the test engine. Its methods are safe for concurrent use.
type Engine struct {
	server    *httptest.Server
	quit      chan struct{}
	started   chan Request
	cancelled chan Request

	mu       sync.Mutex
	queue    []Script
	answer   func(Request) Script
	models   []openai.ModelInfo
	listing  http.HandlerFunc
	requests []Request
	open     int
}

// signals is how many unread signals are kept; more are dropped.
const signals = 4096

// New starts an engine on loopback that ends with the test.
func New(t testing.TB) *Engine {
	t.Helper()
	e := &Engine{
		quit:      make(chan struct{}),
		started:   make(chan Request, signals),
		cancelled: make(chan Request, signals),
		answer:    func(r Request) Script { return Reply(Pieces(Text(r))...) },
	}
	e.Models(ModelID)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", e.list)
	mux.HandleFunc("POST /v1/chat/completions", e.chat)
	e.server = httptest.NewServer(mux)
	t.Cleanup(e.close)
	return e
}

func (e *Engine) close() {
	close(e.quit)
	e.server.CloseClientConnections()
	e.server.Close()
}

// URL is the base of the API, including /v1.
func (e *Engine) URL() string { return e.server.URL + "/v1" }

// Models sets the ids that GET /models reports, owned by "vllm".
func (e *Engine) Models(ids ...string) {
	infos := make([]openai.ModelInfo, len(ids))
	for i, id := range ids {
		infos[i] = openai.ModelInfo{ID: id, Object: "model", OwnedBy: "vllm"}
	}
	e.ModelInfos(infos...)
}

// ModelInfos sets what GET /models reports in full.
func (e *Engine) ModelInfos(infos ...openai.ModelInfo) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.models, e.listing = infos, nil
}

// Listing puts a handler of one's own in the place of GET /models.
func (e *Engine) Listing(h http.HandlerFunc) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.listing = h
}

// Queue appends scripts; each answers one request, in order.
func (e *Engine) Queue(scripts ...Script) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queue = append(e.queue, scripts...)
}

// Answer sets what answers when the queue is empty.
func (e *Engine) Answer(f func(Request) Script) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = f
}

// Requests are all chat requests so far, in order of arrival.
func (e *Engine) Requests() []Request {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.requests)
}

// Open is how many chat requests are being answered now.
func (e *Engine) Open() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open
}

// Started signals each request when it has arrived.
func (e *Engine) Started() <-chan Request { return e.started }

// Cancelled signals each request whose client went away before the script's end.
func (e *Engine) Cancelled() <-chan Request { return e.cancelled }

// Text is the answer that the engine gives to r when no script does: always the same
// for the same request, and for a reply to be continued the rest of it.
func Text(r Request) string {
	whole := "You said: " + r.LastUser() + ". That is all there is to say about it, 就这样。"
	if rest, ok := strings.CutPrefix(whole, r.prefix()); ok {
		return rest
	}
	return whole
}

// Pieces cuts a text into tokens: words with the space before them.
func Pieces(text string) []string {
	var pieces []string
	for len(text) > 0 {
		end := strings.IndexByte(text[1:], ' ') + 1
		if end == 0 {
			end = len(text)
		}
		pieces = append(pieces, text[:end])
		text = text[end:]
	}
	return pieces
}

func (e *Engine) list(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	listing, models := e.listing, e.models
	e.mu.Unlock()
	if listing != nil {
		listing(w, r)
		return
	}
	writeJSON(w, http.StatusOK, openai.ModelList{Object: "list", Data: models})
}

func (e *Engine) chat(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	req := Request{Header: maps.Clone(r.Header), Body: body}
	if err != nil || json.Unmarshal(body, &req.Request) != nil {
		writeJSON(w, http.StatusBadRequest, openai.ErrorBody{Error: openai.Error{Message: "this is no chat request", Type: "invalid_request_error"}})
		return
	}
	script := e.begin(req)
	defer e.end()
	signal(e.started, req)
	c := &Call{Request: req, w: w, flush: http.NewResponseController(w), gone: r.Context().Done(), quit: e.quit}
	whole := c.run(script)
	if !whole && r.Context().Err() != nil {
		signal(e.cancelled, req)
	}
	if c.aborted {
		panic(http.ErrAbortHandler)
	}
}

func (e *Engine) begin(req Request) Script {
	e.mu.Lock()
	e.requests = append(e.requests, req)
	e.open++
	if len(e.queue) > 0 {
		script := e.queue[0]
		e.queue = e.queue[1:]
		e.mu.Unlock()
		return script
	}
	answer := e.answer
	e.mu.Unlock()
	return answer(req)
}

func (e *Engine) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open--
}

func signal(c chan Request, r Request) {
	select {
	case c <- r:
	default:
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// Await reads a value of c, and fails the test when none comes within ten seconds.
func Await[T any](t testing.TB, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}
