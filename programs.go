package main

import (
	"context"
	"errors"
	"maps"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// openCompletions builds what answers programs.
func (s *server) openCompletions() {
	s.completions = completion.New(completion.Config{DB: s.db, Gate: s.policy, Keys: s.keys, Engine: s.queue, Limits: programLimits{s.limits}, Money: s.credit, Bus: s.bus, Clock: s.clock, Log: s.log, Price: s.price(), Sole: s.db.Embedded()})
}

// writers are the rooms that write answers: replies in conversations, and completions.
type writers struct {
	chat        *chat.Service
	completions *completion.Service
}

func (s *server) writers() writers { return writers{s.chat, s.completions} }

// both does two things at once and waits for both.
func both(a, b func() error) error {
	other := make(chan error, 1)
	go func() { other <- b() }()
	return errors.Join(a(), <-other)
}

// StopAll ends what is being written for the viewer.
func (w writers) StopAll(ctx context.Context, v viewer.Viewer) error {
	return both(func() error { return w.chat.StopAll(ctx, v) }, func() error { return w.completions.StopAll(ctx, v) })
}

// settled is writers for who goes: what was written is charged before its wallet is gone,
// on other instances too.
type settled struct {
	writers
	books *credit.Service
}

// StopAll ends what is being written for the viewer, and waits until nothing is held.
func (w settled) StopAll(ctx context.Context, v viewer.Viewer) error {
	return errors.Join(w.writers.StopAll(ctx, v), w.books.Settled(ctx, v.OwnerID))
}

// StopKey ends what is being written for an API key.
func (w writers) StopKey(ctx context.Context, ownerID, keyID string) error {
	return both(func() error { return w.chat.StopKey(ctx, ownerID, keyID) }, func() error { return w.completions.StopKey(ctx, ownerID, keyID) })
}

// Alive says which holds still have somebody at work who will settle them.
func (w writers) Alive(ctx context.Context, holdIDs []string) (map[string]bool, error) {
	runs, err := w.chat.Alive(ctx, holdIDs)
	if err != nil {
		return nil, err
	}
	ours, err := w.completions.Alive(ctx, holdIDs)
	maps.DeleteFunc(ours, func(_ string, alive bool) bool { return !alive })
	maps.Copy(runs, ours)
	return runs, err
}

// drain refuses new answers and lets those under way end, until ctx does.
func (w writers) drain(ctx context.Context) {
	_ = both(func() error { w.chat.Drain(ctx); return nil }, func() error { w.completions.Drain(ctx); return nil })
}
