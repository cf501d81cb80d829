package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// What this program writes into the metadata of a session and of its payment.
const (
	metaPurchase = "purchase_id"
	metaPrice    = "price"     // the order's amount in minor units
	metaTax      = "tax_added" // "yes" when tax comes on top of it
)

// CreateCheckout makes the hosted page where an order is paid. A customer that Stripe
// has forgotten meanwhile is made anew.
func (p *Provider) CreateCheckout(ctx context.Context, o payment.Order) (payment.Session, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := p.create(ctx, o, o.PurchaseID)
	if o.CustomerID != "" && errors.Is(err, payment.ErrNotFound) {
		o.CustomerID = ""
		s, err = p.create(ctx, o, o.PurchaseID+"-anew")
	}
	if err != nil {
		return payment.Session{}, fmt.Errorf("create a checkout at Stripe: %w", err)
	}
	return s, nil
}

func (p *Provider) create(ctx context.Context, o payment.Order, key string) (payment.Session, error) {
	params := p.params(o)
	params.SetIdempotencyKey(key)
	s, err := p.client.V1CheckoutSessions.Create(ctx, params)
	if err != nil {
		return payment.Session{}, explain(err)
	}
	if u, err := url.Parse(s.URL); err != nil || s.ID == "" || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return payment.Session{}, fmt.Errorf("%w: its answer has no address to pay at", payment.ErrUnavailable)
	}
	out := payment.Session{ID: s.ID, URL: s.URL}
	if s.ExpiresAt > 0 {
		out.ExpiresAt = time.Unix(s.ExpiresAt, 0).UTC()
	}
	return out, nil
}

// params is an order in Stripe's words: one line whose price is the order's, in the
// order's currency.
func (p *Provider) params(o payment.Order) *stripe.CheckoutSessionCreateParams {
	behavior := stripe.CheckoutSessionCreateLineItemPriceDataParams{
		Currency:    stripe.String(strings.ToLower(o.Currency)),
		UnitAmount:  stripe.Int64(o.AmountMinor),
		ProductData: &stripe.CheckoutSessionCreateLineItemPriceDataProductDataParams{Name: stripe.String(o.PackName)},
	}
	meta := p.metadata(o)
	params := &stripe.CheckoutSessionCreateParams{
		Mode:              stripe.String(string(stripe.CheckoutSessionModePayment)),
		LineItems:         []*stripe.CheckoutSessionCreateLineItemParams{{PriceData: &behavior, Quantity: stripe.Int64(1)}},
		ClientReferenceID: stripe.String(o.PurchaseID),
		Metadata:          meta,
		PaymentIntentData: &stripe.CheckoutSessionCreatePaymentIntentDataParams{Metadata: meta},
		SuccessURL:        stripe.String(o.SuccessURL),
		CancelURL:         stripe.String(o.CancelURL),
		// A price in the payer's own currency would contradict what was bought.
		AdaptivePricing: &stripe.CheckoutSessionCreateAdaptivePricingParams{Enabled: stripe.Bool(false)},
	}
	if !o.ExpiresAt.IsZero() {
		params.ExpiresAt = stripe.Int64(o.ExpiresAt.Unix())
	}
	p.addPayer(params, o)
	if p.c.AutomaticTax {
		behavior.TaxBehavior = stripe.String("exclusive")
		if o.TaxIncluded {
			behavior.TaxBehavior = stripe.String("inclusive")
		}
		params.AutomaticTax = &stripe.CheckoutSessionCreateAutomaticTaxParams{Enabled: stripe.Bool(true)}
		params.BillingAddressCollection = stripe.String("required")
	}
	return params
}

// addPayer names the payer: the customer of earlier payments, else a new one.
func (p *Provider) addPayer(params *stripe.CheckoutSessionCreateParams, o payment.Order) {
	if o.CustomerID != "" {
		params.Customer = stripe.String(o.CustomerID)
		if p.c.AutomaticTax {
			params.CustomerUpdate = &stripe.CheckoutSessionCreateCustomerUpdateParams{Address: stripe.String("auto")}
		}
		return
	}
	params.CustomerCreation = stripe.String("always")
	if o.Email != "" {
		params.CustomerEmail = stripe.String(o.Email)
	}
}

func (p *Provider) metadata(o payment.Order) map[string]string {
	meta := map[string]string{metaPurchase: o.PurchaseID, metaPrice: strconv.FormatInt(o.AmountMinor, 10)}
	if p.c.AutomaticTax && !o.TaxIncluded {
		meta[metaTax] = "yes"
	}
	return meta
}

// Portal is a link to the page where a payer sees receipts and corrects billing data.
// The account's portal must be switched on in Stripe's settings.
func (p *Provider) Portal(ctx context.Context, customerID, returnURL string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	s, err := p.client.V1BillingPortalSessions.Create(ctx, &stripe.BillingPortalSessionCreateParams{
		Customer: stripe.String(customerID), ReturnURL: stripe.String(returnURL),
	})
	if err != nil {
		return "", fmt.Errorf("open the portal at Stripe: %w", explain(err))
	}
	if s.URL == "" {
		return "", fmt.Errorf("open the portal at Stripe: %w: its answer has no address", payment.ErrUnavailable)
	}
	return s.URL, nil
}

// DeleteCustomer makes Stripe forget a payer, as far as the law lets it.
func (p *Provider) DeleteCustomer(ctx context.Context, customerID string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := p.client.V1Customers.Delete(ctx, customerID, nil)
	if err == nil {
		return nil
	}
	if err = explain(err); errors.Is(err, payment.ErrNotFound) {
		return nil
	}
	return fmt.Errorf("delete a customer at Stripe: %w", err)
}
