// Package rest interprets the interfaces that clients of OpenAI and Anthropic speak: it
// reads their requests by name and within limits, so that nothing unknown goes on, and
// writes answers, streams and errors as those clients expect them. Who asks was found out
// before; what is answered, and what it costs, is decided by package completion.
package rest

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Completions answers requests.
type Completions interface {
	// Begin admits a request, or refuses it with a fault before an engine has heard of it.
	Begin(ctx context.Context, v viewer.Viewer, r completion.Request) (Run, error)
}

// Run is a request that was admitted. Stream is called once; see completion.Run.
type Run struct {
	ID        string
	Model     inference.Model
	CreatedAt time.Time
	Replayed  bool
	Prompt    int64       // tokens that the engine reads, by our own count
	Limits    []Allowance // what is left of what Begin took, the tightest first
	Stream    func(ctx context.Context, emit func(inference.Delta) error) (completion.Outcome, error)
	// Position is the run's place among those that wait for the engine, 0 when it doesn't;
	// nil when nobody ever waits.
	Position func() int
}

// Models knows which models there are.
type Models interface {
	Models() []inference.Model
	Resolve(id string) (inference.Model, error)
}

// Allowance is what is left of one limit: Name is "requests", "tokens" or "streams".
type Allowance struct {
	Name             string
	Limit, Remaining int64
	Reset            time.Duration // until it is whole again
}

// Limits counts the requests of a viewer.
type Limits interface {
	// Admit takes one request of a route, or refuses it with RATE_LIMITED, before anything of
	// it is read. What is left comes with both.
	Admit(ctx context.Context, v viewer.Viewer, route string) ([]Allowance, error)
}

// Requests takes a line about each request.
type Requests interface {
	// Record never waits and never fails.
	Record(e Entry)
}

// Entry is one request of an API key that ended At; nothing of it was written by the
// client. Status 499 means that the client was gone before the end; a stream that broke
// has the status that it would have had before it began.
type Entry struct {
	ID                                                                 string
	At                                                                 time.Time
	OwnerID, KeyID                                                     string
	Route, ModelID                                                     string
	Status                                                             int
	Code                                                               string
	PromptTokens, CachedTokens, OutputTokens, ReasoningTokens, Credits int64
	FirstToken, Took                                                   time.Duration
	Streamed                                                           bool
}

// Config is what an API is made of. Without Limits there are none, without Requests
// nothing is recorded.
type Config struct {
	Completions Completions
	Models      Models
	Limits      Limits
	Requests    Requests
	RequestID   func(ctx context.Context) string
	Clock       clock.Clock
	Log         *slog.Logger
	// KeepAlive is after how much silence a stream sends a comment, WriteTimeout how long a
	// client may not read; 0 is 10 seconds.
	KeepAlive, WriteTimeout time.Duration
}

// Limits of one request and one answer.
const (
	maxBody      = 4 << 20
	keepAlive    = 10 * time.Second
	writeTimeout = 10 * time.Second
)

// The routes. They are what request logs name.
const (
	routeModels   = "GET /v1/models"
	routeModel    = "GET /v1/models/{id...}" // an id may hold slashes
	routeChat     = "POST /v1/chat/completions"
	routeMessages = "POST /v1/messages"
	routeCount    = "POST /v1/messages/count_tokens"
	routeOther    = "/v1/" // what isn't there
)

// ReachesEngine reports whether requests of a route are for the engine.
func ReachesEngine(route string) bool { return route == routeChat || route == routeMessages }

// API serves everything below /v1/. It expects an API key's viewer in the context.
type API struct {
	Config
	mux *http.ServeMux
}

// New makes the API.
func New(c Config) *API {
	if c.KeepAlive <= 0 {
		c.KeepAlive = keepAlive
	}
	if c.WriteTimeout <= 0 {
		c.WriteTimeout = writeTimeout
	}
	a := &API{Config: c, mux: http.NewServeMux()}
	a.mux.HandleFunc(routeModels, a.listModels)
	a.mux.HandleFunc(routeModel, a.showModel)
	a.mux.HandleFunc(routeChat, a.completes(routeChat))
	a.mux.HandleFunc(routeMessages, a.completes(routeMessages))
	a.mux.HandleFunc(routeCount, a.countTokens)
	for path, allowed := range map[string]string{"/v1/models": "GET, HEAD", "/v1/models/{id...}": "GET, HEAD", "/v1/chat/completions": "POST",
		"/v1/messages": "POST", "/v1/messages/count_tokens": "POST"} {
		a.mux.HandleFunc(path, a.wrongMethod(allowed))
	}
	a.mux.HandleFunc("/", a.unknown)
	return a
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if v := viewer.From(r.Context()); v.Kind != viewer.APIKey {
		a.Refuse(w, r, fault.New(fault.Unauthenticated, "send an API key as `Authorization: Bearer` or `x-api-key`: cookies don't count here"))
		return
	}
	a.mux.ServeHTTP(w, r)
}

// Refuse answers a request that goes no further, in the words of its clients. What is no
// fault was logged by the caller.
func (a *API) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	d := dialectOf(r)
	d.headers(w.Header(), a.RequestID(r.Context()), nil)
	a.problemOf(r.Context(), err).answer(w, d)
}

// dialectOf is what the client of a request understands.
func dialectOf(r *http.Request) dialect {
	if strings.HasPrefix(r.URL.Path, "/v1/messages") || r.Header.Get("Anthropic-Version") != "" && strings.HasPrefix(r.URL.Path, "/v1/models") {
		return anthropic{}
	}
	return openAI{}
}

func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	c := a.call(w, r, routeOther)
	defer c.over()
	if !c.counted() {
		return
	}
	c.refuse(&problem{status: http.StatusNotFound, kind: invalidRequest, code: "unknown_url", fault: fault.NotFound,
		message: "there is nothing at this address: see /v1/models, /v1/chat/completions and /v1/messages"})
}

func (a *API) wrongMethod(allowed string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := a.call(w, r, routeOther)
		defer c.over()
		if !c.counted() {
			return
		}
		w.Header().Set("Allow", allowed)
		c.refuse(&problem{status: http.StatusMethodNotAllowed, kind: invalidRequest, code: "method_not_allowed", fault: fault.Invalid,
			message: "this address answers to " + allowed + " only"})
	}
}

// allowed refuses a key without the scope.
func allowed(v viewer.Viewer, scope models.Scope) error {
	for _, s := range v.Scopes {
		if s == string(scope) {
			return nil
		}
	}
	return fault.New(fault.ScopeMissing, "this needs an API key with the scope %s: make one that has it", scope.Wire())
}
