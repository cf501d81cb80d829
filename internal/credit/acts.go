package credit

import (
	"context"
	"fmt"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Acts finds the viewer's settled acts by their refs, in the order of the refs; what
// isn't settled is left out.
func (s *Service) Acts(ctx context.Context, v viewer.Viewer, refs []string) ([]*models.UsageRow, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	var rows []*models.UsageRow
	if err := s.DB.Gorm(ctx).Where("owner_id = ? AND ref IN ?", v.OwnerID, refs).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find acts: %w", err)
	}
	by := make(map[string]*models.UsageRow, len(rows))
	for _, row := range rows {
		by[row.Ref] = row
	}
	found := rows[:0]
	for _, ref := range refs {
		if row := by[ref]; row != nil {
			found = append(found, row)
		}
	}
	return found, nil
}
