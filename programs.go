package main

import (
	"context"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/rest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
)

// openPrograms builds what the clients of other services talk to.
func (s *server) openPrograms() *rest.API {
	s.completions = completion.New(completion.Config{DB: s.db, Gate: s.policy, Keys: s.keys, Engine: s.engine, Money: s.credit, Clock: s.clock, Log: s.log, Price: s.price()})
	return rest.New(rest.Config{Completions: begins{s.completions}, Models: s.engine, RequestID: web.RequestID, Clock: s.clock, Log: s.log})
}

// begins hands runs to the wire.
type begins struct{ completions *completion.Service }

// Begin implements rest.Completions.
func (b begins) Begin(ctx context.Context, v viewer.Viewer, r completion.Request) (rest.Run, error) {
	run, err := b.completions.Begin(ctx, v, r)
	if err != nil {
		return rest.Run{}, err
	}
	return rest.Run{ID: run.ID, Model: run.Model, CreatedAt: run.CreatedAt, Replayed: run.Replayed, Stream: run.Stream}, nil
}
