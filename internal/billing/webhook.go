package billing

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/models"
)

// What came of an event.
const (
	outcomeApplied     = "APPLIED"
	outcomeNothing     = "NOTHING"
	outcomeQuarantined = "QUARANTINED"
	outcomeWaiting     = "WAITING"
)

// Webhook verifies what a provider sent over its raw body and does what it tells, in one
// transaction with the note that it was done: nil means that it is done for good.
// payment.ErrUnknownProvider, payment.ErrSignature and payment.ErrBody are its refusals;
// every other error asks for the same once more.
func (s *Service) Webhook(ctx context.Context, provider string, header http.Header, body []byte) error {
	name := models.PaymentProvider(strings.ToUpper(provider))
	p, ok := s.providers[name]
	if !ok {
		return payment.ErrUnknownProvider
	}
	e, err := p.Parse(header, body, s.Clock.Now())
	if err != nil {
		return fmt.Errorf("read a webhook: %w", err)
	}
	if !keepable(e) {
		return payment.ErrBody
	}
	if off := s.Clock.Now().Sub(e.SignedAt); !e.SignedAt.IsZero() && (off > clockAlarm || off < -clockAlarm) {
		s.Log.ErrorContext(ctx, "this machine's clock and a payment provider's differ: beyond five minutes its webhooks are refused", "provider", name, "after", off)
	}
	_, err = s.take(ctx, told{Event: e, by: name})
	return err
}

// clockAlarm is how far the time of a webhook's signature may be off before the operator
// is told.
const clockAlarm = time.Minute

// maxEventID is the longest id of an event that the inbox takes.
const maxEventID = 200

// keepable reports whether an event can be written down. What can't would be sent again
// and again.
func keepable(e payment.Event) bool {
	if e.ID == "" || len(e.ID) > maxEventID {
		return false
	}
	for _, s := range []string{e.ID, e.Kind, e.PurchaseID, e.SessionID, e.PaymentID, e.CustomerID, e.ProductID, e.Currency, e.DisputeID, e.Dispute} {
		if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
			return false
		}
	}
	return true
}

// told is an event on its way into the books.
type told struct {
	payment.Event
	by      models.PaymentProvider
	asked   time.Time // when the provider was asked; zero: it told on its own
	index   []byte    // of the payment
	dispute []byte    // the index of the dispute that it is about
	ours    bool      // it was for a product of ours, whatever purchase it belongs to
	who     payer
}

// verdict is what came of an event.
type verdict struct {
	outcome    string
	purchaseID *string
	waiting    *back
	changed    bool
	// told before: the inbox knew it.
	again bool
}

// take applies an event once. What the provider said when asked is applied however often:
// it may be the present word on something that was told before.
func (s *Service) take(ctx context.Context, t told) (v verdict, err error) {
	t.index, t.dispute = s.Indexer.of(sortPayment, t.by, t.PaymentID), s.Indexer.of(sortDispute, t.by, t.DisputeID)
	purchaseID, err := s.purchaseOf(ctx, t)
	if err != nil {
		return v, err
	}
	for tries := 1; tries <= 2; tries++ {
		if t.who, err = s.payerOf(ctx, purchaseID); err != nil {
			return v, err
		}
		err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
			v = verdict{}
			return s.takeTx(tx, t, &v)
		})
		if !database.Violates(err, "payment_customers_owner_id_fkey") {
			break
		} // the payer went meanwhile: what was paid is booked all the same
	}
	if err != nil {
		return v, fmt.Errorf("deal with what %s told: %w", t.by, err)
	}
	if v.changed && v.purchaseID != nil {
		s.tell(t.who.owner, *v.purchaseID)
	}
	return v, nil
}

// purchaseOf is the purchase that an event will turn out to be about, to find its payer.
func (s *Service) purchaseOf(ctx context.Context, t told) (string, error) {
	if t.PurchaseID != "" {
		return t.PurchaseID, nil
	}
	p, err := byPaymentTx(s.DB.Gorm(ctx), t.by, t.index)
	if err != nil || p == nil {
		return "", err
	}
	return p.ID, nil
}

func (s *Service) takeTx(tx *gorm.DB, t told, v *verdict) (err error) {
	if err := lockPaymentTx(tx, t.index); err != nil {
		return err
	}
	if t.asked.IsZero() {
		if v.again, err = s.receiveTx(tx, t); err != nil || v.again {
			return err
		}
	}
	if err := s.applyTx(tx, t, v); err != nil {
		return err
	}
	return s.noteTx(tx, t, v)
}

// lockPaymentTx makes all that is told of a payment wait for each other: what went back
// must find the purchase, or be found by it.
func lockPaymentTx(tx *gorm.DB, index []byte) error {
	if index == nil {
		return nil
	}
	err := tx.Exec(`SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, "payment "+hex.EncodeToString(index)).Error
	if err != nil {
		return fmt.Errorf("lock a payment: %w", err)
	}
	return nil
}

// receiveTx writes an event into the inbox, and reports whether it was there.
func (s *Service) receiveTx(tx *gorm.DB, t told) (again bool, err error) {
	row := s.inboxRow(t, outcomeNothing)
	made := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row)
	if made.Error != nil {
		return false, fmt.Errorf("write the inbox: %w", made.Error)
	}
	return made.RowsAffected == 0, nil
}

const maxKind = 100

func (s *Service) inboxRow(t told, outcome string) models.PaymentEvent {
	row := models.PaymentEvent{Provider: t.by, EventID: t.ID, Kind: cut(t.Kind, maxKind), Outcome: outcome, ReceivedAt: s.Clock.Now()}
	if !t.OccurredAt.IsZero() {
		row.OccurredAt = &t.OccurredAt
	}
	return row
}

// noteTx writes down what came of an event. Of what the provider said when asked only
// what changed something is kept.
func (s *Service) noteTx(tx *gorm.DB, t told, v *verdict) error {
	if !t.asked.IsZero() && !v.changed {
		return nil
	}
	row := s.inboxRow(t, v.outcome)
	row.PurchaseID = v.purchaseID
	if v.waiting != nil {
		facts, err := json.Marshal(v.waiting)
		if err != nil {
			return fmt.Errorf("write what waits: %w", err)
		}
		row.PaymentIndex, row.Facts = t.index, facts
	}
	err := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "provider"}, {Name: "event_id"}},
		DoUpdates: clause.AssignmentColumns([]string{"outcome", "purchase_id", "payment_index", "facts"})}).Create(&row).Error
	if err != nil {
		return fmt.Errorf("note what came of an event: %w", err)
	}
	return nil
}

// applyTx does what an event tells.
func (s *Service) applyTx(tx *gorm.DB, t told, v *verdict) error {
	v.outcome = outcomeNothing
	switch t.Status {
	case payment.Paid:
		return s.paidTx(tx, t, v)
	case payment.Expired:
		return s.endedTx(tx, t, models.PurchaseExpired, v)
	case payment.Failed:
		return s.endedTx(tx, t, models.PurchaseFailed, v)
	case payment.Refunded, payment.Disputed:
		return s.backTx(tx, t, v)
	}
	return nil
}

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
