package figures

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// The authentication's load. A session is remembered for a second: the many are looked
// up at every request, the one is not.
const (
	authSessions = 4_000
	authClients  = 8
	authRate     = 800 // requests per second of the open loop
)

// authentication measures what a session's cookie costs beside an anonymous request
// for the same.
func (r *Run) authentication(ctx context.Context) ([]report.Figure, error) {
	product, err := r.product(ctx, bed.Server)
	if err != nil {
		return nil, err
	}
	defer r.stop(product)
	people, err := r.people(ctx)
	if err != nil {
		return nil, err
	}
	defer people.close()
	sessions, err := people.many(ctx, pick(r, authSessions, authSessions/10))
	if err != nil {
		return nil, err
	}
	cookies := make([]string, len(sessions))
	for i, s := range sessions {
		cookies[i] = "sid=" + s.Cookie
	}
	s := load.Spec{Kind: load.Viewers, N: authClients, Cookies: cookies, Rate: pick[float64](r, authRate, authRate/10), Warm: time.Second, Window: pick(r, 4*time.Second, time.Second)}
	each, err := r.duel(ctx, bed.Others, r.rounds(), s, asNobody(product), product)
	if err != nil {
		return nil, err
	}
	s.Cookies = cookies[:1]
	one, err := r.duel(ctx, bed.Others, r.rounds(), s, asNobody(product), product)
	if err != nil {
		return nil, err
	}
	goal := report.Goal{Plain: true, Limit: 60}
	what := fmt.Sprintf("CPU time of the server that a session's cookie adds to an anonymous query at %.0f/s, ", s.Rate)
	return []report.Figure{
		each.added("auth CPU", what+"the session looked up in the database", goal, "server"),
		one.added("auth CPU, known", what+"the session remembered", goal, "server"),
		each.added("auth CPU of the database", "the same of the database, the session looked up", report.Goal{}, "database"),
	}, nil
}

// asNobody is the same process in the place of a floor: it is asked without a cookie.
func asNobody(p *bed.Proc) *bed.Proc {
	return &bed.Proc{Name: "nobody", Addr: p.Addr, PID: p.PID}
}

// added is what the product used more than the floor per answer, in microseconds.
func (p pair) added(name, what string, g report.Goal, process string) report.Figure {
	var values []float64
	for i, with := range p.product {
		per := func(r load.Result) float64 { return r.CPU[process] * 1e6 / float64(max(1, r.Asked)) }
		values = append(values, per(with)-per(p.floor[i]))
	}
	return p.check(report.New(name, what, "us", values, nil, g))
}

// people signs accounts in, as the product does after a provider has answered.
type people struct {
	db       *database.DB
	accounts *account.Service
	root     []byte // from which the product derives its keys
}

func (r *Run) people(ctx context.Context) (*people, error) {
	db, err := database.Open(ctx, database.Config{URL: r.db.URL, MaxConns: 8, AppName: "bench", Log: r.Log})
	if err != nil {
		return nil, fmt.Errorf("connect for accounts: %w", err)
	}
	keys, err := account.OpenKeys(ctx, db, clock.System{}, bed.CookieKey())
	if err != nil {
		return nil, errors.Join(err, db.Close(context.WithoutCancel(ctx)))
	}
	accounts := account.New(account.Config{DB: db, Audit: audittest.Under(db, keys.Root), Keeper: keys.Keeper, Clock: clock.System{}, Log: r.Log, CookieKey: keys.Root})
	accounts.Join(everybody{}, nil)
	return &people{db: db, accounts: accounts, root: keys.Root}, nil
}

func (p *people) close() { _ = p.db.Close(context.Background()) } // nothing more is expected of it

// everybody may have an account: age and policy are not what is measured.
type everybody struct{}

// AdmitTx admits.
func (everybody) AdmitTx(*gorm.DB, viewer.Viewer, viewer.Viewer) error { return nil }

// many begins a session of each of n accounts.
func (p *people) many(ctx context.Context, n int) ([]account.Entry, error) {
	out := make([]account.Entry, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i := range out {
		g.Go(func() (err error) {
			out[i], err = p.session(ctx, fmt.Sprintf("person-%d", i))
			return err
		})
	}
	return out, g.Wait()
}

// session begins a session of the account, which is made the first time.
func (p *people) session(ctx context.Context, name string) (account.Entry, error) {
	e, err := p.accounts.SignIn(ctx, account.SignIn{From: viewer.Viewer{Kind: viewer.Visitor},
		Proof: account.Proof{Provider: models.ProviderGoogle, Subject: name, Name: name, Email: name + "@example.org", Verified: true}})
	if err != nil {
		return e, fmt.Errorf("sign in: %w", err)
	}
	return e, nil
}
