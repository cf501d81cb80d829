package credit

import (
	"fmt"

	"gorm.io/gorm"
)

// eraseRows is how many rows of usage one transaction deletes.
const eraseRows = 5000

// EraseTx deletes some of the rows of usage of an owner that is being deleted, says how many,
// and whether there are more. Its replies are settled by then and its runs gone: the books
// don't compare its wallet with its usage any more.
func (s *Service) EraseTx(tx *gorm.DB, ownerID string) (rows map[string]int64, more bool, err error) {
	if err := tx.Exec(`UPDATE wallets SET erasing = true WHERE owner_id = ? AND NOT erasing`, ownerID).Error; err != nil {
		return nil, false, fmt.Errorf("leave a wallet out of the proofs: %w", err)
	}
	gone := tx.Exec(`DELETE FROM usage_rows WHERE owner_id = ? AND id IN (SELECT id FROM usage_rows WHERE owner_id = ? ORDER BY id LIMIT ? FOR UPDATE)`, ownerID, ownerID, eraseRows)
	if gone.Error != nil {
		return nil, false, fmt.Errorf("delete rows of usage: %w", gone.Error)
	}
	return map[string]int64{"usage_rows": gone.RowsAffected}, gone.RowsAffected == eraseRows, nil
}
