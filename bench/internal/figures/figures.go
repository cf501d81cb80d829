// Package figures measures the figures that the project holds itself to, each
// against a floor measured in the same run.
package figures

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/procstat"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
)

// Group is figures that are measured together.
type Group struct {
	Name string
	What string
	run  func(*Run, context.Context) ([]report.Figure, error)
}

// All are the groups in the order they run: what fills the database comes last.
var All = []Group{
	{"size", "what is shipped", (*Run).size},
	{"stream-200", "200 replies x 30 tokens/s, engine to subscription frame, over a bare HTTP relay", streamsOf(200)},
	{"stream-1000", "1,000 replies x 30 tokens/s, engine to subscription frame, over a bare HTTP relay", streamsOf(1000)},
	{"programs-whole", "short answers of /v1 in one piece, over a relay that charges for them", (*Run).programs},
	{"programs-200", "200 streams of /v1 x 30 tokens/s, over a bare HTTP relay and one that charges", programStreamsOf(200)},
	{"programs-1000", "1,000 streams of /v1 x 30 tokens/s, over a bare HTTP relay and one that charges", programStreamsOf(1000)},
	{"fan", "2,000 subscriptions x 30 tokens/s, over raw gorilla/websocket", (*Run).fan},
	{"saturation", "2,000 subscriptions x 120 tokens/s, more than one core can send, over raw gorilla/websocket", (*Run).saturation},
	{"memory", "10,000 open sockets, over raw gorilla/websocket", (*Run).memory},
	{"start", "from exec to ready with an existing database", (*Run).start},
	{"auth", "a session's cookie, over the same request without one", (*Run).authentication},
	{"revocation", "a session ended on one of three instances, until its sockets are closed", (*Run).revocation},
	{"charges", "settlements made durable by 64 callers, over a group commit that keeps no books", (*Run).charges},
	{"verify", "books of 300,000 and of 1,200,000 entries proved by the command", (*Run).verify},
	{"hold", "credits held and settled, until the first token, over the same where nothing costs anything", (*Run).hold},
	{"buying", "a payment's webhook, until it is on the payer's screen", (*Run).buying},
	{"purge", "100,000 expired guests deleted while others write, over the same writes alone", (*Run).purge},
	{"retention", "100,000 rows that are over swept while others write, over the same writes alone", (*Run).retention},
	{"notices", "100,000 accounts written to of a new version of the policy, each once", (*Run).notices},
	{"export", "everything of somebody with 100,000 messages written to a file, and brought in again", (*Run).export},
	{"requestlog", "10,000,000 API requests logged, summed up, and a day of them dropped while others write", (*Run).requestLog},
	{"list", "the 20 newest conversations with their last message out of 1,000,000, over a bare pgx handler", (*Run).lists},
}

// Config says what to run.
type Config struct {
	Root  string // of the project: bin/kimi-k2 and frontend/dist are looked for here
	Quick bool   // one round and smaller sizes: shows that it works, proves nothing
	Only  []string
	Keep  bool // leave the folder with the processes' logs and data
	Log   *slog.Logger
	Tell  func(format string, args ...any) // progress, one line each
}

// Run is one run of the bench.
type Run struct {
	Config
	bed    *bed.Bed
	db     *bed.Database
	engine *bed.Proc
}

// Measure runs the groups that are asked for and returns their figures. A group
// that fails becomes a missed figure; the error is for a bed that cannot be made.
func Measure(ctx context.Context, c Config) (figures []report.Figure, err error) {
	b, err := bed.New(filepath.Join(c.Root, "bin", "kimi-k2"), c.Log)
	if err != nil {
		return nil, err
	}
	r := &Run{Config: c, bed: b}
	if b.Keep = c.Keep; c.Keep {
		c.Tell("logs and data stay in %s", b.Dir)
	}
	defer func() {
		if cerr := r.close(context.WithoutCancel(ctx)); err == nil {
			err = cerr
		}
	}()
	if !b.Pinned() {
		c.Tell("processes are not pinned to cores: one core only, or no taskset(1)")
	}
	for _, g := range All {
		if !c.wants(g.Name) {
			continue
		}
		if ctx.Err() != nil {
			return figures, ctx.Err()
		}
		figures = append(figures, r.group(ctx, g)...)
	}
	return figures, nil
}

// wants reports whether a group is asked for.
func (c Config) wants(name string) bool {
	for _, only := range c.Only {
		if strings.HasPrefix(name, only) {
			return true
		}
	}
	return len(c.Only) == 0
}

// group measures one group and stamps its figures.
func (r *Run) group(ctx context.Context, g Group) []report.Figure {
	began, before := time.Now().UTC().Truncate(time.Second), procstat.Load()
	r.Tell("%s: %s", g.Name, g.What)
	got, err := g.run(r, ctx)
	if err != nil {
		f := report.New(g.Name, g.What, "", nil, nil, report.Goal{})
		f.Miss(err.Error())
		got = append(got, f)
	}
	for i := range got {
		got[i].Command, got[i].Date, got[i].Load = "bin/bench run -only "+g.Name, began, before
	}
	r.Tell("%s: %.0f s", g.Name, time.Since(began).Seconds())
	return got
}

func (r *Run) close(ctx context.Context) error {
	err := r.bed.Stop()
	if r.db != nil {
		if derr := r.db.Close(ctx); err == nil {
			err = derr
		}
	}
	if rerr := r.bed.Close(); err == nil {
		err = rerr
	}
	return err
}

// stop ends a process that is no longer needed.
func (r *Run) stop(p *bed.Proc) {
	if err := p.Stop(); err != nil {
		r.Log.Warn("a process was killed", "error", err)
	}
}

// rounds is how often floor and product are measured in turn.
func (r *Run) rounds() int {
	if r.Quick {
		return 1
	}
	return 3
}

// pick is the first value, or the second when the run is quick.
func pick[T any](r *Run, full, quick T) T {
	if r.Quick {
		return quick
	}
	return full
}

// database is the shared database, started when first asked for.
func (r *Run) database(ctx context.Context) (*bed.Database, error) {
	if r.db == nil {
		db, err := r.bed.OpenDatabase(ctx)
		if err != nil {
			return nil, err
		}
		r.db = db
	}
	return r.db, nil
}

// mock is the shared mock engine, started when first asked for.
func (r *Run) mock(ctx context.Context) (*bed.Proc, error) {
	if r.engine == nil {
		p, err := r.bed.Serve(ctx, bed.Others, "engine", nil)
		if err != nil {
			return nil, err
		}
		r.engine = p
	}
	return r.engine, nil
}

// product starts the product on the shared database and engine, with further settings.
// Only caps that a load of few guests with many sockets would meet are raised.
func (r *Run) product(ctx context.Context, c bed.Core, more ...string) (*bed.Proc, error) {
	db, err := r.database(ctx)
	if err != nil {
		return nil, err
	}
	engine, err := r.mock(ctx)
	if err != nil {
		return nil, err
	}
	const many = 1_000_000
	settings := []string{
		"DATA_DIR=" + filepath.Join(r.bed.Dir, "product"), "DATABASE_URL=" + db.URL, "SECRET_KEY=" + bed.Secret(),
		"INFERENCE_URL=http://" + engine.Addr + "/v1", "TITLES=off", "GUEST_MESSAGE_LIMIT=" + strconv.Itoa(many),
		"STREAMS_PER_GUEST=1000", "STREAMS_PER_ACCOUNT=1000", "SOCKETS_PER_PRINCIPAL=20000",
		// The limits are counted, and never reached.
		"RATE_MESSAGES_PER_GUEST=1000000000", "RATE_MESSAGES_PER_ACCOUNT=1000000000", "RATE_COST_PER_GUEST=1000000000", "RATE_COST_PER_ACCOUNT=1000000000",
	}
	if err := os.MkdirAll(filepath.Join(r.bed.Dir, "product"), 0o755); err != nil {
		return nil, fmt.Errorf("make a data folder: %w", err)
	}
	return r.bed.Product(ctx, c, append(settings, more...)...)
}

// pair is the results of floor and product, round by round.
type pair struct{ floor, product []load.Result }

// duel measures floor and product in turn under the same load on core c.
func (r *Run) duel(ctx context.Context, c bed.Core, rounds int, s load.Spec, floor, product *bed.Proc) (p pair, err error) {
	for n := range rounds {
		for _, target := range []*bed.Proc{floor, product} {
			s.Addr, s.Floor, s.Watch = target.Addr, target == floor, r.watch(target)
			got, err := r.bed.Load(ctx, c, s)
			if err != nil {
				return p, fmt.Errorf("round %d on the %s: %w\n%s", n+1, target.Name, err, target.Output())
			}
			r.Tell("  round %d, %-8s %s", n+1, target.Name+":", brief(got))
			if target == floor {
				p.floor = append(p.floor, got)
			} else {
				p.product = append(p.product, got)
			}
		}
	}
	return p, nil
}

func (r *Run) watch(target *bed.Proc) map[string][]int {
	w := map[string][]int{"server": {target.PID}}
	if r.db != nil {
		w["database"] = []int{r.db.PID}
	}
	if r.engine != nil {
		w["engine"] = []int{r.engine.PID}
	}
	return w
}

// brief is a result on one line, for progress.
func brief(r load.Result) string {
	var b strings.Builder
	if r.Tokens > 0 {
		fmt.Fprintf(&b, "%d tokens, %d lost, %d too many, ", r.Tokens, r.Lost, r.Extra)
	}
	if r.Asked > 0 {
		fmt.Fprintf(&b, "%d answers, ", r.Asked)
	}
	fmt.Fprintf(&b, "added p50 %.0f p99 %.0f us, late p99 %.0f us, %d errors; CPU s:", r.Added.P50, r.Added.P99, r.Late.P99, r.Errors)
	for _, name := range []string{"server", "database", "engine", "load"} {
		fmt.Fprintf(&b, " %s %.2f", name, r.CPU[name])
	}
	fmt.Fprintf(&b, ", others %.2f of %.1f s", r.Other, r.Seconds)
	if r.Error != "" {
		fmt.Fprintf(&b, "; first error: %.200s", r.Error)
	}
	return b.String()
}

// figure makes one of a pair with what f reads out of each result.
func (p pair) figure(name, what, unit string, g report.Goal, f func(load.Result) float64) report.Figure {
	return p.check(report.New(name, what, unit, each(p.product, f), each(p.floor, f), g))
}

// check marks a figure as missed when the product lost, repeated or refused something.
func (p pair) check(f report.Figure) report.Figure {
	var lost, extra, errs int64
	var first string
	for _, r := range p.product {
		lost, extra, errs = lost+r.Lost, extra+r.Extra, errs+r.Errors
		if first == "" {
			first = r.Error
		}
	}
	if lost > 0 || extra > 0 || errs > 0 {
		f.Miss(fmt.Sprintf("%d tokens lost, %d too many, %d errors: %.200s", lost, extra, errs, first))
	}
	return f
}

func each(results []load.Result, f func(load.Result) float64) []float64 {
	out := make([]float64, len(results))
	for i, r := range results {
		out[i] = f(r)
	}
	return out
}

// perToken is the CPU time of the named processes per token, in microseconds.
func perToken(names ...string) func(load.Result) float64 {
	return func(r load.Result) (us float64) {
		for _, n := range names {
			us += r.CPU[n] * 1e6 / float64(max(1, r.Tokens))
		}
		return us
	}
}
