package models

import (
	"strings"
	"time"
)

// Price is what a model costs, in micro-credits per million tokens. CachedInput is for
// those of the tokens read that the engine had cached.
type Price struct {
	Input, CachedInput, Output int64
}

// TransferKind is what moves credits.
type TransferKind string

// The kinds of transfers. Their refs: a charge's is the hold, a purchase's the purchase,
// a refund's, dispute's or reinstatement's the purchase and a revision, a grant's or
// adjustment's the operator's own, a repayment's the transfer that made it possible.
const (
	TransferCharge        TransferKind = "CHARGE"
	TransferPurchase      TransferKind = "PURCHASE"
	TransferRefund        TransferKind = "REFUND"
	TransferDispute       TransferKind = "DISPUTE"
	TransferReinstatement TransferKind = "REINSTATEMENT"
	TransferGrant         TransferKind = "GRANT"
	TransferAdjustment    TransferKind = "ADJUSTMENT"
	TransferRepayment     TransferKind = "REPAYMENT"
)

// Balance is what a wallet holds, in micro-credits.
type Balance struct {
	AccountID string
	Posted    int64 // the sum of its entries
	Held      int64 // of that: set aside for replies being written
	Owed      int64 // taken back by a refund or dispute beyond the balance: blocks spending
}

// Available is what can be spent now; nothing while something is owed.
func (b Balance) Available() int64 {
	if b.Owed > 0 {
		return 0
	}
	return b.Posted - b.Held
}

// HoldAsk asks for credits to be set aside before an engine is called.
type HoldAsk struct {
	Price        Price
	PromptTokens int64 // our own count of what the engine will read
	OutputTokens int64 // of the first slice
}

// HoldFor is a HoldAsk of an owner, or of one of its API keys.
type HoldFor struct {
	OwnerID, KeyID string
	HoldAsk
}

// Hold is what was set aside.
type Hold struct {
	ID     string // empty for guests, who spend nothing
	Amount int64  // micro-credits
	Price  Price
}

// HoldMore asks for the next slice of a hold.
type HoldMore struct {
	HoldID       string
	OutputTokens int64 // of the slice; zero only renews the lease
}

// Settlement is the end of a billable act: what was used, by whom, for which hold.
type Settlement struct {
	OwnerID, HoldID  string // HoldID is empty for guests
	Ref              string // the act: one settlement per owner and ref, whatever happens
	ReplyID          string
	Source           UsageSource
	KeyID            string
	Feature          Feature
	ModelID          string
	EngineName       string
	Status           RunStatus
	Usage            Usage // what is charged; zero output is never charged
	CountedPrompt    int64 // our own counts
	CountedOutput    int64
	Absurd           *Usage // what the engine claimed and nobody believes: quarantined
	FirstToken, Took time.Duration
}

// Charge is what came of a settlement.
type Charge struct {
	Credits    int64 // micro-credits, 0 ≤ Credits ≤ the hold's amount
	TransferID string
	Again      bool // the act had been settled before; nothing was done
}

// UsageSource is where a billable act came from.
type UsageSource string

// The sources.
const (
	SourceWeb    UsageSource = "WEB"
	SourceAPIKey UsageSource = "API_KEY"
)

// Feature is what a billable act did.
type Feature string

// The features.
const (
	FeatureChat       Feature = "CHAT"
	FeatureEdit       Feature = "EDIT"
	FeatureRegenerate Feature = "REGENERATE"
	FeatureContinue   Feature = "CONTINUE"
	FeatureAPI        Feature = "API"
)

// LedgerAccount is an account of the ledger: a wallet, its debt, or one of the
// installation's own.
type LedgerAccount struct {
	ID        string `gorm:"primaryKey"`
	Kind      string
	WalletID  *string
	CreatedAt time.Time
}

// LedgerBalance is the cached sums of a wallet, computed by the database.
type LedgerBalance struct {
	AccountID          string `gorm:"primaryKey"`
	Posted, Held, Owed int64
}

// LedgerTransfer moves credits between accounts; its entries sum to zero.
type LedgerTransfer struct {
	ID        string `gorm:"primaryKey"`
	Kind      TransferKind
	Ref       string
	CreatedAt time.Time
}

// LedgerEntry is one account's part in a transfer.
type LedgerEntry struct {
	AccountID  string `gorm:"primaryKey"`
	TransferID string `gorm:"primaryKey"`
	Amount     int64

	Kind      TransferKind `gorm:"-"`
	Ref       string       `gorm:"-"` // of its transfer
	CreatedAt time.Time    `gorm:"-"`
	Usage     *UsageRow    `gorm:"-"` // of a charge
	Reason    string       `gorm:"-"` // of a grant or an adjustment
}

// PurchaseID is what was bought, refunded, disputed or given again; empty for others.
func (e *LedgerEntry) PurchaseID() string {
	switch e.Kind {
	case TransferPurchase, TransferRefund, TransferDispute, TransferReinstatement:
		purchase, _, _ := strings.Cut(e.Ref, "/")
		return purchase
	}
	return ""
}

// LedgerHold sets credits aside until its settlement.
type LedgerHold struct {
	ID                                   string `gorm:"primaryKey"`
	AccountID                            string
	Amount                               int64
	Posted                               *int64
	Status                               string
	PriceInput, PriceCached, PriceOutput int64
	ExpiresAt, CreatedAt                 time.Time
	ResolvedAt                           *time.Time
	TransferID                           string // of its charge; empty when nothing was charged
}

// LedgerCheck is what a check of the books found.
type LedgerCheck struct {
	ID         string `gorm:"primaryKey"`
	OK         bool   `gorm:"column:ok"`
	Findings   []byte `gorm:"type:jsonb"`
	StartedAt  time.Time
	FinishedAt time.Time
}

// Wallet leads from an owner to its account in the ledger.
type Wallet struct {
	OwnerID      string `gorm:"primaryKey"`
	AccountID    string
	LowNotice    bool
	LowThreshold int64
	LowToldAt    *time.Time
	Erasing      bool
}

// CreditAdjustment is what the operator gave or took, and why.
type CreditAdjustment struct {
	OwnerID      string `gorm:"primaryKey"`
	ID           string `gorm:"primaryKey"`
	TransferID   string
	ActorID      string
	ReasonSealed []byte `json:"-"`
	Amount       int64
	CreatedAt    time.Time

	Reason string `gorm:"-"` // opened
}

// UsageRow is one billable act, without content.
type UsageRow struct {
	OwnerID         string `gorm:"primaryKey" json:"-"`
	ID              string `gorm:"primaryKey"`
	Ref             string
	HoldID          string
	TransferID      string
	ReplyID         string
	Source          UsageSource
	KeyID           string
	Feature         Feature
	ModelID         string
	EngineName      string
	Status          RunStatus
	PromptTokens    int64
	CachedTokens    int64
	OutputTokens    int64
	ReasoningTokens int64
	Estimated       bool
	CountedPrompt   int64
	CountedOutput   int64
	Quarantined     bool
	Reported        []byte `gorm:"type:jsonb"`
	ReviewedAt      *time.Time
	PriceInput      int64
	PriceCached     int64
	PriceOutput     int64
	Credits         int64
	FirstTokenMs    int
	LatencyMs       int
	CreatedAt       time.Time
}
