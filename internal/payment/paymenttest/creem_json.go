package paymenttest

import (
	"maps"
	"time"
)

// The objects in the shape of Creem's interface.

const creemDate = "2006-01-02T15:04:05.000Z"

func date(t time.Time) string { return t.UTC().Format(creemDate) }

func (c *Creem) checkoutJSON(x *creemCheckout) object {
	o := object{"id": x.id, "object": "checkout", "mode": c.mode(), "status": x.status, "product": c.productJSON(x), "units": 1, "metadata": x.metadata,
		"custom_fields": []any{}}
	if x.request != "" {
		o["request_id"] = x.request
	}
	if x.success != "" {
		o["success_url"] = x.success
	}
	if x.status == "pending" {
		o["checkout_url"] = c.URL() + "/pay/" + x.id
	}
	if x.order != nil {
		o["order"], o["customer"] = c.orderJSON(x), c.customerJSON(x)
	}
	return o
}

func (c *Creem) productJSON(x *creemCheckout) object {
	p := c.o.Products[x.product]
	tax := "exclusive"
	if p.TaxIncluded {
		tax = "inclusive"
	}
	return object{"id": x.product, "object": "product", "mode": c.mode(), "name": p.Name, "description": p.Name, "price": p.Price, "currency": p.Currency,
		"billing_type": "onetime", "billing_period": "once", "status": "active", "tax_mode": tax, "tax_category": "saas",
		"created_at": date(x.created), "updated_at": date(x.created)}
}

func (c *Creem) customerJSON(x *creemCheckout) object {
	email := x.email
	if email == "" {
		email = "payer@example.com"
	}
	return object{"id": x.customer, "object": "customer", "mode": c.mode(), "email": email, "name": "Ada Example", "country": "DE",
		"created_at": date(x.created), "updated_at": date(x.created)}
}

func (c *Creem) orderJSON(x *creemCheckout) object {
	o := x.order
	return object{"id": o.id, "object": "order", "mode": c.mode(), "customer": x.customer, "product": x.product, "transaction": o.transaction,
		"amount": o.amount, "sub_total": o.amount, "tax_amount": o.tax, "amount_due": o.paid, "amount_paid": o.paid, "currency": o.currency, "status": "paid",
		"type": "onetime", "created_at": date(o.created), "updated_at": date(o.created)}
}

func (c *Creem) transactionJSON(x *creemCheckout) object {
	o := x.order
	return object{"id": o.transaction, "object": "transaction", "mode": c.mode(), "amount": o.amount, "amount_paid": o.paid, "tax_amount": o.tax,
		"tax_country": "DE", "refunded_amount": o.refunds, "currency": o.currency, "type": "payment", "status": o.status, "order": o.id,
		"subscription": nil, "customer": x.customer, "created_at": o.created.UnixMilli()}
}

// backJSON is a refund or a dispute.
func (c *Creem) backJSON(x *creemCheckout, kind string, more object) object {
	checkout := c.checkoutJSON(x)
	delete(checkout, "order") // nested objects are shorter
	delete(checkout, "customer")
	checkout["product"] = x.product
	out := object{"id": newID(kind[:3]), "object": kind, "mode": c.mode(), "transaction": c.transactionJSON(x), "checkout": checkout,
		"order": c.orderJSON(x), "customer": c.customerJSON(x), "created_at": c.o.Clock.Now().UnixMilli()}
	maps.Copy(out, more)
	return out
}
