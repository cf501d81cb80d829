package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/edge/live"
	"github.com/kimi-k2/kimi-k2/internal/edge/record"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// openConnections knows the sockets and event streams of this instance. Those of a
// session that ends before its time end at once; the session of each is looked for
// right after it was opened and then every minute. Where all of an owner's sessions end
// it may be gone itself, and its replies with it.
func (s *server) openConnections() *live.Registry {
	r := live.New(live.Config{
		Log:   s.log,
		Alive: s.alive,
	})
	s.accounts.OnRevoked(func(ownerID, sessionID string) {
		r.Revoke(func(ctx context.Context) bool {
			v := viewer.From(ctx)
			return v.OwnerID == ownerID && (sessionID == "" || v.SessionID == sessionID)
		})
		if sessionID == "" {
			s.chat.OwnerGone(ownerID)
		}
	})
	s.keys.OnRevoked(func(ownerID, keyID string) {
		r.Revoke(func(ctx context.Context) bool {
			v := viewer.From(ctx)
			return v.OwnerID == ownerID && v.KeyID == keyID
		})
	})
	return r
}

// recordRefusal keeps a row for a socket under a key that was good once.
func (s *server) recordRefusal(err error) {
	if known := new(apikey.Refusal); errors.As(err, &known) && known.Listed {
		s.requests.Record(requestlog.Entry{OwnerID: known.OwnerID, KeyID: known.KeyID, Route: record.Unknown, Status: http.StatusUnauthorized, Code: string(known.Fault.Code)})
	}
}

// alive reports whether what a connection was opened with still stands.
func (s *server) alive(ctx context.Context) (bool, error) {
	if v := viewer.From(ctx); v.Kind == viewer.APIKey {
		return s.keys.Alive(ctx, v)
	}
	return s.accounts.Alive(ctx, viewer.From(ctx))
}

// initSocket makes a socket the API key's that its connection_init brings; without one it
// stays whose its upgrade was.
func (s *server) initSocket(ctx context.Context, _ *http.Request, payload json.RawMessage) (context.Context, error) {
	var p struct {
		Authorization string `json:"authorization"`
	}
	_ = json.Unmarshal(payload, &p) // what isn't that brings no key
	if p.Authorization == "" {
		return ctx, nil
	}
	key, ok := apikey.Bearer(p.Authorization)
	if !ok {
		return ctx, fault.New(fault.Unauthenticated, "authorization must be `Bearer` and an API key")
	}
	v, err := s.keys.Authenticate(ctx, key, viewer.From(ctx).Network)
	if err != nil {
		s.recordRefusal(err)
		return ctx, err
	}
	v.Network = viewer.From(ctx).Network
	return viewer.With(ctx, v), nil
}
