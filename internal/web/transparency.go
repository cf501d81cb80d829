package web

import (
	"context"
	"net/http"
)

// Transparency writes how the policy is kept, signed.
type Transparency interface {
	Document(ctx context.Context) ([]byte, error)
}

// transparencyRoute is the report for programs; pages of any site may read it.
func (s *server) transparencyRoute(mux *http.ServeMux) {
	if s.Transparency == nil {
		return
	}
	mux.Handle("GET /transparency.json", published(http.HandlerFunc(s.transparency)))
}

func (s *server) transparency(w http.ResponseWriter, r *http.Request) {
	document, err := s.Transparency.Document(r.Context())
	if err != nil {
		s.Log.ErrorContext(r.Context(), "write the transparency report", "request", RequestID(r.Context()), "err", err)
		refuse(w, http.StatusInternalServerError, "INTERNAL", "the report can't be read at the moment")
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(document)
}
