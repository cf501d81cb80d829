package billing

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// detailed is a purchase with its sealed details.
type detailed struct {
	models.Purchase
	DetailsSealed []byte
}

// ownPurchases selects the owner's purchases with their details.
func (s *Service) ownPurchases(ctx context.Context, ownerID string) *gorm.DB {
	return s.DB.Gorm(ctx).Model(&models.PaymentDetail{}).Select("p.*, payment_details.details_sealed").
		Joins("JOIN purchases p ON p.id = payment_details.purchase_id").Where("payment_details.owner_id = ?", ownerID)
}

// scanPurchases opens what was found.
func scanPurchases(q *gorm.DB, v viewer.Viewer) ([]*models.Purchase, error) {
	var rows []detailed
	if err := q.Scan(&rows).Error; err != nil {
		return nil, fmt.Errorf("list purchases: %w", err)
	}
	out := make([]*models.Purchase, len(rows))
	for i := range rows {
		p := &rows[i].Purchase
		var err error
		if p.Details, err = openDetails(payer{owner: v.OwnerID, key: v.Key}, p.ID, rows[i].DetailsSealed); err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}

// Payments is a page of what the viewer bought, newest first, and whether there is more.
// Who has no account bought nothing.
func (s *Service) Payments(ctx context.Context, v viewer.Viewer, p page.Args) (purchases []*models.Purchase, more bool, err error) {
	if v.Kind != viewer.Account || !v.IsOwner() {
		return nil, false, nil
	}
	q := s.ownPurchases(ctx, v.OwnerID).Order("payment_details.purchase_id DESC").Limit(p.Size + 1)
	if p.After != "" {
		q = q.Where("payment_details.purchase_id < ?", p.After)
	}
	if purchases, err = scanPurchases(q, v); err != nil {
		return nil, false, err
	}
	if more = len(purchases) > p.Size; more {
		purchases = purchases[:p.Size]
	}
	return purchases, more, nil
}

// Payment is one of the viewer's purchases. It refuses with NOT_FOUND what isn't.
func (s *Service) Payment(ctx context.Context, v viewer.Viewer, purchaseID string) (*models.Purchase, error) {
	return s.mine(ctx, v, purchaseID)
}

func (s *Service) mine(ctx context.Context, v viewer.Viewer, purchaseID string) (*models.Purchase, error) {
	found, err := s.PurchasesByID(ctx, v, []string{purchaseID})
	if err != nil {
		return nil, err
	}
	if found[0] == nil {
		return nil, fault.New(fault.NotFound, "there is no such purchase")
	}
	return found[0], nil
}

// PurchasesByID are the viewer's purchases with these ids, in their order; nil stands for
// what isn't one.
func (s *Service) PurchasesByID(ctx context.Context, v viewer.Viewer, ids []string) ([]*models.Purchase, error) {
	out := make([]*models.Purchase, len(ids))
	asked := make([]string, 0, len(ids))
	for _, i := range ids {
		if id.Is(id.Purchase, i) {
			asked = append(asked, i)
		}
	}
	if v.Kind != viewer.Account || !v.IsOwner() || len(asked) == 0 {
		return out, nil
	}
	found, err := scanPurchases(s.ownPurchases(ctx, v.OwnerID).Where("payment_details.purchase_id IN ?", asked), v)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*models.Purchase, len(found))
	for _, p := range found {
		byID[p.ID] = p
	}
	for n, i := range ids {
		out[n] = byID[i]
	}
	return out, nil
}

// Portal is a link to the provider's own pages where the viewer corrects the billing
// address and sees receipts. Only accounts may ask. It refuses with NOT_FOUND who paid
// nothing there, and with PAYMENT_UNAVAILABLE while the provider does not answer.
func (s *Service) Portal(ctx context.Context, v viewer.Viewer, provider models.PaymentProvider) (string, error) {
	if err := checkAccount(v); err != nil {
		return "", err
	}
	p, ok := s.providers[provider]
	if !ok {
		return "", fault.On("provider", fault.Invalid, "this payment provider is not set up here")
	}
	customer, err := s.customer(ctx, payer{owner: v.OwnerID, key: v.Key}, provider)
	if err != nil {
		return "", err
	}
	if customer == "" {
		return "", fault.On("provider", fault.NotFound, "nothing was paid with this provider yet: its pages open after the first payment")
	}
	link, err := p.Portal(ctx, customer, s.PublicURL+"/billing")
	if err != nil {
		s.Log.ErrorContext(ctx, "a provider's portal could not be opened", "provider", provider, "err", err)
		return "", errUnavailable()
	}
	return link, nil
}

// Leaving reads under which names the providers know an owner whose account is about to
// be removed, and returns what asks them to forget it, to be called once the account is
// gone. What a provider cannot or will not forget is in that error, with its name there,
// so that it can be deleted by hand; asking again is safe.
func (s *Service) Leaving(ctx context.Context, ownerID string) (forget func(context.Context) error, err error) {
	var rows []models.PaymentCustomer
	if err := s.DB.Gorm(ctx).Where("owner_id = ?", ownerID).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find the payer at the providers: %w", err)
	}
	if len(rows) == 0 {
		return func(context.Context) error { return nil }, nil
	}
	key, err := s.Keys.Key(ctx, ownerID)
	if err != nil {
		return nil, fmt.Errorf("open the payer: %w", err)
	}
	customers := map[models.PaymentProvider]string{}
	for _, r := range rows {
		if customers[r.Provider], err = key.OpenString(customerPlace(ownerID, r.Provider), r.CustomerSealed); err != nil {
			return nil, fmt.Errorf("open the payer: %w", err)
		}
	}
	return func(ctx context.Context) error { return s.forget(ctx, customers) }, nil
}

func (s *Service) forget(ctx context.Context, customers map[models.PaymentProvider]string) error {
	var failed []error
	for name, customer := range customers {
		p, ok := s.providers[name]
		if !ok {
			failed = append(failed, fmt.Errorf("%s still knows the customer %s: it is not set up any more", name, customer))
			continue
		}
		if err := p.DeleteCustomer(ctx, customer); err != nil && !errors.Is(err, payment.ErrUnsupported) {
			failed = append(failed, fmt.Errorf("%s still knows the customer %s: %w", name, customer, err))
		}
	}
	return errors.Join(failed...)
}
