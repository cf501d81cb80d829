package paymenttest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Product is something of Creem's catalogue.
type Product struct {
	Name        string
	Price       int64 // minor units
	Currency    string
	TaxIncluded bool
}

// CreemOptions are those of the model of Creem.
type CreemOptions struct {
	Options
	Products map[string]Product
	// Standard signs webhooks as Standard Webhooks asks for, instead of with
	// creem-signature.
	Standard bool
}

// Creem is a model of Creem.
type Creem struct {
	*Courier
	trouble
	o    CreemOptions
	host *host

	mu        sync.Mutex
	checkouts []*creemCheckout // oldest first
}

type creemCheckout struct {
	id, request, success, status, customer, email string
	product                                       string
	metadata                                      map[string]any
	created                                       time.Time
	order                                         *creemOrder
}

type creemOrder struct {
	id, transaction, status    string // the transaction's
	amount, tax, paid, refunds int64
	currency                   string
	created                    time.Time
}

// StartCreem starts a model of Creem.
func StartCreem(o CreemOptions) (*Creem, error) {
	c := &Creem{o: o}
	c.o.Options = o.Options.withDefaults()
	delays := []time.Duration{30 * time.Second, time.Minute, 5 * time.Minute, time.Hour}
	c.Courier = newCourier(o.WebhookURL, o.TimeScale, c.signed, func(attempt int) (time.Duration, bool) {
		if attempt > len(delays) {
			return 0, false
		}
		return delays[attempt-1], true
	})
	var err error
	c.host, err = listen(c.o.Listen, c.routes())
	return c, err
}

// URL is what CREEM_API_URL has to be.
func (c *Creem) URL() string { return c.host.url }

// Close ends the model.
func (c *Creem) Close() {
	c.host.close()
	c.Courier.close()
}

func (c *Creem) signed(w Webhook) http.Header {
	if c.o.Standard {
		return SignStandard(w.ID, w.Body, c.o.Secret, c.o.Clock.Now())
	}
	return SignCreem(w.Body, c.o.Secret)
}

func hash(key, body []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(body)
	return m.Sum(nil)
}

// SignCreem makes the creem-signature of a webhook.
func SignCreem(body []byte, secret string) http.Header {
	return http.Header{"Creem-Signature": {hex.EncodeToString(hash([]byte(secret), body))}}
}

// SignStandard makes the headers of Standard Webhooks; the secret is base64 after an
// optional whsec_.
func SignStandard(id string, body []byte, secret string, at time.Time) http.Header {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	seconds := strconv.FormatInt(at.Unix(), 10)
	sum := base64.StdEncoding.EncodeToString(hash(key, append([]byte(id+"."+seconds+"."), body...)))
	return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {seconds}, "Webhook-Signature": {"v1," + sum}}
}

func (c *Creem) mode() string {
	if c.o.Live {
		return "prod"
	}
	return "test"
}

func (c *Creem) emit(kind string, data object) {
	id := newID("evt")
	c.Send(Webhook{ID: id, Kind: kind, Body: mustJSON(object{"id": id, "eventType": kind, "created_at": c.o.Clock.Now().UnixMilli(), "object": data})})
}

// checkout finds a checkout by its id, its purchase, its order or its transaction.
func (c *Creem) checkout(id string) *creemCheckout {
	for _, x := range c.checkouts {
		if x.id == id || x.request == id || x.order != nil && (x.order.id == id || x.order.transaction == id) {
			return x
		}
	}
	return nil
}

// Sessions are the ids of all checkouts, oldest first.
func (c *Creem) Sessions() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]string, len(c.checkouts))
	for i, x := range c.checkouts {
		out[i] = x.id
	}
	return out
}

// Pay pays a checkout and returns its order's id.
func (c *Creem) Pay(id string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.checkout(id)
	if x == nil || x.status != "pending" {
		return "", fmt.Errorf("pay %s: %w", id, errNoSuch)
	}
	if x.customer == "" {
		x.customer = newID("cust")
	}
	p := c.o.Products[x.product]
	paid, tax := taxed(p.Price, c.o.Tax, p.TaxIncluded)
	x.status = "completed"
	x.order = &creemOrder{id: newID("ord"), transaction: newID("tran"), status: "paid", amount: p.Price, tax: tax, paid: paid, currency: p.Currency, created: c.o.Clock.Now()}
	c.emit("checkout.completed", c.checkoutJSON(x))
	return x.order.id, nil
}

// Sell sells a product past this program's checkouts, as another program does, and returns
// its order's id.
func (c *Creem) Sell(product string) (string, error) {
	c.mu.Lock()
	x := &creemCheckout{id: newID("ch"), product: product, status: "pending", created: c.o.Clock.Now()}
	c.checkouts = append(c.checkouts, x)
	c.mu.Unlock()
	return c.Pay(x.id)
}

// Expire lets an open checkout's time end, which Creem does not tell.
func (c *Creem) Expire(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.checkout(id)
	if x == nil || x.status != "pending" {
		return fmt.Errorf("expire %s: %w", id, errNoSuch)
	}
	x.status = "expired"
	return nil
}

// Refund gives back an amount of a payment; 0 is all that is left.
func (c *Creem) Refund(id string, amount int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.checkout(id)
	if x == nil || x.order == nil || x.order.refunds+amount > x.order.paid || x.order.refunds == x.order.paid {
		return fmt.Errorf("refund %s: %w", id, errNoSuch)
	}
	if amount == 0 {
		amount = x.order.paid - x.order.refunds
	}
	x.order.refunds += amount
	x.order.status = "partialRefund"
	if x.order.refunds == x.order.paid {
		x.order.status = "refunded"
	}
	c.emit("refund.created", c.backJSON(x, "refund", object{"status": "succeeded", "refund_amount": amount, "refund_currency": x.order.currency, "reason": "requested_by_customer"}))
	return nil
}

// Dispute lets the payer's bank take a payment back.
func (c *Creem) Dispute(id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.checkout(id)
	if x == nil || x.order == nil || x.order.status == "chargedBack" {
		return fmt.Errorf("dispute %s: %w", id, errNoSuch)
	}
	x.order.status, x.order.refunds = "chargedBack", x.order.paid
	c.emit("dispute.created", c.backJSON(x, "dispute", object{"amount": x.order.paid, "currency": x.order.currency}))
	return nil
}
