package credit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	maxReason = 500 // characters
	maxClient = 100
	// maxAdjustment is a million credits: more is a slip of the finger.
	maxAdjustment = 1_000_000 * models.MicroPerCredit
)

// Accounts finds accounts for the operator.
type Accounts interface {
	// FindNamed is the account with an id or an e-mail address; NOT_FOUND when there is none.
	FindNamed(ctx context.Context, idOrEmail string) (ownerID string, err error)
}

// Adjustment is what the operator gives an account, or takes from it. Repeating one with
// the same ClientID does nothing new.
type Adjustment struct {
	ClientID string
	Account  string // id or e-mail address
	Amount   int64  // micro-credits; negative takes
	Reason   string // its owner sees it
}

func (a Adjustment) check() error {
	var faults fault.List
	if n := utf8.RuneCountInString(a.ClientID); n < 1 || n > maxClient {
		faults = append(faults, fault.On("clientId", fault.Invalid, "a clientId has 1 to %d characters", maxClient))
	}
	if a.Amount == 0 || a.Amount > maxAdjustment || a.Amount < -maxAdjustment {
		faults = append(faults, fault.On("amount", fault.Invalid, "the amount must not be zero, and a million credits at most"))
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(a.Reason)); n < 1 || n > maxReason {
		faults = append(faults, fault.On("reason", fault.Invalid, "say why, in 1 to %d characters", maxReason))
	}
	return faults.OrNil()
}

func reasonPlace(ownerID, row string) seal.Place {
	return seal.Place{Table: "credit_adjustments", Column: "reason_sealed", Row: row, Owner: ownerID}
}

// Adjust gives an account credits or takes some, by a transfer with a reason. It refuses
// everybody but admins with FORBIDDEN, and with INSUFFICIENT_CREDITS to take more than is
// available, and with CONFLICT when the ClientID was used for something else.
func (s *Service) Adjust(ctx context.Context, v viewer.Viewer, accounts Accounts, a Adjustment) (b models.Balance, transferID string, err error) {
	if !v.Admin {
		return b, "", fault.New(fault.Forbidden, "only an administrator may do this")
	}
	if err := a.check(); err != nil {
		return b, "", err
	}
	ownerID, err := accounts.FindNamed(ctx, a.Account)
	if err != nil {
		return b, "", onAccount(err)
	}
	key, err := s.Keys.Key(ctx, ownerID)
	if err != nil {
		return b, "", fmt.Errorf("open the owner's key: %w", err)
	}
	var wallet string
	err = s.DB.Tx(ctx, func(tx *gorm.DB) (err error) {
		if wallet, err = s.WalletTx(tx, ownerID); err != nil {
			return err
		}
		transferID, err = s.adjustTx(tx, v, ownerID, wallet, key, a)
		return err
	})
	if err != nil {
		return b, "", fmt.Errorf("adjust a balance: %w", err)
	}
	s.Log.InfoContext(ctx, "the operator adjusted a balance", "owner", ownerID, "actor", v.OwnerID, "transfer", transferID, "micro-credits", a.Amount)
	s.Tell(ownerID)
	b, err = s.BalanceOf(ctx, wallet)
	return b, transferID, err
}

func onAccount(err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.On("account", fault.NotFound, "no account has this id or e-mail address")
	}
	return err
}

func (s *Service) adjustTx(tx *gorm.DB, v viewer.Viewer, ownerID, wallet string, key *seal.Key, a Adjustment) (transferID string, err error) {
	p := posting{kind: models.TransferGrant, ref: "operator/" + v.OwnerID + "/" + a.ClientID, wallet: wallet, other: accountGrants, amount: a.Amount}
	if a.Amount < 0 {
		p.kind, p.other = models.TransferAdjustment, accountAdjustments
	}
	transferID, done, err := s.postTx(tx, p)
	if err != nil {
		return transferID, err
	}
	if err := sameAdjustmentTx(tx, p, ownerID, transferID, done); err != nil || !done {
		return transferID, err
	}
	row := models.CreditAdjustment{OwnerID: ownerID, ID: id.New(id.Adjustment), TransferID: transferID, ActorID: v.OwnerID, Amount: a.Amount, CreatedAt: s.Clock.Now()}
	row.ReasonSealed = key.SealString(reasonPlace(ownerID, row.ID), strings.TrimSpace(a.Reason))
	if err := tx.Create(&row).Error; err != nil {
		return "", fmt.Errorf("write down why: %w", err)
	}
	return transferID, s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditCreditsAdjusted, Subject: ownerID, By: audit.Operator(v), Facts: models.AuditFacts{Ref: transferID, Micro: a.Amount}})
}

// sameAdjustmentTx refuses with CONFLICT when the operator's clientId did something else
// before: another amount, another account, or the other way.
func sameAdjustmentTx(tx *gorm.DB, p posting, ownerID, transferID string, done bool) error {
	var same bool
	err := tx.Raw(`SELECT (? OR EXISTS (SELECT FROM credit_adjustments WHERE owner_id = ? AND transfer_id = ? AND amount = ?))
		AND NOT EXISTS (SELECT FROM ledger_transfers WHERE ref = ? AND kind IN ? AND kind <> ?)`, done, ownerID, transferID, p.amount,
		p.ref, []models.TransferKind{models.TransferGrant, models.TransferAdjustment}, p.kind).Scan(&same).Error
	if err != nil {
		return fmt.Errorf("compare with the adjustment of before: %w", err)
	}
	if !same {
		return fault.On("clientId", fault.Conflict, "this clientId was used for another adjustment: take a new one")
	}
	return nil
}

// unreviewed is the condition of acts with absurd usage that nobody has looked at yet.
const unreviewed = "quarantined AND reviewed_at IS NULL"

// Absurd is a page of the acts whose engine sent absurd usage and that nobody has looked at
// yet, newest first, and whether there are more.
func (s *Service) Absurd(ctx context.Context, v viewer.Viewer, p page.Args) (acts []*models.UsageRow, more bool, err error) {
	if !v.Admin {
		return nil, false, fault.New(fault.Forbidden, "only an administrator may see this")
	}
	q := s.DB.Gorm(ctx).Where(unreviewed).Order("id DESC").Limit(p.Size + 1)
	if p.After != "" {
		q = q.Where("id < ?", p.After)
	}
	if err := q.Find(&acts).Error; err != nil {
		return nil, false, fmt.Errorf("list absurd usage: %w", err)
	}
	if more = len(acts) > p.Size; more {
		acts = acts[:p.Size]
	}
	return acts, more, nil
}

// AbsurdWaiting is how many acts with absurd usage nobody has looked at yet.
func (s *Service) AbsurdWaiting(ctx context.Context, v viewer.Viewer) (n int64, err error) {
	if !v.Admin {
		return 0, fault.New(fault.Forbidden, "only an administrator may see this")
	}
	if err := s.DB.Gorm(ctx).Model(&models.UsageRow{}).Where(unreviewed).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count absurd usage: %w", err)
	}
	return n, nil
}

// Review marks an act with absurd usage as looked at; NOT_FOUND when there is none.
func (s *Service) Review(ctx context.Context, v viewer.Viewer, usageID string) error {
	if !v.Admin {
		return fault.New(fault.Forbidden, "only an administrator may do this")
	}
	return s.DB.Tx(ctx, func(tx *gorm.DB) error {
		var owners []string
		err := tx.Raw(`UPDATE usage_rows SET reviewed_at = ? WHERE id = ? AND quarantined RETURNING owner_id`, s.Clock.Now(), usageID).Scan(&owners).Error
		if err != nil {
			return fmt.Errorf("mark absurd usage: %w", err)
		}
		if len(owners) == 0 {
			return fault.On("usageId", fault.NotFound, "there is no such act with absurd usage")
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditUsageReviewed, Subject: owners[0], By: audit.Operator(v), Facts: models.AuditFacts{Ref: usageID}})
	})
}

// EstimateError is how far our own count of tokens was off an engine's, as medians of
// ours over theirs, and the 95th percentile of the distance from 1.
type EstimateError struct {
	ModelID                                  string
	Acts                                     int64
	PromptRatio, OutputRatio, OutputErrorP95 float64
}

// fewestPeople is how many people a figure across people is made of at least. With fewer,
// who knows the others, or all of them but one, reads a single person's use from it.
const fewestPeople = 5

// EstimateErrors tells by model how far our count was off in the last 30 days, of models that
// at least five people used.
func (s *Service) EstimateErrors(ctx context.Context, v viewer.Viewer) (out []EstimateError, err error) {
	if !v.Admin {
		return nil, fault.New(fault.Forbidden, "only an administrator may see this")
	}
	err = s.DB.Gorm(ctx).Raw(`SELECT model_id, count(*) AS acts, percentile_cont(0.5) WITHIN GROUP (ORDER BY counted_prompt::float8 / prompt_tokens) AS prompt_ratio,
	percentile_cont(0.5) WITHIN GROUP (ORDER BY counted_output::float8 / output_tokens) AS output_ratio,
	percentile_cont(0.95) WITHIN GROUP (ORDER BY abs(counted_output::float8 / output_tokens - 1)) AS output_error_p95
FROM usage_rows WHERE NOT estimated AND NOT quarantined AND prompt_tokens > 0 AND output_tokens > 0 AND created_at > ? GROUP BY model_id HAVING count(DISTINCT owner_id) >= ? ORDER BY model_id`,
		s.Clock.Now().AddDate(0, 0, -30), fewestPeople).Scan(&out).Error
	if err != nil {
		return nil, fmt.Errorf("compare counts of tokens: %w", err)
	}
	return out, nil
}

// Pending lists holds that are not resolved.
func (s *Service) Pending(ctx context.Context) (holds []string, err error) {
	if err := s.DB.Gorm(ctx).Model(&models.LedgerHold{}).Where("status = 'PENDING'").Pluck("id", &holds).Error; err != nil {
		return nil, fmt.Errorf("list pending holds: %w", err)
	}
	return holds, nil
}

// ReportedUsage is what an engine claimed, as JSON.
func ReportedUsage(row *models.UsageRow) string {
	if !json.Valid(row.Reported) {
		return "{}"
	}
	return string(row.Reported)
}
