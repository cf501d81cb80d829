package account

import (
	"context"
	"fmt"

	"github.com/kimi-k2/kimi-k2/internal/database"
)

// Active notes that something has just happened for a guest: the end of a long reply
// counts as activity. Others, and owners that are gone, are no error.
func (s *Service) Active(ctx context.Context, ownerID string) error {
	_, err := s.db.Pool().Exec(ctx, `UPDATE owners SET last_active_at = $2 WHERE id = $1 AND kind = 'GUEST' AND last_active_at < $2`, ownerID, s.clock.Now())
	if err != nil {
		return fmt.Errorf("note a guest's activity: %w", database.Translate(err))
	}
	return nil
}
