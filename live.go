package main

import (
	"context"

	"github.com/kimi-k2/kimi-k2/internal/edge/live"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// openConnections knows the sockets and event streams of this instance. Those of a
// session that ends before its time end at once; the session of each is looked for
// right after it was opened and then every minute. Where all of an owner's sessions end
// it may be gone itself, and its replies with it.
func (s *server) openConnections() *live.Registry {
	r := live.New(live.Config{
		Log:   s.log,
		Alive: func(ctx context.Context) (bool, error) { return s.accounts.Alive(ctx, viewer.From(ctx)) },
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
	return r
}
