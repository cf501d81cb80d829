package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// Alarm is something that whoever runs the installation has to look at. An administrator is
// told of one Mark once.
type Alarm struct {
	Kind  models.LetterKind
	Mark  string
	Facts map[string]string // counts and the provider; nothing of a payer
}

// The job that calls TellQuarantined.
const (
	QuarantineJob   = "payments.quarantine"
	QuarantineEvery = time.Minute
)

const (
	// quarantineCalm is the shortest time between two mails of payments in quarantine.
	quarantineCalm = time.Hour
	// failuresTold is how many comparisons that fail one after the other are told of: an hour.
	failuresTold = 4
)

// alarmSQL makes those who tell the administrators wait for each other.
const alarmSQL = `SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`

// tellQuarantinedSQL takes on to tell of what waits and nobody was told of, unless somebody
// was told of something a short while ago.
const tellQuarantinedSQL = `UPDATE payment_quarantine SET facts = facts || jsonb_build_object('toldAt', CAST(@now AS text))
WHERE resolved_at IS NULL AND NOT jsonb_exists(facts, 'toldAt')
	AND NOT EXISTS (SELECT FROM payment_quarantine WHERE CAST(facts ->> 'toldAt' AS timestamptz) > @calm)`

// TellQuarantined tells the administrators of the payments that came into quarantine and
// wait for a decision: of each once, of all that came within an hour together. They are told
// in the transaction that notes it, on however many instances this runs.
func (s *Service) TellQuarantined(ctx context.Context) (told int, err error) {
	if s.Alarm == nil {
		return 0, nil
	}
	now := s.Clock.Now()
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec(alarmSQL, QuarantineJob).Error; err != nil {
			return fmt.Errorf("lock what is told of the quarantine: %w", err)
		}
		took := tx.Exec(tellQuarantinedSQL, map[string]any{"now": now.Format(time.RFC3339Nano), "calm": now.Add(-quarantineCalm)})
		if told = int(took.RowsAffected); took.Error != nil || told == 0 {
			return took.Error
		}
		waiting, err := waitingTx(tx)
		if err != nil {
			return err
		}
		return s.Alarm(ctx, tx, Alarm{Kind: models.LetterPaymentQuarantined, Mark: strconv.FormatInt(now.UnixMicro(), 10),
			Facts: map[string]string{"count": strconv.Itoa(told), "waiting": strconv.FormatInt(waiting, 10)}})
	})
	if err != nil {
		return 0, fmt.Errorf("tell of payments in quarantine: %w", err)
	}
	return told, nil
}

// freshSQL counts lines that no earlier comparison with the provider noted: a difference that
// nobody can put right is in every comparison of two days.
const freshSQL = `SELECT count(*) FROM jsonb_array_elements(CAST(@lines AS jsonb)) line
WHERE NOT EXISTS (SELECT FROM reconciliations WHERE provider = @provider AND started_at > @since AND differences @> line)`

// streakSQL is how many comparisons with the provider have failed since the last one that
// didn't, and the first of them.
const streakSQL = `SELECT count(*) AS failed, coalesce(min(id), '') AS first FROM reconciliations
WHERE provider = @provider AND id > coalesce((SELECT max(id) FROM reconciliations WHERE provider = @provider AND failure = ''), '')`

// tellTx tells the administrators of a comparison that is about to be stored: of what it
// could not put right, each difference once; that it put something right, once a day, for
// then webhooks don't arrive; and that comparisons fail, once they have for an hour. What it
// brought into quarantine is told with the quarantine.
func (c *comparison) tellTx(ctx context.Context, tx *gorm.DB) error {
	if c.Alarm == nil {
		return nil
	}
	if err := tx.Exec(alarmSQL, ReconcileJob+" "+string(c.row.Provider)).Error; err != nil {
		return fmt.Errorf("lock what is told of comparisons: %w", err)
	}
	if err := c.tellDifferencesTx(ctx, tx); err != nil {
		return err
	}
	return c.tellFailuresTx(ctx, tx)
}

func (c *comparison) tellDifferencesTx(ctx context.Context, tx *gorm.DB) error {
	lines, err := json.Marshal(c.left)
	if err != nil {
		return fmt.Errorf("write the differences that are left: %w", err)
	}
	var fresh int64
	err = tx.Raw(freshSQL, map[string]any{"lines": string(lines), "provider": c.row.Provider, "since": c.row.Since}).Scan(&fresh).Error
	if err != nil {
		return fmt.Errorf("compare with the differences of before: %w", err)
	}
	mark := c.row.ID
	switch {
	case fresh == 0 && c.row.Repaired == 0:
		return nil
	case fresh == 0:
		mark = string(c.row.Provider) + "/repaired/" + c.row.StartedAt.UTC().Format(time.DateOnly)
	}
	facts := map[string]string{"provider": string(c.row.Provider)}
	if fresh > 0 {
		facts["left"] = strconv.FormatInt(fresh, 10)
	}
	if c.row.Repaired > 0 {
		facts["repaired"] = strconv.Itoa(c.row.Repaired)
	}
	return c.Alarm(ctx, tx, Alarm{Kind: models.LetterPaymentsDiffer, Mark: mark, Facts: facts})
}

func (c *comparison) tellFailuresTx(ctx context.Context, tx *gorm.DB) error {
	if c.row.Failure == "" {
		return nil
	}
	var streak struct {
		Failed int
		First  string
	}
	if err := tx.Raw(streakSQL, map[string]any{"provider": c.row.Provider}).Scan(&streak).Error; err != nil {
		return fmt.Errorf("count the comparisons that failed: %w", err)
	}
	if streak.Failed++; streak.Failed < failuresTold {
		return nil
	}
	return c.Alarm(ctx, tx, Alarm{Kind: models.LetterPaymentsUncompared, Mark: string(c.row.Provider) + "/" + streak.First,
		Facts: map[string]string{"provider": string(c.row.Provider), "count": strconv.Itoa(streak.Failed)}})
}
