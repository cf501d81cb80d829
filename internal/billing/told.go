package billing

import (
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/models"
)

// paidTx credits what was ordered, once it is what was paid.
func (s *Service) paidTx(tx *gorm.DB, t told, v *verdict) error {
	if t.PurchaseID == "" {
		return s.knownTx(tx, t, v)
	}
	p, err := lockPurchaseTx(tx, t.by, t.PurchaseID)
	if err != nil {
		return err
	}
	if p == nil {
		return s.quarantineTx(tx, t, nil, models.QuarantineUnknown, "", v)
	}
	v.purchaseID = &p.ID
	details, err := openDetailsTx(tx, t.who, p.ID)
	if err != nil {
		return err
	}
	reason, product, err := s.contradictionTx(tx, t, *p, details)
	if err != nil {
		return err
	}
	if reason != "" {
		return s.quarantineTx(tx, t, p, reason, product, v)
	}
	before := *p
	paid(p, t.Event, t.index, s.Clock.Now())
	v.outcome = outcomeApplied
	if err := s.bookTx(tx, p, before, v); err != nil || details == nil {
		return err
	}
	return s.learnTx(tx, t, p.ID, details)
}

// learnTx keeps what is told of a payment for its payer.
func (s *Service) learnTx(tx *gorm.DB, t told, purchaseID string, d *models.PaymentFacts) error {
	known := *d
	learn(d, t.Event)
	d.CheckoutURL = ""
	if *d == known {
		return nil
	}
	if err := saveDetailsTx(tx, t.who, purchaseID, *d); err != nil {
		return err
	}
	return s.keepCustomerTx(tx, t.who, t.by, t.CustomerID)
}

// knownTx is for what names the payment only: when that is known its credits must be in
// the ledger, else it is a sale of another program at the same provider, unless it is known
// to be ours.
func (s *Service) knownTx(tx *gorm.DB, t told, v *verdict) error {
	found, err := byPaymentTx(tx, t.by, t.index)
	if err != nil {
		return err
	}
	if found == nil && t.ours {
		return s.quarantineTx(tx, t, nil, models.QuarantineUnknown, "", v)
	}
	if found == nil {
		return nil
	}
	p, err := lockPurchaseTx(tx, t.by, found.ID)
	if err != nil || p == nil {
		return err
	}
	v.purchaseID, v.outcome = &p.ID, outcomeApplied
	return s.bookTx(tx, p, *p, v)
}

// endedTx: nobody will pay at this checkout any more.
func (s *Service) endedTx(tx *gorm.DB, t told, to models.PurchaseStatus, v *verdict) error {
	p, err := lockPurchaseTx(tx, t.by, t.PurchaseID)
	if err != nil || p == nil || p.Live != t.Live {
		return err
	}
	v.purchaseID, v.outcome = &p.ID, outcomeApplied
	before := *p
	advance(p, to)
	return s.bookTx(tx, p, before, v)
}

// backTx takes back what went back of a payment. What is told before its payment waits
// for it: only then is it known whether that payment is the one that was credited.
func (s *Service) backTx(tx *gorm.DB, t told, v *verdict) error {
	if t.index == nil {
		return nil
	}
	b := backOf(t)
	found, err := byPaymentTx(tx, t.by, t.index)
	if err != nil {
		return err
	}
	if found == nil {
		if t.asked.IsZero() {
			v.outcome, v.waiting = outcomeWaiting, &b
		}
		return nil
	}
	p, err := lockPurchaseTx(tx, t.by, found.ID)
	if err != nil || p == nil {
		return err
	}
	v.purchaseID = &p.ID
	before := *p
	b.current = t.Current && p.UpdatedAt.Before(t.asked)
	if t.asked.IsZero() {
		p.UpdatedAt = s.Clock.Now() // news, also when it tells the same amount again
	}
	if err := s.goesBackTx(tx, t, p, b, v); err != nil || v.outcome == outcomeQuarantined {
		return err
	}
	return s.bookTx(tx, p, before, v)
}

// goesBackTx adds what went back of a purchase's payment to its facts. In another currency,
// or by a dispute of another payment, nothing did.
func (s *Service) goesBackTx(tx *gorm.DB, t told, p *models.Purchase, b back, v *verdict) error {
	elsewhere, err := elsewhereTx(tx, p, b.Index)
	switch {
	case err != nil:
		return err
	case b.Currency != "" && b.Currency != p.Currency:
		return s.quarantineTx(tx, t, p, models.QuarantineCurrency, "", v)
	case elsewhere:
		return s.quarantineTx(tx, t, p, models.QuarantineContradiction, "", v)
	}
	v.outcome = outcomeApplied
	if b.Status == payment.Refunded {
		refunded(p, b)
		return nil
	}
	return s.disputedTx(tx, p, b, v)
}

// bookTx stores a purchase's facts and posts what they ask for, with what went back of
// its payment before that was told.
func (s *Service) bookTx(tx *gorm.DB, p *models.Purchase, before models.Purchase, v *verdict) error {
	if p.Status == models.PurchasePaid {
		credited, err := s.Ledger.DepositTx(tx, p.AccountID, p.Provider, p.ID, p.Credits)
		if err != nil {
			return fmt.Errorf("credit a purchase: %w", err)
		}
		v.changed = v.changed || credited
		if err := s.reverseTx(tx, p, before); err != nil {
			return err
		}
		if err := s.foldWaitingTx(tx, p); err != nil {
			return err
		}
	}
	other := !same(before, *p)
	if !other && p.UpdatedAt.Equal(before.UpdatedAt) {
		return nil
	}
	if other {
		v.changed, p.UpdatedAt = true, s.Clock.Now()
	}
	if err := tx.Model(p).Select("*").Updates(p).Error; err != nil {
		return fmt.Errorf("store a purchase: %w", err)
	}
	return nil
}

// reverseTx takes back, or gives again, what the facts ask for, in one transfer; before is
// how the purchase was until they were told.
func (s *Service) reverseTx(tx *gorm.DB, p *models.Purchase, before models.Purchase) error {
	if err := sumDisputesTx(tx, p); err != nil {
		return err
	}
	st := next(before, *p)
	if st.amount == 0 {
		return nil
	}
	p.Revision++
	ref := revisionRef(p.ID, p.Revision)
	if st.kind == models.TransferReinstatement {
		p.Reversed -= st.amount
		if err := s.Ledger.GiveBackTx(tx, p.AccountID, p.Provider, ref, st.amount); err != nil {
			return fmt.Errorf("give credits again: %w", err)
		}
		return nil
	}
	p.Reversed += st.amount
	if err := s.Ledger.TakeBackTx(tx, p.AccountID, p.Provider, st.kind, ref, st.amount); err != nil {
		return fmt.Errorf("take credits back: %w", err)
	}
	return nil
}

// foldWaitingTx adds what overtook the news of the payment, each with its own transfer.
func (s *Service) foldWaitingTx(tx *gorm.DB, p *models.Purchase) error {
	var waiting []models.PaymentEvent
	err := tx.Where("provider = ? AND payment_index = ? AND outcome = ?", p.Provider, p.PaymentIndex, outcomeWaiting).
		Order("received_at, event_id").Find(&waiting).Error
	if err != nil {
		return fmt.Errorf("find what waits for a payment: %w", err)
	}
	for _, w := range waiting {
		var b back
		if err := json.Unmarshal(w.Facts, &b); err != nil {
			return fmt.Errorf("read what waits for a payment: %w", err)
		}
		before, late := *p, verdict{purchaseID: &p.ID}
		t := told{Event: payment.Event{ID: w.EventID, Status: b.Status, RefundedMinor: b.Refunded, DisputedMinor: b.Disputed, Currency: b.Currency},
			by: p.Provider, index: p.PaymentIndex, dispute: b.Index}
		if err := s.goesBackTx(tx, t, p, b, &late); err != nil {
			return err
		}
		if err := s.reverseTx(tx, p, before); err != nil {
			return err
		}
		err := tx.Model(&w).Updates(map[string]any{"outcome": late.outcome, "purchase_id": p.ID, "payment_index": nil, "facts": nil}).Error
		if err != nil {
			return fmt.Errorf("take what waits for a payment: %w", err)
		}
	}
	return nil
}

// lockPurchaseTx locks a purchase; nil when the provider has none of this id.
func lockPurchaseTx(tx *gorm.DB, by models.PaymentProvider, purchaseID string) (*models.Purchase, error) {
	if !id.Is(id.Purchase, purchaseID) {
		return nil, nil
	}
	return onePurchase(tx.Raw(`SELECT * FROM purchases WHERE id = ? AND provider = ? FOR NO KEY UPDATE`, purchaseID, by))
}

// byPaymentTx is the purchase that a payment was for; nil when none is known.
func byPaymentTx(tx *gorm.DB, by models.PaymentProvider, index []byte) (*models.Purchase, error) {
	if index == nil {
		return nil, nil
	}
	return onePurchase(tx.Raw(`SELECT * FROM purchases WHERE provider = ? AND payment_index = ?`, by, index))
}

func onePurchase(q *gorm.DB) (*models.Purchase, error) {
	var rows []models.Purchase
	if err := q.Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("find a purchase: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}
