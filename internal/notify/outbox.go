package notify

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// List is a page of the outbox, newest first, opened and rendered, and whether there
// are more. What is over is left out. A mail that can't be opened any more comes with empty parts. It refuses
// everybody but admins with FORBIDDEN.
func (s *Service) List(ctx context.Context, v viewer.Viewer, p page.Args) (mails []*models.Mail, more bool, err error) {
	if err := s.CheckAdmin(v); err != nil {
		return nil, false, err
	}
	q := s.DB.Gorm(ctx).Where(keptSQL, s.Clock.Now().Add(-KeepFor)).Order("id DESC").Limit(p.Size + 1)
	if p.After != "" {
		q = q.Where("id < ?", p.After)
	}
	if err := q.Find(&mails).Error; err != nil {
		return nil, false, fmt.Errorf("list mails: %w", err)
	}
	if more = len(mails) > p.Size; more {
		mails = mails[:p.Size]
	}
	for _, m := range mails {
		s.show(ctx, m)
	}
	return mails, more, nil
}

// show opens a mail for the operator, as far as it opens.
func (s *Service) show(ctx context.Context, m *models.Mail) {
	if _, err := s.open(ctx, m); err != nil {
		s.Log.WarnContext(ctx, "a mail of the outbox can't be shown", "mail", m.ID, "err", err)
	}
}

// Retry makes a mail that has failed, or was kept, due now; one that is older than
// GiveUpAfter gets a single attempt. It refuses everybody but admins with FORBIDDEN,
// ids that lead nowhere with NOT_FOUND, and mails that wait or were sent, or any where
// there is no mail server, with CONFLICT.
func (s *Service) Retry(ctx context.Context, v viewer.Viewer, mailID string) (*models.Mail, error) {
	if err := s.CheckAdmin(v); err != nil {
		return nil, err
	}
	if !s.HasServer() {
		return nil, fault.New(fault.Conflict, "no mail server is set: set SMTP_URL and restart, then try again")
	}
	var found []models.Mail
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		found = nil
		if err := tx.Raw(`SELECT * FROM mails WHERE id = ? AND `+keptSQL+` FOR UPDATE`, mailID, s.Clock.Now().Add(-KeepFor)).Scan(&found).Error; err != nil {
			return fmt.Errorf("find mail: %w", err)
		}
		if len(found) == 0 {
			return fault.New(fault.NotFound, "there is no such mail")
		}
		if err := s.requeueTx(tx, &found[0]); err != nil {
			return err
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditMailRetried, By: audit.Operator(v), Facts: models.AuditFacts{Ref: mailID}})
	})
	if err != nil {
		return nil, err
	}
	s.show(ctx, &found[0])
	return &found[0], nil
}

func (s *Service) requeueTx(tx *gorm.DB, m *models.Mail) error {
	switch m.Status {
	case models.MailSent:
		return fault.New(fault.Conflict, "the mail server has taken this mail already")
	case models.MailQueued:
		return fault.New(fault.Conflict, "this mail is waiting for its next attempt already")
	}
	err := tx.Model(m).Updates(map[string]any{"status": models.MailQueued, "next_at": s.Clock.Now(), "finished_at": nil}).Error
	if err != nil {
		return fmt.Errorf("try mail again: %w", err)
	}
	m.FinishedAt = nil
	return s.nudgeTx(tx)
}

// CheckAdmin refuses everybody but admins with FORBIDDEN.
func (s *Service) CheckAdmin(v viewer.Viewer) error {
	if v.Kind != viewer.Account || !v.Admin {
		return fault.New(fault.Forbidden, "only whoever runs this installation may see the outbox: sign in as an admin")
	}
	return nil
}
