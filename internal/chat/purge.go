package chat

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/models"
)

// BusyTx says which of the owners have a reply being written: that is activity, and
// they must not be purged.
func (s *Service) BusyTx(tx *gorm.DB, ownerIDs []string) ([]string, error) {
	var busy []string
	if err := tx.Model(&models.Run{}).Where("owner_id IN ? AND status = 'RUNNING'", ownerIDs).Distinct().Pluck("owner_id", &busy).Error; err != nil {
		return nil, fmt.Errorf("find owners with running replies: %w", err)
	}
	return busy, nil
}

// CountTx says how many rows the owners have here, by table.
func (s *Service) CountTx(tx *gorm.DB, ownerIDs []string) (map[string]int64, error) {
	counts := map[string]int64{}
	for table, model := range map[string]any{
		"conversations": &models.Conversation{}, "messages": &models.Message{}, "runs": &models.Run{}, "run_chunks": &models.RunChunk{},
	} {
		var n int64
		if err := tx.Model(model).Where("owner_id IN ?", ownerIDs).Count(&n).Error; err != nil {
			return nil, fmt.Errorf("count %s: %w", table, err)
		}
		counts[table] = n
	}
	return counts, nil
}

// OwnerGone is told that nothing may be left of an owner: the replies that this
// instance writes for it end at once when that is so, engine and all, and go on when
// they are somebody else's by now. It does not wait. Without it they would end with
// their next checkpoint.
func (s *Service) OwnerGone(ownerID string) {
	var runs []*activeRun
	for _, r := range s.hub.all() {
		if r.holder().ownerID == ownerID {
			runs = append(runs, r)
		}
	}
	if len(runs) == 0 {
		return
	}
	s.workers.start(func() {
		ctx, cancel := s.patiently(queryTimeout)
		defer cancel()
		if err := s.fence(ctx, runs); err != nil {
			s.log.Warn("end the replies of who is gone; they end with their next checkpoint", "err", err)
		}
	})
}
