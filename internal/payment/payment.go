// Package payment is what this program knows of payment providers: how to send a
// payer to one, and how to understand what one tells, in words that are the same for
// all of them. It decides nothing; what a payment means for a wallet is the business
// of its caller.
//
// Card data never comes here: payers type it into the provider's own page, and what
// comes back is a brand and four digits.
package payment

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Provider takes people's money. Every call that leaves the machine is bounded in time
// and repeated at most twice, under one key, so that it has its effect once.
type Provider interface {
	// Name is "STRIPE" or "CREEM".
	Name() string
	// Live reports whether money really moves.
	Live() bool
	// CreateCheckout makes the page where an order is paid. At Stripe the same order
	// again makes no second page; at Creem it may, but nobody gets to see the first,
	// and both lead to one purchase.
	CreateCheckout(ctx context.Context, order Order) (Session, error)
	// Portal is a link to where a payer sees receipts and corrects billing data.
	Portal(ctx context.Context, customerID, returnURL string) (string, error)
	// Parse verifies a webhook and says what it tells. ErrSignature and ErrBody are
	// its refusals; what is of no interest here is an Event of status Nothing.
	Parse(header http.Header, body []byte, now time.Time) (Event, error)
	// Payments tells everything the provider knows to have happened since, as the
	// events that its webhooks should have told: a payment may come as Paid, then
	// Refunded, then Disputed. An error of each ends it.
	Payments(ctx context.Context, since time.Time, each func(Event) error) error
	// Session is how one checkout stands: Paid, Expired, Failed, or Nothing while it
	// is open. ErrNotFound when the provider does not know it.
	Session(ctx context.Context, sessionID string) (Event, error)
	// DeleteCustomer makes the provider forget a payer. A payer it does not know is
	// no error; ErrUnsupported when the provider has no such call.
	DeleteCustomer(ctx context.Context, customerID string) error
}

// Seller is a Provider that sells products of its own catalogue, and whose list of payments
// does not name what they were for.
type Seller interface {
	Provider
	// Sales is Payments of one product, which its events name.
	Sales(ctx context.Context, productID string, since time.Time, each func(Event) error) error
}

// The refusals of providers and of their messages. Errors hold no secret, no body and
// nothing of a payer.
var (
	// ErrSignature: a webhook is not signed by the provider, or long ago, or ahead of time.
	ErrSignature = errors.New("the webhook's signature does not verify")
	// ErrBody: a signed webhook cannot be understood.
	ErrBody = errors.New("the webhook's body cannot be read")
	// ErrUnavailable: the provider did not answer, or said that it cannot now.
	ErrUnavailable = errors.New("the payment provider is not available")
	// ErrRefused: the provider answered that the request is wrong.
	ErrRefused = errors.New("the payment provider refused the request")
	// ErrNotFound: the provider does not know what was asked for.
	ErrNotFound = errors.New("the payment provider does not know it")
	// ErrUnknownProvider: no such provider is set up.
	ErrUnknownProvider = errors.New("no such payment provider is set up")
	// ErrUnsupported: the provider has no such call.
	ErrUnsupported = errors.New("the payment provider has no such call")
)

// MinSecret is the least length of a webhook's secret in characters. A provider is not
// made with a shorter one: an empty or guessable secret lets anybody sign.
const MinSecret = 32

// Order is what somebody wants to pay for.
type Order struct {
	PurchaseID  string
	PackName    string
	ProductID   string // at Creem, which sells products of its own catalogue
	AmountMinor int64
	Currency    string // ISO 4217, in capitals
	TaxIncluded bool   // the amount holds the tax already; else it is added
	CustomerID  string // at the provider, when known
	Email       string
	SuccessURL  string
	CancelURL   string
	ExpiresAt   time.Time // at Stripe 30 minutes to 24 hours ahead
}

// Session is the page where an order is paid. ExpiresAt is zero when the provider does
// not let it expire.
type Session struct {
	ID, URL   string
	ExpiresAt time.Time
}

// Status is what an event tells of a payment.
type Status string

// What events tell. Nothing means that there is nothing to do.
const (
	Nothing  Status = ""
	Paid     Status = "PAID"
	Expired  Status = "EXPIRED"
	Failed   Status = "FAILED"
	Refunded Status = "REFUNDED"
	Disputed Status = "DISPUTED"
)

// The states of a dispute in an Event.
const (
	DisputeOpen = "OPEN"
	DisputeWon  = "WON"
	DisputeLost = "LOST"
)

// Event is what a provider tells of one payment, in its webhooks and when it is asked.
// Fields that it does not tell are zero: a refund may name only the payment.
type Event struct {
	ID         string // unique at the provider; made of what is told when it was asked for
	Kind       string // the provider's own word
	OccurredAt time.Time
	SignedAt   time.Time // of a webhook whose signature says when it was sent
	Live       bool
	Status     Status
	// Current: the provider was asked, so this is how things stand. Webhooks overtake
	// each other: an amount in one may be older than one that is known already.
	Current bool

	PurchaseID string // what this program gave the checkout; empty: not told, or a sale of somebody else's program
	SessionID  string
	PaymentID  string
	CustomerID string
	ProductID  string

	AmountMinor   int64 // paid, with tax
	TaxMinor      int64
	RefundedMinor int64 // all that was ever refunded of the payment
	// Of one dispute; a payment may have several. DisputeID is empty where the provider
	// tells only that the payment is disputed.
	DisputeID     string
	Dispute       string
	DisputedMinor int64  // 0: not told, all of the payment
	ReturnedMinor int64  // of that: came back although the dispute was not won
	Currency      string // ISO 4217, in capitals

	Brand, Last4 string // of the card, or the sort of method
	Address      Address
	ReceiptURL   string
}

// Address is a billing address as the provider tells it.
type Address struct {
	Name, Line1, Line2, PostalCode, City, State, Country string
}
