package main

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/account"
	"github.com/kimi-k2/kimi-k2/internal/inference/inferencetest"
	"github.com/kimi-k2/kimi-k2/internal/mail/mailtest"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// mark is in all that anybody says, writes or is called here: one look finds what is left.
const mark = "kanari"

// crossing is two instances on one database and one folder of exports, with an engine that
// writes when it is let, a provider of payments whose webhooks are carried by hand, and a
// mail server.
type crossing struct {
	t       *testing.T
	seed    uint64
	all     []*product
	exports string
	stripe  *paymenttest.Stripe
	letters *mailtest.Server
	http    *http.Client

	mu       sync.Mutex
	sluices  map[string]*sluice // by the words that are answered
	webhooks map[string][]webhook
}

// webhook is one as the provider sent it.
type webhook struct {
	header http.Header
	body   []byte
}

// door is opened once.
type door struct {
	once sync.Once
	c    chan struct{}
}

func newDoor() *door { return &door{c: make(chan struct{})} }

func (d *door) open() { d.once.Do(func() { close(d.c) }) }

// sluice lets the engine write an answer, part by part.
type sluice struct {
	owner                   int
	began, more, end, title *door
}

func newCrossing(t *testing.T, seed uint64) *crossing {
	t.Helper()
	c := &crossing{t: t, seed: seed, http: &http.Client{Timeout: patience, Transport: &http.Transport{}}, sluices: map[string]*sluice{}, webhooks: map[string][]webhook{},
		letters: mailtest.Start(t, mailtest.Options{})}
	t.Cleanup(c.http.CloseIdleConnections)
	stripe, _, settings := tills(t)
	c.stripe = stripe
	till := httptest.NewServer(http.HandlerFunc(c.keep))
	t.Cleanup(till.Close)
	stripe.SetURL(till.URL)
	engine := inferencetest.New(t)
	engine.Answer(c.answer)
	settings = append(settings, priceList(t), "CHARGE=on", "SIGNUP_CREDITS=10", "TITLES=auto", "INFERENCE_URL="+engine.URL(), "SMTP_URL=smtp://"+c.letters.Address, "MAIL_FROM=kimi@example.org",
		"RUN_LEASE=60s", "CHECKPOINT_INTERVAL=50ms", "RATE_COST_PER_GUEST=0", "RATE_COST_PER_ACCOUNT=0", "STREAMS_PER_GUEST=100", "STREAMS_PER_ACCOUNT=100", "GUEST_MESSAGE_LIMIT=100")
	first, second := t.TempDir(), t.TempDir()
	c.exports = filepath.Join(first, "exports")
	if err := os.Symlink(c.exports, filepath.Join(second, "exports")); err != nil {
		t.Fatal(err)
	}
	c.all = instancesIn(t, []string{first, second}, settings...)
	c.watch()
	return c
}

// any is one of the instances.
func (c *crossing) any(rng *rand.Rand) *product { return c.all[rng.IntN(len(c.all))] }

// sluiceOf is what lets the engine answer the owner's words.
func (c *crossing) sluiceOf(owner int, words string) *sluice {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := &sluice{owner: owner, began: newDoor(), more: newDoor(), end: newDoor(), title: newDoor()}
	c.sluices[words] = g
	return g
}

// openAll lets the engine write all that it still has for an owner.
func (c *crossing) openAll(owner int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.sluices {
		if g.owner == owner {
			for _, d := range []*door{g.more, g.end, g.title} {
				d.open()
			}
		}
	}
}

// answer is what the engine writes: it waits for the sluice of what it is asked.
func (c *crossing) answer(r inferencetest.Request) inferencetest.Script {
	words := r.LastUser()
	c.mu.Lock()
	g, title := c.sluices[words], false
	for _, m := range r.Messages {
		if g == nil {
			g, title = c.sluices[m.Content], true
		}
	}
	c.mu.Unlock()
	switch {
	case g == nil:
		return inferencetest.Reply("You said: ", words)
	case title:
		return inferencetest.Script{inferencetest.Wait(g.title.c), inferencetest.Say(mark, " as a title"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()}
	}
	g.began.open()
	return inferencetest.Script{inferencetest.Say(mark, " answers ", words), inferencetest.Wait(g.more.c), inferencetest.Say(" more "), inferencetest.Wait(g.end.c),
		inferencetest.Say(mark, " to the end"), inferencetest.Finish("stop"), inferencetest.Usage(), inferencetest.Done()}
}

var purchaseID = regexp.MustCompile(`pur_[0-9a-f]{32}`)

// keep takes a webhook, to be carried later.
func (c *crossing) keep(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id := string(purchaseID.Find(body))
	c.webhooks[id] = append(c.webhooks[id], webhook{header: r.Header.Clone(), body: body})
}

// kept are the webhooks that came of a purchase.
func (c *crossing) kept(purchase string) []webhook {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]webhook(nil), c.webhooks[purchase]...)
}

// carry brings a purchase's webhooks, each two times at once, to either instance. Whatever
// has become of whoever paid, they are taken.
func (c *crossing) carry(purchase string) {
	var wg sync.WaitGroup
	for _, w := range c.kept(purchase) {
		for _, p := range c.all {
			wg.Go(func() {
				if status, body := c.send(p.url+"/webhooks/stripe", bytes.NewReader(w.body), w.header); status != http.StatusOK {
					c.t.Errorf("a webhook of %s: %d %s %v", purchase, status, body, p.errors())
				}
			})
		}
	}
	wg.Wait()
}

// send posts a body and reads the whole answer.
func (c *crossing) send(url string, body io.Reader, header http.Header) (status int, answer string) {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		c.t.Error(err)
		return 0, ""
	}
	req.Header = header.Clone()
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Errorf("%s: %v", url, err)
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, "broken off: " + err.Error()
	}
	return resp.StatusCode, string(text)
}

// soon is whether something comes true within a time.
func (c *crossing) soon(within time.Duration, ok func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(within); time.Now().Before(deadline); <-tick.C {
		if ok() {
			return true
		}
	}
	return false
}

func (c *crossing) until(what string, ok func() bool) {
	if !c.soon(patience, ok) {
		c.t.Errorf("waited in vain for %s", what)
	}
}

// signInAs begins a session of the account with an address, which is made the first time;
// from is a guest that brings along what it has.
func (p *product) signInAs(email string, from viewer.Viewer) (account.Entry, error) {
	name, _, _ := strings.Cut(email, "@")
	if !from.IsOwner() {
		from = p.passed()
	}
	return p.server.accounts.SignIn(p.t.Context(), account.SignIn{From: from, Device: account.ParseDevice(firefox),
		Proof: account.Proof{Provider: models.ProviderGoogle, Subject: name, Name: name, Email: email, Verified: true}})
}
