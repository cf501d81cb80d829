package account

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// ErrWrongKey means that the database was sealed with another key-encryption key
// than the one given; VerifyKey's error says what to do about it.
var ErrWrongKey = errors.New("wrong SECRET_KEY")

// VerifyKey makes sure that the key-encryption key is the one this database was
// sealed with. An empty database remembers the key from now on; with a wrong key it
// refuses with ErrWrongKey and changes nothing.
func (s *Service) VerifyKey(ctx context.Context) error {
	if !s.keyed {
		return fmt.Errorf("the key that signs cookies must have at least %d bytes", minCookieKey)
	}
	var rows []models.Installation
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`INSERT INTO installation (id, key_check, created_at)
			SELECT 1, ?, ? WHERE NOT EXISTS (SELECT FROM owners) ON CONFLICT (id) DO NOTHING`, s.keeper.Check(), s.clock.Now()).Error
		if err != nil {
			return fmt.Errorf("remember key check: %w", err)
		}
		if err := tx.Limit(1).Find(&rows).Error; err != nil {
			return fmt.Errorf("read key check: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errors.New("the database holds people's data but not the row of table installation that proves the SECRET_KEY: it was restored in part; restore a complete backup; nothing was changed")
	}
	if s.keeper.Verify(rows[0].KeyCheck) != nil {
		return fmt.Errorf("%w: this database was sealed with another key, and without that key nobody can read it; "+
			"set SECRET_KEY (or SECRET_KEY_FILE, or the file secret.key in DATA_DIR) back to the former value, or start with an empty database; nothing was changed", ErrWrongKey)
	}
	return nil
}

// verifyBatch is how many owners VerifyOwners reads at once.
const verifyBatch = 500

// VerifyOwners opens the data key of every owner and says how many there are. It
// stops at the first one that doesn't open.
func (s *Service) VerifyOwners(ctx context.Context) (n int, err error) {
	for last := ""; ; {
		var rows []models.Owner
		if err := s.db.Gorm(ctx).Select("id", "key_wrapped").Where("id > ?", last).Order("id").Limit(verifyBatch).Find(&rows).Error; err != nil {
			return n, fmt.Errorf("read owners: %w", err)
		}
		for _, o := range rows {
			if _, err := s.keeper.Unwrap(o.ID, o.KeyWrapped); err != nil {
				return n, fmt.Errorf("owner %s: %w", o.ID, err)
			}
		}
		if n += len(rows); len(rows) < verifyBatch {
			return n, nil
		}
		last = rows[len(rows)-1].ID
	}
}
