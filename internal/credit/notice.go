package credit

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// A wallet is told of once each time its balance falls below its threshold. It waits to be
// told of while low_told_at is empty; a wallet that begins below, or whose owner moves
// the threshold above the balance, is taken for told.

// Notice says when the viewer is told that its balance is low; nil stays as it is.
type Notice struct {
	Threshold *int64 // micro-credits; 0 never
	Mail      *bool
}

// setNoticeSQL takes a balance that is below the new threshold for told. This and the next
// two lock the balance first, so that it is not another when they have decided.
const setNoticeSQL = `WITH n AS MATERIALIZED (
    SELECT x.owner_id, b.posted, coalesce(CAST(@threshold AS bigint), x.low_threshold) AS threshold
    FROM wallets x JOIN ledger_balances b ON b.account_id = x.account_id WHERE x.owner_id = @owner FOR NO KEY UPDATE OF b
)
UPDATE wallets w SET low_threshold = n.threshold, low_notice = coalesce(CAST(@mail AS boolean), w.low_notice),
    low_told_at = CASE WHEN n.posted >= n.threshold THEN NULL ELSE coalesce(w.low_told_at, @now) END
FROM n WHERE w.owner_id = n.owner_id`

// SetNotice changes below what balance the viewer's wallet counts as low, and whether a
// mail says so. It refuses guests with UNAUTHENTICATED, and negative thresholds with
// INVALID.
func (s *Service) SetNotice(ctx context.Context, v viewer.Viewer, n Notice) error {
	if v.Kind != viewer.Account {
		return fault.New(fault.Unauthenticated, "sign in first: guests have no wallet")
	}
	if n.Threshold != nil && *n.Threshold < 0 {
		return fault.On("threshold", fault.Invalid, "the threshold can't be negative: 0 turns the notice off")
	}
	err := s.DB.Gorm(ctx).Exec(setNoticeSQL, map[string]any{"mail": n.Mail, "threshold": n.Threshold, "now": s.Clock.Now(), "owner": v.OwnerID}).Error
	if err != nil {
		return fmt.Errorf("change the notice: %w", err)
	}
	s.Tell(v.OwnerID)
	return nil
}

// rearmTx makes a wallet that got credits wait again, if its balance isn't low any more.
// Its balance is locked.
func rearmTx(tx *gorm.DB, accountID string) error {
	err := tx.Exec(`UPDATE wallets w SET low_told_at = NULL FROM ledger_balances b
		WHERE b.account_id = w.account_id AND w.low_told_at IS NOT NULL AND b.posted >= w.low_threshold AND w.account_id = ?`, accountID).Error
	if err != nil {
		return fmt.Errorf("let the notice of a low balance wait: %w", err)
	}
	return nil
}

// lowSQL finds who is to be told.
const lowSQL = `SELECT w.owner_id FROM wallets w JOIN ledger_balances b ON b.account_id = w.account_id
WHERE w.low_told_at IS NULL AND w.low_notice AND b.posted < w.low_threshold AND w.owner_id > ? ORDER BY w.owner_id LIMIT ?`

// TellLow writes a mail to everybody whose balance has become low since the last one.
// Whatever happens, and on however many instances it runs, there is one mail at most for
// each time. Somebody whom it cannot tell keeps nobody else from being told.
func (s *Service) TellLow(ctx context.Context) (told int, err error) {
	if s.joined.Load().mailer == nil {
		return 0, nil
	}
	var failed []error
	for after := ""; ; {
		var owners []string
		if err := s.DB.Gorm(ctx).Raw(lowSQL, after, sweepSize).Scan(&owners).Error; err != nil {
			return told, errors.Join(append(failed, fmt.Errorf("find low balances: %w", err))...)
		}
		for _, owner := range owners {
			done, err := s.tellLow(ctx, owner)
			if err != nil {
				failed = append(failed, fmt.Errorf("tell %s of a low balance: %w", owner, err))
			}
			if done {
				told++
			}
			after = owner
		}
		if len(owners) < sweepSize || ctx.Err() != nil {
			return told, errors.Join(failed...)
		}
	}
}

// claimLowSQL takes on to tell somebody, if that is still due.
const claimLowSQL = `WITH n AS MATERIALIZED (
    SELECT x.owner_id, b.posted FROM wallets x JOIN ledger_balances b ON b.account_id = x.account_id WHERE x.owner_id = @owner FOR NO KEY UPDATE OF b
)
UPDATE wallets w SET low_told_at = @now FROM n
WHERE w.owner_id = n.owner_id AND w.low_told_at IS NULL AND w.low_notice AND n.posted < w.low_threshold
RETURNING n.posted, w.low_threshold`

// tellLow writes the mail in the transaction that takes it on.
func (s *Service) tellLow(ctx context.Context, ownerID string) (done bool, err error) {
	key, err := s.Keys.Key(ctx, ownerID)
	if fault.Is(err, fault.NotFound) { // gone meanwhile
		return false, nil
	}
	if err != nil {
		return false, err
	}
	v := viewer.Viewer{Kind: viewer.Account, OwnerID: ownerID, Key: key}
	now := s.Clock.Now()
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		var due []struct{ Posted, LowThreshold int64 }
		if err := tx.Raw(claimLowSQL, map[string]any{"owner": ownerID, "now": now}).Scan(&due).Error; err != nil {
			return fmt.Errorf("take on a notice: %w", err)
		}
		if done = len(due) > 0; !done {
			return nil
		}
		facts := map[string]string{"balance": credits(due[0].Posted), "threshold": credits(due[0].LowThreshold)}
		return s.joined.Load().mailer.TellTx(tx, v, models.LetterLowBalance, strconv.FormatInt(now.UnixMicro(), 10), facts)
	})
	return done && err == nil, err
}
