package completion

import (
	"fmt"

	"gorm.io/gorm"
)

// eraseRows is how many kept answers one transaction deletes.
const eraseRows = 500

// EraseTx deletes some of the kept answers of an owner that is being deleted, says how many,
// and whether there are more.
func (s *Service) EraseTx(tx *gorm.DB, ownerID string) (rows map[string]int64, more bool, err error) {
	gone := tx.Exec(`DELETE FROM completions WHERE owner_id = ? AND key_hash IN (SELECT key_hash FROM completions WHERE owner_id = ? ORDER BY key_hash LIMIT ? FOR UPDATE)`, ownerID, ownerID, eraseRows)
	if gone.Error != nil {
		return nil, false, fmt.Errorf("delete kept answers: %w", gone.Error)
	}
	return map[string]int64{"completions": gone.RowsAffected}, gone.RowsAffected == eraseRows, nil
}
