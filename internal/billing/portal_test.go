package billing_test

import (
	"strings"
	"testing"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

func TestThePortalOpensAfterAPayment(t *testing.T) {
	r := newRoom(t)
	v := r.account()
	_, err := r.Portal(t.Context(), v, models.PaymentStripe)
	r.refuses(err, fault.NotFound)
	p := r.buy(v, "1")
	r.stripe(paidFor(p))
	if link, err := r.Portal(t.Context(), v, models.PaymentStripe); err != nil || !strings.Contains(link, "cus_") {
		t.Errorf("the link is %q, %v", link, err)
	}
	if r.buy(v, "2"); r.shop.made()[1].CustomerID != "cus_"+p.AccountID || r.shop.made()[1].Email != "" {
		t.Errorf("the second checkout is for %+v", r.shop.made()[1])
	}
	forget, err := r.Leaving(t.Context(), v.OwnerID)
	r.must(err)
	if len(r.shop.deleted) != 0 {
		t.Error("forgotten before the account is gone")
	}
	r.must(forget(t.Context()))
	if len(r.shop.deleted) != 1 || len(r.creem.deleted) != 0 {
		t.Errorf("forgotten are %v, %v", r.shop.deleted, r.creem.deleted)
	}
	none, err := r.Leaving(t.Context(), r.account().OwnerID)
	r.must(err)
	r.must(none(t.Context()))
	r.shop.fail(payment.ErrUnavailable)
	if err := forget(t.Context()); err == nil || !strings.Contains(err.Error(), "cus_"+p.AccountID) {
		t.Errorf("what is left to do by hand is not told: %v", err)
	}
	_, err = r.Portal(t.Context(), v, models.PaymentStripe)
	r.refuses(err, fault.PaymentUnavailable)
	_, err = r.Portal(t.Context(), viewer.Viewer{Kind: viewer.Guest}, models.PaymentStripe)
	r.refuses(err, fault.Unauthenticated)
}
