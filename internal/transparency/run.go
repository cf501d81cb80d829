package transparency

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// Run makes the checks whose time has come, and says how many it made. One that fails or
// takes too long keeps its former result, which then grows old for everybody to see.
func (s *Service) Run(ctx context.Context) (made int, err error) {
	last, err := s.results(ctx)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, k := range s.checks {
		row, ok := last[k.id]
		if ok && len(row.Findings) > 0 && s.Clock.Now().Sub(row.CheckedAt) < k.every-often/2 { // those of before an update have none
			continue
		}
		if err := s.make(ctx, k); err != nil {
			failed = append(failed, fmt.Errorf("check %s: %w", k.id, err))
			continue
		}
		made++
	}
	s.forget()
	return made, errors.Join(failed...)
}

// results are the newest ones, by check.
func (s *Service) results(ctx context.Context) (map[string]models.TransparencyCheck, error) {
	var rows []models.TransparencyCheck
	if err := s.DB.Gorm(ctx).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read the results of checks: %w", database.Translate(err))
	}
	out := map[string]models.TransparencyCheck{}
	for _, r := range rows {
		r.CheckedAt, r.Since = r.CheckedAt.UTC(), r.Since.UTC()
		out[r.ID] = r
	}
	return out, nil
}

// make makes one check, keeps what came of it and tells of trouble.
func (s *Service) make(ctx context.Context, k check) error {
	limited, cancel := context.WithTimeout(ctx, k.limit)
	defer cancel()
	r, err := guarded(limited, k)
	if err != nil {
		return err
	}
	row, err := s.keep(ctx, k.id, r)
	if err != nil {
		return err
	}
	return s.tell(ctx, row)
}

// guarded runs a check; one that panics fails.
func guarded(ctx context.Context, k check) (r Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it broke down: %v", p)
		}
	}()
	return k.run(ctx)
}

// keepLock is the advisory lock of whoever stores a result.
const keepLock = 0x6b322d7472616e73

// keep stores a result, and a change when the state is another. A newer result of another
// instance stays.
func (s *Service) keep(ctx context.Context, id string, r Result) (row models.TransparencyCheck, err error) {
	now := s.Clock.Now()
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec(`SELECT pg_advisory_xact_lock(?)`, int64(keepLock)).Error; err != nil { // there may be no row to lock yet
			return fmt.Errorf("lock the results: %w", err)
		}
		var rows []models.TransparencyCheck
		if err := tx.Clauses(clause.Locking{Strength: "UPDATE"}).Where("id = ?", id).Find(&rows).Error; err != nil {
			return fmt.Errorf("read a result: %w", err)
		}
		row = models.TransparencyCheck{ID: id, State: r.State, Evidence: r.Evidence, Findings: r.Findings, CheckedAt: now, Since: now}
		if len(rows) > 0 {
			if rows[0].CheckedAt.After(now) {
				row = rows[0]
				return nil
			}
			row.RedSince, row.RedAt, row.ToldAt = rows[0].RedSince, rows[0].RedAt, rows[0].ToldAt
			if rows[0].State == r.State {
				row.Since = rows[0].Since
			}
		}
		if r.State == models.TransparencyRed {
			if row.RedAt == nil || now.Sub(*row.RedAt) > calm {
				row.RedSince = &now
			}
			row.RedAt = &now
		}
		if len(rows) == 0 || rows[0].State != r.State {
			change := models.TransparencyChange{CheckID: id, At: now, State: r.State, Evidence: row.Evidence, Findings: row.Findings}
			if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&change).Error; err != nil {
				return fmt.Errorf("keep a change: %w", err)
			}
		}
		if err := tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error; err != nil {
			return fmt.Errorf("keep a result: %w", err)
		}
		return nil
	})
	return row, err
}

// tell tells the log and the administrators of a check that has turned red, once for each
// time of trouble. What can't be told now is tried at the next turn.
func (s *Service) tell(ctx context.Context, row models.TransparencyCheck) error {
	if row.State != models.TransparencyRed || row.RedSince == nil || row.ToldAt != nil && !row.ToldAt.Before(*row.RedSince) {
		return nil
	}
	now := s.Clock.Now()
	mine := false
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		took := tx.Model(&models.TransparencyCheck{}).Where("id = ? AND (told_at IS NULL OR told_at < ?)", row.ID, *row.RedSince).Update("told_at", now)
		if mine = took.RowsAffected > 0; took.Error != nil || !mine || s.Alarm == nil {
			return took.Error
		}
		return s.Alarm(ctx, tx, Alarm{Check: row.ID, Evidence: row.Evidence, Since: *row.RedSince})
	})
	if err != nil {
		return fmt.Errorf("tell of a red check: %w", err)
	}
	if mine {
		s.Log.ErrorContext(ctx, "a promise of the privacy policy is not kept", "check", row.ID, "evidence", row.Evidence)
	}
	return nil
}

// aged is a result as it counts at a time: nothing stays green unlooked at.
func aged(row models.TransparencyCheck, now time.Time) *models.TransparencyCheck {
	age := now.Sub(row.CheckedAt)
	switch {
	case age > DeadAfter:
		row.State = models.TransparencyRed
	case age > StaleAfter:
		row.State = row.State.Worse(models.TransparencyAmber)
	default:
		return &row
	}
	stale := found("stale", "age", age)
	row.Evidence = stale.sentence + " " + row.Evidence
	if len(row.Findings) > 0 {
		row.Findings = append([]models.TransparencyFinding{stale.TransparencyFinding}, row.Findings...)
	}
	return &row
}
