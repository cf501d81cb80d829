package chat

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/seal"
	"github.com/kimi-k2/kimi-k2/models"
)

// path is the branch from the root down to a message, opened: its newest messages up to
// the one with which they have maxPathBytes, and how many that say something are older.
func (s *Service) path(tx *gorm.DB, ownerID, leafID string, key *seal.Key) (ms []models.Message, older int, err error) {
	var rows []struct {
		models.Message
		Older int
	}
	err = tx.Raw(`
WITH RECURSIVE up AS (
    SELECT m.*, 1 AS depth, 0::bigint AS above, `+sizeOfMessage+` AS bytes FROM messages m WHERE owner_id = @owner AND id = @leaf
    UNION ALL
    SELECT m.*, up.depth + 1, up.above + up.bytes, `+sizeOfMessage+` FROM messages m JOIN up ON m.owner_id = up.owner_id AND m.id = up.parent_id WHERE up.depth < @limit
)
SELECT *, (SELECT count(*) FROM up WHERE above >= @most AND text_sealed IS NOT NULL) AS older FROM up WHERE above < @most ORDER BY depth DESC`,
		map[string]any{"owner": ownerID, "leaf": leafID, "limit": maxPath, "most": maxPathBytes}).Scan(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("read branch: %w", err)
	}
	for i := range rows {
		if err := openMessage(key, &rows[i].Message); err != nil {
			return nil, 0, fmt.Errorf("read branch: %w", err)
		}
		ms, older = append(ms, rows[i].Message), rows[i].Older
	}
	return ms, older, nil
}

// maxPath is how many messages back a prompt looks. With one token a message and its
// overhead even a context of a million tokens is full before.
const maxPath = 4000

// maxPathBytes is how much of a branch is read at once. A context of a million tokens has
// some MB of text.
const maxPathBytes = 16 << 20
