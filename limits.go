package main

import (
	"context"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/chat"
	"github.com/kimi-k2/kimi-k2/internal/edge"
	"github.com/kimi-k2/kimi-k2/internal/fairqueue"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
)

// busyPatience is how long an engine that says that it is busy is asked again.
const busyPatience = 30 * time.Second

// openLimits builds what says who may do how much, and the line at the engine.
func (s *server) openLimits() {
	c := s.cfg
	// The lease of a place outlasts that of a run: who takes a run over finds its place held.
	s.limits = ratelimit.New(ratelimit.Config{DB: s.db, Clock: s.clock, Log: s.log, Bus: s.bus, Lease: max(15*time.Second, 2*c.RunLease), Limits: ratelimit.Limits{
		RequestsPerKey: int64(c.RateRequestsPerKey), TokensPerKey: int64(c.RateTokensPerKey), StreamsPerKey: int64(c.RateStreamsPerKey),
		RequestsPerAccount: int64(c.RateRequestsPerAccount), TokensPerAccount: int64(c.RateTokensPerAccount), StreamsPerAccount: int64(c.RateStreamsPerAccount),
		MessagesPerAccount: int64(c.RateMessagesPerAccount), MessagesPerGuest: int64(c.RateMessagesPerGuest),
		CostPerAccount: int64(c.RateCostPerAccount), CostPerGuest: int64(c.RateCostPerGuest), BadKeysPerAddress: int64(c.RateBadKeysPerAddress)}})
	s.queue = fairqueue.New(fairqueue.Config{Engine: s.engine, Log: s.log, Streams: c.EngineStreams, Waiting: c.EngineQueue, WaitingPerPrincipal: c.EngineQueuePerOwner,
		Patience: min(c.InferenceFirstTokenTimeout, busyPatience)})
}

// weights are the costs of objects that come with another, which are read with its row or lie
// in memory, and of what is much dearer than one object.
var weights = map[string]int{"Mutation.shareCopy": 200, "Query.sharedConversation": 200, "Message.model": 0, "Message.error": 0, "Message.usage": 0, "Model.price": 0,
	// Part of a report that is made once for everybody.
	"TransparencyClause.findings": 0, "TransparencyCheck.findings": 0, "TransparencyChange.findings": 0, "TransparencyFinding.values": 0}

// lists are the lengths of lists that take no `first`. What they hold is read at its full size.
var lists = map[string]int{"Message.children": chat.MaxChildren, "Message.siblings": chat.MaxChildren}

// spend takes a GraphQL document off what its sender may ask for. Every document counts.
func (s *server) spend(ctx context.Context, cost int) (edge.Budget, error) {
	v := viewer.From(ctx)
	permit, err := s.limits.Admit(ctx, v, ratelimit.Ask{Route: ratelimit.RouteGraphQL, Cost: max(cost, 1)})
	status, _ := ratelimit.StatusOf(err)
	if permit != nil {
		status = permit.Status()
	}
	return edge.Budget{Resource: strings.ToLower(string(status.What)), Limit: status.Limit, Remaining: status.Remaining, Reset: status.Reset, Strict: v.Kind == viewer.APIKey}, err
}

// messageLimits is what chat knows of limits.
type messageLimits struct{ limits *ratelimit.Service }

// AdmitMessage takes a message off what its sender may send and use, and one that an API key
// sends off the key's and its account's streams.
func (m messageLimits) AdmitMessage(ctx context.Context, v viewer.Viewer, tokens int64) (chat.Permit, error) {
	permit, err := m.limits.Admit(ctx, v, ratelimit.Ask{Route: ratelimit.RouteMessage, Tokens: tokens, Stream: true})
	if err != nil {
		return nil, err
	}
	return permit, nil
}

// KeepMessage holds the place of a run that is gone on with.
func (m messageLimits) KeepMessage(ownerID, keyID string) chat.Permit {
	return m.limits.Keep(viewer.Viewer{Kind: viewer.APIKey, OwnerID: ownerID, KeyID: keyID}, ratelimit.RouteMessage)
}
