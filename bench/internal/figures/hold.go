package figures

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/engine"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/policy"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
	policyfiles "github.com/kimi-k2/kimi-k2/policy"
)

// sendsARound is how many messages are timed with, and without, prices that count.
const sendsARound = 60

// pricedCatalogue gives the mock engine's model a price, so that there is something to hold.
const pricedCatalogue = `{"models": [{"id": "priced", "name": "Priced", "engineId": %q, "family": "other", "contextTokens": 32768, "maxOutputTokens": 4096,
	"price": {"input": 1000000, "cachedInput": 500000, "output": 3000000}, "default": true}], "unknown": {"contextTokens": 8192, "maxOutputTokens": 4096}}`

var errUncharged = errors.New("nothing was held, so that nothing was measured")

// hold measures what holding and settling credits adds to the time until a first token:
// the same account sends the same messages to an instance whose prices count, and to one
// where nothing costs anything, in turn.
func (r *Run) hold(ctx context.Context) ([]report.Figure, error) {
	catalogue := filepath.Join(r.bed.Dir, "priced.json")
	if err := os.WriteFile(catalogue, fmt.Appendf(nil, pricedCatalogue, engine.Model), 0o600); err != nil {
		return nil, fmt.Errorf("write a catalogue: %w", err)
	}
	var instances [2]*bed.Proc
	for i, charge := range []string{"off", "on"} {
		p, err := r.product(ctx, bed.Anywhere, "MODELS_FILE="+catalogue, "CHARGE="+charge)
		if err != nil {
			return nil, err
		}
		defer r.stop(p)
		instances[i] = p
	}
	cookie, err := r.payer(ctx)
	if err != nil {
		return nil, err
	}
	n := pick(r, sendsARound, sendsARound/6)
	var without, with, added []float64
	for range r.rounds() {
		var medians [2]float64
		for i, p := range instances {
			if _, err := load.FirstTokens(p.Addr, cookie, 3); err != nil { // warm
				return nil, err
			}
			took, err := load.FirstTokens(p.Addr, cookie, n)
			if err != nil {
				return nil, err
			}
			medians[i] = float64(took.Quantile(0.5)) / float64(time.Millisecond)
		}
		without, with, added = append(without, medians[0]), append(with, medians[1]), append(added, medians[1]-medians[0])
	}
	if charged, err := load.Charges(instances[1].Addr, cookie); err != nil || charged < n {
		return nil, errors.Join(err, fmt.Errorf("%d charges for %d messages: %w", charged, n, errUncharged))
	}
	what := "from sending a message to its first token, less the engine's own time, median: "
	return []report.Figure{
		report.New("hold added", what+"what holding and settling credits add", "ms", added, nil, report.Goal{Plain: true, Limit: 3}),
		report.New("hold send to first", what+"prices count; the floor is the same where nothing costs anything", "ms", with, without, report.Goal{}),
	}, nil
}

// payer is the session of an account that may send and can pay.
func (r *Run) payer(ctx context.Context) (cookie string, err error) {
	p, err := r.payers(ctx)
	if err != nil {
		return "", err
	}
	defer p.close()
	e, err := p.signIn(ctx, "payer")
	if err != nil {
		return "", err
	}
	return "sid=" + e.Cookie, nil
}

// payers signs in accounts that may send and can pay.
type payers struct {
	*people
	books *credit.Service
	gate  viewer.Gate
}

func (r *Run) payers(ctx context.Context) (*payers, error) {
	people, err := r.people(ctx)
	if err != nil {
		return nil, err
	}
	texts, err := policy.New(policy.Config{DB: people.db, Audit: audittest.Under(people.db, people.root), Clock: clock.System{}, Files: policyfiles.Files(), CookieKey: people.root, GuestTTL: account.GuestTTL,
		Brand: policy.Brand{Name: "Kimi K2"}, External: func() (string, bool) { return "", false }})
	if err != nil {
		people.close()
		return nil, fmt.Errorf("read the policy: %w", err)
	}
	books := credit.New(credit.Config{DB: people.db, Audit: audittest.Under(people.db, people.root), Keys: people.accounts, Clock: clock.System{}, Log: r.Log, SignupCredits: 100_000 * models.MicroPerCredit})
	people.accounts.Join(texts, nil, texts)
	people.accounts.Fund(books)
	now, version := time.Now(), texts.Current().Version
	return &payers{people, books, viewer.Gate{AgeConfirmedAt: now, AgePolicy: version, AcceptedPolicy: version, AcceptedAt: now, AcceptedHow: string(models.AcceptedAtSignIn)}}, nil
}

func (p *payers) close() {
	p.books.Close()
	p.people.close()
}

func (p *payers) signIn(ctx context.Context, name string) (account.Entry, error) {
	e, err := p.accounts.SignIn(ctx, account.SignIn{From: viewer.Viewer{Kind: viewer.Visitor, Gate: p.gate}, Device: account.Device{Type: "desktop"},
		Proof: account.Proof{Provider: models.ProviderGoogle, Subject: name, Name: name, Email: name + "@example.org", Verified: true}})
	if err != nil {
		return e, fmt.Errorf("sign in: %w", err)
	}
	return e, nil
}
