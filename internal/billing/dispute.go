package billing

import (
	"bytes"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// Each dispute of a payment is kept by itself, and its facts only grow. What a purchase
// says of its disputes is worked out of them anew each time.

// disputeRank orders what is told of a dispute: money that came back after all is the last
// word.
var disputeRank = map[models.DisputeState]int{models.DisputeOpen: 1, models.DisputeLost: 2, models.DisputeWon: 3}

// disputesTx are the disputes of a purchase in the order they were told.
func disputesTx(tx *gorm.DB, purchaseID string) ([]models.PaymentDispute, error) {
	var known []models.PaymentDispute
	if err := tx.Where("purchase_id = ?", purchaseID).Order("number").Find(&known).Error; err != nil {
		return nil, fmt.Errorf("find the disputes of a payment: %w", err)
	}
	return known, nil
}

// disputedTx keeps what is told of a dispute. The purchase is locked.
func (s *Service) disputedTx(tx *gorm.DB, p *models.Purchase, b back, v *verdict) error {
	known, err := disputesTx(tx, p.ID)
	if err != nil || disputeRank[models.DisputeState(b.Dispute)] == 0 {
		return err
	}
	d := disputeOf(known, b)
	if d == nil {
		return nil
	}
	before, now := *d, s.Clock.Now()
	learnDispute(d, b)
	if before.Number > 0 && sameDispute(before, *d) {
		return nil
	}
	named := before
	named.DisputeIndex = d.DisputeIndex
	v.changed = before.Number == 0 || !sameDispute(named, *d) // a name alone is no difference
	d.UpdatedAt = now
	if before.Number == 0 {
		d.PurchaseID, d.Number, d.CreatedAt = p.ID, len(known)+1, now
		err = tx.Create(d).Error
	} else {
		err = tx.Model(d).Select("*").Updates(d).Error
	}
	if err != nil {
		return fmt.Errorf("store a dispute: %w", err)
	}
	return nil
}

// elsewhereTx reports whether a dispute is one of another payment.
func elsewhereTx(tx *gorm.DB, p *models.Purchase, index []byte) (bool, error) {
	if index == nil {
		return false, nil
	}
	var n int64
	err := tx.Model(&models.PaymentDispute{}).Where("dispute_index = ? AND purchase_id <> ?", index, p.ID).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look whose dispute it is: %w", err)
	}
	return n > 0, nil
}

// disputeOf is the dispute that something is told of: a new one when none of the known is
// it, and nil when nothing new is told. Which dispute it is about is not always told: then
// there is one, which is the first of those that are named and that it can be.
func disputeOf(known []models.PaymentDispute, b back) *models.PaymentDispute {
	var nameless *models.PaymentDispute
	for i := range known {
		switch d := &known[i]; {
		case bytes.Equal(d.DisputeIndex, b.Index):
			return d
		case d.DisputeIndex == nil:
			nameless = d
		}
	}
	switch {
	case b.Index == nil && len(known) > 0:
		return nil
	case nameless != nil && canBe(*nameless, b):
		return nameless
	}
	return &models.PaymentDispute{}
}

// canBe reports whether what is told of a named dispute may be about the nameless one: it
// is of the same amount, and is not told to be open after it has ended.
func canBe(nameless models.PaymentDispute, b back) bool {
	return disputeRank[models.DisputeState(b.Dispute)] >= disputeRank[nameless.State] &&
		(nameless.AmountMinor == 0 || b.Disputed <= 0 || nameless.AmountMinor == b.Disputed)
}

// learnDispute adds what is told of a dispute.
func learnDispute(d *models.PaymentDispute, b back) {
	if to := models.DisputeState(b.Dispute); disputeRank[to] > disputeRank[d.State] {
		d.State = to
	}
	if d.DisputeIndex == nil {
		d.DisputeIndex = b.Index
	}
	d.AmountMinor = max(d.AmountMinor, b.Disputed)
	d.ReturnedMinor = max(d.ReturnedMinor, b.Returned)
}

func sameDispute(a, b models.PaymentDispute) bool {
	return a.State == b.State && a.AmountMinor == b.AmountMinor && a.ReturnedMinor == b.ReturnedMinor && bytes.Equal(a.DisputeIndex, b.DisputeIndex)
}

// sumDisputesTx works out what a purchase says of its disputes: what open and lost ones
// withhold together, which is never more than was paid, and the state of all of them.
func sumDisputesTx(tx *gorm.DB, p *models.Purchase) error {
	known, err := disputesTx(tx, p.ID)
	if err != nil {
		return err
	}
	p.Dispute, p.DisputedMinor = models.DisputeNone, 0
	for _, d := range known {
		minor := withheld(d, p.PaidMinor)
		p.DisputedMinor += min(minor, p.PaidMinor-p.DisputedMinor)
		state := d.State
		if minor == 0 {
			state = models.DisputeWon
		}
		if p.Dispute == models.DisputeNone || disputeRank[state] < disputeRank[p.Dispute] {
			p.Dispute = state
		}
	}
	return nil
}

// withheld is what a dispute takes of a payment, in minor units.
func withheld(d models.PaymentDispute, paid int64) int64 {
	switch {
	case d.State == models.DisputeWon:
		return 0
	case d.AmountMinor == 0:
		return paid
	}
	return max(0, d.AmountMinor-d.ReturnedMinor)
}
