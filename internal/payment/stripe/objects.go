package stripe

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// ref is a field that holds an object's id, or the object when it was expanded.
type ref struct {
	ID  string
	raw json.RawMessage
}

// UnmarshalJSON reads either.
func (r *ref) UnmarshalJSON(data []byte) error {
	switch {
	case bytes.Equal(data, []byte("null")):
		return nil
	case data[0] == '"':
		return json.Unmarshal(data, &r.ID)
	}
	r.raw = bytes.Clone(data)
	var o struct {
		ID string `json:"id"`
	}
	err := json.Unmarshal(data, &o)
	r.ID = o.ID
	return err
}

// expanded reads the object itself; false when only its id is there.
func (r ref) expanded(out any) bool { return len(r.raw) > 0 && json.Unmarshal(r.raw, out) == nil }

type metadata map[string]string

type address struct {
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	PostalCode string `json:"postal_code"`
	City       string `json:"city"`
	State      string `json:"state"`
	Country    string `json:"country"`
}

// payer is who pays, as the payer wrote it.
type payer struct {
	Name    string   `json:"name"`
	Address *address `json:"address"`
}

func (p *payer) neutral() (out payment.Address) {
	if p == nil {
		return out
	}
	out.Name = p.Name
	if a := p.Address; a != nil {
		out.Line1, out.Line2, out.PostalCode, out.City, out.State, out.Country = a.Line1, a.Line2, a.PostalCode, a.City, a.State, a.Country
	}
	return out
}

type session struct {
	ID              string   `json:"id"`
	Created         int64    `json:"created"`
	Status          string   `json:"status"`
	PaymentStatus   string   `json:"payment_status"`
	AmountTotal     int64    `json:"amount_total"`
	Currency        string   `json:"currency"`
	Metadata        metadata `json:"metadata"`
	Customer        ref      `json:"customer"`
	PaymentIntent   ref      `json:"payment_intent"`
	CustomerDetails *payer   `json:"customer_details"`
	TotalDetails    struct {
		AmountTax int64 `json:"amount_tax"`
	} `json:"total_details"`
}

// event says what a session tells; a payment that is expanded in it adds its card.
func (s session) event(status payment.Status) payment.Event {
	e := payment.Event{
		Status: status, PurchaseID: s.Metadata[metaPurchase], SessionID: s.ID, PaymentID: s.PaymentIntent.ID, CustomerID: s.Customer.ID,
		AmountMinor: s.AmountTotal, TaxMinor: s.TotalDetails.AmountTax, Currency: strings.ToUpper(s.Currency), Address: s.CustomerDetails.neutral(),
	}
	var i intent
	var c charge
	if s.PaymentIntent.expanded(&i) && i.LatestCharge.expanded(&c) {
		e.Brand, e.Last4 = c.card()
		e.ReceiptURL = c.ReceiptURL
	}
	return e
}

// status is how a session stands.
func (s session) status() payment.Status {
	switch {
	case s.Status == "complete" && s.PaymentStatus == "paid":
		return payment.Paid
	case s.Status == "expired":
		return payment.Expired
	}
	return payment.Nothing
}

type intent struct {
	ID             string   `json:"id"`
	AmountReceived int64    `json:"amount_received"`
	Currency       string   `json:"currency"`
	Metadata       metadata `json:"metadata"`
	Customer       ref      `json:"customer"`
	LatestCharge   ref      `json:"latest_charge"`
}

func (i intent) event() payment.Event {
	return payment.Event{Status: payment.Paid, PurchaseID: i.Metadata[metaPurchase], PaymentID: i.ID, CustomerID: i.Customer.ID,
		AmountMinor: i.AmountReceived, TaxMinor: i.Metadata.tax(i.AmountReceived), Currency: strings.ToUpper(i.Currency)}
}

// tax is what was paid beyond the price where tax is added to it. Only this program's
// key can have written the price.
func (m metadata) tax(paid int64) int64 {
	price, err := strconv.ParseInt(m[metaPrice], 10, 64)
	if m[metaTax] != "yes" || err != nil || price <= 0 {
		return 0
	}
	return max(0, paid-price)
}

type charge struct {
	ID             string   `json:"id"`
	Amount         int64    `json:"amount"`
	AmountRefunded int64    `json:"amount_refunded"`
	Currency       string   `json:"currency"`
	Paid           bool     `json:"paid"`
	Captured       bool     `json:"captured"`
	Metadata       metadata `json:"metadata"`
	Customer       ref      `json:"customer"`
	PaymentIntent  ref      `json:"payment_intent"`
	BillingDetails *payer   `json:"billing_details"`
	Method         struct {
		Type string `json:"type"`
		Card *struct {
			Brand string `json:"brand"`
			Last4 string `json:"last4"`
		} `json:"card"`
	} `json:"payment_method_details"`
	ReceiptURL string `json:"receipt_url"`
}

// card is the brand and last digits of a card, or the sort of another method.
func (c charge) card() (brand, last4 string) {
	if c.Method.Card != nil {
		return c.Method.Card.Brand, c.Method.Card.Last4
	}
	return c.Method.Type, ""
}

func (c charge) event(status payment.Status) payment.Event {
	e := payment.Event{Status: status, PurchaseID: c.Metadata[metaPurchase], PaymentID: c.PaymentIntent.ID, CustomerID: c.Customer.ID,
		AmountMinor: c.Amount, TaxMinor: c.Metadata.tax(c.Amount), RefundedMinor: c.AmountRefunded, Currency: strings.ToUpper(c.Currency),
		Address: c.BillingDetails.neutral(), ReceiptURL: c.ReceiptURL}
	e.Brand, e.Last4 = c.card()
	return e
}

type refund struct {
	ID      string `json:"id"`
	Charge  ref    `json:"charge"`
	Created int64  `json:"created"`
}

type dispute struct {
	ID            string `json:"id"`
	Amount        int64  `json:"amount"`
	Currency      string `json:"currency"`
	Status        string `json:"status"`
	Charge        ref    `json:"charge"`
	PaymentIntent ref    `json:"payment_intent"`
	// Movements are what it took from and gave back to the account's balance, in the
	// currency of that.
	Movements []movement `json:"balance_transactions"`
}

type movement struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

// event says how a dispute stands; returned is that money came back. A dispute may be lost
// and part of the money come back all the same: what had been refunded before. An inquiry,
// whose states begin with warning, has taken no money.
func (d dispute) event(returned bool) payment.Event {
	e := payment.Event{Status: payment.Disputed, PaymentID: d.PaymentIntent.ID, DisputeID: d.ID, DisputedMinor: d.Amount, Currency: strings.ToUpper(d.Currency)}
	switch {
	case d.Status == "lost":
		e.Dispute, e.ReturnedMinor = payment.DisputeLost, d.returned()
	case returned || d.Status == "won":
		e.Dispute = payment.DisputeWon
	case strings.HasPrefix(d.Status, "warning") || d.Status == "prevented":
		return payment.Event{}
	default:
		e.Dispute = payment.DisputeOpen
	}
	var c charge
	if d.Charge.expanded(&c) {
		e.PurchaseID = c.Metadata[metaPurchase]
	}
	return e
}

// returned is how much came back, where the account's balance has the dispute's currency;
// in another nothing tells what part of the dispute it is.
func (d dispute) returned() (sum int64) {
	for _, m := range d.Movements {
		if m.Amount > 0 && strings.EqualFold(m.Currency, d.Currency) {
			sum += max(0, min(m.Amount, d.Amount-sum))
		}
	}
	return sum
}

func at(seconds int64) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
