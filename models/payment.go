package models

// PaymentProvider takes people's money.
type PaymentProvider string

// The payment providers.
const (
	PaymentStripe PaymentProvider = "STRIPE"
	PaymentCreem  PaymentProvider = "CREEM"
)
