package chat

import (
	"context"
	"fmt"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// ActRefs names the acts that wrote each of the viewer's replies, oldest first: one for
// its beginning, and one for each time it was gone on with. They are the refs of its
// settlements. Replies of others have none.
func (s *Service) ActRefs(ctx context.Context, v viewer.Viewer, replyIDs []string) (map[string][]string, error) {
	var runs []models.Run
	err := s.DB.Gorm(ctx).Select("id, reply_id, phase").Where("owner_id = ? AND reply_id IN ?", v.OwnerID, replyIDs).Find(&runs).Error
	if err != nil {
		return nil, fmt.Errorf("find the runs of replies: %w", err)
	}
	refs := make(map[string][]string, len(runs))
	for _, r := range runs {
		for phase := range r.Phase + 1 {
			refs[r.ReplyID] = append(refs[r.ReplyID], actRef(r.ID, phase))
		}
	}
	return refs, nil
}

// actRef names one act of a run.
func actRef(runID string, phase int) string { return fmt.Sprintf("%s/%d", runID, phase) }
