package notice

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/page"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

const (
	maxSubject = 200   // characters
	maxText    = 10000 // characters
)

// Draft is what the operator writes.
type Draft struct {
	ID                string // empty: a new one
	Kind              models.NoticeKind
	Subject, Text     string
	SubjectZh, TextZh string // both or none
}

// Save keeps a draft, which nobody gets before it is sent. It refuses with FORBIDDEN
// everybody but administrators, with INVALID what can't be a mail, and with CONFLICT to
// change what was sent.
func (s *Service) Save(ctx context.Context, v viewer.Viewer, d Draft) (*models.Notice, error) {
	if err := mayAct(v); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	n := models.Notice{ID: id.New(id.Notice), Kind: d.Kind, State: models.NoticeDraft, CreatedAt: now, PacedUntil: now,
		Subject: d.Subject, Text: d.Text, SubjectZh: d.SubjectZh, TextZh: d.TextZh}
	if d.ID == "" {
		if err := s.DB.Gorm(ctx).Create(&n).Error; err != nil {
			return nil, fmt.Errorf("keep a draft: %w", err)
		}
		return &n, nil
	}
	kept := s.DB.Gorm(ctx).Model(&models.Notice{}).Where("id = ? AND state = ?", d.ID, models.NoticeDraft).
		Updates(map[string]any{"kind": d.Kind, "subject": d.Subject, "text": d.Text, "subject_zh": d.SubjectZh, "text_zh": d.TextZh})
	if kept.Error != nil {
		return nil, fmt.Errorf("change a draft: %w", kept.Error)
	}
	found, err := s.find(s.DB.Gorm(ctx), d.ID)
	if err == nil && kept.RowsAffected == 0 {
		return nil, errSent()
	}
	return found, err
}

func errSent() error {
	return fault.New(fault.Conflict, "this notice was sent already: write another one")
}

// check trims the texts and refuses what can't be a mail.
func (d *Draft) check() error {
	if d.Kind != models.NoticeNews && d.Kind != models.NoticeIncident {
		return fault.On("kind", fault.Invalid, "write NEWS or INCIDENT: of a new version of the policy everybody is told when it is published")
	}
	for _, f := range []struct {
		name   string
		value  *string
		most   int
		needed bool
	}{{"subject", &d.Subject, maxSubject, true}, {"text", &d.Text, maxText, true},
		{"subjectZh", &d.SubjectZh, maxSubject, d.TextZh != ""}, {"textZh", &d.TextZh, maxText, d.SubjectZh != ""}} {
		*f.value = strings.TrimSpace(strings.ReplaceAll(*f.value, "\r\n", "\n"))
		switch n := utf8.RuneCountInString(*f.value); {
		case !utf8.ValidString(*f.value) || strings.ContainsRune(*f.value, 0):
			return fault.On(f.name, fault.Invalid, "this is no text")
		case n > f.most:
			return fault.On(f.name, fault.Invalid, "at most %d characters, these are %d", f.most, n)
		case f.needed && n == 0:
			return fault.On(f.name, fault.Invalid, "write something here")
		}
	}
	return nil
}

// Discard takes a draft away. It refuses with FORBIDDEN everybody but administrators, and
// with CONFLICT what was sent.
func (s *Service) Discard(ctx context.Context, v viewer.Viewer, noticeID string) error {
	if err := mayAct(v); err != nil {
		return err
	}
	gone := s.DB.Gorm(ctx).Where("id = ? AND state = ?", noticeID, models.NoticeDraft).Delete(&models.Notice{})
	if gone.Error != nil {
		return fmt.Errorf("discard a draft: %w", gone.Error)
	}
	if gone.RowsAffected > 0 {
		return nil
	}
	if _, err := s.find(s.DB.Gorm(ctx), noticeID); err != nil {
		return err
	}
	return errSent()
}

// Send begins to write a draft to everybody whom it is for; it can't be called back. It
// refuses with FORBIDDEN everybody but administrators, with REAUTHENTICATION_REQUIRED who
// hasn't proved lately who it is, and with CONFLICT what was sent.
func (s *Service) Send(ctx context.Context, v viewer.Viewer, noticeID string) (n *models.Notice, err error) {
	if err := mayAct(v); err != nil {
		return nil, err
	}
	if err := s.Accounts.Fresh(v); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		begun := tx.Model(&models.Notice{}).Where("id = ? AND state = ?", noticeID, models.NoticeDraft).
			Updates(map[string]any{"state": models.NoticeWriting, "started_at": now, "paced_until": now})
		if begun.Error != nil {
			return fmt.Errorf("send a notice: %w", begun.Error)
		}
		if n, err = s.find(tx, noticeID); err != nil {
			return err
		}
		if begun.RowsAffected == 0 {
			return errSent()
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditNoticeSent, By: audit.Operator(v), Facts: models.AuditFacts{Outcome: string(n.Kind), Ref: n.ID}})
	})
	if err != nil {
		return nil, err
	}
	return n, nil
}

// List is a page of the notices, newest first, and whether there are more. It refuses
// everybody but administrators with FORBIDDEN.
func (s *Service) List(ctx context.Context, v viewer.Viewer, p page.Args) (notices []*models.Notice, more bool, err error) {
	if err := mayAct(v); err != nil {
		return nil, false, err
	}
	q := s.DB.Gorm(ctx).Order("id DESC").Limit(p.Size + 1)
	if p.After != "" {
		q = q.Where("id < ?", p.After)
	}
	if err := q.Find(&notices).Error; err != nil {
		return nil, false, fmt.Errorf("list notices: %w", err)
	}
	if more = len(notices) > p.Size; more {
		notices = notices[:p.Size]
	}
	return notices, more, nil
}

// Preview is the notice's mail as somebody would read it who uses the language.
func (s *Service) Preview(n *models.Notice, language string) (subject, text string, err error) {
	facts := s.factsOf(n)
	facts["subject"], facts["text"] = n.WordsIn(language)
	return s.Outbox.Preview(language, models.Letter{Kind: models.LetterKind(n.Kind), Facts: facts})
}

// Audience is how many accounts the notice would be written to now.
func (s *Service) Audience(ctx context.Context, n *models.Notice) (int64, error) {
	if n.Kind == models.NoticeNews {
		return s.Policy.AgreedCount(ctx, models.ConsentMarketing)
	}
	return s.Accounts.AudienceSize(ctx)
}
