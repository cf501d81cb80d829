package disclosure

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// MoveTx makes what was disclosed of a guest, or asked for, the account's that it joins, sealed
// under the account's key: it is about the conversations that move along.
func (s *Service) MoveTx(tx *gorm.DB, from, to viewer.Viewer) error {
	var openings []models.Opening
	if err := tx.Where("owner_id = ?", from.OwnerID).Find(&openings).Error; err != nil {
		return fmt.Errorf("find the openings of a guest: %w", err)
	}
	for _, o := range openings {
		reason, err := from.Key.OpenString(reasonPlace(from.OwnerID, o.ID), o.ReasonSealed)
		if err != nil {
			return err
		}
		err = tx.Exec(`UPDATE openings SET owner_id = ?, reason_sealed = ? WHERE owner_id = ? AND id = ?`,
			to.OwnerID, to.Key.SealString(reasonPlace(to.OwnerID, o.ID), reason), from.OwnerID, o.ID).Error
		if err != nil {
			return fmt.Errorf("move an opening: %w", err)
		}
	}
	var subjects []models.LegalSubject
	if err := tx.Where("owner_id = ?", from.OwnerID).Find(&subjects).Error; err != nil {
		return fmt.Errorf("find the requests about a guest: %w", err)
	}
	for _, l := range subjects {
		words, err := from.Key.Open(wordsPlace(from.OwnerID, l.RequestID), l.WordsSealed)
		if err != nil {
			return err
		}
		err = tx.Exec(`UPDATE legal_subjects SET owner_id = ?, words_sealed = ? WHERE owner_id = ? AND request_id = ?`,
			to.OwnerID, to.Key.Seal(wordsPlace(to.OwnerID, l.RequestID), words), from.OwnerID, l.RequestID).Error
		if err != nil {
			return fmt.Errorf("move a request: %w", err)
		}
	}
	return nil
}
