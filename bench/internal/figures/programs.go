package figures

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/engine"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/apikey"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
)

// The load of programs: each of the accounts has one key.
const (
	programAccounts = 50
	programClients  = 64
	programRate     = 200 // requests per second of the open loop
)

// programCatalogue prices the mock engine's model under the name that the relays pass on.
const programCatalogue = `{"models": [{"id": %[1]q, "name": "Bench", "engineId": %[1]q, "family": "other", "contextTokens": 32768, "maxOutputTokens": 4096,
	"price": {"input": 1000000, "cachedInput": 500000, "output": 3000000}, "default": true}], "unknown": {"contextTokens": 8192, "maxOutputTokens": 4096}}`

// programSettings let few accounts do what many would. Everything is counted, held, settled
// and logged, and no limit is reached.
var programSettings = []string{"CHARGE=on", "ENGINE_STREAMS=4096",
	"RATE_REQUESTS_PER_KEY=1000000000", "RATE_TOKENS_PER_KEY=1000000000", "RATE_STREAMS_PER_KEY=1000000",
	"RATE_REQUESTS_PER_ACCOUNT=1000000000", "RATE_TOKENS_PER_ACCOUNT=1000000000", "RATE_STREAMS_PER_ACCOUNT=1000000"}

// street is what programs may talk to: the engine itself, a relay that asks for a key, one
// that charges too, and the product.
type street struct {
	run                           *Run
	engine, relay, meter, product *bed.Proc
	keys                          []string
}

func (r *Run) street(ctx context.Context) (_ *street, err error) {
	s := &street{run: r}
	defer func() {
		if err != nil {
			s.close(ctx)
		}
	}()
	if s.engine, err = r.mock(ctx); err != nil {
		return nil, err
	}
	known, catalogue := filepath.Join(r.bed.Dir, "keys.json"), filepath.Join(r.bed.Dir, "programs.json")
	if err = os.WriteFile(catalogue, fmt.Appendf(nil, programCatalogue, engine.Model), 0o600); err != nil {
		return nil, fmt.Errorf("write a catalogue: %w", err)
	}
	if s.product, err = r.product(ctx, bed.Server, append(programSettings, "MODELS_FILE="+catalogue)...); err != nil {
		return nil, err
	}
	if s.keys, err = r.programKeys(ctx); err != nil {
		return nil, err
	}
	b, err := json.Marshal(s.keys)
	if err != nil {
		return nil, fmt.Errorf("encode keys: %w", err)
	}
	if err = os.WriteFile(known, b, 0o600); err != nil {
		return nil, fmt.Errorf("write keys: %w", err)
	}
	relay := []string{"-engine", "http://" + s.engine.Addr, "-keys", known}
	if s.relay, err = r.bed.Serve(ctx, bed.Server, "relay", nil, relay...); err != nil {
		return nil, err
	}
	s.meter, err = r.bed.Serve(ctx, bed.Server, "relay", []string{"DATABASE_URL=" + r.db.Super.Config().ConnString()}, append(relay, "-meter")...)
	return s, err
}

func (s *street) close(ctx context.Context) {
	for _, p := range []*bed.Proc{s.product, s.meter, s.relay} {
		if p != nil {
			s.run.stop(p)
		}
	}
	if s.meter != nil {
		_, _ = s.run.db.Super.Exec(context.WithoutCancel(ctx), `DROP SCHEMA IF EXISTS floor CASCADE`) // whoever needs it makes it afresh
	}
}

// programKeys makes accounts that can pay, or finds them, and a key of each.
func (r *Run) programKeys(ctx context.Context) ([]string, error) {
	p, err := r.payers(ctx)
	if err != nil {
		return nil, err
	}
	defer p.close()
	keys := apikey.New(apikey.Config{DB: p.db, Audit: audittest.Under(p.db, p.root), Owners: p.accounts, Budgets: p.books, Clock: clock.System{}, Log: r.Log, Secret: p.root})
	out := make([]string, programAccounts)
	for i := range out {
		e, err := p.signIn(ctx, "program-"+strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		if _, out[i], err = keys.Create(ctx, e.Viewer, apikey.Create{Name: "bench"}); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// turns puts the load on one target after the other, round by round.
func (s *street) turns(ctx context.Context, spec load.Spec, targets ...*bed.Proc) (map[*bed.Proc][]load.Result, error) {
	spec.Keys = s.keys
	out := map[*bed.Proc][]load.Result{}
	for n := range s.run.rounds() {
		for _, target := range targets {
			spec.Addr, spec.Watch = target.Addr, s.run.watch(target)
			got, err := s.run.bed.Load(ctx, bed.Others, spec)
			if err != nil {
				return nil, fmt.Errorf("round %d on %s: %w\n%s", n+1, s.name(target), err, target.Output())
			}
			s.run.Tell("  round %d, %-8s %s", n+1, s.name(target)+":", brief(got))
			out[target] = append(out[target], got)
		}
	}
	return out, nil
}

func (s *street) name(p *bed.Proc) string {
	if p == s.meter {
		return "meter"
	}
	return p.Name
}

// programs measures short answers in one piece: as many as go, and at a pace how long they
// take beyond what the engine takes.
func (r *Run) programs(ctx context.Context) ([]report.Figure, error) {
	s, err := r.street(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close(ctx)
	spec := load.Spec{Kind: load.Wholes, N: programClients, Warm: time.Second, Window: pick(r, 4*time.Second, time.Second)}
	got, err := s.turns(ctx, spec, s.relay, s.meter, s.product)
	if err != nil {
		return nil, err
	}
	spec.Rate = programRate
	paced, err := s.turns(ctx, spec, s.engine, s.relay, s.meter, s.product)
	if err != nil {
		return nil, err
	}
	const what = "short answers in one piece, key, limits, hold, settlement and log: "
	over, bare := pair{got[s.meter], got[s.product]}, pair{got[s.relay], got[s.product]}
	perSecond := func(r load.Result) float64 { return float64(r.Asked) / r.Seconds }
	out := []report.Figure{
		over.figure("programs-whole requests", what+"a second on one core with 64 clients, over a relay that makes one charge durable", "1/s", report.Goal{Least: true, Limit: 0.6}, perSecond),
		bare.figure("programs-whole requests, bare", what+"the same over a relay that asks for a key", "1/s", report.Goal{}, perSecond),
		over.figure("programs-whole CPU", what+"CPU time of the server per answer, over the relay that charges", "us", report.Goal{}, perAnswer("server")),
		over.figure("programs-whole CPU with database", what+"the same with the database", "us", report.Goal{}, perAnswer("server", "database")),
	}
	for _, q := range []struct {
		name string
		of   func(load.Result) float64
	}{{"p50", func(r load.Result) float64 { return r.Added.P50 }}, {"p99", func(r load.Result) float64 { return r.Added.P99 }}} {
		direct := each(paced[s.engine], func(r load.Result) float64 { return r.Added.P50 })
		f := report.New("programs-whole added "+q.name, what+fmt.Sprintf("at %d/s, time added to that of the engine asked directly, over the relay that charges, ", programRate)+q.name,
			"us", less(each(paced[s.product], q.of), direct), less(each(paced[s.meter], q.of), direct), report.Goal{})
		out = append(out, pair{paced[s.meter], paced[s.product]}.check(f))
	}
	return out, nil
}

// less is the values without what the others are.
func less(values, others []float64) []float64 {
	for i := range values {
		values[i] -= others[i]
	}
	return values
}

// perAnswer is the CPU time of the named processes per answer, in microseconds.
func perAnswer(names ...string) func(load.Result) float64 {
	return func(r load.Result) (us float64) {
		for _, n := range names {
			us += r.CPU[n] * 1e6 / float64(max(1, r.Asked))
		}
		return us
	}
}

// programStreamsOf measures n streams of programs at once.
func programStreamsOf(n int) func(*Run, context.Context) ([]report.Figure, error) {
	return func(r *Run, ctx context.Context) ([]report.Figure, error) {
		s, err := r.street(ctx)
		if err != nil {
			return nil, err
		}
		defer s.close(ctx)
		spec := load.Spec{Kind: load.Streams, N: n, Rate: 30, Ramp: time.Duration(n) * pick(r, 4*time.Millisecond, 2*time.Millisecond), Warm: time.Second,
			Window: pick(r, 3*time.Second, 1500*time.Millisecond)}
		if n <= 200 {
			spec.Ramp, spec.Probes, spec.Spread = 1500*time.Millisecond, pick(r, 60, 20), pick(r, 2*time.Second, 500*time.Millisecond)
		}
		got, err := s.turns(ctx, spec, s.relay, s.meter, s.product)
		if err != nil {
			return nil, err
		}
		return programStreamFigures(n, pair{got[s.relay], got[s.product]}, pair{got[s.meter], got[s.product]}), nil
	}
}

func programStreamFigures(n int, bare, metered pair) []report.Figure {
	name, what := "programs-"+strconv.Itoa(n), fmt.Sprintf("%d streams of /v1 x 30 tokens/s: ", n)
	out := []report.Figure{
		bare.figure(name+" added p50", what+"from the engine's write to the program, median per token, over a bare relay", "us",
			report.Goal{Limit: 1.2}, func(r load.Result) float64 { return r.Added.P50 }),
		metered.figure(name+" added p99", what+"the same, 99th percentile, over a relay that charges", "us",
			report.Goal{Limit: 2}, func(r load.Result) float64 { return r.Added.P99 }),
		bare.figure(name+" CPU", what+"CPU time of the server per million tokens, over a bare relay", "s",
			report.Goal{Limit: 1.25}, perToken("server")),
	}
	if bare.product[0].First.N > 0 {
		return append(out,
			bare.figure(name+" first token", what+"from the engine's write of a first token to the program, median", "ms",
				report.Goal{Plain: true, Limit: 0.5}, func(r load.Result) float64 { return r.First.P50 / 1000 }),
			metered.figure(name+" send to first", what+"from the request to its first token, less the engine's own time, median, over a relay that charges", "ms",
				report.Goal{}, func(r load.Result) float64 { return r.Send.P50 / 1000 }))
	}
	fresh := pair{bare.floor[:1], bare.product[:1]} // later rounds find the memory of the first
	return append(out,
		bare.figure(name+" core", what+"share of one core", "%",
			report.Goal{Plain: true, Limit: 80}, func(r load.Result) float64 { return 100 * r.CPU["server"] / r.Seconds }),
		fresh.figure(name+" memory", what+"memory of the server per stream", "KiB",
			report.Goal{Plain: true, Limit: 120}, func(r load.Result) float64 { return float64(r.Memory["server"]) / 1024 / float64(n) }))
}
