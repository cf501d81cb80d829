package completion

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// KeptFor is how long the answer to a request with an idempotency key is given again.
	KeptFor = 24 * time.Hour
	// retryAfter is when a client may look again for an answer that is being written.
	retryAfter = time.Second
)

var errClaims = errors.New("the claim of an idempotency key came and went")

// claimHash is what a client's key is stored as. API keys don't see each other's answers.
func claimHash(keyID, key string) []byte {
	sum := sha256.Sum256([]byte(keyID + "\x00" + key))
	return sum[:]
}

func answerPlace(owner, id string) seal.Place {
	return seal.Place{Table: "completions", Column: "answer_sealed", Row: id, Owner: owner}
}

// claim makes the run the one of its idempotency key, or the replay of one that has ended.
// Who comes while another one runs is told to come again; so is, for good, who uses the
// key for something else. Equal keys wait for each other at the row's key.
func (s *Service) claim(tx *gorm.DB, run *Run, r Request) error {
	run.claim = claimHash(run.v.KeyID, r.IdempotencyKey)
	for range 3 {
		made := tx.Exec(`INSERT INTO completions (owner_id, key_hash, id, fingerprint, status, model_id, created_at, lease_expires_at, expires_at)
			VALUES (?, ?, ?, ?, 'RUNNING', ?, ?, ?, ?) ON CONFLICT (owner_id, key_hash) DO NOTHING`,
			run.v.OwnerID, run.claim, run.ID, r.Fingerprint[:], run.Model.ID, run.CreatedAt, run.CreatedAt.Add(s.Lease), run.CreatedAt.Add(KeptFor))
		if made.Error != nil || made.RowsAffected == 1 {
			return made.Error
		}
		var rows []models.Completion
		if err := tx.Raw(`SELECT * FROM completions WHERE owner_id = ? AND key_hash = ? FOR UPDATE`, run.v.OwnerID, run.claim).Scan(&rows).Error; err != nil {
			return fmt.Errorf("find an earlier request: %w", err)
		}
		if len(rows) == 1 {
			return s.follow(tx, run, r, rows[0])
		}
	}
	return errClaims
}

// follow judges an earlier request with the same key.
func (s *Service) follow(tx *gorm.DB, run *Run, r Request, row models.Completion) error {
	switch {
	case row.IsOver(run.CreatedAt):
		return s.takeOver(tx, run, r, row)
	case !bytes.Equal(row.Fingerprint, r.Fingerprint[:]):
		return fault.On("Idempotency-Key", fault.Conflict, "this idempotency key was used for another request: use a fresh one for every request")
	case row.Status == models.CompletionRunning:
		f := fault.On("Idempotency-Key", fault.Conflict, "the first request with this idempotency key is still being answered: ask again in a moment")
		f.RetryAfter = retryAfter
		return f
	}
	plain, err := run.v.Key.Open(answerPlace(row.OwnerID, row.ID), row.AnswerSealed)
	if err != nil {
		return fmt.Errorf("open a kept answer: %w", err)
	}
	if err := json.Unmarshal(plain, &run.kept); err != nil {
		return fmt.Errorf("read a kept answer: %w", err)
	}
	run.Replayed, run.ID, run.CreatedAt = true, row.ID, row.CreatedAt
	if run.Model.ID != row.ModelID {
		if m, err := s.Engine.Resolve(row.ModelID); err == nil && m.ID == row.ModelID {
			run.Model = m
		} else {
			run.Model.ID = row.ModelID
		}
	}
	return nil
}

// takeOver makes the run the one of a key whose row counts no longer. What a dead instance
// still holds is given back: should it live after all, it charges nothing.
func (s *Service) takeOver(tx *gorm.DB, run *Run, r Request, row models.Completion) error {
	if row.Status == models.CompletionRunning && row.HoldID != "" && s.Money != nil {
		if err := s.Money.VoidTx(tx, row.HoldID); err != nil {
			return fmt.Errorf("give back what a dead instance held: %w", err)
		}
	}
	return tx.Exec(`UPDATE completions SET id = ?, fingerprint = ?, status = 'RUNNING', hold_id = '', model_id = ?, answer_sealed = NULL, created_at = ?, lease_expires_at = ?, expires_at = ?
		WHERE owner_id = ? AND key_hash = ?`, run.ID, r.Fingerprint[:], run.Model.ID, run.CreatedAt, run.CreatedAt.Add(s.Lease), run.CreatedAt.Add(KeptFor), run.v.OwnerID, run.claim).Error
}

// holdsClaim notes which hold the run's claim has.
func (s *Service) holdsClaim(tx *gorm.DB, run *Run) error {
	if run.claim == nil || run.hold == "" {
		return nil
	}
	return tx.Exec(`UPDATE completions SET hold_id = ? WHERE owner_id = ? AND key_hash = ?`, run.hold, run.v.OwnerID, run.claim).Error
}

// keep stores the run's answer under its claim, or forgets the claim, so that the same may
// be asked anew. A claim that is another run's by now stays as it is.
func (s *Service) keep(tx *gorm.DB, r *Run, forget bool) error {
	if forget {
		return tx.Exec(`DELETE FROM completions WHERE owner_id = ? AND key_hash = ? AND id = ? AND status = 'RUNNING'`, r.v.OwnerID, r.claim, r.ID).Error
	}
	plain, err := json.Marshal(r.kept)
	if err != nil {
		return fmt.Errorf("write down an answer: %w", err)
	}
	return tx.Exec(`UPDATE completions SET status = 'ENDED', answer_sealed = ? WHERE owner_id = ? AND key_hash = ? AND id = ? AND status = 'RUNNING'`,
		r.v.Key.Seal(answerPlace(r.v.OwnerID, r.ID), plain), r.v.OwnerID, r.claim, r.ID).Error
}

// renewClaims renews the leases of claims. A run whose claim is gone ends: another instance
// took it for dead, or its owner is gone.
func (s *Service) renewClaims(ctx context.Context, all []due) {
	runs := map[string]*Run{}
	var ids []string
	for _, d := range all {
		if d.renew && d.run.claim != nil && !d.run.Replayed {
			ids, runs[d.run.ID] = append(ids, d.run.ID), d.run
		}
	}
	if len(ids) == 0 {
		return
	}
	rows, err := s.DB.Pool().Query(ctx, `UPDATE completions SET lease_expires_at = $2 WHERE id = ANY($1) AND status = 'RUNNING' RETURNING id`, ids, s.Clock.Now().Add(s.Lease))
	var held []string
	if err == nil {
		held, err = pgx.CollectRows(rows, pgx.RowTo[string])
	}
	if err != nil {
		s.Log.Warn("renew the leases of completions, trying again", "err", database.Translate(err))
		return
	}
	for _, id := range held {
		delete(runs, id)
	}
	for _, r := range runs {
		select {
		case <-r.left: // it has just ended
		default:
			s.Log.Warn("a completion was taken over or is nobody's any more: it ends here", "completion", r.ID)
			r.cancel(errBroke)
		}
	}
}

// expireClaims ends the leases of all claims.
func (s *Service) expireClaims(ctx context.Context) error {
	if _, err := s.DB.Pool().Exec(ctx, `UPDATE completions SET lease_expires_at = created_at WHERE status = 'RUNNING'`); err != nil {
		return fmt.Errorf("end the leases of a former process: %w", database.Translate(err))
	}
	return nil
}
