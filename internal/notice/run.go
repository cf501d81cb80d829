package notice

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/kimi-k2/kimi-k2/internal/audit"
	"github.com/kimi-k2/kimi-k2/internal/id"
	"github.com/kimi-k2/kimi-k2/internal/viewer"
	"github.com/kimi-k2/kimi-k2/models"
)

// Run announces a version of the policy that wasn't yet, writes the mails that are due, and
// counts what became of those that are written. It says how many it wrote. Instances may
// do this at once: no account is written to twice.
func (s *Service) Run(ctx context.Context) (written int64, err error) {
	err = errors.Join(s.announce(ctx), s.tally(ctx))
	var failed []string // notices whose batch can't be written: the others don't wait for them
	for ctx.Err() == nil {
		n, noticeID, broken := s.step(ctx, failed)
		written += n
		switch {
		case noticeID == "":
			return written, errors.Join(err, broken)
		case broken != nil:
			failed, err = append(failed, noticeID), errors.Join(err, broken)
		}
	}
	return written, errors.Join(err, ctx.Err())
}

// announce begins the notice of the newest significant version, once for all instances.
func (s *Service) announce(ctx context.Context) error {
	version, _, ok := s.Policy.Announced()
	if !ok {
		return nil
	}
	var known int64
	if err := s.DB.Gorm(ctx).Model(&models.Notice{}).Where("policy_version = ?", version).Count(&known).Error; err != nil {
		return fmt.Errorf("look for the notice of a version: %w", err)
	}
	if known > 0 {
		return nil
	}
	now := s.Clock.Now()
	n := models.Notice{ID: id.New(id.Notice), Kind: models.NoticePolicy, PolicyVersion: &version, State: models.NoticeWriting, CreatedAt: now, StartedAt: &now, PacedUntil: now}
	return s.DB.Tx(ctx, func(tx *gorm.DB) error {
		made := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "policy_version"}}, DoNothing: true}).Create(&n)
		if made.Error != nil || made.RowsAffected == 0 {
			return made.Error
		}
		return s.Audit.WriteTx(tx, audit.Entry{Act: models.AuditPolicyPublished, By: audit.System(), Facts: models.AuditFacts{Version: version, Ref: n.ID}})
	})
}

// maxPause is more than the throttle ever waits: what is further ahead was written by a clock
// that was wrong.
const maxPause = 5 * time.Minute

// step writes one batch of the oldest notice whose time has come, but for some, and says which
// that was; empty: there is none.
func (s *Service) step(ctx context.Context, without []string) (written int64, noticeID string, err error) {
	now := s.Clock.Now()
	err = s.DB.Tx(ctx, func(tx *gorm.DB) error {
		written, noticeID = 0, ""
		var due []models.Notice
		err := tx.Raw(`SELECT * FROM notices WHERE state = ? AND (paced_until <= ? OR paced_until > ?) AND waiting < ? AND id <> ALL(string_to_array(?, ' ')) ORDER BY started_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
			models.NoticeWriting, now, now.Add(maxPause), s.mayWait(), strings.Join(without, " ")).Scan(&due).Error
		if err != nil || len(due) == 0 {
			return err
		}
		noticeID = due[0].ID
		written, err = s.batchTx(tx, &due[0], now)
		return err
	})
	if err != nil {
		return 0, noticeID, fmt.Errorf("write the mails of notice %s: %w", noticeID, err)
	}
	return written, noticeID, nil
}

// mayWait is how many mails of a notice may wait for the mail server before no more are
// written, so that it isn't overrun after it was away.
func (s *Service) mayWait() int64 {
	if s.PerMinute <= 0 {
		return 1 << 40
	}
	return int64(2 * s.PerMinute)
}

// batchTx writes to the next accounts and moves the cursor, or ends the walk.
func (s *Service) batchTx(tx *gorm.DB, n *models.Notice, now time.Time) (int64, error) {
	to, letters, last, err := s.lettersTx(tx, n)
	if err != nil {
		return 0, err
	}
	var written int64
	if len(letters) > 0 {
		if written, err = s.Outbox.EnqueueManyTx(tx, to, letters); err != nil {
			return 0, err
		}
	}
	change := map[string]any{"cursor": last, "written": n.Written + written, "waiting": n.Waiting + written, "paced_until": s.paced(n.PacedUntil, now, written)}
	if last == "" {
		change["cursor"], change["state"] = n.Cursor, models.NoticeSending
	}
	if err := tx.Model(&models.Notice{}).Where("id = ?", n.ID).Updates(change).Error; err != nil {
		return 0, fmt.Errorf("move the cursor: %w", err)
	}
	return written, nil
}

// paced is when the next batch may be written.
func (s *Service) paced(before, now time.Time, written int64) time.Time {
	if s.PerMinute <= 0 {
		return now
	}
	if before.Before(now.Add(-time.Minute)) || before.After(now.Add(maxPause)) {
		before = now
	}
	return before.Add(time.Duration(written) * time.Minute / time.Duration(s.PerMinute))
}

// lettersTx are the mails of the next batch.
func (s *Service) lettersTx(tx *gorm.DB, n *models.Notice) (to []viewer.Viewer, letters []models.Letter, last string, err error) {
	size := batch
	if s.PerMinute > 0 {
		size = min(batch, s.PerMinute)
	}
	facts := s.factsOf(n)
	last, err = s.Accounts.AudienceTx(tx, n.Cursor, *n.StartedAt, size, func(v viewer.Viewer, a *models.Account) error {
		mine := map[string]string{"name": a.Name}
		for k, f := range facts {
			mine[k] = f
		}
		to = append(to, v)
		letters = append(letters, models.Letter{Kind: models.LetterKind(n.Kind), To: a.Email, Language: a.Language, DedupeKey: dedupeKey(n), Facts: mine})
		return nil
	})
	if err != nil || n.Kind != models.NoticeNews || len(to) == 0 {
		return to, letters, last, err
	}
	to, letters, err = s.agreedTx(tx, to, letters)
	return to, letters, last, err
}

// agreedTx leaves those who agreed to news.
func (s *Service) agreedTx(tx *gorm.DB, to []viewer.Viewer, letters []models.Letter) ([]viewer.Viewer, []models.Letter, error) {
	owners := make([]string, len(to))
	for i, v := range to {
		owners[i] = v.OwnerID
	}
	agreed, err := s.Policy.AgreedTx(tx, owners, models.ConsentMarketing)
	if err != nil {
		return nil, nil, err
	}
	kept := 0
	for i, v := range to {
		if agreed[v.OwnerID] {
			to[kept], letters[kept] = v, letters[i]
			kept++
		}
	}
	return to[:kept], letters[:kept], nil
}

// factsOf are the facts of a notice's mails beside the name.
func (s *Service) factsOf(n *models.Notice) map[string]string {
	if n.Kind != models.NoticePolicy {
		return map[string]string{"notice": n.ID}
	}
	facts := map[string]string{"version": *n.PolicyVersion}
	if version, at, ok := s.Policy.Announced(); ok && version == *n.PolicyVersion {
		facts["at"] = strconv.FormatInt(at.Unix(), 10)
	}
	return facts
}

// tally counts what became of the mails of notices under way, and ends those of which
// none waits.
func (s *Service) tally(ctx context.Context) error {
	var running []models.Notice
	if err := s.DB.Gorm(ctx).Where("state IN ?", []models.NoticeState{models.NoticeWriting, models.NoticeSending}).Find(&running).Error; err != nil {
		return fmt.Errorf("find notices under way: %w", err)
	}
	for i := range running {
		n := &running[i]
		t, err := s.Outbox.Tally(ctx, dedupeKey(n))
		if err != nil {
			return err
		}
		change := map[string]any{"waiting": t.Waiting, "sent": t.Sent, "refused": t.Refused, "withdrawn": t.Withdrawn, "failed": t.Failed, "kept": t.Kept}
		if n.State == models.NoticeSending && t.Waiting == 0 {
			change["state"], change["finished_at"] = models.NoticeDone, s.Clock.Now()
		}
		if err := s.DB.Gorm(ctx).Model(&models.Notice{}).Where("id = ? AND state = ?", n.ID, n.State).Updates(change).Error; err != nil {
			return fmt.Errorf("note what became of a notice: %w", err)
		}
	}
	return nil
}
