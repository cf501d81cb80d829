package notice

import (
	"context"
	"fmt"
	"time"

	"github.com/kimi-k2/kimi-k2/internal/database"
	"github.com/kimi-k2/kimi-k2/models"
)

// late is how long a notice may make no headway before somebody should look: mails are
// tried for three days.
const late = 4 * 24 * time.Hour

// Report is how far the mails to everybody are, for everybody to see: counts only.
type Report struct {
	// Policy is the notice of the newest significant version; its Version is empty when
	// nobody had to be told of one.
	Policy struct {
		Version                               string
		Written, Sent, Refused, Failed, Waits int64
		Begun, Finished                       *time.Time
		Overdue                               bool // not begun although the version is published, or not finished in time
	}
	// News are the mails that nobody has to get: sent, taken back in time, and who wants
	// them now.
	News struct {
		Sent, Withdrawn, Agreed int64
		LastAt                  *time.Time
	}
	Incidents int64
}

// Report counts.
func (s *Service) Report(ctx context.Context) (r Report, err error) {
	var notices []models.Notice
	if err := s.DB.Gorm(ctx).Where("state <> ?", models.NoticeDraft).Order("started_at").Find(&notices).Error; err != nil {
		return r, fmt.Errorf("read notices: %w", database.Translate(err))
	}
	version, _, told := s.Policy.Announced()
	if told {
		r.Policy.Version, r.Policy.Overdue = version, true
	}
	for i := range notices {
		s.add(&r, &notices[i])
	}
	r.News.Agreed, err = s.Policy.AgreedCount(ctx, models.ConsentMarketing)
	return r, err
}

func (s *Service) add(r *Report, n *models.Notice) {
	switch n.Kind {
	case models.NoticeNews:
		r.News.Sent, r.News.Withdrawn, r.News.LastAt = r.News.Sent+n.Sent, r.News.Withdrawn+n.Withdrawn, n.StartedAt
	case models.NoticeIncident:
		r.Incidents++
	case models.NoticePolicy:
		if p := &r.Policy; *n.PolicyVersion == p.Version {
			p.Written, p.Sent, p.Refused, p.Failed, p.Waits = n.Written, n.Sent, n.Refused, n.Failed, n.Waiting
			p.Begun, p.Finished = n.StartedAt, n.FinishedAt
			p.Overdue = n.State != models.NoticeDone && s.Clock.Now().Sub(*n.StartedAt) > late
		}
	}
}
