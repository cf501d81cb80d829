package billing

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// facts are what was expected of a payment and what was found; nobody's data. Beside them
// stands toldAt, when the administrators were told (TellQuarantined).
type facts struct {
	Expected *side `json:"expected,omitempty"`
	Found    side  `json:"found"`
}

type side struct {
	Purchase string `json:"purchase,omitempty"`
	Amount   int64  `json:"amountMinor"`
	Tax      int64  `json:"taxMinor,omitempty"`
	Currency string `json:"currency"`
	Live     bool   `json:"live"`
	Product  string `json:"product,omitempty"`
	Payment  string `json:"payment,omitempty"` // its keyed hash
	// What went back, and the keyed hash of the dispute by which it did.
	Refunded int64  `json:"refundedMinor,omitempty"`
	Disputed int64  `json:"disputedMinor,omitempty"`
	Dispute  string `json:"dispute,omitempty"`
}

func factsOf(t told, p *models.Purchase, product string) facts {
	f := facts{Found: side{Purchase: cut(t.PurchaseID, maxKind), Amount: t.AmountMinor, Tax: t.TaxMinor, Currency: t.Currency, Live: t.Live,
		Product: t.ProductID, Payment: hex.EncodeToString(t.index), Refunded: t.RefundedMinor, Disputed: t.DisputedMinor, Dispute: hex.EncodeToString(t.dispute)}}
	if p != nil {
		f.Expected = &side{Purchase: p.ID, Amount: p.AmountMinor, Currency: p.Currency, Live: p.Live, Product: product, Payment: hex.EncodeToString(p.PaymentIndex)}
	}
	return f
}

// Facts are what was expected of a payment in quarantine and what was found, as JSON.
func Facts(q *models.QuarantinedPayment) (string, error) {
	var f facts
	if err := json.Unmarshal(q.Facts, &f); err != nil {
		return "", fmt.Errorf("read why a payment is quarantined: %w", err)
	}
	text, err := json.Marshal(f)
	return string(text), err
}

// quarantineTx keeps a payment away from the books until the operator has looked. Several
// events may tell of one payment: it is kept once, and so is each of its disputes.
func (s *Service) quarantineTx(tx *gorm.DB, t told, p *models.Purchase, reason models.QuarantineReason, product string, v *verdict) error {
	v.outcome = outcomeQuarantined
	found, err := json.Marshal(factsOf(t, p, product))
	if err != nil {
		return fmt.Errorf("write why a payment is quarantined: %w", err)
	}
	made := tx.Exec(`INSERT INTO payment_quarantine (id, provider, event_id, purchase_id, reason, facts, created_at)
		SELECT ?, ?, ?, ?, ?, ?::jsonb, ?
		WHERE NOT EXISTS (SELECT FROM payment_quarantine WHERE provider = ? AND reason = ?
			AND coalesce(facts -> 'found' ->> 'payment', '') = ? AND coalesce(facts -> 'found' ->> 'purchase', '') = ?
			AND coalesce(facts -> 'found' ->> 'dispute', '') = ?)
		ON CONFLICT (provider, event_id) DO NOTHING`,
		id.New(id.Quarantine), t.by, t.ID, v.purchaseID, reason, string(found), s.Clock.Now(),
		t.by, reason, hex.EncodeToString(t.index), cut(t.PurchaseID, maxKind), hex.EncodeToString(t.dispute))
	if made.Error != nil {
		return fmt.Errorf("quarantine a payment: %w", made.Error)
	}
	if made.RowsAffected > 0 {
		v.changed = true
		s.Log.Error("a payment is not what was ordered and was not credited: decide about it on the operator's page",
			"provider", t.by, "reason", reason, "event", t.ID, "purchase", orEmpty(v.purchaseID))
	}
	return nil
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// Decision is what the operator decides about a payment in quarantine.
type Decision struct {
	QuarantineID string
	Credit       bool // the purchase as it was ordered; else leave it
}

// The decisions as they are kept.
const (
	resolutionCredited  = "CREDITED"
	resolutionDismissed = "DISMISSED"
)

// Resolve decides about a payment in quarantine. It refuses everybody but admins with
// FORBIDDEN, unknown ids with NOT_FOUND, and with CONFLICT what is decided already and
// what can't be credited: a payment without a purchase, or of one that is paid.
func (s *Service) Resolve(ctx context.Context, v viewer.Viewer, d Decision) (*models.QuarantinedPayment, error) {
	if err := checkAdmin(v); err != nil {
		return nil, err
	}
	q, who, err := s.quarantined(ctx, d.QuarantineID)
	if err != nil {
		return nil, err
	}
	var done verdict
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		done = verdict{}
		if err := s.resolveTx(tx, v, d, q, &done); err != nil {
			return err
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditQuarantineResolved, Subject: who.owner, By: audit.Operator(v), Facts: models.AuditFacts{Ref: q.ID, Outcome: q.Resolution}})
	})
	if err != nil {
		return nil, err
	}
	if done.changed {
		s.tell(who.owner, orEmpty(q.PurchaseID))
	}
	return q, nil
}

// quarantined finds a payment in quarantine and the payer of its purchase.
func (s *Service) quarantined(ctx context.Context, quarantineID string) (*models.QuarantinedPayment, payer, error) {
	var found []models.QuarantinedPayment
	if err := s.DB.Gorm(ctx).Where("id = ?", quarantineID).Limit(1).Find(&found).Error; err != nil {
		return nil, payer{}, fmt.Errorf("find a quarantined payment: %w", err)
	}
	if len(found) == 0 {
		return nil, payer{}, fault.On("quarantineId", fault.NotFound, "there is no such payment in quarantine")
	}
	who, err := s.payerOf(ctx, orEmpty(found[0].PurchaseID))
	return &found[0], who, err
}

func (s *Service) resolveTx(tx *gorm.DB, v viewer.Viewer, d Decision, q *models.QuarantinedPayment, done *verdict) error {
	var f facts
	if err := json.Unmarshal(q.Facts, &f); err != nil {
		return fmt.Errorf("read why a payment is quarantined: %w", err)
	}
	index, err := hex.DecodeString(f.Found.Payment)
	if err != nil {
		return fmt.Errorf("read which payment is quarantined: %w", err)
	}
	if len(index) == 0 {
		index = nil
	}
	if err := lockPaymentTx(tx, index); err != nil {
		return err
	}
	resolution := resolutionDismissed
	if d.Credit {
		resolution = resolutionCredited
		if err := s.creditTx(tx, q, f.Found, index, done); err != nil {
			return err
		}
	}
	now := s.Clock.Now()
	made := tx.Exec(`UPDATE payment_quarantine SET resolved_at = ?, resolved_by = ?, resolution = ? WHERE id = ? AND resolved_at IS NULL`,
		now, v.OwnerID, resolution, q.ID)
	if made.Error != nil {
		return fmt.Errorf("decide about a payment: %w", made.Error)
	}
	if made.RowsAffected == 0 {
		return fault.New(fault.Conflict, "this payment has been decided already: reload the page")
	}
	q.ResolvedAt, q.ResolvedBy, q.Resolution = &now, v.OwnerID, resolution
	return nil
}

// creditTx credits a purchase as it was ordered although its payment contradicts it.
func (s *Service) creditTx(tx *gorm.DB, q *models.QuarantinedPayment, found side, index []byte, done *verdict) error {
	if q.PurchaseID == nil {
		return fault.New(fault.Conflict, "no purchase belongs to this payment: dismiss it, and adjust the account's credits where that is right")
	}
	p, err := lockPurchaseTx(tx, q.Provider, *q.PurchaseID)
	if err != nil {
		return err
	}
	other, err := byPaymentTx(tx, q.Provider, index)
	if err != nil {
		return err
	}
	if p == nil || p.Status == models.PurchasePaid || other != nil {
		return fault.New(fault.Conflict, "the purchase is paid already, or the payment was another's: refund this one at the provider and dismiss it")
	}
	before, t := *p, told{by: q.Provider}
	t.AmountMinor, t.TaxMinor = found.Amount, max(0, found.Tax)
	if found.Currency != p.Currency || found.Amount <= 0 {
		t.AmountMinor, t.TaxMinor = p.AmountMinor, 0
	}
	paid(p, t.Event, index, s.Clock.Now())
	return s.bookTx(tx, p, before, done)
}
