package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"github.com/kimi-k2/kimi-k2/internal/fault"
	"github.com/kimi-k2/kimi-k2/internal/mail"
	"github.com/kimi-k2/kimi-k2/models"
)

// noteTimeout bounds the statement that notes what became of a mail.
const noteTimeout = 5 * time.Second

// Deliver gives up what is too old, sends the mails that are due, one after the other, and
// says how many the mail server took. Instances may do this at once: no two send the same mail. When the server
// can't be used it stops with the first mail; the others stay due.
func (s *Service) Deliver(ctx context.Context) (sent int, err error) {
	if err := s.giveUp(ctx); err != nil || !s.HasServer() {
		return 0, err
	}
	for ctx.Err() == nil {
		m, err := s.claim(ctx)
		if err != nil || m == nil {
			return sent, err
		}
		outcome := s.send(ctx, m)
		if err := s.note(ctx, m, outcome); err != nil {
			return sent, err
		}
		if outcome == nil {
			sent++
			continue
		}
		var f *mail.Failure
		switch known := errors.As(outcome, &f); {
		case !known:
			s.Log.WarnContext(ctx, "a mail was not sent", "mail", m.ID, "err", outcome)
		case f.ServerDown():
			return sent, s.expire(ctx, f)
		}
	}
	return sent, nil
}

// The mails that are due: those to one person first, then those to everybody.
const (
	duePersonal = `SELECT owner_id, id FROM mails WHERE status = 'QUEUED' AND dedupe_key NOT LIKE 'notice/%' AND next_at <= ? ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`
	dueAll      = `SELECT owner_id, id FROM mails WHERE status = 'QUEUED' AND next_at <= ? ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`
)

// claim takes the mail that is longest due for the length of a lease, nil when there
// is none. Whoever waits for a confirmation doesn't wait for mails to everybody.
func (s *Service) claim(ctx context.Context) (*models.Mail, error) {
	m, err := s.take(ctx, duePersonal)
	if m != nil || err != nil {
		return m, err
	}
	return s.take(ctx, dueAll)
}

func (s *Service) take(ctx context.Context, due string) (*models.Mail, error) {
	now := s.Clock.Now()
	var taken []models.Mail
	err := s.DB.Tx(ctx, func(tx *gorm.DB) error {
		taken = nil
		return tx.Raw(`
UPDATE mails SET next_at = ?, attempts = mails.attempts + 1
FROM (`+due+`) due
WHERE mails.owner_id = due.owner_id AND mails.id = due.id
RETURNING mails.*`, now.Add(Lease), now).Scan(&taken).Error
	})
	if err != nil {
		return nil, fmt.Errorf("take a mail: %w", err)
	}
	if len(taken) == 0 {
		return nil, nil
	}
	return &taken[0], nil
}

// errUnreadable is a mail whose sealed parts or facts can't be read any more.
var errUnreadable = errors.New("unreadable")

// send opens, renders and sends a mail, if it is still wanted.
func (s *Service) send(ctx context.Context, m *models.Mail) error {
	if err := s.wanted(ctx, m); err != nil {
		return err
	}
	opened, err := s.open(ctx, m)
	if err != nil {
		return err
	}
	return s.Sender.Send(ctx, mail.Message{ID: m.ID, To: m.To, Subject: m.Subject, Text: m.Text, HTML: opened.html, Unsubscribe: opened.unsubscribe})
}

// opened is what is known of an opened mail beside its words.
type opened struct {
	html        string
	unsubscribe string // the address that ends mails of its kind; empty: there is none
}

// open opens a mail's sealed parts and fills in what it says.
func (s *Service) open(ctx context.Context, m *models.Mail) (out opened, err error) {
	key, err := s.Keys.Key(ctx, m.OwnerID)
	if err != nil {
		return out, fmt.Errorf("open the owner's key: %w", err)
	}
	facts := map[string]string{}
	sealed, err := key.Open(factsPlace(m.OwnerID, m.ID), m.FactsSealed)
	if err == nil {
		err = json.Unmarshal(sealed, &facts)
	}
	if err == nil {
		m.To, err = key.OpenString(toPlace(m.OwnerID, m.ID), m.ToSealed)
	}
	if err != nil {
		return out, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if err := s.complete(ctx, m, facts); err != nil {
		return out, err
	}
	r, err := s.templates.render(m.Language, models.LetterKind(m.Kind), s.Brand, facts)
	if err != nil {
		return out, err
	}
	m.Subject, m.Text = r.subject, r.text
	return opened{html: r.html, unsubscribe: facts["unsubscribe"]}, nil
}

// note writes down what became of an attempt, even when ctx has ended. A mail that
// somebody else has taken since, or that went with its owner, is left alone.
func (s *Service) note(ctx context.Context, m *models.Mail, outcome error) error {
	stopped := ctx.Err() != nil
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	now := s.Clock.Now()
	to := map[string]any{"status": models.MailSent, "finished_at": now, "last_error": ""}
	if outcome != nil {
		to = s.afterFailure(m, outcome, stopped, now)
	}
	err := s.DB.Gorm(ctx).Model(m).Where("status = 'QUEUED' AND attempts = ?", m.Attempts).Updates(to).Error
	if err != nil {
		return fmt.Errorf("note what became of a mail: %w", err)
	}
	s.Log.Info("mail", "mail", m.ID, "kind", m.Kind, "status", to["status"], "attempt", m.Attempts, "answer", to["last_error"])
	return nil
}

// afterFailure decides when a mail is tried again, or that it has failed.
func (s *Service) afterFailure(m *models.Mail, outcome error, stopped bool, now time.Time) map[string]any {
	giveUp := m.CreatedAt.Add(GiveUpAfter)
	answer, permanent := explain(outcome)
	switch {
	case permanent, !now.Before(giveUp):
		return map[string]any{"status": models.MailFailed, "finished_at": now, "last_error": answer}
	case stopped: // this instance is going down: another one takes it at once
		return map[string]any{"status": models.MailQueued, "next_at": now, "last_error": answer}
	}
	next := now.Add(pauseAfter(m.Attempts))
	if next.After(giveUp) {
		next = giveUp // the last attempt
	}
	return map[string]any{"status": models.MailQueued, "next_at": next, "last_error": answer}
}

// explain gives what may be kept of a failure: a code and a class.
func explain(err error) (answer string, permanent bool) {
	var f *mail.Failure
	switch {
	case errors.As(err, &f):
		return f.Error(), f.Permanent
	case errors.Is(err, errUnreadable):
		return "unreadable", true
	case errors.Is(err, errUnwanted):
		return unwanted, true
	case errors.Is(err, errNoTemplate):
		return "no template", false // a newer instance may know it
	case fault.Is(err, fault.NotFound):
		return "no owner", true
	}
	return "internal", false
}

// pauseAfter is a minute after the first attempt, doubled with each further one up to
// an hour, less a random fifth, so that mails don't come back all at once.
func pauseAfter(attempts int) time.Duration {
	d := slowestRetry
	if attempts < 7 {
		d = min(firstRetry<<max(attempts-1, 0), slowestRetry)
	}
	return d - rand.N(d/5) //nolint:gosec // spreads mails, no secret
}

// tooOld is a mail that waited longer than GiveUpAfter, as last_error has it.
const tooOld = "too old"

// giveUp fails the mails that waited for longer than GiveUpAfter without an attempt: nobody
// delivered, or there is no mail server any more. The last attempt may come an hour late; one
// that an operator asked for since is made.
func (s *Service) giveUp(ctx context.Context) error {
	now := s.Clock.Now()
	err := s.DB.Gorm(ctx).Exec(`UPDATE mails SET status = 'FAILED', finished_at = ?, last_error = ?
		WHERE status = 'QUEUED' AND created_at < ? AND next_at < ? AND next_at <= created_at + ?::float8 * interval '1 second'`,
		now, tooOld, now.Add(-GiveUpAfter-slowestRetry), now.Add(-slowestRetry), GiveUpAfter.Seconds()).Error
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("give up mails that nobody sent: %w", err)
	}
	return nil
}

// expire fails the mails that got too old while the server could not be used, since
// only the first of them was tried.
func (s *Service) expire(ctx context.Context, why *mail.Failure) error {
	now := s.Clock.Now()
	err := s.DB.Gorm(ctx).Exec(`UPDATE mails SET status = 'FAILED', finished_at = ?, last_error = ?
		WHERE status = 'QUEUED' AND next_at <= ? AND created_at <= ?`, now, why.Error(), now, now.Add(-GiveUpAfter)).Error
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("give up old mails: %w", err)
	}
	return nil
}
