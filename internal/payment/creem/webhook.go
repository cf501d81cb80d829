package creem

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// Tolerance is how far the time of a signature that has one may be off, in either
// direction.
const Tolerance = 5 * time.Minute

// envelope is a webhook's body. Creem's newer form names two fields differently.
type envelope struct {
	ID        string          `json:"id"`
	EventType string          `json:"eventType"`
	Type      string          `json:"type"`
	CreatedAt json.RawMessage `json:"created_at"`
	Object    json.RawMessage `json:"object"`
	Data      json.RawMessage `json:"data"`
}

// Parse verifies a webhook over its raw body and says what it tells: by the headers of
// Standard Webhooks where they are, else by creem-signature. The latter holds no time:
// that the same is not done twice is up to who keeps the events' ids.
func (p *Provider) Parse(header http.Header, body []byte, now time.Time) (payment.Event, error) {
	signed, err := p.verify(header, body, now)
	if err != nil {
		return payment.Event{}, err
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return payment.Event{}, payment.ErrBody
	}
	e.EventType = first(e.EventType, e.Type)
	if e.ID == "" && header.Get("Webhook-Signature") != "" {
		e.ID = header.Get("Webhook-Id") // which is signed with the body
	}
	if e.ID == "" || e.EventType == "" {
		return payment.Event{}, payment.ErrBody
	}
	if len(e.Object) == 0 || string(e.Object) == "null" || e.Object[0] == '"' {
		e.Object = e.Data
	}
	out, err := e.neutral()
	if err == nil {
		out.SignedAt = signed
	}
	return out, err
}

// verify says when the webhook was signed, if its signature has a time.
func (p *Provider) verify(header http.Header, body []byte, now time.Time) (time.Time, error) {
	if header.Get("Webhook-Signature") != "" {
		return p.verifyStandard(header, body, now)
	}
	signature := header.Values("Creem-Signature")
	if len(signature) != 1 {
		return time.Time{}, fmt.Errorf("%w: it must have one creem-signature", payment.ErrSignature)
	}
	got, err := hex.DecodeString(strings.TrimPrefix(signature[0], "sha256="))
	if err != nil || !hmac.Equal(got, sum([]byte(p.c.Secret), body)) {
		return time.Time{}, payment.ErrSignature
	}
	return time.Time{}, nil
}

// verifyStandard checks webhook-signature: "v1,base64[ v1,base64…]" over the id, the
// time and the body, with the secret's decoded form as the key.
func (p *Provider) verifyStandard(header http.Header, body []byte, now time.Time) (time.Time, error) {
	id, seconds := header.Get("Webhook-Id"), header.Get("Webhook-Timestamp")
	t, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || id == "" || seconds != strconv.FormatInt(t, 10) {
		return time.Time{}, fmt.Errorf("%w: it has no id or no time", payment.ErrSignature)
	}
	signed := time.Unix(t, 0)
	if off := now.Sub(signed); off > Tolerance || off < -Tolerance {
		return time.Time{}, fmt.Errorf("%w: its time is off", payment.ErrSignature)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.c.Secret, "whsec_"))
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: the secret is none for this kind of signature", payment.ErrSignature)
	}
	want := sum(key, []byte(id+"."+seconds+"."), body)
	for part := range strings.SplitSeq(header.Get("Webhook-Signature"), " ") {
		version, value, _ := strings.Cut(part, ",")
		got, err := base64.StdEncoding.DecodeString(value)
		if err == nil && version == "v1" && hmac.Equal(got, want) {
			return signed, nil
		}
	}
	return time.Time{}, payment.ErrSignature
}

func sum(key []byte, parts ...[]byte) []byte {
	m := hmac.New(sha256.New, key)
	for _, part := range parts {
		m.Write(part)
	}
	return m.Sum(nil)
}

func (e envelope) neutral() (payment.Event, error) {
	out, err := e.facts()
	if err != nil {
		return payment.Event{}, fmt.Errorf("%w: %s", payment.ErrBody, e.EventType)
	}
	if out.PurchaseID == "" && out.Status != payment.Refunded && out.Status != payment.Disputed {
		out = payment.Event{Live: out.Live} // a sale of another program of the same shop
	}
	out.ID, out.Kind, out.OccurredAt = e.ID, e.EventType, e.time()
	return out, nil
}

func (e envelope) facts() (payment.Event, error) {
	switch e.EventType {
	case "checkout.completed":
		var c checkout
		err := json.Unmarshal(e.Object, &c)
		return c.event(), err
	case "refund.created":
		var r refund
		err := json.Unmarshal(e.Object, &r)
		return r.event(), err
	case "dispute.created":
		var d dispute
		err := json.Unmarshal(e.Object, &d)
		return d.event(), err
	}
	return payment.Event{}, nil
}

// time is when the event happened: milliseconds, or a date in the newer form.
func (e envelope) time() time.Time {
	var ms int64
	if json.Unmarshal(e.CreatedAt, &ms) == nil {
		return at(ms)
	}
	var t time.Time
	if json.Unmarshal(e.CreatedAt, &t) == nil {
		return t.UTC()
	}
	return time.Time{}
}
