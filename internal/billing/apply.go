package billing

import (
	"bytes"
	"math/bits"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/models"
)

// A purchase's facts only grow: how far it is, what was paid, the most that was ever
// refunded, the furthest each dispute came. So the order in which they are told does not
// matter, nor how often, and what is due in credits follows from the facts alone.

// purchaseRank orders states; paid is the last word, for money moved.
var purchaseRank = map[models.PurchaseStatus]int{
	models.PurchaseCreating: 0, models.PurchaseOpen: 1, models.PurchaseExpired: 2, models.PurchaseFailed: 3, models.PurchasePaid: 4,
}

// advance moves a purchase on to a state, never back.
func advance(p *models.Purchase, to models.PurchaseStatus) {
	if purchaseRank[to] > purchaseRank[p.Status] {
		p.Status = to
	}
}

// paid: the payer has paid. index names the payment.
func paid(p *models.Purchase, e payment.Event, index []byte, now time.Time) {
	if p.Status != models.PurchasePaid {
		at := e.OccurredAt
		if at.IsZero() || at.After(now) {
			at = now
		}
		p.PaidAt = &at
	}
	advance(p, models.PurchasePaid)
	p.PaidMinor = max(p.PaidMinor, e.AmountMinor)
	p.TaxMinor = max(p.TaxMinor, e.TaxMinor)
	if p.PaymentIndex == nil {
		p.PaymentIndex = index
	}
}

// back is what went back of a payment.
type back struct {
	Status   payment.Status `json:"status"`
	Refunded int64          `json:"refunded,omitempty"`
	Disputed int64          `json:"disputed,omitempty"`
	Returned int64          `json:"returned,omitempty"`
	Dispute  string         `json:"dispute,omitempty"`
	Index    []byte         `json:"index,omitempty"` // of the dispute
	Currency string         `json:"currency,omitempty"`
	// current: the provider said how things stand, and nothing was told since it was asked.
	current bool
}

func backOf(t told) back {
	return back{Status: t.Status, Refunded: t.RefundedMinor, Disputed: t.DisputedMinor, Returned: t.ReturnedMinor, Dispute: t.Dispute,
		Index: t.dispute, Currency: t.Currency}
}

// refunded: so much of the payment was ever given back. Only the provider's present word
// makes it less: a refund has failed.
func refunded(p *models.Purchase, b back) {
	if b.current {
		p.RefundedMinor = max(0, b.Refunded)
		return
	}
	p.RefundedMinor = max(p.RefundedMinor, b.Refunded)
}

// step is credits to take back, or to give again.
type step struct {
	kind   models.TransferKind
	amount int64
}

// next leads from what was taken back so far to what the facts ask for; before is how the
// purchase was until they were told. The amount is 0 when nothing is to be done.
func next(before, p models.Purchase) step {
	due := due(p)
	switch {
	case due < p.Reversed:
		return step{models.TransferReinstatement, p.Reversed - due}
	case p.DisputedMinor > before.DisputedMinor:
		return step{models.TransferDispute, due - p.Reversed}
	}
	return step{models.TransferRefund, due - p.Reversed}
}

// due is what of the credits has to be taken back: the part that went back of the payment,
// and at most all of them.
func due(p models.Purchase) int64 {
	if p.Status != models.PurchasePaid {
		return 0
	}
	return share(p, p.DisputedMinor+min(max(0, p.RefundedMinor), p.PaidMinor-p.DisputedMinor))
}

// share is the part of the credits that an amount of the payment bought, to the nearest
// micro-credit and at most all of them.
func share(p models.Purchase, minor int64) int64 {
	if minor <= 0 {
		return 0
	}
	if minor >= p.PaidMinor {
		return p.Credits
	}
	hi, lo := bits.Mul64(uint64(p.Credits), uint64(minor)) //nolint:gosec // both are positive
	lo, carry := bits.Add64(lo, uint64(p.PaidMinor)/2, 0)  //nolint:gosec // positive
	part, _ := bits.Div64(hi+carry, lo, uint64(p.PaidMinor))
	return int64(part) //nolint:gosec // less than Credits
}

// same reports whether nothing is told of a purchase that was not known.
func same(a, b models.Purchase) bool {
	return a.Status == b.Status && a.PaidMinor == b.PaidMinor && a.TaxMinor == b.TaxMinor && a.RefundedMinor == b.RefundedMinor &&
		a.DisputedMinor == b.DisputedMinor && a.Dispute == b.Dispute && a.Reversed == b.Reversed && bytes.Equal(a.PaymentIndex, b.PaymentIndex)
}
