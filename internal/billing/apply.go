package billing

import (
	"bytes"
	"math/bits"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/models"
)

// A purchase's facts only grow: how far it is, what was paid, the most that was ever
// refunded, the furthest a dispute came. So the order in which they are told does not
// matter, nor how often, and what is due in credits follows from the facts alone.

// purchaseRank orders states; paid is the last word, for money moved.
var purchaseRank = map[models.PurchaseStatus]int{
	models.PurchaseCreating: 0, models.PurchaseOpen: 1, models.PurchaseExpired: 2, models.PurchaseFailed: 3, models.PurchasePaid: 4,
}

// disputeRank orders disputes: money that came back after all is the last word.
var disputeRank = map[models.DisputeState]int{
	models.DisputeNone: 0, models.DisputeOpen: 1, models.DisputeLost: 2, models.DisputeWon: 3,
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
	Dispute  string         `json:"dispute,omitempty"`
	Currency string         `json:"currency,omitempty"`
	// current: the provider said how things stand, and nothing was told since it was asked.
	current bool
}

func backOf(e payment.Event) back {
	return back{Status: e.Status, Refunded: e.RefundedMinor, Disputed: e.DisputedMinor, Dispute: e.Dispute, Currency: e.Currency}
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

// disputed: so much of the payment is disputed; all of it where the amount isn't told.
func disputed(p *models.Purchase, b back) {
	if to := models.DisputeState(b.Dispute); disputeRank[to] > disputeRank[p.Dispute] {
		p.Dispute = to
	}
	p.DisputedMinor = max(p.DisputedMinor, b.Disputed)
}

func goesBack(p *models.Purchase, b back) {
	switch b.Status {
	case payment.Refunded:
		refunded(p, b)
	case payment.Disputed:
		disputed(p, b)
	}
}

// step is credits to take back, or to give again.
type step struct {
	kind   models.TransferKind
	amount int64
}

// steps leads from what was taken back so far to what the facts ask for.
func steps(p models.Purchase) []step {
	if p.Status != models.PurchasePaid {
		return nil
	}
	byRefund, all := share(p, p.RefundedMinor), share(p, withheld(p))
	if all < p.Reversed {
		return []step{{models.TransferReinstatement, p.Reversed - all}}
	}
	var out []step
	refund := min(max(0, byRefund-p.Reversed), all-p.Reversed)
	if refund > 0 {
		out = append(out, step{models.TransferRefund, refund})
	}
	if rest := all - p.Reversed - refund; rest > 0 {
		out = append(out, step{models.TransferDispute, rest})
	}
	return out
}

// withheld is what of the payment is not ours (any more), in minor units.
func withheld(p models.Purchase) int64 {
	if p.Dispute != models.DisputeOpen && p.Dispute != models.DisputeLost {
		return p.RefundedMinor
	}
	if p.DisputedMinor == 0 || p.DisputedMinor > p.PaidMinor-min(p.RefundedMinor, p.PaidMinor) {
		return p.PaidMinor
	}
	return p.RefundedMinor + p.DisputedMinor
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
