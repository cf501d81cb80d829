package billing

import (
	"bytes"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// contradictionTx is why a payment is not what was ordered, and which product was; empty
// when it is.
func (s *Service) contradictionTx(tx *gorm.DB, t told, p models.Purchase, d *models.PaymentFacts) (reason models.QuarantineReason, product string, err error) {
	if s.orderedProduct(p, d) != "" {
		product = s.orderedProduct(p, d)
	}
	known := bytes.Equal(p.PaymentIndex, t.index)
	switch {
	case p.Live != t.Live:
		return models.QuarantineMode, product, nil
	case p.Currency != t.Currency:
		return models.QuarantineCurrency, product, nil
	case !t.pays(p.AmountMinor):
		return models.QuarantineAmount, product, nil
	case t.index == nil, p.PaymentIndex != nil && !known:
		return models.QuarantineContradiction, product, nil
	case known:
		return "", product, nil
	case product != "" && t.ProductID != "" && product != t.ProductID:
		return models.QuarantineProduct, product, nil
	}
	other, err := byPaymentTx(tx, t.by, t.index)
	if err != nil {
		return "", product, err
	}
	if other != nil {
		return models.QuarantineContradiction, product, nil
	}
	foreign, err := s.foreignTx(tx, t)
	if foreign {
		reason = models.QuarantineAccount
	}
	return reason, product, err
}

// pays reports whether a payment is of this price, with tax in it or beside it.
func (t told) pays(price int64) bool {
	if t.TaxMinor < 0 || t.AmountMinor < t.TaxMinor {
		return false
	}
	return t.AmountMinor == price || t.AmountMinor-t.TaxMinor == price
}

// orderedProduct is the provider's product that was ordered, where it has products.
func (s *Service) orderedProduct(p models.Purchase, d *models.PaymentFacts) string {
	if p.Provider != models.PaymentCreem {
		return ""
	}
	if d != nil && d.ProductID != "" {
		return d.ProductID
	}
	pack, _ := s.pack(p.PackID)
	return pack.CreemProductID
}

// foreignTx reports whether the payer at the provider is another owner. Creem names
// payers by e-mail address, which two accounts may well share, so it is not asked there.
func (s *Service) foreignTx(tx *gorm.DB, t told) (bool, error) {
	if t.by == models.PaymentCreem || t.CustomerID == "" || t.who.owner == "" {
		return false, nil
	}
	var n int64
	err := tx.Model(&models.PaymentCustomer{}).Where("provider = ? AND customer_index = ? AND owner_id <> ?",
		t.by, s.Indexer.of(sortCustomer, t.by, t.CustomerID), t.who.owner).Count(&n).Error
	if err != nil {
		return false, fmt.Errorf("look whose payer it is: %w", err)
	}
	return n > 0, nil
}
