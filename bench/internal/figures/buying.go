package figures

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/kimi-k2/kimi-k2/bench/internal/bed"
	"github.com/kimi-k2/kimi-k2/bench/internal/hist"
	"github.com/kimi-k2/kimi-k2/bench/internal/load"
	"github.com/kimi-k2/kimi-k2/bench/internal/report"
	"github.com/kimi-k2/kimi-k2/internal/audit/audittest"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
)

// The load of the buying figure. An account may begin thirty checkouts an hour.
const (
	buyers        = 8
	buysEach      = 25
	stripeKey     = "sk_test_of_the_bench"
	stripeSecret  = "whsec_of_the_bench_0123456789abcdef" //nolint:gosec // of a model in this process
	paidEventKind = "checkout.session.completed"
	packsForSale  = `[{"id":"small","name":"Small","credits":500,"price":500,"currency":"USD","taxIncluded":true}]`
)

// till is a model of Stripe that keeps its webhooks back, and a product that sells there.
type till struct {
	model   *paymenttest.Stripe
	product *bed.Proc
}

func (r *Run) till(ctx context.Context) (*till, error) {
	model, err := paymenttest.StartStripe(paymenttest.Options{Key: stripeKey, Secret: stripeSecret})
	if err != nil {
		return nil, fmt.Errorf("start a model of Stripe: %w", err)
	}
	packs := filepath.Join(r.bed.Dir, "packs.json")
	if err := os.WriteFile(packs, []byte(packsForSale), 0o600); err != nil {
		model.Close()
		return nil, fmt.Errorf("write the packs: %w", err)
	}
	p, err := r.product(ctx, bed.Anywhere, "STRIPE_SECRET_KEY="+stripeKey, "STRIPE_WEBHOOK_SECRET="+stripeSecret, "STRIPE_API_URL="+model.URL(), "PACKS_FILE="+packs)
	if err != nil {
		model.Close()
		return nil, err
	}
	return &till{model: model, product: p}, nil
}

// buying measures how soon a payment is on its payer's screen: from sending the webhook
// until the payer's socket tells that the purchase is paid.
func (r *Run) buying(ctx context.Context) ([]report.Figure, error) {
	t, err := r.till(ctx)
	if err != nil {
		return nil, err
	}
	defer t.model.Close()
	defer r.stop(t.product)
	people, err := r.people(ctx)
	if err != nil {
		return nil, err
	}
	defer people.close()
	books := credit.New(credit.Config{DB: people.db, Audit: audittest.Under(people.db, people.root), Clock: clock.System{}, Log: r.Log})
	defer books.Close()
	people.accounts.Fund(books)
	var all hist.H
	var mu sync.Mutex
	var g errgroup.Group
	t.model.Hold()
	bought, err := t.order(ctx, people, pick(r, buysEach, buysEach/5))
	if err != nil {
		return nil, err
	}
	hooks := t.model.Take()
	for _, b := range bought {
		defer b.Close()
		g.Go(func() error {
			return b.bring(t, hooks, func(d time.Duration) { mu.Lock(); defer mu.Unlock(); all.Add(d) })
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	what := fmt.Sprintf("from sending a payment's webhook until the payer's socket tells that it is paid, %d payments of %d accounts at once: ", all.N(), buyers)
	ms := func(d time.Duration) []float64 { return []float64{float64(d) / float64(time.Millisecond)} }
	return []report.Figure{
		report.New("buying p50", what+"median", "ms", ms(all.Quantile(0.5)), nil, report.Goal{}),
		report.New("buying p99", what+"99th percentile", "ms", ms(all.Quantile(0.99)), nil, report.Goal{Plain: true, Limit: 1000}),
	}, nil
}

// basket is a buyer with what it has paid for.
type basket struct {
	*load.Buyer
	purchases []string
}

// order lets every account begin n checkouts and pay them.
func (t *till) order(ctx context.Context, people *people, n int) ([]basket, error) {
	out := make([]basket, buyers)
	for i := range out {
		who, err := people.session(ctx, fmt.Sprint("buyer-", i))
		if err != nil {
			return nil, err
		}
		if out[i].Buyer, err = load.OpenBuyer(t.product.Addr, "sid="+who.Cookie, i); err != nil {
			return nil, err
		}
		for k := range n {
			id, err := out[i].Order("small", k)
			if err != nil {
				return nil, err
			}
			if _, err := t.model.Pay(id); err != nil {
				return nil, fmt.Errorf("pay: %w", err)
			}
			out[i].purchases = append(out[i].purchases, id)
		}
	}
	return out, nil
}

// bring brings the webhooks of the basket's payments one after the other.
func (b basket) bring(t *till, hooks []paymenttest.Webhook, took func(time.Duration)) error {
	for _, id := range b.purchases {
		for _, w := range hooks {
			if w.Kind != paidEventKind || !bytes.Contains(w.Body, []byte(id)) {
				continue
			}
			signature := "Stripe-Signature: " + t.model.Sign(w).Get("Stripe-Signature")
			d, err := b.Bring("/webhooks/stripe", id, w.Body, signature)
			if err != nil {
				return err
			}
			took(d)
		}
	}
	return nil
}
