package billing

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// make asks the provider for the page to pay at. Clicks at the same time share one call;
// calls of other instances carry the same key.
func (s *Service) make(ctx context.Context, v viewer.Viewer, purchaseID string) (*models.Purchase, error) {
	made := s.creating.DoChan(purchaseID, func() (any, error) {
		return s.makeOnce(context.WithoutCancel(ctx), v, purchaseID)
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-made:
		if r.Err != nil {
			return nil, r.Err
		}
		p := *r.Val.(*models.Purchase) //nolint:forcetypeassert // makeOnce returns nothing else
		return &p, nil
	}
}

func (s *Service) makeOnce(ctx context.Context, v viewer.Viewer, purchaseID string) (*models.Purchase, error) {
	p, err := s.mine(ctx, v, purchaseID)
	if err != nil || p.Status != models.PurchaseCreating {
		return p, err
	}
	session, err := s.providers[p.Provider].CreateCheckout(ctx, order(p))
	if err != nil {
		s.Log.ErrorContext(ctx, "a checkout could not be made", "provider", p.Provider, "purchase", p.ID, "err", err)
		return nil, errUnavailable()
	}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		p, err = s.openTx(tx, payer{owner: v.OwnerID, key: v.Key}, purchaseID, session)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open a checkout: %w", err)
	}
	return p, nil
}

// order is a purchase in the words of providers. It is the same however often it is
// made, and wherever: all of it was written down when the purchase began.
func order(p *models.Purchase) payment.Order {
	d := p.Details
	o := payment.Order{
		PurchaseID: p.ID, PackName: d.Asked.PackName, ProductID: d.ProductID, AmountMinor: p.AmountMinor, Currency: p.Currency,
		TaxIncluded: d.Asked.TaxIncluded, CustomerID: d.CustomerID, Email: d.Asked.Email,
		SuccessURL: d.Asked.SuccessURL, CancelURL: d.Asked.CancelURL,
	}
	if p.ExpiresAt != nil {
		o.ExpiresAt = *p.ExpiresAt
	}
	return o
}

// openTx keeps where a purchase is paid, unless another call was faster.
func (s *Service) openTx(tx *gorm.DB, who payer, purchaseID string, session payment.Session) (*models.Purchase, error) {
	p, err := onePurchase(tx.Raw(`SELECT p.* FROM purchases p WHERE p.id = ? FOR NO KEY UPDATE`, purchaseID))
	if err != nil || p == nil {
		return nil, err
	}
	if p.Details, err = openDetailsTx(tx, who, purchaseID); err != nil {
		return nil, err
	}
	if p.Details == nil {
		return nil, errGone()
	}
	if p.Status != models.PurchaseCreating {
		return p, nil
	}
	advance(p, models.PurchaseOpen)
	p.SessionIndex = s.Indexer.of(sortSession, p.Provider, session.ID)
	p.UpdatedAt, p.ExpiresAt = s.Clock.Now(), nil
	if !session.ExpiresAt.IsZero() {
		p.ExpiresAt = &session.ExpiresAt
	}
	p.Details.SessionID, p.Details.CheckoutURL, p.Details.Asked = session.ID, session.URL, models.Asked{}
	if err := tx.Model(p).Select("*").Updates(p).Error; err != nil {
		return nil, fmt.Errorf("store a checkout: %w", err)
	}
	return p, saveDetailsTx(tx, who, purchaseID, *p.Details)
}
