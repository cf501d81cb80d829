package wsconn

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/kimi-k2/kimi-k2/internal/edge/gate"
	"github.com/kimi-k2/kimi-k2/internal/fault"
)

// message is what clients send.
type message struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// inbox holds messages while they are read.
var inbox = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// read handles messages one after another until reading fails. After a close it
// goes on reading, to see the client's answer, but obeys nothing any more.
func (s *socket) read() error {
	for {
		kind, r, err := s.ws.NextReader()
		if err != nil {
			return err
		}
		buf := inbox.Get().(*bytes.Buffer)
		buf.Reset()
		_, err = buf.ReadFrom(r)
		if err == nil && !s.closing.Load() {
			s.receive(kind, buf.Bytes())
		}
		if buf.Cap() <= keepBuffer {
			inbox.Put(buf)
		}
		if err != nil {
			return err
		}
	}
}

// receive checks one message and hands it on. b is only valid during the call.
func (s *socket) receive(kind int, b []byte) {
	if !s.allowed() {
		s.close(ClosePolicy, "too many messages: slow down")
		return
	}
	s.alive()
	var m message
	switch {
	case kind != websocket.TextMessage:
		s.close(CloseInvalidMessage, "Invalid message received: only text is spoken here")
	case !utf8.Valid(b):
		s.close(CloseText, "Invalid UTF-8")
	case json.Unmarshal(b, &m) != nil:
		s.close(CloseInvalidMessage, "Invalid message received: not a JSON object of the protocol")
	default:
		s.obey(m)
	}
}

func (s *socket) obey(m message) {
	switch m.Type {
	case "connection_init":
		s.init(m.Payload)
	case "ping":
		s.pong(m.Payload)
	case "pong": // alive, as every message shows
	case "subscribe":
		s.subscribe(m)
	case "complete":
		s.complete(m.ID)
	default:
		s.close(CloseInvalidMessage, "Invalid message received: unknown type")
	}
}

// init answers connection_init. The client's identity is settled here, once.
func (s *socket) init(payload json.RawMessage) {
	if s.request == nil {
		s.close(CloseTooManyInits, "Too many initialisation requests")
		return
	}
	r := s.request
	s.request = nil
	if s.keyless && !carriesKey(payload) {
		s.close(CloseForbidden, "Forbidden: send an Origin that is allowed, or an API key")
		return
	}
	if !s.identify(r, payload) {
		return
	}
	if err := s.claim(); err != nil {
		s.close(CloseBusy, err.Error())
		return
	}
	s.acknowledge()
}

// identify asks Init, which has InitTimeout; its context becomes the socket's.
// False when it refused, and the socket is closed then.
func (s *socket) identify(r *http.Request, payload json.RawMessage) bool {
	if s.t.cfg.Init == nil {
		return true
	}
	ctx, cancel := context.WithCancel(s.ctx)
	late := time.AfterFunc(s.t.cfg.InitTimeout, cancel)
	identified, err := s.t.cfg.Init(ctx, r, payload)
	if !late.Stop() {
		s.close(CloseInitTimeout, "Connection initialisation timeout")
		return false
	}
	if err != nil {
		cancel()
		s.refuseInit(err)
		return false
	}
	s.ctx = identified // it ends with the socket: nothing is left to cancel
	return true
}

func carriesKey(payload json.RawMessage) bool {
	var p struct {
		Authorization string `json:"authorization"`
	}
	return json.Unmarshal(payload, &p) == nil && p.Authorization != ""
}

// refuseInit closes by the reason. Clients come back after CloseBusy, not after
// the other codes.
func (s *socket) refuseInit(err error) {
	list, ok := fault.Of(err)
	switch {
	case !ok || len(list) == 0:
		s.t.cfg.Log.ErrorContext(s.ctx, "websocket not initialised", "error", err)
		s.close(CloseBusy, "internal error: try again later")
	case list[0].Code == fault.Unauthenticated:
		s.close(CloseUnauthorized, "Unauthorized: "+list[0].Message)
	case list[0].Code == fault.Forbidden, list[0].Code == fault.KeyRevoked:
		s.close(CloseForbidden, "Forbidden: "+list[0].Message)
	default:
		s.close(CloseBusy, list[0].Message)
	}
}

// claim counts the socket for its principal.
func (s *socket) claim() error {
	if s.t.cfg.Principal == nil {
		return nil
	}
	limit := 5
	if s.t.cfg.MaxPerPrincipal != nil {
		limit = s.t.cfg.MaxPerPrincipal(s.ctx)
	}
	err := s.pass.Claim(s.t.cfg.Principal(s.ctx), limit)
	var full *gate.Refusal
	if err != nil && !errors.As(err, &full) {
		s.t.cfg.Log.ErrorContext(s.ctx, "socket not counted", "error", err)
	}
	return err
}

func (s *socket) acknowledge() {
	s.live = s.t.cfg.Live.Add(s.ctx, func() { s.close(CloseForbidden, sessionEnded) })
	s.pinged = s.t.cfg.Clock.Now()
	s.ready.Store(true)
	s.alive()
	f := newFrame()
	f.text(`{"type":"connection_ack"}`)
	_ = s.send(f, frameText) // a failure ends the socket
}

func (s *socket) pong(payload json.RawMessage) {
	f := newFrame()
	f.text(`{"type":"pong"`)
	if len(payload) > 0 && string(payload) != "null" {
		f.text(`,"payload":`)
		f.bytes(payload)
	}
	f.text(`}`)
	_ = s.send(f, frameText) // a failure ends the socket
}
