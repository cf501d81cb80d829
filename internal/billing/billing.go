// Package billing sells credits. It knows the packs, sends payers to a provider's own
// page, and turns what the provider tells of their payments into credits: once, for
// exactly what was ordered, whatever comes twice, late or in another order. What was
// refunded or is disputed is taken back the same way.
//
// It alone builds rows of purchases, payment_details, payment_customers, payment_events,
// payment_disputes, payment_quarantine and reconciliations. A purchase leads to a wallet's number in the
// ledger; who its payer was stands in the sealed details, which go with the owner.
//
// Whoever changes a purchase takes, in this order, the lock of the payment, the row of
// the purchase, then the ledger's.
package billing

import (
	"context"
	"log/slog"
	"slices"

	"golang.org/x/sync/singleflight"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/clock"
	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Ledger keeps the books. Its postings are done once by kind and ref.
type Ledger interface {
	WalletTx(tx *gorm.DB, ownerID string) (accountID string, err error)
	DepositTx(tx *gorm.DB, accountID string, provider models.PaymentProvider, ref string, amount int64) (credited bool, err error)
	TakeBackTx(tx *gorm.DB, accountID string, provider models.PaymentProvider, kind models.TransferKind, ref string, amount int64) error
	GiveBackTx(tx *gorm.DB, accountID string, provider models.PaymentProvider, ref string, amount int64) error
	Refs(ctx context.Context, kind models.TransferKind, after string, limit int) ([]string, error)
	Amounts(ctx context.Context, kinds []models.TransferKind, refs []string) (map[models.TransferKind]map[string]int64, error)
	Tell(ownerID string)
}

// Keys opens an owner's data key, and refuses with NOT_FOUND when the owner is gone.
type Keys interface {
	Key(ctx context.Context, ownerID string) (*seal.Key, error)
}

// Config is what a Service is made of. DB, Keys, Ledger and Indexer are required. Without
// Providers nothing is for sale.
type Config struct {
	DB        *database.DB
	Audit     *audit.Service // writes acts down; without it nothing is decided
	Keys      Keys
	Clock     clock.Clock
	Log       *slog.Logger // ids of purchases and amounts; nothing of a payer
	Ledger    Ledger
	Providers []payment.Provider
	Packs     []Pack
	PublicURL string // the address people use, without a slash at its end
	Indexer   Indexer
	// Email is the address that a provider's page is filled in with; nil: none.
	Email func(ctx context.Context, v viewer.Viewer) (string, error)
	// Alarm tells the administrators, in the transaction; nil: the log and the operator's page
	// alone do.
	Alarm func(ctx context.Context, tx *gorm.DB, a Alarm) error
	// Changed is called after a commit that changed a purchase; nil: nobody is told.
	Changed func(ownerID, purchaseID string)
}

// Service sells credits. All methods may be used from many goroutines.
type Service struct {
	Config
	providers map[models.PaymentProvider]payment.Provider
	creating  singleflight.Group // checkouts that are being made, by purchase
}

// New makes the service.
func New(c Config) *Service {
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{Config: c, providers: map[models.PaymentProvider]payment.Provider{}}
	for _, p := range c.Providers {
		s.providers[models.PaymentProvider(p.Name())] = p
	}
	return s
}

// Sellers are the providers that are set up.
func (s *Service) Sellers() []models.PaymentProvider {
	out := make([]models.PaymentProvider, 0, len(s.providers))
	for name := range s.providers {
		out = append(out, name)
	}
	slices.SortFunc(out, func(a, b models.PaymentProvider) int { // Stripe first
		return rankOf(a) - rankOf(b)
	})
	return out
}

func rankOf(p models.PaymentProvider) int {
	return slices.Index([]models.PaymentProvider{models.PaymentStripe, models.PaymentCreem}, p)
}

// tell announces a purchase that is another, after the commit.
func (s *Service) tell(ownerID, purchaseID string) {
	if ownerID == "" {
		return
	}
	s.Ledger.Tell(ownerID)
	if s.Changed != nil {
		s.Changed(ownerID, purchaseID)
	}
}

func checkAccount(v viewer.Viewer) error {
	if v.Kind != viewer.Account || !v.IsOwner() {
		return fault.New(fault.Unauthenticated, "credits belong to an account: sign in first")
	}
	return nil
}

func checkAdmin(v viewer.Viewer) error {
	if v.Kind != viewer.Account || !v.Admin {
		return fault.New(fault.Forbidden, "only whoever runs this installation may see this: sign in as an admin")
	}
	return nil
}

func errUnavailable() error {
	return fault.New(fault.PaymentUnavailable, "the payment provider does not answer right now: nothing was charged; try again in a moment, or pay another way")
}
