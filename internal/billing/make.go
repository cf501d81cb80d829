package billing

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// make asks the provider for the page to pay at. Clicks at the same time share one call;
// calls of other instances carry the same key.
func (s *Service) make(ctx context.Context, v viewer.Viewer, purchaseID string, pack Pack) (*models.Purchase, error) {
	made := s.creating.DoChan(purchaseID, func() (any, error) {
		return s.makeOnce(context.WithoutCancel(ctx), v, purchaseID, pack)
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

func (s *Service) makeOnce(ctx context.Context, v viewer.Viewer, purchaseID string, pack Pack) (*models.Purchase, error) {
	p, err := s.mine(ctx, v, purchaseID)
	if err != nil || p.Status != models.PurchaseCreating {
		return p, err
	}
	order, err := s.order(ctx, v, p, pack)
	if err != nil {
		return nil, err
	}
	session, err := s.providers[p.Provider].CreateCheckout(ctx, order)
	if err != nil {
		s.Log.ErrorContext(ctx, "a checkout could not be made", "provider", p.Provider, "purchase", p.ID, "err", err)
		return nil, errUnavailable()
	}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		p, err = s.openTx(tx, payer{owner: v.OwnerID, key: v.Key}, purchaseID, order.CustomerID, session)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open a checkout: %w", err)
	}
	return p, nil
}

// order is a purchase in the words of providers. It is the same however often it is made.
func (s *Service) order(ctx context.Context, v viewer.Viewer, p *models.Purchase, pack Pack) (payment.Order, error) {
	o := payment.Order{
		PurchaseID: p.ID, PackName: pack.Name, ProductID: p.Details.ProductID, AmountMinor: p.AmountMinor, Currency: p.Currency,
		TaxIncluded: pack.TaxIncluded, CustomerID: p.Details.CustomerID,
		SuccessURL: s.PublicURL + "/billing/return?purchase=" + p.ID, CancelURL: s.PublicURL + "/billing",
	}
	if p.ExpiresAt != nil {
		o.ExpiresAt = *p.ExpiresAt
	}
	if o.CustomerID != "" || s.Email == nil {
		return o, nil
	}
	var err error
	if o.Email, err = s.Email(ctx, v); err != nil {
		return o, fmt.Errorf("find the payer's address: %w", err)
	}
	return o, nil
}

// openTx keeps where a purchase is paid, unless another call was faster.
func (s *Service) openTx(tx *gorm.DB, who payer, purchaseID, customer string, session payment.Session) (*models.Purchase, error) {
	p, err := onePurchase(tx.Raw(`SELECT p.* FROM purchases p WHERE p.id = ? FOR NO KEY UPDATE`, purchaseID))
	if err != nil || p == nil {
		return nil, err
	}
	if p.Details, err = openDetailsTx(tx, who, purchaseID); err != nil {
		return nil, err
	}
	if p.Details == nil {
		return nil, fault.New(fault.NotFound, "the account was removed meanwhile")
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
	p.Details.SessionID, p.Details.CheckoutURL, p.Details.CustomerID = session.ID, session.URL, customer
	if err := tx.Model(p).Select("*").Updates(p).Error; err != nil {
		return nil, fmt.Errorf("store a checkout: %w", err)
	}
	return p, saveDetailsTx(tx, who, purchaseID, *p.Details)
}
