package main

import (
	"context"
	"strings"

	"github.com/kimi-k2/kimi-k2/internal/completion"
	"github.com/kimi-k2/kimi-k2/internal/ratelimit"
	"github.com/kimi-k2/kimi-k2/internal/requestlog"
	"github.com/kimi-k2/kimi-k2/internal/rest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/internal/web"
	"github.com/kimi-k2/kimi-k2/models"
)

// api is what the clients of other services talk to.
func (s *server) api() *rest.API {
	return rest.New(rest.Config{Completions: begins{s.completions}, Models: s.engine, Limits: requestLimits{s.limits}, Requests: programRequests{s.requests}, RequestID: web.RequestID, Clock: s.clock, Log: s.log})
}

// begins hands runs to the wire.
type begins struct{ completions *completion.Service }

// Begin implements rest.Completions.
func (b begins) Begin(ctx context.Context, v viewer.Viewer, r completion.Request) (rest.Run, error) {
	run, err := b.completions.Begin(ctx, v, r)
	if err != nil {
		status, _ := ratelimit.StatusOf(err)
		return rest.Run{Limits: allowances(status)}, err
	}
	out := rest.Run{ID: run.ID, Model: run.Model, CreatedAt: run.CreatedAt, Replayed: run.Replayed, Prompt: run.Prompt, Position: run.Position, Stream: run.Stream}
	if p, ok := run.Permit.(*ratelimit.Permit); ok {
		out.Limits = allowances(p.Status())
	}
	return out, nil
}

// programLimits is what completions know of limits: their request was counted when it came.
type programLimits struct{ limits *ratelimit.Service }

// Admit implements completion.Limits.
func (l programLimits) Admit(ctx context.Context, v viewer.Viewer, ask completion.Ask) (completion.Permit, error) {
	permit, err := l.limits.Admit(ctx, v, ratelimit.Ask{Route: ratelimit.RouteCompletions, Tokens: ask.Tokens, Stream: true, Counted: true})
	if err != nil {
		return nil, err
	}
	return permit, nil
}

// requestLimits is what the wire knows of limits: one request, whatever becomes of it.
type requestLimits struct{ limits *ratelimit.Service }

// Admit implements rest.Limits.
func (l requestLimits) Admit(ctx context.Context, v viewer.Viewer, route string) ([]rest.Allowance, error) {
	ask := ratelimit.Ask{Route: ratelimit.RouteModels}
	if rest.ReachesEngine(route) {
		ask.Route = ratelimit.RouteCompletions
	}
	permit, err := l.limits.Admit(ctx, v, ask)
	if err != nil {
		status, _ := ratelimit.StatusOf(err)
		return allowances(status), err
	}
	return allowances(permit.Status()), nil
}

// allowances are what is left, the tightest first.
func allowances(s ratelimit.Status) (out []rest.Allowance) {
	add := func(what models.RateLimitName, w ratelimit.Window) {
		if w.Limit > 0 {
			out = append(out, rest.Allowance{Name: strings.ToLower(string(what)), Limit: w.Limit, Remaining: w.Remaining, Reset: w.Reset})
		}
	}
	add(s.What, s.Window)
	if s.What != models.LimitRequests {
		add(models.LimitRequests, s.Requests)
	}
	if s.What != models.LimitTokens {
		add(models.LimitTokens, s.Tokens)
	}
	return out
}

// programRequests keeps a row for each request of a program.
type programRequests struct{ requests *requestlog.Service }

// Record implements rest.Requests.
func (p programRequests) Record(e rest.Entry) { p.requests.Record(requestlog.Entry(e)) }
