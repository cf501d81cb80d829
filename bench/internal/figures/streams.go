package figures

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
)

// streamsOf measures n replies at once, each read by its own guest.
func streamsOf(n int) func(*Run, context.Context) ([]report.Figure, error) {
	return func(r *Run, ctx context.Context) ([]report.Figure, error) {
		engine, err := r.mock(ctx)
		if err != nil {
			return nil, err
		}
		relay, err := r.bed.Serve(ctx, bed.Server, "relay", nil, "-engine", "http://"+engine.Addr)
		if err != nil {
			return nil, err
		}
		defer r.stop(relay)
		product, err := r.product(ctx, bed.Server)
		if err != nil {
			return nil, err
		}
		defer r.stop(product)
		s := load.Spec{Kind: load.Streams, N: n, Rate: 30, Ramp: time.Duration(n) * pick(r, 4*time.Millisecond, 2*time.Millisecond), Warm: time.Second,
			Window: pick(r, 3*time.Second, 1500*time.Millisecond)}
		if n <= 200 {
			s.Ramp, s.Probes, s.Spread = 1500*time.Millisecond, pick(r, 60, 20), pick(r, 2*time.Second, 500*time.Millisecond)
		}
		p, err := r.duel(ctx, bed.Others, r.rounds(), s, relay, product)
		if err != nil {
			return nil, err
		}
		return p.streamFigures(n), nil
	}
}

func (p pair) streamFigures(n int) []report.Figure {
	name, what := "stream-"+strconv.Itoa(n), fmt.Sprintf("%d replies x 30 tokens/s: ", n)
	out := []report.Figure{
		p.figure(name+" added p50", what+"from the engine's write to the subscription's frame, median per token", "us",
			report.Goal{Limit: 1.3}, func(r load.Result) float64 { return r.Added.P50 }),
		p.figure(name+" added p99", what+"the same, 99th percentile", "us",
			report.Goal{}, func(r load.Result) float64 { return r.Added.P99 }),
		p.figure(name+" CPU", what+"CPU time of the server per token", "us/token",
			report.Goal{Limit: 1.3}, perToken("server")),
		p.figure(name+" CPU with database", what+"CPU time of the server and its database per token", "us/token",
			report.Goal{}, perToken("server", "database")),
	}
	if p.product[0].First.N == 0 {
		return out
	}
	return append(out,
		p.figure(name+" first token", what+"from the engine's write of a first token to its frame, median", "ms",
			report.Goal{Plain: true, Limit: 0.5}, func(r load.Result) float64 { return r.First.P50 / 1000 }),
		p.figure(name+" send to first", what+"from sending a message to its first token's frame, less the engine's own time, median", "ms",
			report.Goal{}, func(r load.Result) float64 { return r.Send.P50 / 1000 }))
}

// Subscriptions share few replies, so that what is measured is sending: the cost
// of receiving tokens from the engine is the streams' figure.
const (
	subscriptions = 2000
	shared        = 40
)

func (r *Run) fan(ctx context.Context) ([]report.Figure, error) {
	p, err := r.push(ctx, r.rounds(), load.Spec{Kind: load.Fan, N: subscriptions, Replies: shared, Rate: 30, Ramp: 2 * time.Second,
		Settle: time.Second, Warm: 700 * time.Millisecond, Window: pick(r, 3*time.Second, 1500*time.Millisecond)})
	if err != nil {
		return nil, err
	}
	what := "2,000 subscriptions x 30 tokens/s on one core, every token delivered: "
	return []report.Figure{
		p.figure("fan late p99", what+"from when a token was due to its frame, 99th percentile", "ms",
			report.Goal{Plain: true, Limit: 5}, func(r load.Result) float64 { return r.Late.P99 / 1000 }),
		p.figure("fan late p50", what+"the same, median", "ms",
			report.Goal{}, func(r load.Result) float64 { return r.Late.P50 / 1000 }),
		p.figure("fan CPU", what+"CPU time of the server per token delivered", "us/token",
			report.Goal{}, perToken("server")),
	}, nil
}

func (r *Run) saturation(ctx context.Context) ([]report.Figure, error) {
	p, err := r.push(ctx, r.rounds(), load.Spec{Kind: load.Fan, N: subscriptions, Replies: shared, Rate: 120, Ramp: 2 * time.Second, Cut: true,
		Settle: time.Second, Warm: time.Second, Window: pick(r, 2500*time.Millisecond, 1500*time.Millisecond)})
	if err != nil {
		return nil, err
	}
	return []report.Figure{
		p.figure("saturation", "2,000 subscriptions x 120 tokens/s: tokens delivered per second of the server's CPU time", "tokens/s",
			report.Goal{Least: true, Limit: 0.75}, func(r load.Result) float64 { return 1e6 / max(perToken("server")(r), 1e-9) }),
	}, nil
}

// push measures a load of subscriptions on raw gorilla/websocket and the product.
func (r *Run) push(ctx context.Context, rounds int, s load.Spec) (pair, error) {
	floor, err := r.bed.Serve(ctx, bed.Server, "push", nil)
	if err != nil {
		return pair{}, err
	}
	defer r.stop(floor)
	product, err := r.product(ctx, bed.Server)
	if err != nil {
		return pair{}, err
	}
	defer r.stop(product)
	return r.duel(ctx, bed.Others, rounds, s, floor, product)
}

// memory measures one round: what a socket costs does not vary, and opening many
// takes its time. The server is fresh for each of both kinds.
func (r *Run) memory(ctx context.Context) (figures []report.Figure, err error) {
	for _, kind := range []struct {
		name, what string
		idle       bool
		limit      float64
	}{
		{"memory live", "memory of the server per socket with a subscription that receives 1 token/s", false, 50},
		{"memory idle", "memory of the server per socket with a subscription on which nothing happens", true, 40},
	} {
		s := load.Spec{Kind: load.Sockets, N: pick(r, 10_000, 2_000), Replies: 100, Rate: 1, Idle: kind.idle,
			Ramp: pick(r, 7*time.Second, time.Second), Settle: time.Second, Window: pick(r, 3*time.Second, time.Second)}
		p, err := r.push(ctx, 1, s)
		if err != nil {
			return figures, err
		}
		what := fmt.Sprintf("%s, at %d", kind.what, s.N)
		figures = append(figures, p.figure(kind.name, what, "KiB", report.Goal{Plain: true, Limit: kind.limit},
			func(r load.Result) float64 { return float64(r.Memory["server"]) / 1024 / float64(s.N) }))
	}
	return figures, nil
}
