package billing

import (
	"context"
	"encoding/json"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// payer is who a purchase belongs to; the zero payer is gone.
type payer struct {
	owner string
	key   *seal.Key
}

func detailsPlace(owner, purchase string) seal.Place {
	return seal.Place{Table: "payment_details", Column: "details_sealed", Row: purchase, Owner: owner}
}

func customerPlace(owner string, p models.PaymentProvider) seal.Place {
	return seal.Place{Table: "payment_customers", Column: "customer_sealed", Row: string(p), Owner: owner}
}

// payerOf finds a purchase's payer. It is asked outside transactions, because the key is.
func (s *Service) payerOf(ctx context.Context, purchaseID string) (payer, error) {
	var owners []string
	err := s.DB.Gorm(ctx).Model(&models.PaymentDetail{}).Where("purchase_id = ?", purchaseID).Pluck("owner_id", &owners).Error
	if err != nil {
		return payer{}, fmt.Errorf("find a payment's owner: %w", err)
	}
	if len(owners) == 0 {
		return payer{}, nil
	}
	key, err := s.Keys.Key(ctx, owners[0])
	if fault.Is(err, fault.NotFound) {
		return payer{}, nil
	}
	if err != nil {
		return payer{}, fmt.Errorf("open a payment's owner: %w", err)
	}
	return payer{owner: owners[0], key: key}, nil
}

// openDetailsTx opens a purchase's details; nil when its payer is gone. The purchase is
// locked, and the details are not before they are written: an owner's removal takes the
// wallet first.
func openDetailsTx(tx *gorm.DB, who payer, purchaseID string) (*models.PaymentFacts, error) {
	if who.key == nil {
		return nil, nil
	}
	var sealed [][]byte
	err := tx.Raw(`SELECT details_sealed FROM payment_details WHERE owner_id = ? AND purchase_id = ?`, who.owner, purchaseID).Scan(&sealed).Error
	if err != nil {
		return nil, fmt.Errorf("read a payment's details: %w", err)
	}
	if len(sealed) == 0 {
		return nil, nil
	}
	return openDetails(who, purchaseID, sealed[0])
}

func openDetails(who payer, purchaseID string, sealed []byte) (*models.PaymentFacts, error) {
	plain, err := who.key.Open(detailsPlace(who.owner, purchaseID), sealed)
	if err != nil {
		return nil, fmt.Errorf("open a payment's details: %w", err)
	}
	d := &models.PaymentFacts{}
	if err := json.Unmarshal(plain, d); err != nil {
		return nil, fmt.Errorf("read a payment's details: %w", err)
	}
	return d, nil
}

func sealDetails(who payer, purchaseID string, d models.PaymentFacts) ([]byte, error) {
	plain, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write a payment's details: %w", err)
	}
	return who.key.Seal(detailsPlace(who.owner, purchaseID), plain), nil
}

// saveDetailsTx seals a purchase's details anew. Those of a payer who is gone stay gone.
func saveDetailsTx(tx *gorm.DB, who payer, purchaseID string, d models.PaymentFacts) error {
	sealed, err := sealDetails(who, purchaseID, d)
	if err != nil {
		return err
	}
	err = tx.Exec(`UPDATE payment_details SET details_sealed = ? WHERE owner_id = ? AND purchase_id = ?`, sealed, who.owner, purchaseID).Error
	if err != nil {
		return fmt.Errorf("keep a payment's details: %w", err)
	}
	return nil
}

// learn adds what an event tells of its payment: what it leaves out stays.
func learn(d *models.PaymentFacts, e payment.Event) {
	for _, f := range []struct {
		to   *string
		from string
	}{{&d.SessionID, e.SessionID}, {&d.PaymentID, e.PaymentID}, {&d.CustomerID, e.CustomerID}, {&d.Brand, e.Brand}, {&d.Last4, e.Last4}, {&d.ReceiptURL, e.ReceiptURL}} {
		if f.from != "" {
			*f.to = f.from
		}
	}
	if e.Address != (payment.Address{}) {
		d.Address = models.Address(e.Address)
	}
}

// keepCustomerTx remembers who the payer is at the provider: the first one that paid.
func (s *Service) keepCustomerTx(tx *gorm.DB, who payer, p models.PaymentProvider, customerID string) error {
	if who.key == nil || customerID == "" {
		return nil
	}
	row := models.PaymentCustomer{OwnerID: who.owner, Provider: p, CustomerSealed: who.key.SealString(customerPlace(who.owner, p), customerID),
		CustomerIndex: s.Indexer.of(sortCustomer, p, customerID)}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err != nil {
		return fmt.Errorf("keep a payer's number: %w", err)
	}
	return nil
}

// customer is who the payer is at the provider; empty when it never paid there.
func (s *Service) customer(ctx context.Context, who payer, p models.PaymentProvider) (string, error) {
	var sealed [][]byte
	err := s.DB.Gorm(ctx).Model(&models.PaymentCustomer{}).Where("owner_id = ? AND provider = ?", who.owner, p).Pluck("customer_sealed", &sealed).Error
	if err != nil {
		return "", fmt.Errorf("find a payer's number: %w", err)
	}
	if len(sealed) == 0 {
		return "", nil
	}
	return who.key.OpenString(customerPlace(who.owner, p), sealed[0])
}
