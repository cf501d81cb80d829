package chat

import (
	"context"
	"errors"
	"fmt"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// StopAll stops every reply that is being written for the viewer, on whichever
// instance, and waits until their texts are stored. What can't be waited for until ctx
// ends is stopped all the same: the wish is stored before it is waited for.
func (s *Service) StopAll(ctx context.Context, v viewer.Viewer) error {
	if !v.IsOwner() {
		return nil
	}
	var replies []string
	err := s.DB.Gorm(ctx).Model(&models.Run{}).Where("owner_id = ? AND status = 'RUNNING'", v.OwnerID).Order("id").Pluck("reply_id", &replies).Error
	if err != nil {
		return fmt.Errorf("find running replies: %w", database.Translate(err))
	}
	for _, reply := range replies {
		err = errors.Join(err, s.stopRun(ctx, v.OwnerID, reply))
	}
	if err != nil {
		return fmt.Errorf("stop replies: %w", err)
	}
	return nil
}

// StopKey stops every reply that is being written for an API key of the owner.
func (s *Service) StopKey(ctx context.Context, ownerID, keyID string) error {
	var replies []string
	err := s.DB.Gorm(ctx).Model(&models.Run{}).Where("owner_id = ? AND key_id = ? AND status = 'RUNNING' AND key_id <> ''", ownerID, keyID).Order("id").Pluck("reply_id", &replies).Error
	if err != nil {
		return fmt.Errorf("find a key's running replies: %w", database.Translate(err))
	}
	for _, reply := range replies {
		err = errors.Join(err, s.stopRun(ctx, ownerID, reply))
	}
	if err != nil {
		return fmt.Errorf("stop a key's replies: %w", err)
	}
	return nil
}
