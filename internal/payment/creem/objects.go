package creem

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// metaPurchase names the purchase in a checkout's metadata, besides its request id.
const metaPurchase = "purchase_id"

// modeLive is what Creem calls the mode in which money moves.
const modeLive = "prod"

// ref is a field that holds an object's id or the object.
type ref struct{ ID string }

// UnmarshalJSON reads either.
func (r *ref) UnmarshalJSON(data []byte) error {
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	if data[0] == '"' {
		return json.Unmarshal(data, &r.ID)
	}
	var o struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(data, &o)
	r.ID = o.ID
	return err
}

// customer is a payer: an id, or an object that tells a name and a country.
type customer struct {
	ID, Name, Country string
}

// UnmarshalJSON reads either.
func (c *customer) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &c.ID)
	}
	type plain struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Country string `json:"country"`
	}
	var o plain
	err := json.Unmarshal(data, &o)
	*c = customer(o)
	return err
}

// order is a payment at Creem; its id is in everything that is told about it.
type order struct {
	ID         string `json:"id"`
	Product    string `json:"product"`
	Customer   string `json:"customer"`
	Amount     int64  `json:"amount"`
	TaxAmount  int64  `json:"tax_amount"`
	AmountPaid *int64 `json:"amount_paid"`
	Currency   string `json:"currency"`
	Status     string `json:"status"`
}

// UnmarshalJSON reads an id or the object.
func (o *order) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &o.ID)
	}
	type plain order
	return json.Unmarshal(data, (*plain)(o))
}

type checkout struct {
	ID        string         `json:"id"`
	Mode      string         `json:"mode"`
	Status    string         `json:"status"`
	RequestID string         `json:"request_id"`
	Metadata  map[string]any `json:"metadata"`
	Product   ref            `json:"product"`
	Order     order          `json:"order"`
	Customer  customer       `json:"customer"`
}

// UnmarshalJSON reads an id or the object.
func (c *checkout) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &c.ID)
	}
	type plain checkout
	return json.Unmarshal(data, (*plain)(c))
}

// purchase is what this program gave the checkout. Another program's checkout has no
// such metadata, whatever its request id is.
func (c checkout) purchase() string {
	s, _ := c.Metadata[metaPurchase].(string)
	return s
}

// status is how a checkout stands.
func (c checkout) status() payment.Status {
	switch {
	case c.Status == "completed" && c.Order.Status == "paid":
		return payment.Paid
	case c.Status == "expired":
		return payment.Expired
	}
	return payment.Nothing
}

func (c checkout) event() payment.Event {
	e := payment.Event{Status: c.status(), Live: c.Mode == modeLive, PurchaseID: c.purchase(), SessionID: c.ID, PaymentID: c.Order.ID,
		CustomerID: c.Customer.ID, ProductID: c.Product.ID, Currency: strings.ToUpper(c.Order.Currency),
		Address: payment.Address{Name: c.Customer.Name, Country: c.Customer.Country}}
	if e.CustomerID == "" {
		e.CustomerID = c.Order.Customer
	}
	if c.Order.Product != "" {
		e.ProductID = c.Order.Product // what was sold, not what was shown first
	}
	if c.Order.AmountPaid != nil {
		e.AmountMinor, e.TaxMinor = *c.Order.AmountPaid, c.Order.TaxAmount
	} else {
		e.AmountMinor = c.Order.Amount // older versions tell the price only
	}
	return e
}

type transaction struct {
	ID             string `json:"id"`
	Mode           string `json:"mode"`
	Amount         int64  `json:"amount"`
	AmountPaid     int64  `json:"amount_paid"`
	TaxAmount      int64  `json:"tax_amount"`
	RefundedAmount int64  `json:"refunded_amount"`
	Currency       string `json:"currency"`
	Status         string `json:"status"`
	Order          string `json:"order"`
	Customer       string `json:"customer"`
	CreatedAt      int64  `json:"created_at"`
}

// charged reports whether the payer's bank took the money back; the payload of a
// webhook and the list of transactions use different words.
func (t transaction) charged() bool { return t.Status == "chargedBack" || t.Status == "chargeback" }

// event says how a transaction stands, which names no purchase. Of disputes it tells that
// there is one, neither which nor how much of the payment it is about.
func (t transaction) event() payment.Event {
	e := payment.Event{Live: t.Mode == modeLive, PaymentID: t.Order, CustomerID: t.Customer, Currency: strings.ToUpper(t.Currency),
		AmountMinor: max(t.Amount, t.AmountPaid), TaxMinor: t.TaxAmount}
	switch {
	case t.charged():
		e.Status, e.Dispute = payment.Disputed, payment.DisputeOpen
	case t.RefundedAmount > 0:
		e.Status, e.RefundedMinor = payment.Refunded, t.RefundedAmount
	case t.Status == "paid":
		e.Status = payment.Paid
	}
	return e
}

type refund struct {
	ID          string      `json:"id"`
	Mode        string      `json:"mode"`
	Status      string      `json:"status"`
	Amount      int64       `json:"refund_amount"`
	Currency    string      `json:"refund_currency"`
	Transaction transaction `json:"transaction"`
	Checkout    checkout    `json:"checkout"`
	Order       order       `json:"order"`
}

func (r refund) event() payment.Event {
	if r.Status != "succeeded" {
		return payment.Event{} // the list of transactions tells when the money went
	}
	return payment.Event{Status: payment.Refunded, Live: r.Mode == modeLive, PurchaseID: r.Checkout.purchase(), SessionID: r.Checkout.ID,
		PaymentID: first(r.Order.ID, r.Transaction.Order), RefundedMinor: max(r.Amount, r.Transaction.RefundedAmount), Currency: strings.ToUpper(r.Currency)}
}

type dispute struct {
	ID          string      `json:"id"`
	Mode        string      `json:"mode"`
	Amount      int64       `json:"amount"`
	Currency    string      `json:"currency"`
	Transaction transaction `json:"transaction"`
	Checkout    checkout    `json:"checkout"`
	Order       order       `json:"order"`
}

func (d dispute) event() payment.Event {
	return payment.Event{Status: payment.Disputed, Live: d.Mode == modeLive, PurchaseID: d.Checkout.purchase(), SessionID: d.Checkout.ID,
		PaymentID: first(d.Order.ID, d.Transaction.Order), DisputeID: d.ID, DisputedMinor: d.Amount, Dispute: payment.DisputeOpen, Currency: strings.ToUpper(d.Currency)}
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func at(milliseconds int64) time.Time {
	if milliseconds <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(milliseconds).UTC()
}
