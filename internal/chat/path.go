package chat

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// path is the branch from the root down to a message, opened.
func (s *Service) path(tx *gorm.DB, ownerID, leafID string, key *seal.Key) ([]models.Message, error) {
	var ms []models.Message
	err := tx.Raw(`
WITH RECURSIVE up AS (
    SELECT m.*, 1 AS depth FROM messages m WHERE owner_id = @owner AND id = @leaf
    UNION ALL
    SELECT m.*, up.depth + 1 FROM messages m JOIN up ON m.owner_id = up.owner_id AND m.id = up.parent_id WHERE up.depth < @limit
)
SELECT * FROM up ORDER BY depth DESC`, map[string]any{"owner": ownerID, "leaf": leafID, "limit": maxPath}).Scan(&ms).Error
	if err != nil {
		return nil, fmt.Errorf("read branch: %w", err)
	}
	for i := range ms {
		if err := openMessage(key, &ms[i]); err != nil {
			return nil, fmt.Errorf("read branch: %w", err)
		}
	}
	return ms, nil
}

// maxPath is how many messages back a prompt looks. With one token a message and its
// overhead even a context of a million tokens is full before.
const maxPath = 4000
