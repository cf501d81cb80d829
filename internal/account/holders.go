package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

const (
	// holdersBeat is how often an instance says which key-encryption keys it holds, and so
	// how soon it wraps under the one that is in use.
	holdersBeat = 2 * time.Second
	// holdersGone is how long an instance that says nothing is taken for alive.
	holdersGone = 20 * time.Second
	// holdersKept is how long its row stays.
	holdersKept = time.Hour
)

// tellKeys says which keys this instance holds, and lets it wrap under the one that is in
// use. It refuses with ErrWrongKey when that one isn't held.
func (s *Service) tellKeys(ctx context.Context) error {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		var used []string
		// An exchange waits for this, or is seen by it: none begins past an instance that couldn't read it.
		if err := tx.Raw(`SELECT kek_id FROM installation WHERE id = 1 FOR KEY SHARE`).Scan(&used).Error; err != nil {
			return fmt.Errorf("read which key wraps: %w", err)
		}
		if len(used) == 0 {
			return errPartly
		}
		if s.keeper.Use(used[0]) != nil {
			return fmt.Errorf("%w: the key %s wraps what is new, and was not given to this instance (given: %s): start it with SECRET_KEY and SECRET_KEY_PREVIOUS as the others have them",
				ErrWrongKey, used[0], strings.Join(s.keeper.IDs(), ", "))
		}
		err := tx.Exec(`INSERT INTO key_holders (instance, held, wraps, seen_at) VALUES (?, ?, ?, now())
			ON CONFLICT (instance) DO UPDATE SET held = excluded.held, wraps = excluded.wraps, seen_at = excluded.seen_at`,
			s.instance, strings.Join(s.keeper.IDs(), " "), used[0]).Error
		if err != nil {
			return fmt.Errorf("say which keys are held: %w", err)
		}
		return nil
	})
	if err == nil || errors.Is(err, ErrWrongKey) {
		s.mu.Lock()
		s.keyless = err
		s.mu.Unlock()
	}
	return err
}

// Ready refuses with ErrWrongKey when others wrap under a key that this instance doesn't hold.
func (s *Service) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keyless
}

// startTelling tells once, and then again and again until Close.
func (s *Service) startTelling(ctx context.Context) error {
	if s.keeper == nil || s.keeper.Using() == "" {
		return nil // VerifyKey was not called: no database knows these keys
	}
	if err := s.db.Gorm(ctx).Exec(`DELETE FROM key_holders WHERE seen_at < now() - make_interval(secs => ?)`, holdersKept.Seconds()).Error; err != nil {
		return fmt.Errorf("forget instances that are gone: %w", err)
	}
	if err := s.tellKeys(ctx); err != nil {
		return err
	}
	s.working.Go(func() {
		beat := time.NewTicker(holdersBeat)
		defer beat.Stop()
		for {
			select {
			case <-s.life.Done():
				s.retireHolder()
				return
			case <-beat.C:
			}
			if err := s.tellKeys(s.life); err != nil && s.life.Err() == nil {
				s.log.ErrorContext(s.life, "say which keys are held", "err", err)
			}
		}
	})
	return nil
}

// retireHolder says that this instance is no more. That it could not is no matter: its row
// grows old.
func (s *Service) retireHolder() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), time.Second)
	defer cancel()
	if err := s.db.Gorm(ctx).Exec(`DELETE FROM key_holders WHERE instance = ?`, s.instance).Error; err != nil {
		s.log.WarnContext(ctx, "say that this instance is no more", "err", err)
	}
}

// liveHolders are the instances that run.
func liveHolders(tx *gorm.DB) (rows []models.KeyHolder, err error) {
	err = tx.Raw(`SELECT * FROM key_holders WHERE seen_at > now() - make_interval(secs => ?) ORDER BY instance`, holdersGone.Seconds()).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("read which keys instances hold: %w", err)
	}
	return rows, nil
}
