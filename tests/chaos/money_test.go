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

// pricedModel is the engine's only model: a token read costs 1 micro-credit, one written 3.
const pricedModel = `{"models": [{"id": "priced", "name": "Priced", "engineId": "priced", "family": "other", "contextTokens": 32768, "maxOutputTokens": 4096,
	"price": {"input": 1000000, "cachedInput": 500000, "output": 3000000}, "default": true}], "unknown": {"contextTokens": 8192, "maxOutputTokens": 4096}}`

// P54, P61, P64, T25, T28: two instances on one database are killed with kill -9 at random
// moments while accounts write, stop and buy, and the provider, which lives here, brings
// each webhook two times and again until it is taken. In the end every payment is credited
// once, every acknowledged message is charged once, nothing is held, and the books balance.
// Every second kill waits for a webhook and strikes the instance that got it.
func TestChaosMoneySurvivesKills(t *testing.T) {
	m := newMarket(t)
	var kills atomic.Int64
	m.live(t, func(ctx context.Context, i *process) {
		pause(ctx, time.Duration(150+rand.IntN(700))*time.Millisecond)
		if kills.Load()%2 == 0 {
			i = m.nextWebhook(ctx, i)
			pause(ctx, time.Duration(rand.IntN(8_000))*time.Microsecond)
		}
		i.kill()
		kills.Add(1)
		i.launch()
	})
	m.settle(t)
	m.audit(t)
	t.Logf("%d kills, %d messages acknowledged, %d stopped, %d payments, %d webhook deliveries, %d of them failed",
		kills.Load(), m.sent.Load(), m.stopped.Load(), m.paid.Load(), len(m.stripe.Deliveries()), m.failedDeliveries())
	if kills.Load() == 0 || m.sent.Load() == 0 || m.paid.Load() == 0 || m.failedDeliveries() == 0 {
		t.Error("nothing was at risk: the test tested nothing")
	}
}

// market is two instances, an engine, a provider and accounts who spend.
type market struct {
	cycles    int
	env       []string
	instances []*process
	engine    *inferencetest.Engine
	stripe    *paymenttest.Stripe
	accounts  []*customer
	webhooks  chan *process // who is being brought one, told to whoever waits for it

	sent, stopped, paid atomic.Int64
}

func newMarket(t *testing.T) *market {
	t.Helper()
	m := &market{cycles: 25, engine: inferencetest.New(t), webhooks: make(chan *process)}
	if os.Getenv("CHAOS") != "" {
		m.cycles = 1000
	}
	if n, err := strconv.Atoi(os.Getenv("CHAOS_KILLS")); err == nil {
		m.cycles = n
	}
	m.engine.Models("priced")
	m.engine.Answer(paced(t, 40, 4*time.Millisecond))
	catalogue := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(catalogue, []byte(pricedModel), 0o600); err != nil {
		t.Fatal(err)
	}
	front := m.front(t)
	var err error
	m.stripe, err = paymenttest.StartStripe(paymenttest.Options{Secret: secretOfWebhooks, WebhookURL: front + "/webhooks/stripe", TimeScale: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.stripe.Close)
	m.stripe.SetCopies(2)
	m.env = []string{"DATABASE_URL=" + dbtest.URL(t), "INFERENCE_URL=" + m.engine.URL(), "NATS_URL=" + startBus(t, 0).url, "MODELS_FILE=" + catalogue,
		"STRIPE_SECRET_KEY=sk_test_of_a_model", "STRIPE_WEBHOOK_SECRET=" + secretOfWebhooks, "STRIPE_API_URL=" + m.stripe.URL()}
	m.instances = []*process{newInstance(t, "one", m.env...), newInstance(t, "two", m.env...)}
	for _, i := range m.instances {
		i.launch()
	}
	m.accounts = newCustomers(t, strings.TrimPrefix(m.env[0], "DATABASE_URL="), m.instances, atOnce*(1+m.cycles/50), 0)
	return m
}

// front brings webhooks to one instance or the other, as a load balancer does that has
// not noticed yet which one is dead.
func (m *market) front(t *testing.T) string {
	t.Helper()
	var turn atomic.Int64
	p := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			to := m.instances[turn.Add(1)%2]
			select {
			case m.webhooks <- to:
			default:
			}
			r.SetURL(&url.URL{Scheme: "http", Host: to.addr})
			r.Out.Host = to.addr
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return serveHere(t, p)
}

// nextWebhook is the instance that is brought the next webhook, or i when none comes soon.
func (m *market) nextWebhook(ctx context.Context, i *process) *process {
	soon := time.NewTimer(3 * time.Second)
	defer soon.Stop()
	select {
	case i = <-m.webhooks:
	case <-soon.C:
	case <-ctx.Done():
	}
	return i
}

// live lets the accounts write and buy while a fault strikes one instance after the other.
func (m *market) live(t *testing.T, strike func(ctx context.Context, i *process)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	over := make(chan struct{})
	var wg sync.WaitGroup
	for n := range atOnce {
		wg.Go(func() {
			for k := n; k < len(m.accounts); k += atOnce {
				c := m.accounts[k]
				if err := c.spend(ctx, m, over); err != nil {
					t.Errorf("%s: %v", c.name, err)
					cancel()
				}
			}
		})
	}
	for k := 0; k < m.cycles && ctx.Err() == nil; k++ {
		strike(ctx, m.instances[k%2])
	}
	close(over)
	wg.Wait()
}

// settle waits until the provider has brought everything and no reply runs.
func (m *market) settle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := m.stripe.Settled(ctx); err != nil {
		t.Errorf("the provider still has webhooks to bring: %v", err)
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

// audit compares what every account was told with its ledger, and proves the books.
func (m *market) audit(t *testing.T) {
	t.Helper()
	for _, c := range m.accounts {
		if err := c.audit(t.Context()); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	m.instances[0].verify()
}

func (m *market) failedDeliveries() (n int) {
	for _, d := range m.stripe.Deliveries() {
		if d.Status/100 != 2 {
			n++
		}
	}
	return n
}

// customer is an account that writes and buys, and remembers what it was told.
type customer struct {
	*browser
	name    string
	replies map[string]bool // acknowledged
	bought  map[string]bool // purchases that were paid at the provider
}

// atOnce is how many accounts spend at the same time, checkouts how many each begins: the
// product lets an account begin 30 an hour. Then another account takes its place.
const atOnce, checkouts = 6, 25

// spend writes, stops and buys until it is over, or until the account has bought often
// enough.
func (c *customer) spend(ctx context.Context, m *market, over <-chan struct{}) error {
	for n := 0; n < 3*checkouts; n++ {
		if n%3 == 0 {
			if err := c.buy(ctx, m, fmt.Sprintf("%s-buy-%d", c.name, n)); err != nil {
				return err
			}
		}
		sent, err := c.send(ctx, fmt.Sprintf("%s-%d", c.name, n), fmt.Sprintf("%s n%d", c.name, n))
		if err != nil {
			return err
		}
		c.replies[sent.reply] = true
		m.sent.Add(1)
		if rand.IntN(3) == 0 {
			pause(ctx, time.Duration(rand.IntN(150))*time.Millisecond)
			c.stop(ctx, sent.reply)
			m.stopped.Add(1)
		}
		if err := c.ended(ctx, sent); err != nil {
			return err
		}
		select {
		case <-over:
			return nil
		default:
		}
	}
	return nil
}

// buy makes a checkout, repeated under one key until somebody answers, and pays it.
func (c *customer) buy(ctx context.Context, m *market, click string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		var got struct {
			CreditPacks          []struct{ ID string }
			CreditCheckoutCreate struct {
				Checkout   *struct{ ID string }
				UserErrors []struct{ Code, Message string }
			}
		}
		if last = c.ask(c.any(), `{ creditPacks { id } }`, nil, &got); last == nil {
			last = c.ask(c.any(), `mutation($i: CreditCheckoutCreateInput!) { creditCheckoutCreate(input: $i) { checkout { id } userErrors { code message } } }`,
				map[string]any{"i": map[string]any{"packId": got.CreditPacks[0].ID, "provider": "STRIPE", "clientId": click}}, &got)
		}
		if co := got.CreditCheckoutCreate.Checkout; last == nil && co != nil {
			if _, err := m.stripe.Pay(co.ID); err != nil && !c.bought[co.ID] {
				return fmt.Errorf("pay %s: %w", co.ID, err)
			}
			c.bought[co.ID] = true
			m.paid.Add(1)
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

// audit reads the whole ledger of the account and compares it with what it was told.
func (c *customer) audit(ctx context.Context) error {
	var sum models.Credits
	charged, bought := map[string]int{}, map[string]int{}
	for after := any(nil); ; {
		var got struct {
			Viewer struct {
				LedgerEntries struct {
					Nodes []struct {
						Kind, Amount string
						Usage        *struct {
							Reply                                    *struct{ ID string }
							PromptTokens, OutputTokens, CachedTokens int64
							Credits                                  string
						}
						Purchase *struct{ ID string }
					}
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		err := c.ask(c.any(), `query($after: String) { viewer { ledgerEntries(first: 100, after: $after) { nodes { kind amount usage { reply { id } promptTokens outputTokens cachedTokens credits } purchase { id } }
			pageInfo { hasNextPage endCursor } } } }`, map[string]any{"after": after}, &got)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		for _, e := range got.Viewer.LedgerEntries.Nodes {
			sum += credits(e.Amount)
			switch e.Kind {
			case "CHARGE":
				if e.Usage == nil || e.Usage.Reply == nil || credits(e.Usage.Credits) != -credits(e.Amount) {
					return fmt.Errorf("a charge of %s has no act: %+v", e.Amount, e.Usage)
				}
				if want := models.Credits(e.Usage.PromptTokens + 3*e.Usage.OutputTokens); credits(e.Usage.Credits) > want {
					return fmt.Errorf("charged %s for %d and %d tokens", e.Usage.Credits, e.Usage.PromptTokens, e.Usage.OutputTokens)
				}
				charged[e.Usage.Reply.ID]++
			case "PURCHASE":
				bought[e.Purchase.ID]++
			default:
				return fmt.Errorf("an entry of kind %s", e.Kind)
			}
		}
		if !got.Viewer.LedgerEntries.PageInfo.HasNextPage {
			break
		}
		after = got.Viewer.LedgerEntries.PageInfo.EndCursor
	}
	for id, n := range charged {
		if n != 1 || !c.replies[id] {
			return fmt.Errorf("reply %s was charged %d times", id, n)
		}
	}
	for id := range c.bought {
		if bought[id] != 1 {
			return fmt.Errorf("purchase %s was credited %d times", id, bought[id])
		}
	}
	if len(bought) != len(c.bought) {
		return fmt.Errorf("%d purchases were credited, %d were paid", len(bought), len(c.bought))
	}
	return c.compare(ctx, sum, charged)
}

// compare looks at the balance, and at the text and cost of every acknowledged reply.
func (c *customer) compare(ctx context.Context, sum models.Credits, charged map[string]int) error {
	var got struct {
		Viewer struct {
			Credits struct{ Balance, Held string }
		}
	}
	if err := c.ask(c.any(), `{ viewer { credits { balance held } } }`, nil, &got); err != nil {
		return err
	}
	if credits(got.Viewer.Credits.Balance) != sum || credits(got.Viewer.Credits.Held) != 0 {
		return fmt.Errorf("the balance is %s with %s held, the entries make %s", got.Viewer.Credits.Balance, got.Viewer.Credits.Held, sum)
	}
	for id := range c.replies {
		var got struct {
			Node *struct{ Text, Status, Credits string }
		}
		if err := c.ask(c.any(), `query($id: ID!) { node(id: $id) { ... on Message { text status credits } } }`, map[string]any{"id": id}, &got); err != nil {
			return err
		}
		if got.Node == nil {
			return fmt.Errorf("the acknowledged reply %s is gone", id)
		}
		if written := got.Node.Text != ""; written != (charged[id] == 1) {
			return fmt.Errorf("reply %s (%s) has %d bytes and was charged %d times", id, got.Node.Status, len(got.Node.Text), charged[id])
		}
	}
	return nil
}
