package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// rekeyBatch is how many owners' keys are wrapped anew in one transaction: their rows are
	// locked for some milliseconds.
	rekeyBatch = 200
	// rekeyPasses is how often what was written meanwhile is looked for.
	rekeyPasses = 20
	// rekeyPatience is how long every instance may take to wrap under the new key.
	rekeyPatience = time.Minute
	// rekeyLook is how often they are looked at.
	rekeyLook = 200 * time.Millisecond
)

// The outcomes of models.AuditSecretKeyChanged.
const (
	rekeyBegun    = "BEGUN"
	rekeyFinished = "FINISHED"
)

// Errors of Rekey.
var (
	// ErrKeyNotEverywhere means that an instance runs which wasn't given the new key.
	ErrKeyNotEverywhere = errors.New("not every instance has the new key")
	// ErrOvertaken means that meanwhile an exchange for another key began.
	ErrOvertaken = errors.New("meanwhile an exchange for another key began: this one ends here, and nothing is lost")
	// ErrUnopened means that there are owners whose keys open under none of the keys.
	ErrUnopened = errors.New("keys of owners open under none of the keys given")
)

// Rekeyed is what Rekey did.
type Rekeyed struct {
	To        string   // the id of the key that wraps everything now
	Retired   []string // the ids of those that wrap nothing any more, and were needed before
	Rewrapped int64    // keys of owners
}

// Rekey exchanges the key-encryption key for the keeper's first: it wraps what is new, on all
// instances, and then every owner's key and the root secret, in batches, while everything
// runs. What was sealed under an owner's key stays as it is. It can be interrupted at any
// moment and called again, and several may run at once; between two batches everything opens
// with the keys before and the new one together. progress hears how many of how many are done.
//
// It refuses with ErrKeyNotEverywhere before anything is changed, or later when an instance
// doesn't follow; with ErrOvertaken; and with ErrUnopened when all others are done: the former
// key is still needed then.
func (s *Service) Rekey(ctx context.Context, progress func(done, total int64)) (Rekeyed, error) {
	to := s.keeper.IDs()[0]
	done := Rekeyed{To: to}
	if err := s.beginRekey(ctx, to); err != nil {
		return done, err
	}
	if err := s.keeper.Use(to); err != nil {
		return done, err
	}
	if err := s.awaitHolders(ctx, to); err != nil {
		return done, err
	}
	r := rekeying{s: s, to: to, progress: progress}
	for pass := 1; ; pass++ {
		if err := r.pass(ctx, pass > 1); err != nil {
			return done, err
		}
		done.Rewrapped = r.done
		retired, left, err := s.endRekey(ctx, to, r.done)
		switch {
		case err != nil:
			return done, err
		case left == 0:
			done.Retired = retired
			return done, nil
		case left <= int64(len(r.broken)):
			return done, fmt.Errorf("%w: %d of them, the first is %s; keep the former key, and restore their rows from a backup", ErrUnopened, left, r.broken[0])
		case pass == rekeyPasses:
			return done, fmt.Errorf("%d keys of owners are still under another key: run it again", left)
		}
	}
}

// beginRekey lets the key wrap what is new. Once every instance that runs holds it, which is
// looked at under the lock that an instance needs to begin.
func (s *Service) beginRekey(ctx context.Context, to string) error {
	return s.db.Tx(ctx, func(tx *gorm.DB) error {
		used, err := lockUsedTx(tx)
		if err != nil || used == to {
			return err
		}
		holders, err := liveHolders(tx)
		if err != nil {
			return err
		}
		var without []string
		for _, h := range holders {
			if !slices.Contains(strings.Fields(h.Held), to) {
				without = append(without, h.Instance)
			}
		}
		if len(without) > 0 {
			return fmt.Errorf("%w: %s; give every instance the new SECRET_KEY and the former one as SECRET_KEY_PREVIOUS, restart them one after another, and run this again; nothing was changed",
				ErrKeyNotEverywhere, strings.Join(without, ", "))
		}
		if err := addKekTx(tx, s.clock, s.keeper, to, s.root); err != nil {
			return err
		}
		if err := useKekTx(tx, s.keeper, to); err != nil {
			return err
		}
		return s.audit.WriteTx(tx, audit.Entry{Act: models.AuditSecretKeyChanged, By: audit.Terminal(), Facts: models.AuditFacts{Outcome: rekeyBegun, Ref: to}})
	})
}

// lockUsedTx is the key that wraps what is new; no exchange begins or ends meanwhile.
func lockUsedTx(tx *gorm.DB) (used string, err error) {
	err = tx.Raw(`SELECT kek_id FROM installation WHERE id = 1 FOR UPDATE`).Scan(&used).Error
	if err != nil {
		return "", fmt.Errorf("read which key wraps: %w", err)
	}
	return used, nil
}

// awaitHolders waits until every instance that runs wraps under the key.
func (s *Service) awaitHolders(ctx context.Context, to string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, rekeyPatience, fmt.Errorf("%w, or does not answer", ErrKeyNotEverywhere))
	defer cancel()
	look := time.NewTicker(rekeyLook)
	defer look.Stop()
	for {
		holders, err := liveHolders(s.db.Gorm(ctx))
		behind := slices.DeleteFunc(holders, func(h models.KeyHolder) bool { return h.Wraps == to })
		if err == nil && len(behind) == 0 {
			return nil
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for every instance to wrap under the new key: %w; run it again", context.Cause(ctx))
		case <-look.C:
		}
	}
}

// rekeying is one call of Rekey.
type rekeying struct {
	s        *Service
	to       string
	progress func(done, total int64)
	done     int64
	broken   []string // the last pass's owners whose keys don't open
}

// pass goes once through all owners. A row that is being written to is left for the next
// pass, which waits for it.
func (r *rekeying) pass(ctx context.Context, wait bool) error {
	var left int64
	if err := r.s.db.Gorm(ctx).Raw(`SELECT count(*) FROM owners WHERE kek_id IS DISTINCT FROM ?`, r.to).Scan(&left).Error; err != nil {
		return fmt.Errorf("count the keys that are left: %w", err)
	}
	r.broken = nil
	total := r.done + left
	for last := ""; ; {
		var n int
		var broken []string
		var end string
		err := r.s.db.Tx(ctx, func(tx *gorm.DB) (err error) {
			n, end, broken, err = r.batchTx(tx, last, wait)
			return err
		})
		if err != nil {
			return err
		}
		r.done += int64(n)
		r.broken = append(r.broken, broken...)
		if r.progress != nil && n > 0 {
			r.progress(r.done, max(total, r.done))
		}
		if end == "" {
			return nil
		}
		last = end
	}
}

// batchTx wraps the keys of the next owners; end is the last of them, empty when there is none.
func (r *rekeying) batchTx(tx *gorm.DB, last string, wait bool) (n int, end string, broken []string, err error) {
	var used string
	if err := tx.Raw(`SELECT kek_id FROM installation WHERE id = 1 FOR SHARE`).Scan(&used).Error; err != nil {
		return 0, "", nil, fmt.Errorf("read which key wraps: %w", err)
	}
	if used != r.to {
		return 0, "", nil, ErrOvertaken
	}
	lock := "FOR NO KEY UPDATE SKIP LOCKED"
	if wait {
		lock = "FOR NO KEY UPDATE"
	}
	var rows []models.Owner
	err = tx.Raw(`SELECT id, key_wrapped FROM owners WHERE id > ? AND kek_id IS DISTINCT FROM ? ORDER BY id LIMIT ? `+lock, last, r.to, rekeyBatch).Scan(&rows).Error
	if err != nil {
		return 0, "", nil, fmt.Errorf("read owners' keys: %w", err)
	}
	if len(rows) == 0 {
		return 0, "", nil, nil
	}
	args := []any{r.to}
	for _, o := range rows {
		wrapped, err := r.s.keeper.Rewrap(o.ID, o.KeyWrapped, r.to)
		if err != nil {
			broken = append(broken, o.ID)
			continue
		}
		args = append(args, o.ID, wrapped)
	}
	n = len(rows) - len(broken)
	if n > 0 {
		values := strings.Repeat(", (?::text, ?::bytea)", n)[2:]
		if err := tx.Exec(`UPDATE owners o SET kek_id = ?, key_wrapped = v.wrapped FROM (VALUES `+values+`) AS v (id, wrapped) WHERE o.id = v.id`, args...).Error; err != nil {
			return 0, "", nil, fmt.Errorf("store owners' keys: %w", err)
		}
	}
	return n, rows[len(rows)-1].ID, broken, nil
}

// endRekey forgets the keys that wrap nothing any more, unless owners are left. The database
// itself refuses to forget a key under which a row lies, and to take a row under one that is
// forgotten.
func (s *Service) endRekey(ctx context.Context, to string, rewrapped int64) (retired []string, left int64, err error) {
	err = s.db.Tx(ctx, func(tx *gorm.DB) error {
		retired, left = nil, 0
		used, err := lockUsedTx(tx)
		if err != nil {
			return err
		}
		if used != to {
			return ErrOvertaken
		}
		// Each former key's row is locked first: who still stores an owner under it is waited for, and counted.
		if err := tx.Raw(`SELECT id FROM key_encryption_keys WHERE id <> ? ORDER BY id FOR UPDATE`, to).Scan(&retired).Error; err != nil {
			return fmt.Errorf("read the former keys: %w", err)
		}
		if err := tx.Raw(`SELECT count(*) FROM owners WHERE kek_id IS DISTINCT FROM ?`, to).Scan(&left).Error; err != nil {
			return fmt.Errorf("count the keys that are left: %w", err)
		}
		if left > 0 || len(retired) == 0 {
			return nil
		}
		if err := tx.Exec(`DELETE FROM key_encryption_keys WHERE id <> ?`, to).Error; err != nil {
			return fmt.Errorf("forget the former keys: %w", err)
		}
		return s.audit.WriteTx(tx, audit.Entry{Act: models.AuditSecretKeyChanged, By: audit.Terminal(), Facts: models.AuditFacts{Outcome: rekeyFinished, Ref: to, Count: rewrapped}})
	})
	return retired, left, err
}
