package paymenttest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"
)

// Stripe is a model of Stripe.
type Stripe struct {
	*Courier
	trouble
	o    Options
	host *host

	mu        sync.Mutex
	sessions  []*stripeSession // oldest first, as all lists
	charges   []*stripeCharge
	refunds   []*stripeRefund
	disputes  []*stripeDispute
	events    []object
	customers map[string]bool
	replies   map[string]savedReply // by idempotency key
}

type savedReply struct {
	form   string
	status int
	body   object
}

type stripeSession struct {
	id, name, currency, status, paymentStatus string
	price, total, tax                         int64
	customer, email, success, cancel, ref     string
	metadata, intentMetadata                  map[string]string
	created, expires                          int64
	charge                                    *stripeCharge
	automaticTax, taxIncluded                 bool
}

type stripeCharge struct {
	id, intent, currency, customer string
	amount, refunded, created      int64
	metadata                       map[string]string
	disputed                       bool
}

type stripeRefund struct {
	id, status      string
	charge          *stripeCharge
	amount, created int64
}

type stripeDispute struct {
	id, status      string
	charge          *stripeCharge
	amount, created int64
	movements       []any // of the account's balance
}

// StartStripe starts a model of Stripe.
func StartStripe(o Options) (*Stripe, error) {
	s := &Stripe{o: o.withDefaults(), customers: map[string]bool{}, replies: map[string]savedReply{}}
	s.Courier = newCourier(o.WebhookURL, o.TimeScale, s.signed, func(attempt int) (time.Duration, bool) {
		return min(5*time.Second<<min(attempt, 10), time.Hour), attempt < 80 // about three days
	})
	var err error
	s.host, err = listen(s.o.Listen, s.routes())
	return s, err
}

// URL is what STRIPE_API_URL has to be.
func (s *Stripe) URL() string { return s.host.url }

// Close ends the model.
func (s *Stripe) Close() {
	s.host.close()
	s.Courier.close()
}

func (s *Stripe) signed(w Webhook) http.Header {
	return SignStripe(w.Body, s.o.Secret, s.o.Clock.Now())
}

// SignStripe makes the header of a webhook that was signed at a time.
func SignStripe(body []byte, secret string, at time.Time) http.Header {
	sum := hex.EncodeToString(webhook.ComputeSignature(at, body, secret))
	return http.Header{"Stripe-Signature": {"t=" + strconv.FormatInt(at.Unix(), 10) + ",v1=" + sum}}
}

func (s *Stripe) now() int64 { return s.o.Clock.Now().Unix() }

// emit keeps an event and sends it; the lock is held.
func (s *Stripe) emit(kind string, data object) {
	id := newID("evt")
	e := object{"id": id, "object": "event", "api_version": stripe.APIVersion, "created": s.now(), "livemode": s.o.Live, "type": kind,
		"pending_webhooks": 1, "request": object{"id": nil, "idempotency_key": nil}, "data": object{"object": data}}
	s.events = append(s.events, e)
	s.Send(Webhook{ID: id, Kind: kind, Body: mustJSON(e)})
}

var errNoSuch = errors.New("there is no such object, or not in that state")

func (s *Stripe) session(id string) *stripeSession {
	for _, x := range s.sessions {
		if x.id == id || x.ref == id {
			return x
		}
	}
	return nil
}

func (s *Stripe) charge(id string) *stripeCharge {
	for _, x := range s.charges {
		if x.id == id || x.intent == id {
			return x
		}
	}
	if x := s.session(id); x != nil {
		return x.charge
	}
	return nil
}

// Sessions are the ids of all checkouts, oldest first.
func (s *Stripe) Sessions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, len(s.sessions))
	for i, x := range s.sessions {
		out[i] = x.id
	}
	return out
}

// Pay pays a checkout, which is named by its id or by its purchase, and returns the
// payment's id.
func (s *Stripe) Pay(session string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.session(session)
	if x == nil || x.status != "open" {
		return "", fmt.Errorf("pay %s: %w", session, errNoSuch)
	}
	s.collect(x)
	x.status, x.paymentStatus = "complete", "paid"
	s.paid(x)
	s.emit("checkout.session.completed", s.sessionJSON(x, false))
	return x.charge.intent, nil
}

// collect makes the charge of a session, and its customer.
func (s *Stripe) collect(x *stripeSession) {
	if x.customer == "" {
		x.customer = newID("cus")
		s.customers[x.customer] = true
	}
	x.charge = &stripeCharge{id: newID("ch"), intent: newID("pi"), currency: x.currency, customer: x.customer, amount: x.total, created: s.now(), metadata: x.intentMetadata}
}

func (s *Stripe) paid(x *stripeSession) {
	s.charges = append(s.charges, x.charge)
	s.emit("payment_intent.succeeded", s.intentJSON(x.charge, false))
	s.emit("charge.succeeded", s.chargeJSON(x.charge))
}

// PayLater completes a checkout with a method whose money takes days.
func (s *Stripe) PayLater(session string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.session(session)
	if x == nil || x.status != "open" {
		return fmt.Errorf("complete %s: %w", session, errNoSuch)
	}
	s.collect(x)
	x.status = "complete"
	s.emit("checkout.session.completed", s.sessionJSON(x, false))
	return nil
}

// Arrive lets the money of PayLater come, or not.
func (s *Stripe) Arrive(session string, ok bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.session(session)
	if x == nil || x.status != "complete" || x.paymentStatus == "paid" {
		return fmt.Errorf("pay %s: %w", session, errNoSuch)
	}
	if !ok {
		s.emit("checkout.session.async_payment_failed", s.sessionJSON(x, false))
		return nil
	}
	x.paymentStatus = "paid"
	s.paid(x)
	s.emit("checkout.session.async_payment_succeeded", s.sessionJSON(x, false))
	return nil
}

// Expire lets an open checkout's time end.
func (s *Stripe) Expire(session string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.session(session)
	if x == nil || x.status != "open" {
		return fmt.Errorf("expire %s: %w", session, errNoSuch)
	}
	x.status = "expired"
	s.emit("checkout.session.expired", s.sessionJSON(x, false))
	return nil
}
