package billing_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// shop is a provider whose webhooks are events in JSON, and that tells what tests say.
type shop struct {
	name string
	live bool

	mu       sync.Mutex
	err      error // of every call
	orders   []payment.Order
	sessions map[string]payment.Event // how they stand
	payments []payment.Event
	deleted  []string
	arrive   chan struct{} // told when a checkout is being made
	gate     chan struct{} // which waits here
}

func (s *shop) Name() string { return s.name }
func (s *shop) Live() bool   { return s.live }

func (s *shop) CreateCheckout(_ context.Context, o payment.Order) (payment.Session, error) {
	s.mu.Lock()
	s.orders = append(s.orders, o)
	err, gate := s.err, s.gate
	s.mu.Unlock()
	if gate != nil {
		s.arrive <- struct{}{}
		<-gate
	}
	return payment.Session{ID: "cs_" + o.PurchaseID, URL: "https://pay.example/" + o.PurchaseID, ExpiresAt: o.ExpiresAt}, err
}

func (s *shop) Portal(_ context.Context, customer, back string) (string, error) {
	return "https://pay.example/portal/" + customer + "?back=" + back, s.fails()
}

func (s *shop) Parse(h http.Header, body []byte, _ time.Time) (e payment.Event, err error) {
	if h.Get("Signed") != "yes" {
		return e, payment.ErrSignature
	}
	return e, json.Unmarshal(body, &e)
}

func (s *shop) Payments(_ context.Context, _ time.Time, each func(payment.Event) error) error {
	s.mu.Lock()
	all := slices.Clone(s.payments)
	s.mu.Unlock()
	for _, e := range all {
		if err := each(e); err != nil {
			return err
		}
	}
	return s.fails()
}

func (s *shop) Session(_ context.Context, session string) (payment.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.sessions[session]; ok {
		return e, s.err
	}
	return payment.Event{}, errors.Join(payment.ErrNotFound, s.err)
}

func (s *shop) DeleteCustomer(_ context.Context, customer string) error {
	s.deleted = append(s.deleted, customer)
	return s.fails()
}

func (s *shop) fails() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *shop) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// tells makes the shop answer with these payments when it is asked.
func (s *shop) tells(es ...payment.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.payments = es
}

// stands makes the shop answer so when it is asked for one checkout, and knows no other.
func (s *shop) stands(session string, e payment.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = map[string]payment.Event{session: e}
}

func (s *shop) made() []payment.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.orders)
}
