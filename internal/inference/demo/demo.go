// Package demo is the engine that answers when no real one is connected: an HTTP
// server on loopback that speaks the OpenAI-compatible protocol, so that exactly the
// same client code runs as with a real engine.
//
// It is no language model and never pretends to be one: its model is called "demo",
// it chooses prepared texts by keywords and says so. The same conversation always gets
// the same reply. With Config.AllowFaults a line that begins with /demo in the last
// message makes it misbehave; see directive.
package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// Model is the id of the only model.
const Model = "demo"

// contextTokens is how much the demo claims to read, so that long conversations are
// refused as a real engine would.
const contextTokens = 32768

// DefaultSpeed is a pace that can be read along, in tokens per second.
const DefaultSpeed = 60

// Config sets up the demo. TokensPerSecond of 0 is DefaultSpeed, below 0 as fast as it
// goes. AllowFaults obeys the /demo lines; leave it off in production. Clock has a
// working default.
type Config struct {
	TokensPerSecond int
	AllowFaults     bool
	Clock           clock.Clock
}

// Server is a running demo engine.
type Server struct {
	cfg    Config
	texts  library
	url    string
	http   *http.Server
	end    context.CancelFunc
	served chan error
}

// Start listens on a free port of 127.0.0.1 and serves until Close. ctx bounds the
// start only.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.TokensPerSecond == 0 {
		cfg.TokensPerSecond = DefaultSpeed
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("start the demo engine: %w", context.Cause(ctx))
	}
	texts, err := readLibrary()
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the demo engine: %w", err)
	}
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	s := &Server{cfg: cfg, texts: texts, url: "http://" + l.Addr().String() + "/v1", end: end, served: make(chan error, 1)}
	s.http = &http.Server{
		Handler:           s.routes(),
		BaseContext:       func(net.Listener) context.Context { return base },
		ReadHeaderTimeout: 10 * time.Second,
	}
	go func() { s.served <- s.http.Serve(l) }()
	return s, nil
}

// URL is the base of the API, including /v1.
func (s *Server) URL() string { return s.url }

// Close ends the replies under way and waits until all is over, at most until ctx
// ends.
func (s *Server) Close(ctx context.Context) error {
	s.end()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	if e := <-s.served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return fmt.Errorf("close the demo engine: %w", err)
	}
	return nil
}
