package paymenttest

import "fmt"

// Refund gives back an amount of a payment, which is named by its id, its charge, its
// checkout or its purchase; 0 is all that is left. It returns the refund's id.
func (s *Stripe) Refund(paid string, amount int64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.charge(paid)
	if c == nil || amount > c.amount-c.refunded || c.refunded == c.amount {
		return "", fmt.Errorf("refund %s: %w", paid, errNoSuch)
	}
	if amount == 0 {
		amount = c.amount - c.refunded
	}
	c.refunded += amount
	r := &stripeRefund{id: newID("re"), status: "succeeded", charge: c, amount: amount, created: s.now()}
	s.refunds = append(s.refunds, r)
	s.emit("charge.refunded", s.chargeJSON(c))
	s.emit("refund.created", s.refundJSON(r, false))
	return r.id, nil
}

// FailRefund lets the payer's bank refuse a refund: the money comes back.
func (s *Stripe) FailRefund(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.refunds {
		if r.id == id && r.status == "succeeded" {
			r.status = "failed"
			r.charge.refunded -= r.amount
			s.emit("refund.updated", s.refundJSON(r, false))
			s.emit("refund.failed", s.refundJSON(r, false))
			return nil
		}
	}
	return fmt.Errorf("fail the refund %s: %w", id, errNoSuch)
}

// Dispute lets the payer's bank take a payment back, or part of it; 0 is all that is not
// disputed yet. An inquiry takes nothing. A payment may be disputed several times. It
// returns the dispute's id.
func (s *Stripe) Dispute(paid string, amount int64, inquiry bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.charge(paid)
	if c == nil {
		return "", fmt.Errorf("dispute %s: %w", paid, errNoSuch)
	}
	left := c.amount
	for _, d := range s.disputes {
		if d.charge == c && d.status != "won" {
			left -= d.amount
		}
	}
	if amount == 0 {
		amount = left
	}
	if left == 0 || amount > left {
		return "", fmt.Errorf("dispute %s: %w", paid, errNoSuch)
	}
	c.disputed = true
	d := &stripeDispute{id: newID("du"), status: "needs_response", charge: c, amount: amount, created: s.now()}
	if inquiry {
		d.status = "warning_needs_response"
	}
	s.disputes = append(s.disputes, d)
	s.emit("charge.dispute.created", s.disputeJSON(d))
	if !inquiry {
		s.withdraw(d)
	}
	return d.id, nil
}

// withdraw takes the money of a dispute; the lock is held.
func (s *Stripe) withdraw(d *stripeDispute) {
	d.move(-d.amount)
	s.emit("charge.dispute.funds_withdrawn", s.disputeJSON(d))
}

func (d *stripeDispute) move(amount int64) {
	d.movements = append(d.movements, object{"id": newID("txn"), "object": "balance_transaction", "amount": amount, "currency": d.charge.currency, "type": "adjustment"})
}

// Escalate makes a dispute of an inquiry.
func (s *Stripe) Escalate(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.disputes {
		if d.id == id && d.status == "warning_needs_response" {
			d.status = "needs_response"
			s.withdraw(d)
			s.emit("charge.dispute.updated", s.disputeJSON(d))
			return nil
		}
	}
	return fmt.Errorf("escalate the inquiry %s: %w", id, errNoSuch)
}

// CloseDispute ends a dispute.
func (s *Stripe) CloseDispute(id string, won bool) error {
	if won {
		return s.closeDispute(id, "won", -1)
	}
	return s.closeDispute(id, "lost", 0)
}

// LoseDispute ends a dispute that is lost, and an amount of it comes back all the same.
func (s *Stripe) LoseDispute(id string, returned int64) error {
	return s.closeDispute(id, "lost", returned)
}

// closeDispute ends a dispute; returned is what comes back, all of it when it is negative.
func (s *Stripe) closeDispute(id, status string, returned int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.disputes {
		if d.id != id && d.charge != s.charge(id) || d.status == "won" || d.status == "lost" {
			continue
		}
		if returned < 0 {
			returned = d.amount
		}
		d.status = status
		if returned > 0 {
			d.move(returned)
			s.emit("charge.dispute.funds_reinstated", s.disputeJSON(d))
		}
		s.emit("charge.dispute.closed", s.disputeJSON(d))
		return nil
	}
	return fmt.Errorf("close the dispute %s: %w", id, errNoSuch)
}
