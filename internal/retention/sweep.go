package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// errFenced ends a sweep that another one has begun after.
var errFenced = errors.New("another instance sweeps by now")

// Sweep deletes what has ended by the rules of this package's job. One instance at a time;
// the others do nothing. A rule that is held deletes nothing; the error says which are, and
// what to do. One rule's failure keeps no other from its turn.
func (e *Engine) Sweep(ctx context.Context) error {
	e.sweeping.Lock()
	defer e.sweeping.Unlock()
	release, mine, err := e.lease(ctx)
	if err != nil || !mine {
		return err
	}
	defer release()
	at, err := e.admit(ctx)
	if err != nil {
		return err
	}
	for _, r := range e.rules {
		if broken := e.sweepRule(ctx, r, at); broken != nil {
			err = errors.Join(err, fmt.Errorf("sweep %s: %w", r.Name, broken))
		}
		if ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
	}
	return errors.Join(err, e.look(ctx))
}

// sweepLock is the advisory lock of whoever sweeps.
const sweepLock = 0x6b32726574616e

// lease makes this instance the one that sweeps, for as long as a connection of its own
// lives: the end of a process, however it comes, frees it.
func (e *Engine) lease(ctx context.Context) (release func(), mine bool, err error) {
	conn, err := e.DB.Pool().Acquire(ctx)
	if err != nil {
		return nil, false, fmt.Errorf("lock the sweeps: %w", database.Translate(err))
	}
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(sweepLock)).Scan(&mine); err != nil || !mine {
		conn.Release()
		if err != nil {
			err = fmt.Errorf("lock the sweeps: %w", database.Translate(err))
		}
		return nil, false, err
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
		defer cancel()
		if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, int64(sweepLock)); err != nil {
			_ = conn.Conn().Close(ctx) // the lock ends with its session
		}
		conn.Release()
	}, true, nil
}

// sweep is one turn of one rule.
type sweep struct {
	e       *Engine
	rule    rule
	at      time.Time
	state   models.RetentionState
	receipt models.RetentionSweep // its ID is empty until it is stored
}

func (e *Engine) sweepRule(ctx context.Context, r rule, at time.Time) error {
	s := &sweep{e: e, rule: r, at: at}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.judge(ctx); err != nil {
		return err
	}
	if s.state.Due > 0 {
		if err := s.run(ctx); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// begin takes the next epoch and goes on with the receipt of a sweep that was cut off.
func (s *sweep) begin(ctx context.Context) error {
	err := s.e.DB.Tx(ctx, func(tx *gorm.DB) error {
		s.state, s.receipt = models.RetentionState{}, models.RetentionSweep{Rule: s.rule.Name, Cutoff: s.at.Add(-s.rule.max), StartedAt: s.at}
		if err := beginTx(tx, s.rule.Name, &s.state); err != nil {
			return err
		}
		var open []models.RetentionSweep
		if err := tx.Where("rule = ? AND finished_at IS NULL", s.rule.Name).Order("id DESC").Limit(1).Find(&open).Error; err != nil {
			return fmt.Errorf("find a receipt: %w", err)
		}
		if len(open) == 1 {
			s.receipt, s.receipt.Cutoff = open[0], s.at.Add(-s.rule.max)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	return nil
}

// run deletes batch after batch. Between two it rests several times as long as the last
// one took: who writes meanwhile gets most of the database.
func (s *sweep) run(ctx context.Context) error {
	for ctx.Err() == nil {
		began := s.e.Uptime()
		gone, err := s.batch(ctx)
		if err != nil {
			return err
		}
		if s.e.afterBatch != nil {
			s.e.afterBatch(s.rule.Name)
		}
		if gone < int64(s.e.Batch) {
			return nil
		}
		t := time.NewTimer(rest * (s.e.Uptime() - began))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
	}
	return ctx.Err()
}

// batch is one transaction: some rows and the receipt's count of them. It is finished
// although ctx ends.
func (s *sweep) batch(ctx context.Context) (gone int64, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), batchTimeout)
	defer cancel()
	var receipt models.RetentionSweep
	err = s.e.DB.Tx(ctx, func(tx *gorm.DB) error {
		receipt = s.receipt
		if err := fenceTx(tx, s.state); err != nil {
			return err
		}
		sql, args := s.rule.deleteSQL(s.at, s.e.Batch)
		done, err := tx.Statement.ConnPool.ExecContext(ctx, sql, args...)
		if err != nil {
			return fmt.Errorf("delete a batch: %w", err)
		}
		if gone, err = done.RowsAffected(); err != nil || gone == 0 {
			return err //nolint:wrapcheck // the driver always knows
		}
		receipt.Rows += gone
		return saveTx(tx, &receipt)
	})
	if err != nil {
		return 0, err
	}
	s.receipt = receipt
	return gone, nil
}

// finish writes down where the rule stands now, and closes the receipt.
func (s *sweep) finish(ctx context.Context) error {
	oldest, err := s.e.oldest(ctx, s.rule)
	if err != nil {
		return err
	}
	now := s.e.Clock.Now()
	err = s.e.DB.Tx(ctx, func(tx *gorm.DB) error {
		receipt := s.receipt
		if err := fenceTx(tx, s.state); err != nil {
			return err
		}
		done := map[string]any{"swept_at": now, "oldest": oldest, "hold": "", "held_since": nil, "due": 0, "confirmed_at": nil}
		if receipt.ID != "" {
			receipt.FinishedAt, receipt.OldestLeft = &now, oldest
			if err := saveTx(tx, &receipt); err != nil {
				return err
			}
			done["removed"], done["removed_at"] = receipt.Rows, now
		}
		return tx.Model(&models.RetentionState{}).Where("rule = ?", s.rule.Name).Updates(done).Error
	})
	if err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	if s.receipt.Rows > 0 {
		s.e.Log.InfoContext(ctx, "swept what was over", "table", s.rule.Name, "rows", s.receipt.Rows)
	}
	return nil
}

// oldest is the clock of the rule's oldest row, nil when there is none.
func (e *Engine) oldest(ctx context.Context, r rule) (at *time.Time, err error) {
	if err := e.DB.Pool().QueryRow(ctx, r.oldestSQL()).Scan(&at); err != nil {
		return nil, fmt.Errorf("find the oldest of %s: %w", r.Name, database.Translate(err))
	}
	return at, nil
}
