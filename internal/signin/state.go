package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

const secretSize = 32 // bytes of states and browser secrets

// encoding refuses spare bits, so that no two texts are the same secret.
var encoding = base64.RawURLEncoding.Strict()

func encode(b []byte) string { return encoding.EncodeToString(b) }

// newSecret makes 256 random bits as text.
func newSecret() string {
	b := make([]byte, secretSize)
	_, _ = rand.Read(b) // never fails, it ends the process instead
	return encode(b)
}

// isSecret reports whether a text may be one that newSecret made.
func isSecret(s string) bool {
	if len(s) != encoding.EncodedLen(secretSize) {
		return false
	}
	_, err := encoding.DecodeString(s)
	return err == nil
}

func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// keep stores a sign-in that waits. One that nobody comes back for goes an hour after its
// end: until then its owner is told that it expired.
func (s *Service) keep(ctx context.Context, row models.SignIn) error {
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("store the sign-in: %w", err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("begin a sign-in: %w", err)
	}
	return nil
}

// take removes the sign-in of a state, whoever shows it: a state is good for one try.
// It returns nil when there is none.
func (s *Service) take(ctx context.Context, state string) (*models.SignIn, error) {
	var rows []models.SignIn
	err := s.db.Tx(ctx, func(tx *gorm.DB) error {
		rows = nil
		return tx.Raw(`DELETE FROM sign_ins WHERE state_hash = ? RETURNING *`, hashOf(state)).Scan(&rows).Error
	})
	if err != nil {
		return nil, fmt.Errorf("take the sign-in: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil //nolint:nilnil // no row is an answer, said above
	}
	return &rows[0], nil
}
