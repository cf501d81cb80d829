package billing

import (
	"context"
	"fmt"

	"github.com/kimi-k2/kimi-k2/models"
)

// Finding is what a check of an invariant found.
type Finding struct {
	Invariant, Title string
	Checked          int64
	Faults           []string // one line each, at most maxFaults
}

const (
	verifyBatch = 1000
	maxFaults   = 50
)

// Verify checks L9: a purchase is paid if and only if its credits were posted, once and
// as many as were bought; and what was taken back is what the books say and what its
// refunds and disputes ask for.
func (s *Service) Verify(ctx context.Context) ([]Finding, error) {
	f := Finding{Invariant: "L9", Title: "a purchase is paid if and only if its credits are in the ledger"}
	if err := s.checkPosted(ctx, &f); err != nil {
		return nil, err
	}
	if err := s.checkPurchases(ctx, &f); err != nil {
		return nil, err
	}
	if err := s.checkDisputes(ctx, &f); err != nil {
		return nil, err
	}
	return []Finding{f}, nil
}

func (f *Finding) fault(format string, args ...any) {
	if len(f.Faults) < maxFaults {
		f.Faults = append(f.Faults, fmt.Sprintf(format, args...))
	}
}

// checkPosted reads the ledger first, and then whether what it credited is paid: whoever
// is just being paid can't look wrong.
func (s *Service) checkPosted(ctx context.Context, f *Finding) error {
	for after := ""; ; {
		refs, err := s.Ledger.Refs(ctx, models.TransferPurchase, after, verifyBatch)
		if err != nil {
			return err
		}
		if len(refs) == 0 {
			return nil
		}
		var paid []string
		err = s.DB.Gorm(ctx).Model(&models.Purchase{}).Where("id IN ? AND status = ?", refs, models.PurchasePaid).Pluck("id", &paid).Error
		if err != nil {
			return fmt.Errorf("look which purchases are paid: %w", err)
		}
		known := make(map[string]bool, len(paid))
		for _, id := range paid {
			known[id] = true
		}
		for _, ref := range refs {
			f.Checked++
			if !known[ref] {
				f.fault("%s: credits were posted, but it is not paid", ref)
			}
		}
		after = refs[len(refs)-1]
	}
}

// checkPurchases reads the paid purchases first, and then their postings.
func (s *Service) checkPurchases(ctx context.Context, f *Finding) error {
	for after := ""; ; {
		var batch []models.Purchase
		err := s.DB.Gorm(ctx).Where("status = ? AND id > ?", models.PurchasePaid, after).Order("id").Limit(verifyBatch).Find(&batch).Error
		if err != nil {
			return fmt.Errorf("list paid purchases: %w", err)
		}
		if len(batch) == 0 {
			return nil
		}
		if err := s.checkBatch(ctx, f, batch); err != nil {
			return err
		}
		after = batch[len(batch)-1].ID
	}
}

var purchaseKinds = []models.TransferKind{models.TransferPurchase, models.TransferRefund, models.TransferDispute, models.TransferReinstatement}

func (s *Service) checkBatch(ctx context.Context, f *Finding, batch []models.Purchase) error {
	var refs []string
	for _, p := range batch {
		refs = append(refs, p.ID)
		for n := 1; n <= p.Revision; n++ {
			refs = append(refs, revisionRef(p.ID, n))
		}
	}
	amounts, err := s.Ledger.Amounts(ctx, purchaseKinds, refs)
	if err != nil {
		return err
	}
	for _, p := range batch {
		f.Checked++
		if posted := amounts[models.TransferPurchase][p.ID]; posted != p.Credits {
			f.fault("%s: it is paid for %d micro-credits, and %d were posted", p.ID, p.Credits, posted)
		}
		var back int64
		for n := 1; n <= p.Revision; n++ {
			ref := revisionRef(p.ID, n)
			back += amounts[models.TransferRefund][ref] + amounts[models.TransferDispute][ref] - amounts[models.TransferReinstatement][ref]
		}
		if back != p.Reversed {
			f.fault("%s: %d micro-credits were taken back, and the ledger says %d", p.ID, p.Reversed, back)
		}
		if due := due(p); due != p.Reversed {
			f.fault("%s: %d micro-credits were taken back, and its refunds and disputes ask for %d", p.ID, p.Reversed, due)
		}
	}
	return nil
}

// checkDisputes compares what purchases say of their disputes with the disputes, in one
// look at both.
func (s *Service) checkDisputes(ctx context.Context, f *Finding) error {
	var wrong []struct {
		ID            string
		DisputedMinor int64
		Dispute       models.DisputeState
		Minor         int64
		State         models.DisputeState
	}
	err := s.DB.Gorm(ctx).Raw(`WITH d AS (SELECT d.purchase_id, d.state, CASE WHEN d.state = 'WON' THEN 0 WHEN d.amount_minor = 0 THEN p.paid_minor
				ELSE greatest(0, d.amount_minor - d.returned_minor) END AS minor FROM payment_disputes d JOIN purchases p ON p.id = d.purchase_id),
			s AS (SELECT p.id, p.disputed_minor, p.dispute, least(p.paid_minor, coalesce(sum(d.minor), 0))::bigint AS minor,
				CASE WHEN count(d.state) = 0 THEN 'NONE' WHEN bool_or(d.state = 'OPEN' AND d.minor > 0) THEN 'OPEN' WHEN bool_or(d.minor > 0) THEN 'LOST' ELSE 'WON' END AS state
				FROM purchases p LEFT JOIN d ON d.purchase_id = p.id GROUP BY p.id)
		SELECT * FROM s WHERE (disputed_minor, dispute) <> (minor, state) ORDER BY id LIMIT ?`, maxFaults).Scan(&wrong).Error
	if err != nil {
		return fmt.Errorf("compare purchases with their disputes: %w", err)
	}
	for _, w := range wrong {
		f.fault("%s: it says %s, %d disputed, and its disputes are %s, %d", w.ID, w.Dispute, w.DisputedMinor, w.State, w.Minor)
	}
	return nil
}

func revisionRef(purchaseID string, n int) string { return fmt.Sprintf("%s/%d", purchaseID, n) }
