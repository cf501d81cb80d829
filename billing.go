package main

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/billing"
	"github.com/kimi-k2/kimi-k2/internal/config"
	"github.com/kimi-k2/kimi-k2/internal/credit"
	"github.com/kimi-k2/kimi-k2/internal/egress"
	"github.com/kimi-k2/kimi-k2/internal/jobs"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/creem"
	"github.com/kimi-k2/kimi-k2/internal/payment/stripe"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// creemHosts are where Creem's payment pages are.
var creemHosts = []string{"https://creem.io", "https://www.creem.io", "https://checkout.creem.io"}

// openShop reads who sells and what.
func (s *server) openShop() (err error) {
	if s.sellers, err = openProviders(s.cfg, s.egress); err != nil {
		return err
	}
	if s.packs, err = billing.Load(s.cfg.PacksFile); err != nil {
		return fmt.Errorf("PACKS_FILE: %w", err)
	}
	return nil
}

// openBilling builds what sells credits. Without a provider nothing is for sale, and what
// was bought before is still there.
func (s *server) openBilling(secret []byte) error {
	s.billing = billing.New(billing.Config{DB: s.db, Audit: s.audit, Keys: s.accounts, Clock: s.clock, Log: s.log, Ledger: s.credit, Providers: s.sellers, Packs: s.packs,
		PublicURL: s.cfg.PublicURL, Indexer: billing.NewIndexer(secret), Email: s.emailOf,
		Alarm: func(ctx context.Context, tx *gorm.DB, a billing.Alarm) error {
			return s.tellAdminsTx(ctx, tx, a.Kind, a.Mark, a.Facts)
		},
		Changed: func(ownerID, purchaseID string) {
			s.chat.Notify(ownerID, &models.PurchaseChanged{PurchaseID: purchaseID})
		}})
	if len(s.sellers) == 0 {
		return nil
	}
	for _, p := range s.sellers {
		s.log.Info("credits are for sale", "provider", p.Name(), "live", p.Live())
	}
	return s.jobs.Add(
		jobs.Job{Name: billing.ReconcileJob, Every: billing.ReconcileEvery, Timeout: billing.ReconcileTimeout, Slow: true,
			Run: func(ctx context.Context) error { _, err := s.billing.Reconcile(ctx); return err }},
		jobs.Job{Name: billing.QuarantineJob, Every: billing.QuarantineEvery,
			Run: func(ctx context.Context) error { _, err := s.billing.TellQuarantined(ctx); return err }})
}

// openProviders makes the payment providers that are set up.
func openProviders(c config.Config, way *egress.Guard) (all []payment.Provider, err error) {
	if c.StripeSecretKey != "" {
		p, err := stripe.New(stripe.Config{Key: c.StripeSecretKey, Secret: c.StripeWebhookSecret, BaseURL: c.StripeAPIURL, Egress: way, AutomaticTax: c.StripeAutomaticTax})
		if err != nil {
			return nil, fmt.Errorf("STRIPE_SECRET_KEY: %w", err)
		}
		all = append(all, p)
	}
	if c.CreemAPIKey != "" {
		p, err := creem.New(creem.Config{Key: c.CreemAPIKey, Secret: c.CreemWebhookSecret, BaseURL: c.CreemAPIURL, Egress: way})
		if err != nil {
			return nil, fmt.Errorf("CREEM_API_KEY: %w", err)
		}
		all = append(all, p)
	}
	return all, nil
}

// payHosts are the payment pages that a form of ours may lead to, besides Stripe's.
func (s *server) payHosts() []string {
	if s.cfg.CreemAPIKey == "" {
		return nil
	}
	return creemHosts
}

// emailOf is the address with which a provider's page is filled in.
func (s *server) emailOf(ctx context.Context, v viewer.Viewer) (string, error) {
	a, err := s.accounts.Account(ctx, v)
	if err != nil {
		return "", err
	}
	return a.Email, nil
}

// purchaseFindings holds purchases against the books (L9), for the check of the books.
func purchaseFindings(ctx context.Context, shop *billing.Service) ([]credit.Finding, error) {
	found, err := shop.Verify(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]credit.Finding, len(found))
	for i, f := range found {
		out[i] = credit.Finding{Invariant: f.Invariant, Title: f.Title, Checked: f.Checked, Faults: f.Faults}
	}
	return out, nil
}
