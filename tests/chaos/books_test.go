package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/kimi-k2/kimi-k2/internal/inference"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/inference/openai"
	"github.com/kimi-k2/kimi-k2/models"
)

// The books of the market: what each account must have and owe, worked out from what was
// done at the providers, what the engine said and what is stored, by none of the program's
// arithmetic.

// onePack is what is for sale. Its price does not divide its credits.
const (
	onePack     = `[{"id": "one", "name": "One", "credits": 1000, "price": 700, "currency": "USD", "creemProductId": "prod_one"}]`
	packCredits = 1_000_000_000
	packPrice   = 700
	packTax     = 19 // per cent, at Creem
	withTax     = 833
)

// A reply has so many words, and comes at this pace.
const (
	replyTokens = 40
	replyPace   = 4 * time.Millisecond
)

// bought is a payment as its provider knows it.
type bought struct {
	purchase, session string
	creem             bool
	refunded          int64 // minor units
	disputes          []dispute
}

// dispute is one of a payment's disputes.
type dispute struct {
	id              string
	minor, returned int64
	closed          bool
}

func (b *bought) paid() int64 {
	if b.creem {
		return withTax
	}
	return packPrice
}

// credits is what the payment brought, less what its part that went back had bought, to the
// nearest micro-credit.
func (b *bought) credits() int64 {
	gone := b.refunded
	for _, d := range b.disputes {
		gone += d.minor - d.returned
	}
	paid := b.paid()
	gone = min(gone, paid)
	return packCredits - (2*packCredits*gone+paid)/(2*paid)
}

// pay pays at the provider. Every third payment goes back in part before a word of it is
// brought; then the last word comes first.
func (b *bought) pay(m *market) error {
	courier := m.stripe.Courier
	if b.creem {
		courier = m.creem.Courier
	}
	overtaken := rand.IntN(3) == 0
	if overtaken {
		courier.Hold()
		defer courier.Release(true)
	}
	var err error
	if b.creem {
		_, err = m.creem.Pay(b.session)
	} else {
		_, err = m.stripe.Pay(b.session)
	}
	if err != nil {
		return err
	}
	m.paid.Add(1)
	if overtaken {
		return b.takeSome(m)
	}
	return nil
}

// takeSome lets some of the payment go back, or a dispute about it begin or end.
func (b *bought) takeSome(m *market) error {
	left := b.paid() - b.refunded
	switch act := rand.IntN(4); {
	case act == 0 && left > 0:
		return b.refund(m, left)
	case act == 1 && left > 1:
		return b.refund(m, 1+rand.Int64N(left-1))
	case act == 2 && b.contestable() > 0 && left > 0:
		return b.contest(m, 1+rand.Int64N(b.contestable()))
	case act == 3 && !b.creem:
		return b.close(m)
	}
	return nil
}

// contestable is what of the payment may be disputed (any more): at Creem once, at Stripe
// what no open or lost dispute is about.
func (b *bought) contestable() int64 {
	if b.creem && len(b.disputes) > 0 {
		return 0
	}
	left := b.paid()
	for _, d := range b.disputes {
		if d.returned < d.minor {
			left -= d.minor
		}
	}
	return left
}

// close ends one of the disputes that are open: it is won, lost, or lost but for a part.
func (b *bought) close(m *market) error {
	for i := range b.disputes {
		d := &b.disputes[i]
		if d.closed {
			continue
		}
		d.closed = true
		m.steps.Add(1)
		switch rand.IntN(3) {
		case 0:
			d.returned = d.minor
			return m.stripe.CloseDispute(d.id, true)
		case 1:
			d.returned = rand.Int64N(d.minor)
			return m.stripe.LoseDispute(d.id, d.returned)
		}
		return m.stripe.CloseDispute(d.id, false)
	}
	return nil
}

// takeAll lets all that is left of the account's payments go back.
func (c *customer) takeAll(m *market) error {
	for _, b := range c.bought {
		if left := b.paid() - b.refunded; left > 0 {
			if err := b.refund(m, left); err != nil {
				return err
			}
		}
	}
	return nil
}

// went counts a step back.
func (b *bought) went(m *market) {
	if m.steps.Add(1); b.refunded == 0 && len(b.disputes) == 0 {
		m.gone.Add(1)
	}
}

func (b *bought) refund(m *market, minor int64) error {
	b.went(m)
	b.refunded += minor
	if b.creem {
		return m.creem.Refund(b.session, minor)
	}
	_, err := m.stripe.Refund(b.session, minor)
	return err
}

// contest begins a dispute. At Creem it is about all of the payment, and nothing is left to
// be refunded.
func (b *bought) contest(m *market, minor int64) (err error) {
	b.went(m)
	if b.creem {
		b.disputes, b.refunded = append(b.disputes, dispute{id: b.session, closed: true}), b.paid()
		return m.creem.Dispute(b.session)
	}
	d := dispute{minor: minor}
	d.id, err = m.stripe.Dispute(b.session, minor, false)
	b.disputes = append(b.disputes, d)
	return err
}

// worth is what the account's payments brought so far. What a reply takes of that is next to
// nothing.
func (c *customer) worth() (sum int64) {
	for _, b := range c.bought {
		sum += b.credits()
	}
	return sum
}

// engineAsk is one request as the engine had it, and what it said at its end, if it came so far.
type engineAsk struct {
	anew   bool  // not to go on with a reply
	prompt int64 // by our own count
	said   openai.Usage
}

// answer is the engine: it writes slowly, keeps what it was asked, and has read seven tokens
// more than there are in its cache.
func (m *market) answer(t *testing.T) func(inferencetest.Request) inferencetest.Script {
	return paced(t, replyTokens, replyPace, func(r inferencetest.Request, pieces int) openai.Usage {
		ask := engineAsk{anew: true, said: openai.Usage{PromptTokens: 30 + int64(len(r.LastUser())), CompletionTokens: int64(pieces), PromptTokensDetails: &openai.PromptDetails{CachedTokens: 7}}}
		var read []inference.Message
		for _, msg := range r.Messages {
			if msg.Role == "assistant" {
				ask.anew = false
				continue
			}
			read = append(read, inference.Message{Text: msg.Content})
		}
		ask.prompt = int64(inference.CountPrompt(inference.Request{Messages: read}))
		m.mu.Lock()
		defer m.mu.Unlock()
		m.asks[r.LastUser()] = append(m.asks[r.LastUser()], ask)
		return ask.said
	})
}

// audit compares these books with the ledger, account by account, and lets the ledger prove
// itself.
func (m *market) audit(t *testing.T) {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), strings.TrimPrefix(m.env[0], "DATABASE_URL="))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	owing := 0
	for _, c := range m.accounts {
		owes, err := c.audit(t.Context(), m, pool)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if owes {
			owing++
		}
	}
	t.Logf("%d of %d accounts owe something; %d replies were charged by the engine's numbers, %d by our own count", owing, len(m.accounts), m.believed.Load(), m.counted.Load())
	if owing == 0 || m.believed.Load() == 0 || m.counted.Load() == 0 {
		t.Error("no debt, or one sort of charge only: the test tested less than it says")
	}
	m.instances[0].verify()
}

// audit holds the account's payments, replies and balance against these books.
func (c *customer) audit(ctx context.Context, m *market, pool *pgxpool.Pool) (owes bool, err error) {
	var got struct {
		Viewer struct {
			ID      string
			Credits struct{ Balance, Held, Owed string }
		}
	}
	if err := c.ask(c.any(), `{ viewer { id credits { balance held owed } } }`, nil, &got); err != nil {
		return false, err
	}
	var account string
	if err := pool.QueryRow(ctx, `SELECT account_id FROM wallets WHERE owner_id = $1`, got.Viewer.ID).Scan(&account); err != nil {
		return false, err
	}
	brought, wrong := c.auditPayments(ctx, pool, account)
	cost, wrongReplies := c.auditReplies(ctx, m, pool, got.Viewer.ID)
	net := models.Credits(brought - cost)
	if b := got.Viewer.Credits; credits(b.Balance) != max(net, 0) || credits(b.Owed) != max(-net, 0) || credits(b.Held) != 0 {
		wrong = errors.Join(wrong, fmt.Errorf("the balance is %s, owed %s, held %s; payments make %d, replies cost %d micro-credits", b.Balance, b.Owed, b.Held, brought, cost))
	}
	return net < 0, errors.Join(wrong, wrongReplies, c.auditEntries(got.Viewer.Credits.Balance))
}

// auditPayments compares each payment with what the ledger posted for it, debt included, and
// finds postings that belong to none.
func (c *customer) auditPayments(ctx context.Context, pool *pgxpool.Pool, account string) (brought int64, wrong error) {
	rows, err := pool.Query(ctx, `SELECT split_part(t.ref, '/', 1), sum(e.amount)::bigint, count(*) FILTER (WHERE t.kind = 'PURCHASE')
		FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer_id JOIN ledger_accounts a ON a.id = e.account_id
		WHERE $1 IN (a.id, a.wallet_id) AND t.kind <> 'REPAYMENT' GROUP BY 1`, account)
	if err != nil {
		return 0, err
	}
	posted, times := map[string]int64{}, map[string]int64{}
	var ref string
	var sum, n int64
	if _, err := pgx.ForEachRow(rows, []any{&ref, &sum, &n}, func() error {
		posted[ref], times[ref] = sum, n
		return nil
	}); err != nil {
		return 0, err
	}
	for _, b := range c.bought {
		brought += b.credits()
		if times[b.purchase] != 1 || posted[b.purchase] != b.credits() {
			wrong = errors.Join(wrong, fmt.Errorf("%s was credited %d times, %d micro-credits in all; want %d: %+v", b.purchase, times[b.purchase], posted[b.purchase], b.credits(), *b))
		}
		delete(posted, b.purchase)
	}
	if len(posted) > 0 {
		wrong = errors.Join(wrong, fmt.Errorf("posted for what nobody paid: %v", posted))
	}
	return brought, wrong
}

// charge is a row of usage and its hold.
type charge struct {
	status                 string
	estimated              bool
	prompt, cached, output int64
	credits, posted        int64
}

// auditReplies compares each acknowledged reply with what it was charged: what the engine
// said where it wrote the whole reply at once, and else our own count of what is stored.
func (c *customer) auditReplies(ctx context.Context, m *market, pool *pgxpool.Pool, owner string) (cost int64, wrong error) {
	rows, err := pool.Query(ctx, `SELECT u.reply_id, u.status, u.estimated, u.prompt_tokens, u.cached_tokens, u.output_tokens, u.credits, coalesce(h.posted, -1)
		FROM usage_rows u LEFT JOIN ledger_holds h ON h.id = u.hold_id WHERE u.owner_id = $1`, owner)
	if err != nil {
		return 0, err
	}
	charged := map[string][]charge{}
	var reply string
	var x charge
	if _, err := pgx.ForEachRow(rows, []any{&reply, &x.status, &x.estimated, &x.prompt, &x.cached, &x.output, &x.credits, &x.posted}, func() error {
		charged[reply] = append(charged[reply], x)
		return nil
	}); err != nil {
		return 0, err
	}
	for id, text := range c.replies {
		var got struct {
			Node *struct{ Text, Status, Credits string }
		}
		err := c.ask(c.any(), `query($id: ID!) { node(id: $id) { ... on Message { text status credits } } }`, map[string]any{"id": id}, &got)
		switch {
		case err != nil:
		case got.Node == nil:
			err = errors.New("the acknowledged reply is gone")
		case len(charged[id]) != 1:
			err = fmt.Errorf("it was charged %d times: %+v", len(charged[id]), charged[id])
		default:
			x := charged[id][0]
			cost += x.cost()
			if err = m.auditReply(text, got.Node.Text, x); credits(got.Node.Credits) != models.Credits(x.cost()) {
				err = errors.Join(err, fmt.Errorf("it shows %s for %+v", got.Node.Credits, x))
			}
		}
		if err != nil {
			wrong = errors.Join(wrong, fmt.Errorf("the reply %s to %q: %w", id, text, err))
		}
		delete(charged, id)
	}
	if len(charged) > 0 {
		wrong = errors.Join(wrong, fmt.Errorf("charged for what nobody was promised: %+v", charged))
	}
	return cost, wrong
}

// cost is the published rule at the prices of the market, where half a micro-credit is
// rounded up.
func (x charge) cost() int64 {
	if x.output == 0 {
		return 0
	}
	return (2*(x.prompt-x.cached) + x.cached + 6*x.output + 1) / 2
}

// auditReply holds one charge against the text that is stored and what the engine knows of it.
func (m *market) auditReply(text, stored string, x charge) error {
	m.mu.Lock()
	asks := m.asks[text]
	m.mu.Unlock()
	whole := answerTo(text, replyTokens)
	switch {
	case x.credits != x.cost() || x.posted != x.cost():
		return fmt.Errorf("charged by the row %d, by the hold %d, by the rule %d: %+v", x.credits, x.posted, x.cost(), x)
	case !strings.HasPrefix(whole, stored) || x.status == "COMPLETE" && stored != whole:
		return fmt.Errorf("%d bytes are stored as %s: %.80q", len(stored), x.status, stored)
	case (stored == "") != (x.output == 0):
		return fmt.Errorf("%d bytes are stored, and %d tokens charged", len(stored), x.output)
	case stored == "":
		return nil
	case x.estimated:
		m.counted.Add(1)
		if want := int64(inference.EstimateTokens(stored)); x.output != want || len(asks) == 0 || x.prompt != asks[0].prompt || x.cached != 0 {
			return fmt.Errorf("our own count is %d tokens written, asked was %+v; charged is %+v", want, asks, x)
		}
		return nil
	}
	m.believed.Add(1)
	for _, a := range asks {
		if a.anew && x.prompt == a.said.PromptTokens && x.output == a.said.CompletionTokens && x.cached == a.said.PromptTokensDetails.CachedTokens && stored == whole {
			return nil
		}
	}
	return fmt.Errorf("the engine said of %+v; charged is %+v for %d bytes", asks, x, len(stored))
}

// auditEntries reads the ledger as the account sees it: its entries make its balance.
func (c *customer) auditEntries(balance string) error {
	var sum models.Credits
	for after := any(nil); ; {
		var got struct {
			Viewer struct {
				LedgerEntries struct {
					Nodes    []struct{ Amount string }
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		err := c.ask(c.any(), `query($after: String) { viewer { ledgerEntries(first: 100, after: $after) { nodes { amount } pageInfo { hasNextPage endCursor } } } }`, map[string]any{"after": after}, &got)
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		for _, e := range got.Viewer.LedgerEntries.Nodes {
			sum += credits(e.Amount)
		}
		if !got.Viewer.LedgerEntries.PageInfo.HasNextPage {
			break
		}
		after = got.Viewer.LedgerEntries.PageInfo.EndCursor
	}
	if sum != credits(balance) {
		return fmt.Errorf("the balance is %s, the entries make %s", balance, sum)
	}
	return nil
}
