package models

import "time"

// PaymentProvider takes people's money.
type PaymentProvider string

// The payment providers.
const (
	PaymentStripe PaymentProvider = "STRIPE"
	PaymentCreem  PaymentProvider = "CREEM"
)

// PurchaseStatus is how far a purchase is.
type PurchaseStatus string

// The states of purchases. What was taken back later stands beside the state.
const (
	PurchaseCreating PurchaseStatus = "CREATING"
	PurchaseOpen     PurchaseStatus = "OPEN"
	PurchasePaid     PurchaseStatus = "PAID"
	PurchaseExpired  PurchaseStatus = "EXPIRED"
	PurchaseFailed   PurchaseStatus = "FAILED"
)

// DisputeState is how a payer's dispute stands.
type DisputeState string

// The states of disputes.
const (
	DisputeNone DisputeState = "NONE"
	DisputeOpen DisputeState = "OPEN"
	DisputeWon  DisputeState = "WON"
	DisputeLost DisputeState = "LOST"
)

// Purchase is credits for money. It leads to a wallet's number in the ledger only.
// Amounts of money are minor units of the currency.
type Purchase struct {
	ID            string `gorm:"primaryKey"`
	AccountID     string
	Provider      PaymentProvider
	PackID        string
	Credits       int64 // micro-credits
	AmountMinor   int64 // the pack's price, without tax that is added
	Currency      string
	Live          bool
	Status        PurchaseStatus
	PaidMinor     int64 // with tax
	TaxMinor      int64
	RefundedMinor int64
	DisputedMinor int64        // what open and lost disputes withhold together
	Dispute       DisputeState // of all disputes: open before lost, lost before won
	Reversed      int64        // micro-credits taken back so far
	Revision      int
	SessionIndex  []byte `json:"-"`
	PaymentIndex  []byte `json:"-"`
	CreatedAt     time.Time
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`
	ExpiresAt     *time.Time
	PaidAt        *time.Time

	Details *PaymentFacts `gorm:"-"` // opened; nil when its payer is gone
}

// PaymentDispute is what a provider ever told of one dispute of a payment. Amounts of money
// are minor units of the purchase's currency.
type PaymentDispute struct {
	PurchaseID    string `gorm:"primaryKey"`
	Number        int    `gorm:"primaryKey"` // from 1, in the order they were told
	DisputeIndex  []byte `json:"-"`          // of its id at the provider; nil when none was told
	State         DisputeState
	AmountMinor   int64 // 0: not told, all of the payment
	ReturnedMinor int64 // of that: came back although the dispute was not won
	CreatedAt     time.Time
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`
}

// PaymentFacts is what is kept of a payment for its payer. Card data beyond brand and
// last four digits never reaches this program.
type PaymentFacts struct {
	CheckoutURL string  `json:"checkoutUrl,omitempty"`
	SessionID   string  `json:"sessionId,omitempty"`
	PaymentID   string  `json:"paymentId,omitempty"`
	CustomerID  string  `json:"customerId,omitempty"`
	ProductID   string  `json:"productId,omitempty"`
	Brand       string  `json:"brand,omitempty"` // of the card, or the sort of method
	Last4       string  `json:"last4,omitempty"`
	Address     Address `json:"address,omitzero"`
	ReceiptURL  string  `json:"receiptUrl,omitempty"`
	Asked       Asked   `json:"asked,omitzero"` // until the checkout is made
}

// Asked is what the provider is told of a purchase besides its row. It is written down
// before the provider is asked, so that every instance asks in the same words, whatever
// its settings are by then: providers refuse another request under the same key.
type Asked struct {
	PackName, Email, SuccessURL, CancelURL string
	TaxIncluded                            bool
}

// Address is a billing address as the payment provider tells it.
type Address struct {
	Name, Line1, Line2, PostalCode, City, State, Country string
}

// PaymentDetail is the sealed facts of a payment.
type PaymentDetail struct {
	OwnerID       string `gorm:"primaryKey"`
	PurchaseID    string `gorm:"primaryKey"`
	Click         string
	DetailsSealed []byte `json:"-"`
	CreatedAt     time.Time
}

// PaymentCustomer is who an owner is at a payment provider.
type PaymentCustomer struct {
	OwnerID        string          `gorm:"primaryKey"`
	Provider       PaymentProvider `gorm:"primaryKey"`
	CustomerSealed []byte          `json:"-"`
	CustomerIndex  []byte          `json:"-"`
}

// PaymentEvent is a webhook that was dealt with.
type PaymentEvent struct {
	Provider   PaymentProvider `gorm:"primaryKey"`
	EventID    string          `gorm:"primaryKey"`
	Kind       string
	PurchaseID *string
	Outcome    string
	OccurredAt *time.Time
	ReceivedAt time.Time
	// PaymentIndex and Facts are of what went back of a payment that was not told yet.
	PaymentIndex []byte `json:"-"`
	Facts        []byte `gorm:"type:jsonb"`
}

// QuarantineReason is why a payment was not credited.
type QuarantineReason string

// The reasons.
const (
	QuarantineUnknown       QuarantineReason = "UNKNOWN_PURCHASE"
	QuarantineAmount        QuarantineReason = "AMOUNT"
	QuarantineCurrency      QuarantineReason = "CURRENCY"
	QuarantineMode          QuarantineReason = "MODE"
	QuarantineProduct       QuarantineReason = "PRODUCT"
	QuarantineAccount       QuarantineReason = "ACCOUNT"
	QuarantineContradiction QuarantineReason = "CONTRADICTION"
)

// QuarantinedPayment is a payment that contradicts what was bought.
type QuarantinedPayment struct {
	ID         string `gorm:"primaryKey"`
	Provider   PaymentProvider
	EventID    string
	PurchaseID *string
	Reason     QuarantineReason
	Facts      []byte `gorm:"type:jsonb"` // an object: expected and found
	CreatedAt  time.Time
	ResolvedAt *time.Time
	ResolvedBy string
	Resolution string
}

// TableName is the table's name.
func (QuarantinedPayment) TableName() string { return "payment_quarantine" }

// Reconciliation is a comparison of a provider's payments with the ledger.
type Reconciliation struct {
	ID          string `gorm:"primaryKey"`
	Provider    PaymentProvider
	Since       time.Time
	Compared    int
	Repaired    int
	Differences []byte `gorm:"type:jsonb"`
	Failure     string
	StartedAt   time.Time
	FinishedAt  time.Time
}
