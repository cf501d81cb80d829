package ratelimit

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// States are all limits that concern the viewer, as they stand now: for an API key its own
// and those of all keys of its account, for others those of the page and, of an account,
// none of its keys'.
func (s *Service) States(ctx context.Context, v viewer.Viewer) ([]models.RateLimitState, error) {
	out := []models.RateLimitState{}
	for _, b := range s.reading(v) {
		now := s.Clock.Now()
		out = append(out, state(b, s.memory.level(b.owner), now.UnixNano()))
	}
	counted := s.buckets(v, RouteMessage)
	if len(counted) == 0 || v.OwnerID == "" {
		return out, nil
	}
	levels, now, err := s.readWhole(ctx, v.OwnerID)
	if err != nil {
		return nil, err
	}
	for _, b := range counted {
		name := b.name
		if b.places() {
			name = "places " + name
		}
		out = append(out, state(b, levels[name], now))
	}
	return out, nil
}

// readWhole is read when nothing is lent: what is, here and to others, is given back first.
func (s *Service) readWhole(ctx context.Context, owner string) (levels map[string]int64, now int64, err error) {
	if len(s.ahead.of(owner)) > 0 {
		if err := s.writer.giveBack(owner); err != nil {
			return nil, 0, fmt.Errorf("read limits: %w", database.Translate(err))
		}
	}
	for range maxTries {
		var lenders []string
		if levels, now, lenders, err = s.read(ctx, owner); err != nil || len(lenders) == 0 {
			break
		}
		for _, lender := range lenders {
			<-s.recall(owner, lender)
		}
	}
	return levels, now, err
}

func state(b bucket, level, now int64) models.RateLimitState {
	left, reset := b.left(level, now)
	at := time.Unix(0, now).Add(reset).UTC().Truncate(time.Microsecond)
	return models.RateLimitState{Name: b.what, Scope: b.scope, Limit: b.limit, Remaining: left, ResetAt: at}
}
