package stripe

import (
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// Tolerance is how far a signature's time may be off, in either direction. stripe-go
// checks one only, so that a signature made for the year 2100 would never grow old.
const Tolerance = 5 * time.Minute

// envelope is an event of any version of the interface. Versions are not compared:
// whoever hosts this chose one when the endpoint was made, and may not be able to
// change it; what is read here is the same in all of them.
type envelope struct {
	ID       string `json:"id"`
	Object   string `json:"object"`
	Type     string `json:"type"`
	Created  int64  `json:"created"`
	Livemode bool   `json:"livemode"`
	Data     struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`
}

// Parse verifies the Stripe-Signature header over the raw body and says what the event
// tells.
func (p *Provider) Parse(header http.Header, body []byte, now time.Time) (payment.Event, error) {
	signed, err := p.verify(header.Values("Stripe-Signature"), body, now)
	if err != nil {
		return payment.Event{}, err
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil || e.Object != "event" || e.ID == "" || e.Type == "" {
		return payment.Event{}, payment.ErrBody
	}
	out, err := e.neutral()
	if err == nil {
		out.SignedAt = signed
	}
	return out, err
}

// verify checks the one header, "t=seconds,v1=hex[,v1=hex…]", and says when it was made. Two signatures come while
// a secret is being replaced; two times are no header of Stripe's.
func (p *Provider) verify(headers []string, body []byte, now time.Time) (time.Time, error) {
	if len(headers) != 1 {
		return time.Time{}, fmt.Errorf("%w: it must have one Stripe-Signature", payment.ErrSignature)
	}
	var seconds string
	var signatures [][]byte
	for part := range strings.SplitSeq(headers[0], ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case name == "t" && seconds != "":
			return time.Time{}, fmt.Errorf("%w: it has two times", payment.ErrSignature)
		case name == "t":
			seconds = value
		case name == "v1":
			if sig, err := hex.DecodeString(value); err == nil {
				signatures = append(signatures, sig)
			}
		}
	}
	t, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || seconds != strconv.FormatInt(t, 10) {
		return time.Time{}, fmt.Errorf("%w: it has no time", payment.ErrSignature)
	}
	signed := time.Unix(t, 0)
	if off := now.Sub(signed); off > Tolerance || off < -Tolerance {
		return time.Time{}, fmt.Errorf("%w: its time is off", payment.ErrSignature)
	}
	want := webhook.ComputeSignature(signed, body, p.c.Secret)
	for _, sig := range signatures {
		if hmac.Equal(want, sig) {
			return signed, nil
		}
	}
	return time.Time{}, payment.ErrSignature
}

// neutral says what the event tells. Refunds that change or fail are left to the
// comparison: their events do not tell what all refunds of the payment come to.
func (e envelope) neutral() (payment.Event, error) {
	out, err := e.facts()
	if err != nil {
		return payment.Event{}, fmt.Errorf("%w: %s", payment.ErrBody, e.Type)
	}
	if out.PurchaseID == "" && out.Status != payment.Refunded && out.Status != payment.Disputed {
		out = payment.Event{} // a sale of another program on the same account
	}
	out.ID, out.Kind, out.OccurredAt, out.Live = e.ID, e.Type, at(e.Created), e.Livemode
	return out, nil
}

func (e envelope) facts() (payment.Event, error) {
	switch e.Type {
	case "checkout.session.completed":
		var s session
		err := json.Unmarshal(e.Data.Object, &s)
		if s.PaymentStatus != "paid" {
			return s.event(payment.Nothing), err // the money comes later, or never
		}
		return s.event(payment.Paid), err
	case "checkout.session.async_payment_succeeded":
		return sessionEvent(e.Data.Object, payment.Paid)
	case "checkout.session.async_payment_failed":
		return sessionEvent(e.Data.Object, payment.Failed)
	case "checkout.session.expired":
		return sessionEvent(e.Data.Object, payment.Expired)
	case "payment_intent.succeeded":
		var i intent
		err := json.Unmarshal(e.Data.Object, &i)
		return i.event(), err
	case "charge.succeeded":
		var c charge
		err := json.Unmarshal(e.Data.Object, &c)
		if !c.Paid || !c.Captured {
			return payment.Event{}, err
		}
		return c.event(payment.Paid), err
	case "charge.refunded":
		var c charge
		err := json.Unmarshal(e.Data.Object, &c)
		return c.event(payment.Refunded), err
	case "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated":
		var d dispute
		err := json.Unmarshal(e.Data.Object, &d)
		return d.event(e.Type == "charge.dispute.funds_reinstated"), err
	}
	return payment.Event{}, nil
}

func sessionEvent(data json.RawMessage, status payment.Status) (payment.Event, error) {
	var s session
	err := json.Unmarshal(data, &s)
	return s.event(status), err
}
