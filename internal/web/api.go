package web

import (
	"net/http"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// API serves the interfaces that are compatible with others' clients.
type API interface {
	// ServeHTTP answers below /v1/; the context carries the viewer of an API key.
	http.Handler
	// Refuse answers a request that doesn't get there, in the words of its clients.
	Refuse(w http.ResponseWriter, r *http.Request, err error)
}

const apiRoot = "/v1/"

func inAPI(path string) bool { return path == "/v1" || strings.HasPrefix(path, apiRoot) }

// isAPI reports whether a request is for the compatible interfaces.
func (s *server) isAPI(r *http.Request) bool { return s.API != nil && inAPI(r.URL.Path) }

// apiRoutes are the compatible interfaces. Each has a pattern of its own, which the access
// log names.
func (s *server) apiRoutes(mux *http.ServeMux) {
	if s.API == nil || s.Keys == nil {
		mux.HandleFunc(apiRoot, notFound)
		return
	}
	h := s.patient(s.identified(s.API))
	mux.Handle("GET /v1/models", h)
	mux.Handle("GET /v1/models/{id...}", h)
	mux.Handle("POST /v1/chat/completions", h)
	mux.Handle("POST /v1/messages", h)
	mux.Handle("POST /v1/messages/count_tokens", h)
	mux.Handle("/v1", h)
	mux.Handle("/v1/", h)
}

// refuseProgram answers when it cannot be found out which key asks.
func (s *server) refuseProgram(w http.ResponseWriter, r *http.Request, err error) {
	if !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.KeyRevoked) && !fault.Is(err, fault.RateLimited) {
		s.Log.ErrorContext(r.Context(), "find out who asks", "request_id", RequestID(r.Context()), "error", err)
	}
	s.API.Refuse(w, r, err)
}
