package stripe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/kimi-k2/kimi-k2/internal/payment"
	"github.com/kimi-k2/kimi-k2/internal/payment/paymenttest"
)

// schema is a part of Stripe's OpenAPI description.
type schema struct {
	Ref        string             `json:"$ref"`
	Type       string             `json:"type"`
	Nullable   bool               `json:"nullable"`
	Enum       []any              `json:"enum"`
	AnyOf      []*schema          `json:"anyOf"`
	Properties map[string]*schema `json:"properties"`
	Items      *schema            `json:"items"`
	Additional json.RawMessage    `json:"additionalProperties"`
}

// described are Stripe's own descriptions and examples of its objects, and the types of
// its events. They come with stripe-mock.
type described struct {
	schemas  map[string]*schema
	fixtures map[string]map[string]any
	events   []string
}

var describedOnce = sync.OnceValues(func() (d described, err error) {
	find := exec.Command("go", "mod", "download", "-json", "github.com/stripe/stripe-mock")
	find.Dir = filepath.Join("..", "..", "..", "tools", "stripemock")
	out, err := find.Output()
	if err != nil {
		return d, fmt.Errorf("find stripe-mock: %w", err)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return d, err
	}
	var spec struct {
		Components struct {
			Schemas map[string]*schema `json:"schemas"`
		} `json:"components"`
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct {
					Schema *schema `json:"schema"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
	}
	var fixtures struct {
		Resources map[string]map[string]any `json:"resources"`
	}
	for name, into := range map[string]any{"spec3.json": &spec, "fixtures3.json": &fixtures} {
		b, err := os.ReadFile(filepath.Join(module.Dir, "embedded", "openapi", name))
		if err != nil {
			return d, err
		}
		if err := json.Unmarshal(b, into); err != nil {
			return d, fmt.Errorf("%s: %w", name, err)
		}
	}
	d.schemas, d.fixtures = spec.Components.Schemas, fixtures.Resources
	for _, v := range spec.Paths["/v1/webhook_endpoints"]["post"].RequestBody.Content["application/x-www-form-urlencoded"].Schema.Properties["enabled_events"].Items.Enum {
		d.events = append(d.events, fmt.Sprint(v))
	}
	return d, nil
})

func descriptions(t *testing.T) described {
	t.Helper()
	d, err := describedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// all are what a schema may stand for.
func (d described) all(s *schema) (out []*schema) {
	switch {
	case s.Ref != "":
		return d.all(d.schemas[strings.TrimPrefix(s.Ref, "#/components/schemas/")])
	case len(s.AnyOf) > 0:
		for _, one := range s.AnyOf {
			out = append(out, d.all(one)...)
		}
		return out
	}
	return []*schema{s}
}

// typed is what a schema may stand for of one type.
func (d described) typed(s *schema, kind string) *schema {
	for _, one := range d.all(s) {
		if one.Type == kind {
			return one
		}
	}
	return nil
}

// reads says what of a Go type can't be read from what a schema describes.
func (d described) reads(t reflect.Type, s *schema, at string) (faults []string) {
	fault := func(format string, args ...any) []string { return []string{at + ": " + fmt.Sprintf(format, args...)} }
	is := func(kind string) []string {
		if d.typed(s, kind) == nil {
			return fault("Stripe sends no %s", kind)
		}
		return nil
	}
	switch {
	case t == reflect.TypeFor[ref]():
		if d.typed(s, "string") == nil || d.typed(s, "object") == nil {
			return fault("Stripe doesn't expand it")
		}
		return nil
	case t == reflect.TypeFor[json.RawMessage]():
		return is("object")
	case t.Kind() == reflect.Pointer:
		return d.reads(t.Elem(), s, at)
	case t.Kind() == reflect.String:
		return is("string")
	case t.Kind() == reflect.Int64:
		return is("integer")
	case t.Kind() == reflect.Bool:
		return is("boolean")
	case t.Kind() == reflect.Slice:
		list := d.typed(s, "array")
		if list == nil || list.Items == nil {
			return fault("Stripe sends no list")
		}
		return d.reads(t.Elem(), list.Items, at+".*")
	case t.Kind() == reflect.Map:
		o := d.typed(s, "object")
		var values schema
		if o == nil || json.Unmarshal(o.Additional, &values) != nil {
			return fault("Stripe sends no map")
		}
		return d.reads(t.Elem(), &values, at+".*")
	case t.Kind() != reflect.Struct:
		return fault("it is a %s", t)
	}
	o := d.typed(s, "object")
	if o == nil {
		return fault("Stripe sends no object")
	}
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("json")
		if next := o.Properties[name]; next != nil {
			faults = append(faults, d.reads(t.Field(i).Type, next, at+"."+name)...)
		} else {
			faults = append(faults, fmt.Sprintf("%s: Stripe has no field %q", at, name))
		}
	}
	return faults
}

// Each field that is read of Stripe's objects is in its description, with the type that is
// read.
func TestEachFieldThatIsReadIsStripes(t *testing.T) {
	d := descriptions(t)
	for name, t2 := range map[string]reflect.Type{"event": reflect.TypeFor[envelope](), "checkout.session": reflect.TypeFor[session](), "payment_intent": reflect.TypeFor[intent](),
		"charge": reflect.TypeFor[charge](), "refund": reflect.TypeFor[refund](), "dispute": reflect.TypeFor[dispute]()} {
		for _, fault := range d.reads(t2, d.schemas[name], name) {
			t.Error(fault)
		}
	}
	// The check finds what isn't Stripe's.
	bad := reflect.TypeFor[struct {
		Misspelt string `json:"amount_totl"`
		Number   int64  `json:"currency"`
		Text     string `json:"amount_total"`
		Whole    ref    `json:"amount_subtotal"`
		Deep     struct {
			Tax int64 `json:"tax_amount"`
		} `json:"total_details"`
		Words map[string]int64 `json:"metadata"`
	}]()
	if faults := d.reads(bad, d.schemas["checkout.session"], "bad"); len(faults) != bad.NumField() {
		t.Errorf("%q", faults)
	}
}

// fits says what of a value isn't as a schema describes it. What is left out is no fault.
func (d described) fits(v any, s *schema, at string) (faults []string) {
	for _, one := range d.all(s) {
		found := d.fitsOne(v, one, at)
		if len(found) == 0 {
			return nil
		}
		if faults == nil || len(found) < len(faults) {
			faults = found
		}
	}
	if v == nil && s.Nullable {
		return nil
	}
	return faults
}

func (d described) fitsOne(v any, s *schema, at string) (faults []string) {
	fault := func(format string, args ...any) []string { return []string{at + ": " + fmt.Sprintf(format, args...)} }
	if len(s.Enum) > 0 && v != nil && !slices.Contains(s.Enum, v) {
		return fault("%v is none of %v", v, s.Enum)
	}
	switch v := v.(type) {
	case nil:
		if !s.Nullable {
			return fault("it is never null")
		}
	case string, bool, float64:
		if want := map[string]string{"string": "string", "bool": "boolean", "float64": "integer"}[fmt.Sprintf("%T", v)]; s.Type != want && (want != "integer" || s.Type != "number") {
			return fault("%v is no %s", v, s.Type)
		}
	case []any:
		if s.Type != "array" {
			return fault("a list is no %s", s.Type)
		}
		for i, one := range v {
			faults = append(faults, d.fits(one, s.Items, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		if s.Type != "object" {
			return fault("an object is no %s", s.Type)
		}
		for name, one := range v {
			next := s.Properties[name]
			if next == nil && len(s.Additional) > 0 && !bytes.Equal(s.Additional, []byte("false")) {
				continue // metadata, and the object of an event
			}
			if next == nil {
				faults = append(faults, fmt.Sprintf("%s: Stripe has no field %q", at, name))
				continue
			}
			faults = append(faults, d.fits(one, next, at+"."+name)...)
		}
	}
	return faults
}

// object checks an object of Stripe's by its own name.
func (d described) object(t *testing.T, v map[string]any) {
	t.Helper()
	name, _ := v["object"].(string)
	s := d.schemas[name]
	if s == nil {
		t.Errorf("Stripe has no object %q", name)
		return
	}
	for _, fault := range d.fits(v, s, name) {
		t.Error(fault)
	}
}

const shapesSecret = "whsec_0123456789abcdef0123456789abcdef"

// The model that tests pay at sends events and answers as Stripe describes them.
func TestTheModelsEventsAreStripes(t *testing.T) {
	d := descriptions(t)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer hook.Close()
	m, err := paymenttest.StartStripe(paymenttest.Options{WebhookURL: hook.URL, Secret: shapesSecret})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p, err := New(Config{Key: "sk_test_123", Secret: shapesSecret, BaseURL: m.URL()})
	if err != nil {
		t.Fatal(err)
	}
	buy := func(n int) string {
		s, err := p.CreateCheckout(t.Context(), payment.Order{PurchaseID: fmt.Sprint("pur_", n), PackName: "1,000 credits", AmountMinor: 999, Currency: "USD", Email: "payer@example.com",
			SuccessURL: "https://chat.example/billing/return", CancelURL: "https://chat.example/billing", ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return s.ID
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	pay := func(n int) string { id, err := m.Pay(buy(n)); must(err); return id }
	refund, err := m.Refund(pay(1), 500)
	must(err)
	must(m.FailRefund(refund))
	for n, won := range []bool{true, false} {
		dispute, err := m.Dispute(pay(2+n), 0, false)
		must(err)
		must(m.CloseDispute(dispute, won))
	}
	_, err = m.Dispute(pay(4), 0, true)
	must(err)
	for n, ok := range []bool{true, false} {
		late := buy(5 + n)
		must(m.PayLater(late))
		must(m.Arrive(late, ok))
	}
	must(m.Expire(buy(7)))
	buy(8)
	seen := map[string]bool{}
	// All of it stands in the lists, too, in the order of the lists that are read.
	for path, least := range map[string]int{"/v1/events?limit=100": 25, "/v1/checkout/sessions?limit=100&expand[]=data.payment_intent.latest_charge": 8, "/v1/refunds?expand[]=data.charge": 1} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.URL()+path, nil)
		must(err)
		r.Header.Set("Authorization", "Bearer sk_test_123")
		resp, err := (&http.Client{}).Do(r)
		must(err)
		var list struct{ Data []map[string]any }
		err = json.NewDecoder(resp.Body).Decode(&list)
		_ = resp.Body.Close()
		must(err)
		if len(list.Data) < least {
			t.Errorf("%s has %d rows", path, len(list.Data))
		}
		for _, v := range list.Data {
			d.object(t, v)
			if data, ok := v["data"].(map[string]any); ok {
				d.object(t, data["object"].(map[string]any))
				seen[v["type"].(string)] = true
			}
		}
	}
	for kind := range seen {
		if !slices.Contains(d.events, kind) {
			t.Errorf("Stripe has no event %q", kind)
		}
	}
	if len(seen) < 12 {
		t.Errorf("only %v was sent", slices.Sorted(maps.Keys(seen)))
	}
	// A field that Stripe doesn't have, and a type that it doesn't send, are found.
	if faults := d.fits(map[string]any{"amount": "9", "amont": 9.0, "status": "paid", "currency": nil}, d.schemas["charge"], "charge"); len(faults) != 4 {
		t.Errorf("%q", faults)
	}
}

// Events made of Stripe's own examples, signed by Stripe's own signer, tell what they hold.
func TestStripesExamplesAreRead(t *testing.T) {
	d := descriptions(t)
	p, err := New(Config{Key: "sk_test_123", Secret: shapesSecret})
	if err != nil {
		t.Fatal(err)
	}
	// with is Stripe's example of an object with what happened to it; each value fits its
	// description.
	with := func(name string, more map[string]any) map[string]any {
		for _, fault := range d.fits(through(t, more), d.schemas[name], name) {
			t.Error(fault)
		}
		v := maps.Clone(d.fixtures[name])
		maps.Copy(v, more)
		return v
	}
	meta := map[string]any{metaPurchase: "pur_1"}
	card := through(t, d.fixtures["charge"])["payment_method_details"].(map[string]any)["card"].(map[string]any)
	session := map[string]any{"status": "complete", "payment_status": "paid", "amount_total": 1099, "currency": "eur", "customer": "cus_1", "metadata": meta,
		"total_details": map[string]any{"amount_tax": 175, "amount_discount": 0, "amount_shipping": 0}}
	intent := map[string]any{"status": "succeeded", "amount_received": 1099, "customer": "cus_1", "metadata": meta}
	charged := map[string]any{"captured": true, "payment_intent": "pi_1", "customer": "cus_1", "metadata": meta, "receipt_url": "https://example.com/receipt"}
	refunded := maps.Clone(charged)
	refunded["amount_refunded"] = 40
	dispute := func(status string) map[string]any { return map[string]any{"status": status, "payment_intent": "pi_1"} }
	pi, cs := d.fixtures["payment_intent"]["id"].(string), d.fixtures["checkout.session"]["id"].(string)
	name := d.fixtures["charge"]["billing_details"].(map[string]any)["name"].(string)
	paid := payment.Event{Status: payment.Paid, PurchaseID: "pur_1", PaymentID: "pi_1", CustomerID: "cus_1", AmountMinor: 100, Currency: "USD", Address: payment.Address{Name: name},
		Brand: card["brand"].(string), Last4: card["last4"].(string), ReceiptURL: "https://example.com/receipt"}
	back := paid
	back.Status, back.RefundedMinor = payment.Refunded, 40
	bought := payment.Event{Status: payment.Paid, PurchaseID: "pur_1", SessionID: cs, PaymentID: pi, CustomerID: "cus_1", AmountMinor: 1099, TaxMinor: 175, Currency: "EUR"}
	like := func(e payment.Event, status payment.Status) payment.Event { e.Status = status; return e }
	disputed := func(how string) payment.Event {
		return payment.Event{Status: payment.Disputed, PaymentID: "pi_1", DisputeID: d.fixtures["dispute"]["id"].(string), DisputedMinor: 1000, Currency: "USD", Dispute: how}
	}
	for _, c := range []struct {
		kind   string
		object map[string]any
		want   payment.Event
	}{
		{"checkout.session.completed", with("checkout.session", session), bought},
		{"checkout.session.async_payment_succeeded", with("checkout.session", session), bought},
		{"checkout.session.async_payment_failed", with("checkout.session", session), like(bought, payment.Failed)},
		{"checkout.session.expired", with("checkout.session", session), like(bought, payment.Expired)},
		{"payment_intent.succeeded", with("payment_intent", intent), payment.Event{Status: payment.Paid, PurchaseID: "pur_1", PaymentID: pi, CustomerID: "cus_1", AmountMinor: 1099, Currency: "USD"}},
		{"charge.succeeded", with("charge", charged), paid},
		{"charge.refunded", with("charge", refunded), back},
		{"charge.dispute.created", with("dispute", dispute("needs_response")), disputed(payment.DisputeOpen)},
		{"charge.dispute.funds_withdrawn", with("dispute", dispute("under_review")), disputed(payment.DisputeOpen)},
		{"charge.dispute.funds_reinstated", with("dispute", dispute("under_review")), disputed(payment.DisputeWon)},
		{"charge.dispute.updated", with("dispute", dispute("under_review")), disputed(payment.DisputeOpen)},
		{"charge.dispute.closed", with("dispute", dispute("won")), disputed(payment.DisputeWon)},
		{"charge.dispute.closed", with("dispute", dispute("lost")), disputed(payment.DisputeLost)},
		{"charge.dispute.created", with("dispute", dispute("warning_needs_response")), payment.Event{}},
	} {
		if !slices.Contains(d.events, c.kind) {
			t.Errorf("Stripe has no event %q", c.kind)
		}
		body, err := json.Marshal(with("event", map[string]any{"type": c.kind, "data": map[string]any{"object": c.object}}))
		if err != nil {
			t.Fatal(err)
		}
		signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: shapesSecret, Timestamp: time.Now()})
		got, err := p.Parse(http.Header{"Stripe-Signature": {signed.Header}}, body, time.Now())
		if err != nil {
			t.Errorf("%s: %v", c.kind, err)
			continue
		}
		c.want.ID, c.want.Kind, c.want.OccurredAt, c.want.SignedAt = d.fixtures["event"]["id"].(string), c.kind, time.Unix(int64(d.fixtures["event"]["created"].(float64)), 0).UTC(), got.SignedAt
		if got != c.want {
			t.Errorf("%s tells %+v, want %+v", c.kind, got, c.want)
		}
	}
}

// through is a value as JSON has it.
func through(t *testing.T, v map[string]any) (out map[string]any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}
