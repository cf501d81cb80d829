package web

import (
	"net/http"
	"sync/atomic"

	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// Front answers from the moment the server listens: until it is opened, while the database
// starts or its schema is changed, /healthz says that the process lives, and everything else,
// /readyz too, that it is not ready (503). Its zero value is closed.
type Front struct{ inside atomic.Pointer[http.Handler] }

// Open gives all further requests to h.
func (f *Front) Open(h http.Handler) { f.inside.Store(&h) }

// ServeHTTP asks the handler within, once there is one.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch h := f.inside.Load(); {
	case h != nil:
		(*h).ServeHTTP(w, r)
	case r.URL.Path == "/healthz":
		healthz(w, r)
	default:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, string(fault.StorageUnavailable), "the server is starting; try again in a moment")
	}
}
