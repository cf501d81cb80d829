package paymenttest

// The objects in the shape of Stripe's interface, as far as anybody may look at them.

var payerDetails = object{"name": "Ada Example", "email": "payer@example.com", "phone": nil,
	"address": object{"line1": "1 Test Street", "line2": nil, "postal_code": "10115", "city": "Berlin", "state": nil, "country": "DE"}}

func (s *Stripe) sessionJSON(x *stripeSession, expand bool) object {
	o := object{"id": x.id, "object": "checkout.session", "livemode": s.o.Live, "mode": "payment", "created": x.created, "expires_at": x.expires,
		"status": x.status, "payment_status": x.paymentStatus, "amount_subtotal": x.price, "amount_total": x.total, "currency": x.currency,
		"total_details": object{"amount_discount": 0, "amount_shipping": 0, "amount_tax": x.tax}, "client_reference_id": x.ref, "metadata": x.metadata,
		"customer": nil, "customer_email": nil, "customer_details": nil, "payment_intent": nil, "success_url": x.success, "cancel_url": x.cancel, "url": nil}
	if x.email != "" {
		o["customer_email"] = x.email
	}
	if x.customer != "" {
		o["customer"] = x.customer
	}
	if x.status == "open" {
		o["url"] = s.URL() + "/pay/" + x.id
	}
	if x.charge != nil {
		o["customer_details"], o["payment_intent"] = payerDetails, x.charge.intent
		if expand {
			o["payment_intent"] = s.intentJSON(x.charge, true)
		}
	}
	return o
}

func (s *Stripe) intentJSON(c *stripeCharge, expand bool) object {
	o := object{"id": c.intent, "object": "payment_intent", "livemode": s.o.Live, "status": "succeeded", "amount": c.amount, "amount_received": c.amount,
		"currency": c.currency, "customer": c.customer, "metadata": c.metadata, "created": c.created, "latest_charge": c.id}
	if expand {
		o["latest_charge"] = s.chargeJSON(c)
	}
	return o
}

func (s *Stripe) chargeJSON(c *stripeCharge) object {
	return object{"id": c.id, "object": "charge", "livemode": s.o.Live, "status": "succeeded", "paid": true, "captured": true, "amount": c.amount,
		"amount_captured": c.amount, "amount_refunded": c.refunded, "refunded": c.refunded == c.amount, "disputed": c.disputed, "currency": c.currency,
		"customer": c.customer, "payment_intent": c.intent, "metadata": c.metadata, "created": c.created, "billing_details": payerDetails,
		"payment_method_details": object{"type": "card", "card": object{"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2034, "funding": "credit", "country": "US"}},
		"receipt_url":            s.URL() + "/receipts/" + c.id}
}

func (s *Stripe) refundJSON(r *stripeRefund, expand bool) object {
	o := object{"id": r.id, "object": "refund", "amount": r.amount, "currency": r.charge.currency, "status": r.status, "charge": r.charge.id,
		"payment_intent": r.charge.intent, "metadata": object{}, "created": r.created, "reason": nil}
	if expand {
		o["charge"] = s.chargeJSON(r.charge)
	}
	return o
}

func (s *Stripe) disputeJSON(d *stripeDispute) object {
	return object{"id": d.id, "object": "dispute", "livemode": s.o.Live, "amount": d.amount, "currency": d.charge.currency, "status": d.status,
		"reason": "fraudulent", "charge": d.charge.id, "payment_intent": d.charge.intent, "metadata": object{}, "created": d.created,
		"is_charge_refundable": false, "balance_transactions": append([]any{}, d.movements...)}
}
