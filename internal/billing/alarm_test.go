package billing_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// tower hears what administrators would be told: one of a mark, as the outbox keeps them.
// A row beside it shows whether it was told in the transaction.
type tower struct {
	*room
	mu    sync.Mutex
	fails error
	heard []billing.Alarm
}

func newTower(t *testing.T) *tower {
	t.Helper()
	w := &tower{room: newRoom(t)}
	w.exec(`CREATE TABLE alarms (mark text PRIMARY KEY)`)
	w.listen(w.Service)
	return w
}

func (w *tower) listen(s *billing.Service) *billing.Service {
	s.Alarm = func(_ context.Context, tx *gorm.DB, a billing.Alarm) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		made := tx.Exec(`INSERT INTO alarms VALUES (?) ON CONFLICT DO NOTHING`, string(a.Kind)+"/"+a.Mark)
		if made.Error != nil || w.fails != nil {
			return errors.Join(made.Error, w.fails)
		}
		if made.RowsAffected > 0 {
			w.heard = append(w.heard, a)
		}
		return nil
	}
	return s
}

func (w *tower) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = err
}

// hears compares what was told since the last call, as kind and facts.
func (w *tower) hears(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	for _, a := range w.heard {
		line := string(a.Kind)
		for _, name := range slices.Sorted(maps.Keys(a.Facts)) {
			line += fmt.Sprintf(" %s=%s", name, a.Facts[name])
		}
		got = append(got, line)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("told was %q, want %q", got, want)
	}
	w.heard = nil
	if n := w.count(`SELECT count(*) FROM alarms`); w.fails != nil && n != 0 {
		w.t.Errorf("%d alarms outlived their transaction", n)
	}
}

// wrong brings payments of another amount than ordered.
func (w *tower) wrong(n int) {
	w.t.Helper()
	for i := range n {
		e := paidFor(w.buy(w.account(), fmt.Sprint(i)))
		e.AmountMinor++
		w.stripe(e)
	}
}

// P55: whoever runs the installation is told of each payment in quarantine once, and of a
// hundred of them in one mail; what could not be told is told later.
func TestPaymentsInQuarantineAreToldOnce(t *testing.T) {
	w := newTower(t)
	tell := func(s *billing.Service) {
		t.Helper()
		_, err := s.TellQuarantined(t.Context())
		w.must(err)
	}
	tell(w.Service)
	w.hears()
	w.wrong(100)
	w.fail(errors.New("the machine died"))
	if _, err := w.TellQuarantined(t.Context()); err == nil {
		t.Error("nobody could be told, and that is no error")
	}
	w.hears()
	w.fail(nil)
	var all sync.WaitGroup
	for range 4 {
		other := w.listen(w.instance(w.shop))
		all.Go(func() { tell(other) })
	}
	all.Wait()
	w.hears("PAYMENT_QUARANTINED count=100 waiting=100")

	w.wrong(1) // what comes soon after waits for the hour to be over
	w.pass(time.Hour - time.Second)
	tell(w.Service)
	w.hears()
	w.wrong(2)
	w.pass(time.Second)
	tell(w.Service)
	tell(w.Service)
	w.hears("PAYMENT_QUARANTINED count=3 waiting=103")

	w.wrong(1) // what is decided before it is told needs no mail
	w.pass(2 * time.Hour)
	w.exec(`UPDATE payment_quarantine SET resolved_at = now(), resolution = 'DISMISSED' WHERE NOT jsonb_exists(facts, 'toldAt')`)
	tell(w.Service)
	w.hears()
}

// What is noted of a payment that was told of is nothing of its facts, and it can still be
// decided about.
func TestAToldPaymentKeepsItsFacts(t *testing.T) {
	w := newTower(t)
	w.wrong(1)
	admin := w.admin()
	facts := func() string {
		t.Helper()
		waiting, err := w.inQuarantine(admin)
		w.must(err)
		text, err := billing.Facts(waiting[0])
		w.must(err)
		return text
	}
	before := facts()
	_, err := w.TellQuarantined(t.Context())
	w.must(err)
	if after := facts(); after != before || !strings.Contains(before, `"amountMinor":1001`) {
		t.Errorf("the facts were %s and are %s", before, after)
	}
	waiting, err := w.inQuarantine(admin)
	w.must(err)
	_, err = w.Resolve(t.Context(), admin, billing.Decision{QuarantineID: waiting[0].ID, Credit: true})
	w.must(err)
	w.sound()
}

// R-PAY: a difference that nobody can put right is told of once, on however many instances
// and however often it is found; what could be put right once a day.
func TestDifferencesAreToldOnce(t *testing.T) {
	w := newTower(t)
	v := w.account()
	missed, unknown := w.buy(v, "1"), w.buy(v, "2")
	w.stripe(paidFor(unknown))
	w.shop.tells(asked(paidFor(missed)))
	w.pass(time.Hour)
	w.fail(errors.New("the machine died"))
	if _, err := w.Reconcile(t.Context()); err == nil {
		t.Error("nobody could be told, and that is no error")
	}
	w.hears()
	if n := w.count(`SELECT count(*) FROM reconciliations WHERE provider = 'STRIPE'`); n != 0 {
		t.Errorf("%d comparisons count as told", n)
	}
	w.fail(nil)
	var all sync.WaitGroup
	for range 4 {
		other := w.listen(w.instance(w.shop))
		all.Go(func() {
			_, err := other.Reconcile(t.Context())
			w.must(err)
		})
	}
	all.Wait()
	w.hears("PAYMENTS_DIFFER left=1 provider=STRIPE")

	again, more := w.buy(v, "3"), w.buy(v, "4")
	w.stripe(paidFor(more))
	w.shop.tells(asked(paidFor(missed)), asked(paidFor(again)))
	w.pass(time.Hour)
	w.reconcile()
	w.hears("PAYMENTS_DIFFER left=1 provider=STRIPE repaired=1")

	known := []payment.Event{asked(paidFor(missed)), asked(paidFor(again)), asked(paidFor(more)), asked(paidFor(unknown))}
	for day := range 2 {
		for click := range 2 {
			known = append(known, asked(paidFor(w.buy(v, fmt.Sprint("late", day, click)))))
			w.shop.tells(known...)
			w.pass(time.Hour)
			if got := w.reconcile(); got.Repaired != 1 {
				t.Errorf("the comparison is %+v: %s", got, got.Differences)
			}
		}
		w.hears("PAYMENTS_DIFFER provider=STRIPE repaired=1")
		w.pass(24 * time.Hour)
	}
}

// A payment that comes into quarantine by a comparison is told of with the quarantine, and not
// twice.
func TestAComparisonLeavesTheQuarantineToItself(t *testing.T) {
	w := newTower(t)
	e := paidFor(w.buy(w.account(), "1"))
	e.AmountMinor++
	w.shop.tells(asked(e))
	w.pass(time.Hour)
	w.reconcile()
	w.hears()
	_, err := w.TellQuarantined(t.Context())
	w.must(err)
	w.hears("PAYMENT_QUARANTINED count=1 waiting=1")
}

// Comparisons that fail for an hour are told of once, and again when they fail anew.
func TestComparisonsThatFailAreTold(t *testing.T) {
	w := newTower(t)
	compare := func(times int) {
		for range times {
			_, _ = w.instanceAlone().Reconcile(t.Context())
			w.pass(billing.ReconcileEvery)
		}
	}
	w.shop.fail(errors.New("the provider is down"))
	compare(3)
	w.hears()
	compare(5)
	w.hears("PAYMENTS_UNCOMPARED count=4 provider=STRIPE")
	w.shop.fail(nil)
	compare(1)
	w.shop.fail(errors.New("the provider is down"))
	compare(3)
	w.hears()
	compare(2)
	w.hears("PAYMENTS_UNCOMPARED count=4 provider=STRIPE")
}

// instanceAlone is another instance, which sells with Stripe only.
func (w *tower) instanceAlone() *billing.Service { return w.listen(w.instance(w.shop)) }

// Nobody to tell, nothing noted as told.
func TestNobodyIsToldWithoutAMailer(t *testing.T) {
	w := newTower(t)
	w.wrong(1)
	w.Service.Alarm = nil
	if told, err := w.TellQuarantined(t.Context()); told != 0 || err != nil {
		t.Errorf("%d were told, %v", told, err)
	}
	w.listen(w.Service)
	_, err := w.TellQuarantined(t.Context())
	w.must(err)
	w.hears("PAYMENT_QUARANTINED count=1 waiting=1")
}
