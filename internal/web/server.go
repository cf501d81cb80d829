package web

import (
	"log"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Limits of one connection.
const (
	headerTimeout  = 5 * time.Second  // a client that trickles its headers is cut
	bodyTimeout    = 15 * time.Second // and so is one that trickles its body
	idleTimeout    = 2 * time.Minute  // between two requests
	maxHeaderBytes = 32 << 10
)

// Server is an http.Server for the handler that cuts clients who send too slowly or
// too much. It has no WriteTimeout and no ReadTimeout: both end streams that are
// meant to last. The handler limits the time for a request's body and for each write
// of an answer.
func Server(addr string, h http.Handler, l *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              addr,
		Handler:           h,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnContext:       withConn,
		ErrorLog:          log.New(serverLog{l}, "", 0),
	}
}

// serverLog takes what net/http itself complains about, without addresses and, for
// panics, without their values.
type serverLog struct{ log *slog.Logger }

// An address with its port, as net/http prints peers.
var peer = regexp.MustCompile(`(\[[0-9a-fA-F:.%\w]+\]|\d{1,3}(\.\d{1,3}){3}):\d+`)

func (s serverLog) Write(p []byte) (int, error) {
	line, _, _ := strings.Cut(string(p), "\n")
	line = peer.ReplaceAllString(line, "a client")
	if before, _, ok := strings.Cut(line, "panic serving"); ok {
		line = before + "panic serving a client"
	}
	s.log.Warn("http server", "problem", line)
	return len(p), nil
}
