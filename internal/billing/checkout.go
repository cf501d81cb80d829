package billing

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// The times of checkouts.
const (
	// checkoutTTL is how long a checkout can be paid where its provider lets it end.
	checkoutTTL = time.Hour
	// sameClick is how long a call without an id of its own is the same click.
	sameClick = time.Minute
	// makeWithin is how long a checkout may be made after it was asked for: Stripe wants
	// its end to be half an hour ahead or more.
	makeWithin = 20 * time.Minute
	// checkoutsPerHour is how many an account may begin: each is a call to the provider.
	checkoutsPerHour = 30
	maxClientID      = 100
)

// Checkout asks to buy a pack.
type Checkout struct {
	PackID   string
	Provider models.PaymentProvider
	// ClientID is the caller's own id of the click; empty: one checkout a minute for a
	// pack and a provider.
	ClientID string
}

// Checkout begins to buy a pack and returns the purchase, with the address to pay at in
// its details. The same click again gives the same checkout. Only accounts may buy. It
// refuses with NOT_FOUND and INVALID what is not for sale, with CONFLICT a click that was
// for something else or is over, and with PAYMENT_UNAVAILABLE while the provider does not
// answer: then nothing is lost, and the same may be asked again.
func (s *Service) Checkout(ctx context.Context, v viewer.Viewer, c Checkout) (*models.Purchase, error) {
	if err := checkAccount(v); err != nil {
		return nil, err
	}
	pack, err := s.checkOrder(c)
	if err != nil {
		return nil, err
	}
	p, err := s.begin(ctx, v, c, pack)
	if err != nil {
		return nil, err
	}
	switch {
	case p.Status == models.PurchaseCreating && s.Clock.Now().Sub(p.CreatedAt) < makeWithin:
		return s.make(ctx, v, p.ID)
	case p.Status == models.PurchaseOpen && p.Details.CheckoutURL != "" && (p.ExpiresAt == nil || p.ExpiresAt.After(s.Clock.Now())):
		return p, nil
	}
	return nil, fault.On("clientId", fault.Conflict, "this checkout is over: look at your payments, or begin a new one")
}

func errGone() error {
	return fault.New(fault.NotFound, "the account was removed meanwhile")
}

// checkOrder finds the pack that is asked for.
func (s *Service) checkOrder(c Checkout) (Pack, error) {
	if utf8.RuneCountInString(c.ClientID) > maxClientID || !utf8.ValidString(c.ClientID) {
		return Pack{}, fault.On("clientId", fault.Invalid, "clientId must have at most %d characters", maxClientID)
	}
	pack, ok := s.pack(c.PackID)
	if !ok {
		return Pack{}, fault.On("packId", fault.NotFound, "there is no such pack: reload the page to see what is for sale")
	}
	if _, set := s.providers[c.Provider]; !set || !sells(c.Provider, pack) {
		return Pack{}, fault.On("provider", fault.Invalid, "this pack can't be bought with this provider: choose another one")
	}
	return pack, nil
}

// begin writes the purchase down before anything leaves the machine, or finds that of
// the same click.
func (s *Service) begin(ctx context.Context, v viewer.Viewer, c Checkout, pack Pack) (p *models.Purchase, err error) {
	who := payer{owner: v.OwnerID, key: v.Key}
	facts, err := s.facts(ctx, v, c.Provider, pack)
	if err != nil {
		return nil, err
	}
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		if err := tx.Exec(`SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, "checkout "+who.owner).Error; err != nil {
			return fmt.Errorf("wait for another checkout: %w", err)
		}
		p, err = s.sameClickTx(tx, who, c)
		if err != nil || p != nil {
			return err
		}
		p, err = s.createTx(tx, who, c, pack, facts)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("begin a checkout: %w", s.gone(ctx, who, err))
	}
	return p, nil
}

// gone tells a payer that went meanwhile: its wallet is no longer there, or takes no purchase.
func (s *Service) gone(ctx context.Context, who payer, err error) error {
	if _, is := fault.Of(err); is {
		return err
	}
	if _, missing := s.Keys.Key(ctx, who.owner); fault.Is(missing, fault.NotFound) {
		return errGone()
	}
	return err
}

// facts is what a new purchase's provider will be told of its payer, its pack and the
// way back. Who never paid there is named by address.
func (s *Service) facts(ctx context.Context, v viewer.Viewer, p models.PaymentProvider, pack Pack) (f models.PaymentFacts, err error) {
	f.Asked = models.Asked{PackName: pack.Name, TaxIncluded: pack.TaxIncluded, CancelURL: s.PublicURL + "/billing"}
	if p == models.PaymentCreem {
		f.ProductID = pack.CreemProductID
	}
	f.CustomerID, err = s.customer(ctx, payer{owner: v.OwnerID, key: v.Key}, p)
	if err != nil || f.CustomerID != "" || s.Email == nil {
		return f, err
	}
	if f.Asked.Email, err = s.Email(ctx, v); err != nil {
		return f, fmt.Errorf("find the payer's address: %w", err)
	}
	return f, nil
}

// sameClickTx finds the purchase of a click that came before; nil when there is none.
func (s *Service) sameClickTx(tx *gorm.DB, who payer, c Checkout) (*models.Purchase, error) {
	const find = `SELECT p.* FROM payment_details d JOIN purchases p ON p.id = d.purchase_id WHERE d.owner_id = ? AND `
	q := tx.Raw(find+`d.click = ?`, who.owner, c.ClientID)
	if c.ClientID == "" {
		q = tx.Raw(find+`d.click = p.id AND p.pack_id = ? AND p.provider = ? AND p.created_at > ? AND p.status IN ('CREATING', 'OPEN')
			ORDER BY p.id DESC LIMIT 1`, who.owner, c.PackID, c.Provider, s.Clock.Now().Add(-sameClick))
	}
	p, err := onePurchase(q)
	if err != nil || p == nil {
		return nil, err
	}
	if p.PackID != c.PackID || p.Provider != c.Provider {
		return nil, fault.On("clientId", fault.Conflict, "this clientId was used for another checkout: take a fresh one for every click")
	}
	p.Details, err = openDetailsTx(tx, who, p.ID)
	if p.Details == nil && err == nil {
		err = errors.New("the checkout's details are gone")
	}
	return p, err
}

// createTx writes a new purchase with its details.
func (s *Service) createTx(tx *gorm.DB, who payer, c Checkout, pack Pack, facts models.PaymentFacts) (*models.Purchase, error) {
	if err := s.paceTx(tx, who); err != nil {
		return nil, err
	}
	wallet, err := s.Ledger.WalletTx(tx, who.owner)
	if err != nil {
		return nil, fmt.Errorf("find the wallet: %w", err)
	}
	now := s.Clock.Now()
	end := now.Add(checkoutTTL)
	p := models.Purchase{ID: id.New(id.Purchase), AccountID: wallet, Provider: c.Provider, PackID: pack.ID, Credits: pack.Credits,
		AmountMinor: pack.PriceMinor, Currency: pack.Currency, Live: s.providers[c.Provider].Live(), Status: models.PurchaseCreating,
		Dispute: models.DisputeNone, CreatedAt: now, UpdatedAt: now, ExpiresAt: &end,
		Details: &facts}
	facts.Asked.SuccessURL = s.PublicURL + "/billing/return?purchase=" + p.ID
	if err := tx.Create(&p).Error; err != nil {
		return nil, fmt.Errorf("write a purchase: %w", err)
	}
	sealed, err := sealDetails(who, p.ID, *p.Details)
	if err != nil {
		return nil, err
	}
	click := c.ClientID
	if click == "" {
		click = p.ID
	}
	err = tx.Create(&models.PaymentDetail{OwnerID: who.owner, PurchaseID: p.ID, Click: click, DetailsSealed: sealed, CreatedAt: now}).Error
	if err != nil {
		return nil, fmt.Errorf("write a purchase's details: %w", err)
	}
	return &p, nil
}

// paceTx refuses who begins one checkout after the other.
func (s *Service) paceTx(tx *gorm.DB, who payer) error {
	var times []time.Time
	err := tx.Model(&models.PaymentDetail{}).Where("owner_id = ? AND created_at > ?", who.owner, s.Clock.Now().Add(-time.Hour)).
		Order("created_at").Pluck("created_at", &times).Error
	if err != nil {
		return fmt.Errorf("count the checkouts: %w", err)
	}
	if len(times) < checkoutsPerHour {
		return nil
	}
	f := fault.New(fault.RateLimited, "too many checkouts were begun within an hour: wait a little, or finish one of them")
	f.RetryAfter = times[len(times)-checkoutsPerHour].Add(time.Hour).Sub(s.Clock.Now())
	return f
}
