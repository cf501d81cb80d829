package billing_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func (r *room) refuses(err error, code fault.Code) {
	r.t.Helper()
	if !fault.Is(err, code) {
		r.t.Errorf("the error is %v, want %s", err, code)
	}
}

func same(a, b payment.Order) bool {
	at := a.ExpiresAt
	a.ExpiresAt = b.ExpiresAt
	return at.Equal(b.ExpiresAt) && a == b
}

func TestACheckoutIsAnAccounts(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	p := r.buy(v, "click")
	if p.Status != models.PurchaseOpen || p.Details.CheckoutURL != "https://pay.example/"+p.ID || p.Credits != packs[0].Credits || p.Live {
		t.Errorf("the checkout is %+v, %+v", p, p.Details)
	}
	want := payment.Order{PurchaseID: p.ID, PackName: "Small", AmountMinor: price, Currency: "USD", Email: "buyer@example.com",
		SuccessURL: "https://kimi.example/billing/return?purchase=" + p.ID, CancelURL: "https://kimi.example/billing", ExpiresAt: r.now.Load().Add(time.Hour)}
	if got := r.shop.made(); len(got) != 1 || !same(got[0], want) {
		t.Errorf("the provider was asked for %+v", got)
	}
	ask := billing.Checkout{PackID: "small", Provider: models.PaymentStripe}
	for _, kind := range []viewer.Kind{viewer.Visitor, viewer.Guest, viewer.System, ""} {
		_, err := r.Checkout(t.Context(), viewer.Viewer{Kind: kind, OwnerID: v.OwnerID, Key: v.Key}, ask)
		r.refuses(err, fault.Unauthenticated)
	}
	for code, ask := range map[fault.Code][]billing.Checkout{
		fault.NotFound: {{PackID: "none", Provider: models.PaymentStripe}},
		fault.Invalid: {{PackID: "yen", Provider: models.PaymentCreem}, {PackID: "small", Provider: "PAYPAL"},
			{PackID: "small", Provider: models.PaymentStripe, ClientID: strings.Repeat("x", 101)}},
		fault.Conflict: {{PackID: "yen", Provider: models.PaymentStripe, ClientID: "click"}},
	} {
		for _, c := range ask {
			_, err := r.Checkout(t.Context(), v, c)
			r.refuses(err, code)
		}
	}
}

// P57: one click is one checkout, however often and wherever it arrives.
func TestADoubleClickIsOneCheckout(t *testing.T) {
	for _, click := range []string{"click", ""} {
		r := newRoom(t)
		v := r.account()
		r.shop.arrive, r.shop.gate = make(chan struct{}, 8), make(chan struct{})
		other := r.instance(r.shop)
		got := make([]string, 8)
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() {
				s := r.Service
				if i >= 6 {
					s = other
				}
				p, err := s.Checkout(context.Background(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe, ClientID: click})
				if err != nil {
					t.Error(err)
					return
				}
				got[i] = p.ID + p.Details.CheckoutURL
			})
		}
		<-r.shop.arrive
		close(r.shop.gate)
		wg.Wait()
		if slices.Sort(got); got[0] != got[7] || got[0] == "" {
			t.Errorf("the clicks got %v", got)
		}
		if n := r.count(`SELECT count(*) FROM purchases`); n != 1 {
			t.Errorf("there are %d purchases", n)
		}
		for _, o := range r.shop.made() {
			if !strings.HasPrefix(got[0], o.PurchaseID) {
				t.Errorf("the provider was asked for %s", o.PurchaseID)
			}
		}
	}
}

func TestWithoutAnIDAMinuteIsOneClick(t *testing.T) {
	r := newRoom(t)
	v, other := r.account(), r.account()
	first := r.buy(v, "")
	r.pass(59 * time.Second)
	if again := r.buy(v, ""); again.ID != first.ID {
		t.Error("within a minute there were two checkouts")
	}
	if r.buy(other, "").ID == first.ID {
		t.Error("two accounts share a checkout")
	}
	r.pass(2 * time.Second)
	if r.buy(v, "").ID == first.ID {
		t.Error("after a minute it is still the same checkout")
	}
}

// Two browsers of one account buy at once: both are paid, both are credited.
func TestTwoBrowsersBuyAtOnce(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	var wg sync.WaitGroup
	for i := range 2 {
		wg.Go(func() {
			p := r.buy(v, "browser "+strconv.Itoa(i))
			r.stripe(paidFor(p))
		})
	}
	wg.Wait()
	r.wants(v, 2*packs[0].Credits, 0)
	r.sound()
}

// A provider that is down loses nothing, and the same click may come again.
func TestAProviderThatIsDownLosesNothing(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	r.shop.fail(payment.ErrUnavailable)
	ask := billing.Checkout{PackID: "small", Provider: models.PaymentStripe, ClientID: "click"}
	for range 2 {
		_, err := r.Checkout(t.Context(), v, ask)
		r.refuses(err, fault.PaymentUnavailable)
	}
	r.shop.fail(nil)
	r.pass(time.Minute)
	p := r.buy(v, "click")
	orders := r.shop.made()
	if len(orders) != 3 || !same(orders[0], orders[1]) || !same(orders[1], orders[2]) || p.ID != orders[0].PurchaseID {
		t.Errorf("the provider was asked for %+v", orders)
	}
	r.stripe(paidFor(p))
	_, err := r.Checkout(t.Context(), v, ask)
	r.refuses(err, fault.Conflict)
}

// The process dies between the provider's answer and our commit: the payment finds its
// purchase all the same, and a click that is repeated too late is over.
func TestAPaymentOfACheckoutThatWasNeverStored(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	r.shop.fail(errors.New("the answer was lost"))
	_, err := r.Checkout(t.Context(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe, ClientID: "click"})
	r.refuses(err, fault.PaymentUnavailable)
	r.shop.fail(nil)
	lost, _, err := r.Payments(t.Context(), v, page.Args{Size: 5})
	r.must(err)
	if lost[0].Status != models.PurchaseCreating {
		t.Fatalf("it is %s", lost[0].Status)
	}
	r.pass(21 * time.Minute)
	_, err = r.Checkout(t.Context(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe, ClientID: "click"})
	r.refuses(err, fault.Conflict)
	r.stripe(paidFor(lost[0]))
	r.wants(v, packs[0].Credits, 0)
	r.sound()
}

func TestCheckoutsHaveAPace(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	for i := range 30 {
		r.buy(v, strconv.Itoa(i))
	}
	_, err := r.Checkout(t.Context(), v, billing.Checkout{PackID: "small", Provider: models.PaymentStripe})
	if list, _ := fault.Of(err); len(list) != 1 || list[0].Code != fault.RateLimited || list[0].RetryAfter != time.Hour {
		t.Errorf("the error is %v", err)
	}
	r.pass(time.Hour)
	r.buy(v, "later")
}

func TestPaymentsAreTheirOwnersOnly(t *testing.T) {
	r := newRoom(t)
	v, other := r.account(), r.account()
	first, second := r.buy(v, "1"), r.buy(v, "2")
	e := paidFor(first)
	e.Brand, e.Last4, e.ReceiptURL, e.Address = "visa", "4242", "https://pay.example/receipt", payment.Address{Name: "Ada", City: "London"}
	r.stripe(e)
	p := r.purchase(v, first.ID)
	if p.Details.Brand != "visa" || p.Details.Address.City != "London" || p.Details.CheckoutURL != "" || p.Details.CustomerID == "" {
		t.Errorf("the details are %+v", p.Details)
	}
	list, more, err := r.Payments(t.Context(), v, page.Args{Size: 1})
	if err != nil || !more || list[0].ID != second.ID {
		t.Errorf("the first page is %v, %v, %v", list, more, err)
	}
	list, more, err = r.Payments(t.Context(), v, page.Args{Size: 1, After: list[0].ID})
	if err != nil || more || list[0].ID != first.ID {
		t.Errorf("the second page is %v, %v, %v", list, more, err)
	}
	_, err = r.Payment(t.Context(), other, first.ID)
	r.refuses(err, fault.NotFound)
	if all, err := r.PurchasesByID(t.Context(), v, []string{second.ID, "x", first.ID}); err != nil || all[0].ID != second.ID || all[1] != nil || all[2].ID != first.ID {
		t.Errorf("by id they are %v, %v", all, err)
	}
	if list, _, err := r.Payments(t.Context(), viewer.Viewer{Kind: viewer.Guest}, page.Args{Size: 1}); list != nil || err != nil {
		t.Errorf("a guest has %v, %v", list, err)
	}
	// P58: what leads to the payer is sealed.
	for _, secret := range []string{"4242", "London", "pi_" + first.ID, "cus_" + first.AccountID, "cs_" + first.ID} {
		n := r.count(`SELECT (SELECT count(*) FROM purchases x WHERE x::text LIKE '%' || $1 || '%') + (SELECT count(*) FROM payment_details x WHERE x::text LIKE '%' || $1 || '%')
			+ (SELECT count(*) FROM payment_events x WHERE x::text LIKE '%' || $1 || '%') + (SELECT count(*) FROM payment_customers x WHERE x::text LIKE '%' || $1 || '%')`, secret)
		if n != 0 {
			t.Errorf("%s is stored in the clear", secret)
		}
	}
}
