package notify

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Refused and unwanted mails, as last_error has them.
const (
	unwanted = "withdrawn"
	// refused is how the recipient's mail server says no for good, see mail.Failure.
	refused = "5__ recipient"
	// nowhere is a mail to an address that is none.
	nowhere = "no address"
)

// Notices knows what the mails to everybody say.
type Notices interface {
	Words(ctx context.Context, noticeID, language string) (subject, text string, err error)
}

// Subscriptions knows who wants mails that nobody has to get.
type Subscriptions interface {
	// Subscribed reports whether the owner wants them now.
	Subscribed(ctx context.Context, ownerID string) (bool, error)
	// UnsubscribePath is the path of the page that ends them, for this owner alone.
	UnsubscribePath(ownerID string) string
}

// Join hands over the rooms that were built after this one because they need it. It is
// called once, before the first mail is sent; without Notices no mail to everybody is,
// without Subscriptions no news.
func (s *Service) Join(n Notices, sub Subscriptions) { s.notices, s.subscriptions = n, sub }

// optional reports whether mails of a kind go only to who agreed to them.
func optional(k models.LetterKind) bool { return k == models.LetterNews }

// EnqueueManyTx is EnqueueTx for many recipients, with one statement, and says how many
// were written. One whose address is none is written as failed, and keeps no other from
// being written. They wait for the next turn of Job: a turn for each batch would keep all
// workers from everything else.
func (s *Service) EnqueueManyTx(tx *gorm.DB, to []viewer.Viewer, letters []models.Letter) (int64, error) {
	rows := make([]models.Mail, len(letters))
	for i, l := range letters {
		var err error
		if rows[i], err = s.row(to[i], l); errors.Is(err, errAddress) {
			now := s.Clock.Now()
			rows[i], err = s.seal(to[i], l)
			rows[i].Status, rows[i].LastError, rows[i].FinishedAt = models.MailFailed, nowhere, &now
		}
		if err != nil {
			return 0, err
		}
	}
	written := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "owner_id"}, {Name: "dedupe_key"}}, DoNothing: true}).Create(&rows)
	if written.Error != nil {
		return 0, fmt.Errorf("write the mails: %w", written.Error)
	}
	return written.RowsAffected, nil
}

// Tally counts what became of the mails of a key that are still here.
func (s *Service) Tally(ctx context.Context, dedupeKey string) (t models.MailTally, err error) {
	err = s.DB.Pool().QueryRow(ctx, `SELECT count(*) FILTER (WHERE status = 'QUEUED'), count(*) FILTER (WHERE status = 'SENT'),
		count(*) FILTER (WHERE status = 'FAILED' AND last_error LIKE $2), count(*) FILTER (WHERE status = 'FAILED' AND last_error = $3),
		count(*) FILTER (WHERE status = 'FAILED' AND last_error NOT LIKE $2 AND last_error <> $3), count(*) FILTER (WHERE status = 'KEPT')
		FROM mails WHERE dedupe_key = $1 AND dedupe_key LIKE 'notice/%'`, dedupeKey, refused, unwanted).
		Scan(&t.Waiting, &t.Sent, &t.Refused, &t.Withdrawn, &t.Failed, &t.Kept)
	if err != nil {
		return t, fmt.Errorf("count mails: %w", err)
	}
	return t, nil
}

// Preview puts a letter into words, as its recipient would read it.
func (s *Service) Preview(language string, l models.Letter) (subject, text string, err error) {
	if optional(l.Kind) && l.Facts["unsubscribe"] == "" {
		l.Facts["unsubscribe"] = s.Brand.Home + "/unsubscribe/…"
	}
	r, err := s.templates.render(language, l.Kind, s.Brand, l.Facts)
	return r.subject, r.text, err
}

// errUnwanted is a mail that its recipient has unsubscribed from since it was written.
var errUnwanted = errors.New("not wanted any more")

// complete adds what is not kept with each mail of a notice.
func (s *Service) complete(ctx context.Context, m *models.Mail, facts map[string]string) (err error) {
	if noticeID := facts["notice"]; noticeID != "" && s.notices != nil {
		if facts["subject"], facts["text"], err = s.notices.Words(ctx, noticeID, m.Language); err != nil {
			return err
		}
	}
	if optional(models.LetterKind(m.Kind)) && s.subscriptions != nil {
		facts["unsubscribe"] = s.Brand.Home + s.subscriptions.UnsubscribePath(m.OwnerID)
	}
	return nil
}

// wanted refuses with errUnwanted what nobody has to get and the recipient doesn't want.
func (s *Service) wanted(ctx context.Context, m *models.Mail) error {
	if !optional(models.LetterKind(m.Kind)) {
		return nil
	}
	if s.subscriptions == nil {
		return errUnwanted
	}
	yes, err := s.subscriptions.Subscribed(ctx, m.OwnerID)
	if err == nil && !yes {
		return errUnwanted
	}
	return err
}
