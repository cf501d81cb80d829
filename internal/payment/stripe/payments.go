package stripe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/payment"
)

// expandSession brings the card along with a session.
const expandSession = "payment_intent.latest_charge"

// Session is how one checkout stands.
func (p *Provider) Session(ctx context.Context, sessionID string) (payment.Event, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var s session
	if err := p.get(ctx, "/v1/checkout/sessions/"+url.PathEscape(sessionID), url.Values{"expand[]": {expandSession}}, &s); err != nil {
		return payment.Event{}, fmt.Errorf("ask Stripe for a checkout: %w", err)
	}
	return p.told(s), nil
}

// told is a session that was asked for as an event.
func (p *Provider) told(s session) payment.Event {
	e := s.event(s.status())
	return p.current(e, "checkout.session", s.ID+":"+s.Status+":"+s.PaymentStatus, s.Created)
}

// current makes an event of what was asked for; its id holds what it tells, so that
// the same told again is the same event.
func (p *Provider) current(e payment.Event, kind, id string, created int64) payment.Event {
	e.ID, e.Kind, e.OccurredAt, e.Live, e.Current = "asked:"+id, kind, at(created), p.live, true
	return e
}

// Payments tells of all checkouts of this program and all refunds made since, and of
// what was said about disputes since; of a dispute over an old payment nothing else
// tells. Stripe keeps that for 30 days.
func (p *Provider) Payments(ctx context.Context, since time.Time, each func(payment.Event) error) error {
	if err := p.sessions(ctx, since, each); err != nil {
		return fmt.Errorf("list the checkouts at Stripe: %w", err)
	}
	if err := p.refunds(ctx, since, each); err != nil {
		return fmt.Errorf("list the refunds at Stripe: %w", err)
	}
	if err := p.disputes(ctx, since, each); err != nil {
		return fmt.Errorf("list the disputes at Stripe: %w", err)
	}
	return nil
}

func (p *Provider) sessions(ctx context.Context, since time.Time, each func(payment.Event) error) error {
	return p.list(ctx, "/v1/checkout/sessions", url.Values{"created[gte]": {seconds(since)}, "expand[]": {"data." + expandSession}}, func(raw json.RawMessage) error {
		var s session
		if err := json.Unmarshal(raw, &s); err != nil {
			return errGarbage
		}
		e := p.told(s)
		if e.PurchaseID == "" || e.Status == payment.Nothing {
			return nil
		}
		return each(e)
	})
}

// refunds tells each payment's refunds once, as they stand.
func (p *Provider) refunds(ctx context.Context, since time.Time, each func(payment.Event) error) error {
	told := map[string]bool{}
	tell := func(c charge, created int64) error {
		if told[c.ID] {
			return nil
		}
		told[c.ID] = true
		e := c.event(payment.Refunded)
		return each(p.current(e, "charge.refunds", c.ID+":refunded:"+strconv.FormatInt(c.AmountRefunded, 10), created))
	}
	err := p.list(ctx, "/v1/refunds", url.Values{"created[gte]": {seconds(since)}, "expand[]": {"data.charge"}}, func(raw json.RawMessage) error {
		var r refund
		if err := json.Unmarshal(raw, &r); err != nil {
			return errGarbage
		}
		var c charge
		if !r.Charge.expanded(&c) {
			return nil // of a payment without a charge: none of this program's
		}
		return tell(c, r.Created)
	})
	if err != nil {
		return err
	}
	// An older refund may fail long after it was made.
	return p.events(ctx, since, []string{"refund.failed", "charge.refunded"}, func(e envelope) error {
		id, err := chargeOf(e)
		if err != nil || id == "" || told[id] {
			return err
		}
		var c charge
		if err := p.get(ctx, "/v1/charges/"+url.PathEscape(id), nil, &c); err != nil {
			return err
		}
		return tell(c, e.Created)
	})
}

// chargeOf is the id of the charge that an event about a refund is about.
func chargeOf(e envelope) (string, error) {
	var o struct {
		ID     string `json:"id"`
		Charge ref    `json:"charge"`
	}
	if err := json.Unmarshal(e.Data.Object, &o); err != nil {
		return "", errGarbage
	}
	if e.Type == "charge.refunded" {
		return o.ID, nil
	}
	return o.Charge.ID, nil
}

func (p *Provider) disputes(ctx context.Context, since time.Time, each func(payment.Event) error) error {
	types := []string{"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"}
	return p.events(ctx, since, types, func(e envelope) error {
		out, err := e.neutral()
		if err != nil {
			return errGarbage
		}
		if out.Status == payment.Nothing {
			return nil
		}
		return each(out)
	})
}

// events lists what webhooks said since, of these types. The events are the webhooks'
// own, by their ids too.
func (p *Provider) events(ctx context.Context, since time.Time, types []string, each func(envelope) error) error {
	return p.list(ctx, "/v1/events", url.Values{"created[gte]": {seconds(since)}, "types[]": types}, func(raw json.RawMessage) error {
		var e envelope
		if err := json.Unmarshal(raw, &e); err != nil {
			return errGarbage
		}
		return each(e)
	})
}

var errGarbage = fmt.Errorf("%w: its answer cannot be read", payment.ErrUnavailable)

// maxPages bounds a list: 100 pages of 100.
const maxPages = 100

// list goes through all pages of a list.
func (p *Provider) list(ctx context.Context, path string, query url.Values, each func(json.RawMessage) error) error {
	query.Set("limit", "100")
	for range maxPages {
		var page struct {
			Data    []json.RawMessage `json:"data"`
			HasMore bool              `json:"has_more"`
		}
		if err := p.get(ctx, path, query, &page); err != nil {
			return err
		}
		var last struct {
			ID string `json:"id"`
		}
		for _, raw := range page.Data {
			if err := each(raw); err != nil {
				return err
			}
			if err := json.Unmarshal(raw, &last); err != nil {
				return errGarbage
			}
		}
		if !page.HasMore || last.ID == "" {
			return nil
		}
		query.Set("starting_after", last.ID)
	}
	return fmt.Errorf("%w: its list has no end", payment.ErrUnavailable)
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
