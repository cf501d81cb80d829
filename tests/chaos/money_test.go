package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database/dbtest"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/models"
)

// secretOfWebhooks signs what the model of the provider sends.
const secretOfWebhooks = "whsec_of_a_model_that_nobody_pays_with"

// pricedModel is the engine's only model: a token read costs 1 micro-credit, or half of one
// where the engine had it cached, and one written 3.
const pricedModel = `{"models": [{"id": "priced", "name": "Priced", "engineId": "priced", "family": "other", "contextTokens": 32768, "maxOutputTokens": 4096,
	"price": {"input": 1000000, "cachedInput": 500000, "output": 3000000}, "default": true}], "unknown": {"contextTokens": 8192, "maxOutputTokens": 4096}}`

// P54, P56, P61, P64, T25, T28: two instances on one database are killed with kill -9 at
// random moments while accounts write, stop and buy with Stripe and Creem. Payments are
// refunded in parts and as a whole, disputed, won and lost; what the providers, which live
// here, tell of it comes two times, in any order, and again until it is taken. In the end
// every account has and owes to the micro-credit what these books say (books_test.go):
// every payment is credited once and goes as far as it went back, every acknowledged message
// is charged once for what is stored, nothing is held, and the ledger proves itself. Every
// second kill waits for a webhook and strikes the instance that got it.
func TestChaosMoneySurvivesKills(t *testing.T) {
	m := newMarket(t)
	var kills atomic.Int64
	m.live(t, func(ctx context.Context, n, k int) {
		i := m.instances[n]
		pause(ctx, time.Duration(50+rand.IntN(500))*time.Millisecond)
		if k%2 == 0 {
			m.nextWebhook(ctx, n)
			pause(ctx, time.Duration(rand.IntN(8_000))*time.Microsecond)
		}
		i.kill()
		kills.Add(1)
		i.launch()
	})
	m.settle(t)
	m.audit(t)
	t.Logf("%d kills, %d messages acknowledged, %d stopped, %d payments, %d of them went back by %d steps, %d webhook deliveries, %d of them failed",
		kills.Load(), m.sent.Load(), m.stopped.Load(), m.paid.Load(), m.gone.Load(), m.steps.Load(), m.deliveries(false), m.deliveries(true))
	if kills.Load() == 0 || m.sent.Load() == 0 || m.paid.Load() == 0 || m.steps.Load() == 0 || m.deliveries(true) == 0 {
		t.Error("nothing was at risk: the test tested nothing")
	}
}

// market is two instances, an engine, two providers and accounts who spend.
type market struct {
	cycles    int
	env       []string
	instances []*process
	engine    *inferencetest.Engine
	stripe    *paymenttest.Stripe
	creem     *paymenttest.Creem
	accounts  []*customer
	webhooks  [2]chan struct{} // an instance is being brought one, told to whoever waits for it

	mu   sync.Mutex
	asks map[string][]engineAsk // what the engine was asked and said that it used, by the message

	sent, stopped, paid, gone, steps, believed, counted atomic.Int64
}

func newMarket(t *testing.T) *market {
	t.Helper()
	m := &market{cycles: 100, engine: inferencetest.New(t), asks: map[string][]engineAsk{}, webhooks: [2]chan struct{}{make(chan struct{}), make(chan struct{})}}
	if os.Getenv("CHAOS") != "" {
		m.cycles = 1000
	}
	if n, err := strconv.Atoi(os.Getenv("CHAOS_KILLS")); err == nil {
		m.cycles = n
	}
	m.engine.Models("priced")
	m.engine.Answer(m.answer(t))
	m.providers(t, m.front(t))
	dir := t.TempDir()
	models, packs := filepath.Join(dir, "models.json"), filepath.Join(dir, "packs.json")
	if err := errors.Join(os.WriteFile(models, []byte(pricedModel), 0o600), os.WriteFile(packs, []byte(onePack), 0o600)); err != nil {
		t.Fatal(err)
	}
	m.env = []string{"DATABASE_URL=" + dbtest.URL(t), "INFERENCE_URL=" + m.engine.URL(), "NATS_URL=" + startBus(t, 0).url, "MODELS_FILE=" + models, "PACKS_FILE=" + packs,
		"STRIPE_SECRET_KEY=sk_test_of_a_model", "STRIPE_WEBHOOK_SECRET=" + secretOfWebhooks, "STRIPE_API_URL=" + m.stripe.URL(),
		"CREEM_API_KEY=creem_test_of_a_model", "CREEM_WEBHOOK_SECRET=" + secretOfWebhooks, "CREEM_API_URL=" + m.creem.URL()}
	m.instances = []*process{newInstance(t, "one", m.env...), newInstance(t, "two", m.env...)}
	for _, i := range m.instances {
		i.launch()
	}
	m.accounts = newCustomers(t, strings.TrimPrefix(m.env[0], "DATABASE_URL="), m.instances, atOnce*(1+m.cycles/100), 0)
	return m
}

// providers starts Stripe and Creem. Creem adds a tax to its prices, and gives a webhook up
// after its fifth attempt, which comes after 40 seconds here.
func (m *market) providers(t *testing.T, front string) {
	t.Helper()
	of := func(name string) paymenttest.Options {
		return paymenttest.Options{Secret: secretOfWebhooks, WebhookURL: front + "/webhooks/" + name, TimeScale: 0.01, Tax: packTax}
	}
	var failed error
	m.stripe, failed = paymenttest.StartStripe(of("stripe"))
	if failed != nil {
		t.Fatal(failed)
	}
	t.Cleanup(m.stripe.Close)
	m.creem, failed = paymenttest.StartCreem(paymenttest.CreemOptions{Options: of("creem"),
		Products: map[string]paymenttest.Product{"prod_one": {Name: "One", Price: packPrice, Currency: "USD"}}})
	if failed != nil {
		t.Fatal(failed)
	}
	t.Cleanup(m.creem.Close)
	m.stripe.SetCopies(2)
	m.creem.SetCopies(2)
}

// front brings webhooks to one instance or the other, as a load balancer does that has
// not noticed yet which one is dead.
func (m *market) front(t *testing.T) string {
	t.Helper()
	var turn atomic.Int64
	p := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			n := turn.Add(1) % 2
			to := m.instances[n]
			select {
			case m.webhooks[n] <- struct{}{}:
			default:
			}
			r.SetURL(&url.URL{Scheme: "http", Host: to.addr})
			r.Out.Host = to.addr
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return serveHere(t, p)
}

// nextWebhook returns when the instance is brought a webhook, or when none comes soon.
func (m *market) nextWebhook(ctx context.Context, n int) {
	soon := time.NewTimer(2 * time.Second)
	defer soon.Stop()
	select {
	case <-m.webhooks[n]:
	case <-soon.C:
	case <-ctx.Done():
	}
}

// live lets the accounts write and buy while faults strike both instances, each on its own:
// at times none of them is alive. k counts the faults of one instance. Every third account
// takes all back in the end, and owes what its replies cost.
func (m *market) live(t *testing.T, strike func(ctx context.Context, n, k int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan struct{})
	var spending, striking sync.WaitGroup
	for n := range atOnce {
		spending.Go(func() {
			for k := n; k < len(m.accounts); k += atOnce {
				c := m.accounts[k]
				err := c.spend(ctx, m, over)
				if k%3 == 0 {
					err = errors.Join(err, c.takeAll(m))
				}
				if err != nil {
					t.Errorf("%s: %v", c.name, err)
					cancel()
				}
			}
		})
	}
	for n := range m.instances {
		striking.Go(func() {
			for k := 0; k < (m.cycles+1)/2 && ctx.Err() == nil; k++ {
				strike(ctx, n, k)
			}
		})
	}
	striking.Wait()
	close(over)
	spending.Wait()
}

// settle waits until the provider has brought everything and no reply runs.
func (m *market) settle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := errors.Join(m.stripe.Settled(ctx), m.creem.Settled(ctx)); err != nil {
		t.Errorf("a provider still has webhooks to bring: %v", err)
	}
	for _, c := range m.accounts {
		for c.held(ctx) != 0 && ctx.Err() == nil {
			pause(ctx, 50*time.Millisecond)
		}
	}
	if ctx.Err() != nil {
		t.Error("credits are still held long after the last reply")
	}
}

// deliveries counts the attempts to bring a webhook, all or those that failed.
func (m *market) deliveries(failed bool) (n int) {
	for _, d := range append(m.stripe.Deliveries(), m.creem.Deliveries()...) {
		if !failed || d.Status/100 != 2 {
			n++
		}
	}
	return n
}

// customer is an account that writes and buys, and remembers what it was told.
type customer struct {
	root []byte // the secret that signs what the installation gives out
	*browser
	name    string
	replies map[string]string // acknowledged, and what they answer
	bought  []*bought         // purchases that were paid at a provider
}

// atOnce is how many accounts spend at the same time, checkouts how many each begins: the
// product lets an account begin 30 an hour. Then another account takes its place.
const atOnce, checkouts = 6, 25

// enough is what an account must have before it writes; a reply takes a tenth of that at most.
const enough = 100_000

// spend writes, stops, buys and takes payments back until it is over, or until the account
// has bought often enough. Who has too little left buys before it writes.
func (c *customer) spend(ctx context.Context, m *market, over <-chan struct{}) error {
	for n, going := 0, true; going && len(c.bought) < checkouts; n++ {
		for fresh := n%3 == 0; fresh || c.worth() < enough; fresh = false {
			if err := c.buy(ctx, m, fmt.Sprintf("%s-buy-%d", c.name, len(c.bought))); err != nil {
				return err
			}
		}
		if err := c.write(ctx, m, n); err != nil {
			return err
		}
		select {
		case <-over:
			going = false
		default:
		}
	}
	return nil
}

// write sends a message, and may stop the reply or take back what paid for it meanwhile.
func (c *customer) write(ctx context.Context, m *market, n int) error {
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	text := fmt.Sprintf("%s n%d", c.name, n)
	sent, err := c.send(soon, fmt.Sprintf("%s-%d", c.name, n), text)
	if err != nil {
		return err
	}
	c.replies[sent.reply] = text
	m.sent.Add(1)
	if rand.IntN(2) == 0 {
		if err := c.bought[rand.IntN(len(c.bought))].takeSome(m); err != nil {
			return err
		}
	}
	if rand.IntN(3) == 0 {
		pause(ctx, time.Duration(rand.IntN(150))*time.Millisecond)
		c.stop(ctx, sent.reply)
		m.stopped.Add(1)
	}
	return c.ended(ctx, sent)
}

// buy makes a checkout, repeated under one key until somebody answers, and pays it. At times
// some of the payment goes back before anything is told of it, and all is told the last first.
func (c *customer) buy(ctx context.Context, m *market, click string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	provider := []string{"STRIPE", "CREEM"}[rand.IntN(2)]
	var last error
	for ctx.Err() == nil {
		var got struct {
			CreditCheckoutCreate struct {
				Checkout   *struct{ ID, URL string }
				UserErrors []struct{ Code, Message string }
			}
		}
		last = c.ask(c.any(), `mutation($i: CreditCheckoutCreateInput!) { creditCheckoutCreate(input: $i) { checkout { id url } userErrors { code message } } }`,
			map[string]any{"i": map[string]any{"packId": "one", "provider": provider, "clientId": click}}, &got)
		if co := got.CreditCheckoutCreate.Checkout; last == nil && co != nil {
			b := &bought{purchase: co.ID, session: path.Base(co.URL), creem: provider == "CREEM"}
			if err := b.pay(m); err != nil {
				return err
			}
			c.bought = append(c.bought, b)
			return c.credited(ctx, co.ID)
		} else if last == nil {
			last = fmt.Errorf("%v", got.CreditCheckoutCreate.UserErrors)
		}
		pause(ctx, 100*time.Millisecond)
	}
	return fmt.Errorf("buy: %w", last)
}

// credited waits for the webhook.
func (c *customer) credited(ctx context.Context, purchase string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		var got struct {
			Viewer struct{ Payment *struct{ Status string } }
		}
		if err := c.ask(c.any(), `query($id: ID!) { viewer { payment(id: $id) { status } } }`, map[string]any{"id": purchase}, &got); err == nil && got.Viewer.Payment != nil && got.Viewer.Payment.Status == "PAID" {
			return nil
		}
		pause(ctx, 50*time.Millisecond)
	}
	return fmt.Errorf("the payment of %s was never credited", purchase)
}

// stop asks both instances at once, as an impatient person with two tabs does.
func (c *customer) stop(ctx context.Context, reply string) {
	var wg sync.WaitGroup
	for _, i := range c.instances {
		wg.Go(func() {
			var ignored any
			_ = c.ask(i.addr, `mutation($i: ReplyStopInput!) { replyStop(input: $i) { userErrors { code } } }`, map[string]any{"i": map[string]any{"replyId": reply}}, &ignored) // dead ones don't answer
		})
	}
	wg.Wait()
	_ = ctx
}

// ended waits until a reply has ended.
func (c *customer) ended(ctx context.Context, sent turn) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		var got struct {
			Node *struct{ Status string }
		}
		err := c.ask(c.any(), `query($id: ID!) { node(id: $id) { ... on Message { status } } }`, map[string]any{"id": sent.reply}, &got)
		if err == nil && got.Node == nil {
			return errors.New("the acknowledged reply " + sent.reply + " is gone")
		}
		if err == nil && got.Node.Status != "PENDING" && got.Node.Status != "STREAMING" {
			return nil
		}
		pause(ctx, 30*time.Millisecond)
	}
	return errors.New("the reply " + sent.reply + " never ended")
}

// held is what is set aside, -1 when nobody answers.
func (c *customer) held(ctx context.Context) models.Credits {
	var got struct {
		Viewer struct{ Credits *struct{ Held string } }
	}
	if err := c.ask(c.any(), `{ viewer { credits { held } } }`, nil, &got); err != nil || got.Viewer.Credits == nil || ctx.Err() != nil {
		return -1
	}
	return credits(got.Viewer.Credits.Held)
}

func credits(s string) (c models.Credits) {
	if c.UnmarshalGQL(s) != nil {
		return -1
	}
	return c
}
