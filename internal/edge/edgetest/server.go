package edgetest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/edge"
	"github.com/kimi-k2/kimi-k2/internal/wsconn"
)

// Setup is what a test may change of a server before it starts.
type Setup struct {
	Edge      edge.Options
	Websocket wsconn.Config
	Resolver  *Resolver
	// Context makes the context of each request, as middleware does; nil: as it is.
	Context func(ctx context.Context) context.Context
}

// Server is a running server of the test schema.
type Server struct {
	URL      string // http://127.0.0.1:port
	Resolver *Resolver
	Sockets  *wsconn.Transport
	Log      *Log

	http *httptest.Server
	t    testing.TB
}

// Log collects what a server logs.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Start runs a server on a free port of 127.0.0.1 until the test ends.
func Start(t testing.TB, change ...func(*Setup)) *Server {
	t.Helper()
	log := &Log{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	set := &Setup{Resolver: &Resolver{}}
	set.Edge.Log, set.Websocket.Log = logger, logger
	for _, c := range change {
		c(set)
	}
	s := &Server{Resolver: set.Resolver, Log: log, t: t}
	s.Sockets = wsconn.New(set.Websocket)
	set.Edge.Websocket = s.Sockets
	var handler http.Handler = edge.NewServer(NewExecutableSchema(Config{Resolvers: set.Resolver}), set.Edge)
	if set.Context != nil {
		inner := handler
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(w, r.WithContext(set.Context(r.Context())))
		})
	}
	s.http = httptest.NewServer(handler)
	s.URL = s.http.URL
	t.Cleanup(s.Close)
	return s
}

// Close ends every socket and the server.
func (s *Server) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Sockets.Shutdown(ctx); err != nil {
		s.t.Errorf("shut down sockets: %v", err)
	}
	s.http.Close()
}
